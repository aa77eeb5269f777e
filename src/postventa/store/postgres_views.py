"""PostgreSQL: the read-only queries and the mailbox, each query in one read-only transaction of its own."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

from postventa.core.event import Event
from postventa.core.state import CustomerState
from postventa.store import figures, rows, shown
from postventa.store.base import DeadLetter, HistoryRow, OutboxRecord, Pause, Release, WaitingEvent
from postventa.store.changes import Answer
from postventa.store.codec import (
    dumps,
    loads,
    optional_time_from_text,
    stand_from_plain,
    time_from_text,
)
from postventa.store.postgres_customers import load_customers
from postventa.store.postgres_outbox import OUTBOX
from postventa.store.postgres_pool import Connections
from postventa.store.postgres_sql import Fetching, Sql, arrays, columns, insert
from postventa.store.postgres_transaction import LETTER, letter_from_row, waiting_from_row

_RELEASE = 'select hash, published_at::text, "by", message, files::text from releases'
_LIVE = "(select value from control where key = 'live_release')"

_FIGURES = figures.statements(
    "$1", lambda column, mark: f"split_part({column}, '{mark}', 1)", lambda column: f"{column}::text"
)


class PostgresViews:
    """See `store.base.Views`."""

    def __init__(self, readers: Connections) -> None:
        self._readers = readers

    async def _all(self, query: str, *values: Any) -> list[Any]:
        found: list[Any] = await self._readers.read(lambda db: db.fetch(query, *values))
        return found

    async def _one(self, query: str, *values: Any) -> Any:
        return await self._readers.read(lambda db: db.fetchrow(query, *values))

    # --- releases and control --------------------------------------------------------------------------------------
    async def live_release(self) -> Release | None:
        row = await self._one(f"{_RELEASE} where hash = {_LIVE}")
        return rows.release_from_row(row) if row else None

    async def release(self, hash_: str) -> Release | None:
        row = await self._one(f"{_RELEASE} where hash = $1", hash_)
        return rows.release_from_row(row) if row else None

    async def releases(self) -> list[dict[str, Any]]:
        found = await self._all(
            f'select hash, published_at::text, "by", message, hash = {_LIVE} from releases'
            " order by published_at desc, hash desc"
        )
        return [shown.release(row[0], time_from_text(row[1]), row[2], row[3], bool(row[4])) for row in found]

    async def release_hashes_in_use(self) -> set[str]:
        found = await self._all(f"select distinct release from runs union select {_LIVE}")
        return {release for (release,) in found if release}

    async def versions_in_use(self) -> set[tuple[str, str]]:
        return {(row[0], row[1]) for row in await self._all("select distinct journey, version from runs")}

    async def customers_inside(self, journey: str, versions: Collection[str], after: str, limit: int) -> list[str]:
        found = await self._all(
            "select distinct customer_id from runs where journey = $1 and customer_id > $2"
            " and version = any($3::text[]) order by customer_id limit $4",
            journey, after, sorted(versions), limit,
        )  # fmt: skip
        return [row[0] for row in found]

    async def control(self, key: str) -> str | None:
        row = await self._one("select value from control where key = $1", key)
        return row[0] if row else None

    async def pauses(self) -> list[Pause]:
        found = await self._all('select scope, reason, at::text, "by" from pauses order by scope')
        return [Pause(scope, reason, time_from_text(at), by) for scope, reason, at, by in found]

    async def positions(self) -> dict[tuple[str, int], int]:
        return {(row[0], row[1]): row[2] for row in await self._all("select topic, partition, next from positions")}

    # --- the whole -------------------------------------------------------------------------------------------------
    async def next_due(self) -> datetime | None:
        row = await self._one("select min(due_at)::text from customers where due_at is not null")
        return optional_time_from_text(row[0])

    async def latest(self) -> datetime | None:
        row = await self._one("select max(now)::text from customers")
        return optional_time_from_text(row[0])

    async def counts(self, now: datetime) -> dict[str, Any]:
        counted: dict[str, Any] = await self._readers.read(lambda db: _counts(db, now))
        return counted

    async def gauges(self, now: datetime) -> dict[str, Any]:
        row = await self._one(_GAUGES, now, now + shown.SOON)
        return shown.gauges_of(row)

    async def outbox_busy(self) -> int:
        row = await self._one(
            "select (select count(*) from outbox"
            " where state = 'pending' and kind = 'message' and next_try_at = '-infinity')"
            " + (select count(*) from outbox where state = 'claimed' and lease_until is not null)"
            " + (select count(*) from outbox where state = 'sending' and sending_at is not null)"
        )
        return int(row[0])

    # --- customers -------------------------------------------------------------------------------------------------
    async def find_customer(self, text: str) -> list[str]:
        return [row[0] for row in await self._all(_FIND, text, text.lower())]

    async def customer(self, customer_id: str) -> CustomerState | None:
        states, _ = await self._readers.read(lambda db: load_customers(db, [customer_id]))
        found: CustomerState | None = states.get(customer_id)
        return found

    async def customer_ids(self, after: str = "", limit: int = 1000) -> list[str]:
        found = await self._all(
            "select customer_id from customers where customer_id > $1 order by customer_id limit $2", after, limit
        )
        return [row[0] for row in found]

    async def history(self, customer_id: str) -> list[HistoryRow]:
        found = await self._all(
            f"select {columns('history', rows.HISTORY)} from history where customer_id = $1 order by seq", customer_id
        )
        return list(map(rows.history_from_row, found))

    async def events(self, customer_id: str) -> list[tuple[Event, datetime]]:
        found = await self._all(
            f"select {columns('events', rows.EVENT)} from events where customer_id = $1 and applied_at is not null"
            " order by events.applied_at, events.occurred_at, source, id",
            customer_id,
        )
        return [(rows.event_from_row(row), time_from_text(row[3])) for row in found]

    async def trace(self, customer_id: str, limit: int = 500) -> list[dict[str, Any]]:
        found = await self._all(
            f"select {columns('trace', rows.TRACE)} from trace where customer_id = $1 order by number desc limit $2",
            customer_id,
            limit,
        )
        return [shown.trace(*rows.trace_from_row(row)) for row in reversed(found)]

    async def messages(self, customer_id: str | None = None, limit: int = 200) -> list[OutboxRecord]:
        whose = "" if customer_id is None else "and customer_id = $2"
        found = await self._all(
            f"{OUTBOX} where kind = 'message' {whose} order by outbox.created_at desc, outbox.effect_id desc limit $1",
            limit,
            *([] if customer_id is None else [customer_id]),
        )
        return list(map(rows.outbox_from_row, found))

    async def uncertain(self, limit: int = 200) -> list[OutboxRecord]:
        found = await self._all(
            f"{OUTBOX} where state = 'uncertain' order by outbox.created_at, effect_id limit $1", limit
        )
        return list(map(rows.outbox_from_row, found))

    async def outbox_row(self, effect_id: str) -> OutboxRecord | None:
        row = await self._one(f"{OUTBOX} where effect_id = $1", effect_id)
        return rows.outbox_from_row(row) if row else None

    async def postings(self, customer_id: str) -> list[dict[str, Any]]:
        found = await self._all(
            f"select {columns('postings', rows.POSTING)} from postings where customer_id = $1"
            " order by postings.at, posting_id",
            customer_id,
        )
        return [shown.posting_of(row) for row in found]

    async def answers(self, survey: str | None = None, limit: int = 1000) -> list[dict[str, Any]]:
        found = await self._all(
            f"select {columns('answers', rows.ANSWER)} from answers where survey = coalesce($1, survey)"
            " order by answers.at desc, customer_id desc, source desc, id desc limit $2",
            survey,
            limit,
        )
        return [shown.answer(_answer_from_row(row)) for row in found]

    # --- lists -----------------------------------------------------------------------------------------------------
    async def dead_letters(self, limit: int = 200) -> list[DeadLetter]:
        found = await self._all(f"select {LETTER} from dead_letters order by id desc limit $1", limit)
        return list(map(letter_from_row, found))

    async def dead_letter(self, number: int) -> DeadLetter | None:
        row = await self._one(f"select {LETTER} from dead_letters where id = $1", number)
        return letter_from_row(row) if row else None

    async def parked(self, limit: int = 200) -> list[dict[str, Any]]:
        found = await self._all(
            "select customer_id, run_id, journey, version, subject_type, subject_id, standing from runs"
            " where stand = 'parked' order by customer_id, run_id limit $1",
            limit,
        )
        return [
            shown.parked_run(row[0], row[1], row[2], row[3], (row[4], row[5]), stand_from_plain(loads(row[6])))
            for row in found
        ]

    async def audited(self, limit: int = 200) -> list[dict[str, Any]]:
        found = await self._all("select at::text, who, what, detail from audit order by number desc limit $1", limit)
        return [shown.audited_of(row) for row in found]

    async def waiting(self, limit: int = 200) -> list[WaitingEvent]:
        found = await self._all(
            "select order_id, event, received_at::text from waiting_room"
            " order by waiting_room.received_at, event ->> 'occurred_at', source, id limit $1",
            limit,
        )
        return list(map(waiting_from_row, found))

    async def figures(self, journey: str) -> dict[str, Any]:
        names = ("inside", "ended", "refused", "messages", "skipped", "exposed")
        return figures.figures({name: await self._all(_FIGURES[name], journey) for name in names})

    async def occurrences(self, event_type: str) -> list[tuple[str, str]]:
        return [(row[0], figures.utc(row[1])) for row in await self._all(_FIGURES["occurrences"], event_type)]

    async def goals(self, journey: str | None = None) -> list[dict[str, Any]]:
        found = await self._all(
            f"select {columns('goals', rows.GOAL)} from goals where journey = coalesce($1, journey)"
            " order by goals.at, customer_id, run_id",
            journey,
        )
        return [shown.goal_of(row) for row in found]

    async def ended_runs(self, journey: str | None = None, limit: int = 200) -> list[dict[str, Any]]:
        found = await self._all(
            f"select {columns('ended_runs', rows.ENDED_RUN)} from ended_runs where journey = coalesce($1, journey)"
            " order by ended_runs.ended_at desc, run_id desc limit $2",
            journey,
            limit,
        )
        return [shown.ended_run_of(row) for row in found]


_FIND = """
    select customer_id from customers where customer_id = $1 or email = $2
    union select customer_id from customer_alias where alias in ($1, $2)
    union select customer_id from order_owner where order_id = $1 and customer_id is not null
    union select customer_id from things where type = 'order' and facts ->> 'number' = $1
    order by customer_id"""


def _answer_from_row(row: Sequence[Any]) -> Answer:
    score = row[5]
    whole = int(score) if score is not None and score == int(score) else score
    return Answer(row[0], row[1], row[2], time_from_text(row[3]), row[4], whole, tuple(loads(row[6])), row[7], row[8])


async def _counts(db: Fetching, now: datetime) -> dict[str, Any]:
    runs = await db.fetch("select journey, version, step, stand, count(*) from runs group by 1, 2, 3, 4")
    outbox = await db.fetch("select kind, state, count(*) from outbox group by 1, 2")
    (row,) = await db.fetch(_NUMBERS, now)
    return shown.counts(
        customers=row["customers"],
        erased=row["erased"],
        runs={(one[0], one[1], one[2], one[3]): one[4] for one in runs},
        waiting_for_time=row["waiting_for_time"],
        overdue=row["overdue"],
        oldest=optional_time_from_text(row["oldest"]),
        outbox={(one[0], one[1]): one[2] for one in outbox},
        waiting=row["waiting"],
        dead_letters=row["dead_letters"],
    )


_NUMBERS = """
    select (select count(*) from customers) as customers, (select count(*) from erased) as erased,
           (select count(*) from customers where due_at is not null) as waiting_for_time,
           (select count(*) from customers where due_at <= $1) as overdue,
           (select min(due_at)::text from customers where due_at is not null) as oldest,
           (select count(*) from waiting_room) as waiting, (select count(*) from dead_letters) as dead_letters"""


_GAUGES = """
    select (select count(*) from customers where due_at > $1 and due_at <= $2) as due_soon,
           (select count(*) from customers where due_at <= $1) as overdue,
           (select min(due_at)::text from customers where due_at <= $1) as oldest,
           (select count(*) from outbox where state = 'pending' and kind = 'message') as message_pending,
           (select count(*) from outbox where state = 'claimed') as message_claimed,
           (select count(*) from outbox where state = 'sending') as message_sending,
           (select count(*) from outbox where state = 'uncertain') as message_uncertain,
           (select count(*) from outbox where state = 'pending' and kind = 'event') as event_pending,
           (select min(created_at)::text from outbox
            where state = 'pending' and kind = 'message' and next_try_at <= $1) as oldest_pending,
           (select count(*) from waiting_room) as waiting, (select count(*) from dead_letters) as dead_letters,
           (select count(*) from runs where stand = 'parked') as parked"""


_MAIL = ("effect_id", "customer", '"to"', "at", "mail")


class PostgresMailbox:
    """See `store.base.Mailbox`. Mails that arrive together are committed together."""

    def __init__(
        self, readers: Connections, write: Callable[[Callable[[Sql], Awaitable[None]]], Awaitable[None]]
    ) -> None:
        self._readers = readers
        self._write = write

    async def put_mail(self, mail: Mapping[str, Any]) -> None:
        row = (*(mail.get(name) for name in ("effect_id", "customer", "to", "at")), dumps(mail))

        async def write(db: Sql) -> None:
            await db.execute(insert("mails", _MAIL), *arrays([row]))

        await self._write(write)

    async def mails(self, limit: int = 200, customer: str | None = None) -> list[dict[str, Any]]:
        whose = "" if customer is None else "where customer = $2"
        values = (limit,) if customer is None else (limit, customer)
        query = f"select mail from mails {whose} order by number desc limit $1"
        found = await self._readers.read(lambda db: db.fetch(query, *values))
        return [loads(row[0]) for row in found]

    async def mail(self, effect_id: str) -> dict[str, Any] | None:
        query = "select mail from mails where effect_id = $1 order by number desc limit 1"
        row = await self._readers.read(lambda db: db.fetchrow(query, effect_id))
        return None if row is None else dict(loads(row[0]))
