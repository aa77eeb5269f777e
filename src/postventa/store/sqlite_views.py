"""SQLite: the read-only queries and the mailbox, each query in one read transaction of a reader's connection."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Collection, Coroutine, Mapping, Sequence
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
    time_to_text,
)
from postventa.store.sqlite_customers import load_customers
from postventa.store.sqlite_thread import Readers
from postventa.store.sqlite_transaction import LETTER, letter_from_row, waiting_from_row

_OUTBOX = f"select {', '.join(rows.OUTBOX)} from outbox"
_RELEASE = 'select hash, published_at, "by", message, files from releases'
_LIVE = "(select value from control where key = 'live_release')"


class SqliteViews:
    """See `store.base.Views`."""

    def __init__(self, readers: Readers) -> None:
        self._readers = readers

    async def _all(self, query: str, *values: Any) -> list[Any]:
        return await self._readers.read(lambda db: db.execute(query, values).fetchall())

    async def _one(self, query: str, *values: Any) -> Any:
        return await self._readers.read(lambda db: db.execute(query, values).fetchone())

    # --- releases and control --------------------------------------------------------------------------------------
    async def live_release(self) -> Release | None:
        row = await self._one(f"{_RELEASE} where hash = {_LIVE}")
        return rows.release_from_row(row) if row else None

    async def release(self, hash_: str) -> Release | None:
        row = await self._one(f"{_RELEASE} where hash = ?", hash_)
        return rows.release_from_row(row) if row else None

    async def releases(self) -> list[dict[str, Any]]:
        found = await self._all(
            f'select hash, published_at, "by", message, hash is {_LIVE} from releases'
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
            "select distinct customer_id from runs where journey = ? and customer_id > ?"
            " and version in (select value from json_each(?)) order by customer_id limit ?",
            journey, after, dumps(sorted(versions)), limit,
        )  # fmt: skip
        return [customer_id for (customer_id,) in found]

    async def control(self, key: str) -> str | None:
        row = await self._one("select value from control where key = ?", key)
        return row[0] if row else None

    async def pauses(self) -> list[Pause]:
        found = await self._all('select scope, reason, at, "by" from pauses order by scope')
        return [Pause(scope, reason, time_from_text(at), by) for scope, reason, at, by in found]

    async def positions(self) -> dict[tuple[str, int], int]:
        return {(row[0], row[1]): row[2] for row in await self._all("select topic, partition, next from positions")}

    # --- the whole -------------------------------------------------------------------------------------------------
    async def next_due(self) -> datetime | None:
        row = await self._one("select min(due_at) from customers where due_at is not null")
        return optional_time_from_text(row[0])

    async def latest(self) -> datetime | None:
        row = await self._one("select max(now) from customers")
        return optional_time_from_text(row[0])

    async def counts(self, now: datetime) -> dict[str, Any]:
        return await self._readers.read(lambda db: _counts(db, time_to_text(now)))

    async def gauges(self, now: datetime) -> dict[str, Any]:
        return await self._readers.read(lambda db: _gauges(db, now))

    async def outbox_busy(self) -> int:
        row = await self._one(
            "select (select count(*) from outbox where state = 'pending' and kind = 'message' and next_try_at = '')"
            " + (select count(*) from outbox where state = 'claimed' and lease_until is not null)"
            " + (select count(*) from outbox where state = 'sending' and sending_at is not null)"
        )
        return int(row[0])

    # --- customers -------------------------------------------------------------------------------------------------
    async def find_customer(self, text: str) -> list[str]:
        return [customer_id for (customer_id,) in await self._all(_FIND, text, text.lower())]

    async def customer(self, customer_id: str) -> CustomerState | None:
        states, _ = await self._readers.read(lambda db: load_customers(db, [customer_id], insert=False))
        return states.get(customer_id)

    async def customer_ids(self, after: str = "", limit: int = 1000) -> list[str]:
        found = await self._all(
            "select customer_id from customers where customer_id > ? order by customer_id limit ?", after, limit
        )
        return [customer_id for (customer_id,) in found]

    async def history(self, customer_id: str) -> list[HistoryRow]:
        columns = ", ".join(rows.HISTORY)
        found = await self._all(f"select {columns} from history where customer_id = ? order by seq", customer_id)
        return list(map(rows.history_from_row, found))

    async def events(self, customer_id: str) -> list[tuple[Event, datetime]]:
        found = await self._all(
            f"select {', '.join(rows.EVENT)} from events where customer_id = ? and applied_at is not null"
            " order by applied_at, occurred_at, source, id",
            customer_id,
        )
        return [(rows.event_from_row(row), time_from_text(row[3])) for row in found]

    async def trace(self, customer_id: str, limit: int = 500) -> list[dict[str, Any]]:
        found = await self._all(
            f"select {', '.join(rows.TRACE)} from trace where customer_id = ? order by number desc limit ?",
            customer_id,
            limit,
        )
        return [shown.trace(*rows.trace_from_row(row)) for row in reversed(found)]

    async def messages(self, customer_id: str | None = None, limit: int = 200) -> list[OutboxRecord]:
        whose = "" if customer_id is None else "and customer_id = ?"
        found = await self._all(
            f"{_OUTBOX} where kind = 'message' {whose} order by created_at desc, effect_id desc limit ?",
            *([] if customer_id is None else [customer_id]),
            limit,
        )
        return list(map(rows.outbox_from_row, found))

    async def uncertain(self, limit: int = 200) -> list[OutboxRecord]:
        found = await self._all(f"{_OUTBOX} where state = 'uncertain' order by created_at, effect_id limit ?", limit)
        return list(map(rows.outbox_from_row, found))

    async def outbox_row(self, effect_id: str) -> OutboxRecord | None:
        row = await self._one(f"{_OUTBOX} where effect_id = ?", effect_id)
        return rows.outbox_from_row(row) if row else None

    async def postings(self, customer_id: str) -> list[dict[str, Any]]:
        columns = ", ".join(rows.POSTING)
        found = await self._all(
            f"select {columns} from postings where customer_id = ? order by at, posting_id", customer_id
        )
        return [shown.posting_of(row) for row in found]

    async def answers(self, survey: str | None = None, limit: int = 1000) -> list[dict[str, Any]]:
        found = await self._all(
            f"select {', '.join(rows.ANSWER)} from answers where survey = coalesce(?, survey)"
            " order by at desc, customer_id desc, source desc, id desc limit ?",
            survey,
            limit,
        )
        return [shown.answer(_answer_from_row(row)) for row in found]

    # --- results ---------------------------------------------------------------------------------------------------
    async def figures(self, journey: str) -> dict[str, Any]:
        names = ("inside", "ended", "refused", "messages", "skipped", "exposed")
        return figures.figures({name: await self._all(_FIGURES[name], journey) for name in names})

    async def occurrences(self, event_type: str) -> list[tuple[str, str]]:
        return [(row[0], figures.utc(row[1])) for row in await self._all(_FIGURES["occurrences"], event_type)]

    # --- lists -----------------------------------------------------------------------------------------------------
    async def dead_letters(self, limit: int = 200) -> list[DeadLetter]:
        found = await self._all(f"select {LETTER} from dead_letters order by id desc limit ?", limit)
        return list(map(letter_from_row, found))

    async def dead_letter(self, number: int) -> DeadLetter | None:
        row = await self._one(f"select {LETTER} from dead_letters where id = ?", number)
        return letter_from_row(row) if row else None

    async def parked(self, limit: int = 200) -> list[dict[str, Any]]:
        found = await self._all(
            "select customer_id, run_id, journey, version, subject_type, subject_id, standing from runs"
            " where stand = 'parked' order by customer_id, run_id limit ?",
            limit,
        )
        return [
            shown.parked_run(row[0], row[1], row[2], row[3], (row[4], row[5]), stand_from_plain(loads(row[6])))
            for row in found
        ]

    async def audited(self, limit: int = 200) -> list[dict[str, Any]]:
        found = await self._all("select at, who, what, detail from audit order by number desc limit ?", limit)
        return [shown.audited_of(row) for row in found]

    async def waiting(self, limit: int = 200) -> list[WaitingEvent]:
        found = await self._all(
            "select order_id, event, received_at from waiting_room"
            " order by received_at, event ->> '$.occurred_at', source, id limit ?",
            limit,
        )
        return list(map(waiting_from_row, found))

    async def goals(self, journey: str | None = None) -> list[dict[str, Any]]:
        found = await self._all(
            f"select {', '.join(rows.GOAL)} from goals where journey = coalesce(?, journey)"
            " order by at, customer_id, run_id",
            journey,
        )
        return [shown.goal_of(row) for row in found]

    async def ended_runs(self, journey: str | None = None, limit: int = 200) -> list[dict[str, Any]]:
        found = await self._all(
            f"select {', '.join(rows.ENDED_RUN)} from ended_runs where journey = coalesce(?, journey)"
            " order by ended_at desc, run_id desc limit ?",
            journey,
            limit,
        )
        return [shown.ended_run_of(row) for row in found]


_FIGURES = figures.statements(
    "?1", lambda column, mark: f"substr({column}, 1, instr({column} || '{mark}', '{mark}') - 1)", lambda column: column
)

_FIND = """
    select customer_id from customers where customer_id = ?1 or email = ?2
    union select customer_id from customer_alias where alias in (?1, ?2)
    union select customer_id from order_owner where order_id = ?1 and customer_id is not null
    union select customer_id from things
          where type = 'order' and json_extract(facts, '$.number') is not null
            and cast(json_extract(facts, '$.number') as text) = ?1
    order by customer_id"""


def _answer_from_row(row: Sequence[Any]) -> Answer:
    return Answer(row[0], row[1], row[2], time_from_text(row[3]), row[4], row[5], tuple(loads(row[6])), row[7], row[8])


def _counts(db: sqlite3.Connection, now: str) -> dict[str, Any]:
    def number(query: str, *values: Any) -> int:
        return int(db.execute(query, values).fetchone()[0])

    runs = db.execute("select journey, version, step, stand, count(*) from runs group by 1, 2, 3, 4")
    outbox = db.execute("select kind, state, count(*) from outbox group by 1, 2")
    oldest = db.execute("select min(due_at) from customers where due_at is not null").fetchone()[0]
    return shown.counts(
        customers=number("select count(*) from customers"),
        erased=number("select count(*) from erased"),
        runs={(row[0], row[1], row[2], row[3]): row[4] for row in runs},
        waiting_for_time=number("select count(*) from customers where due_at is not null"),
        overdue=number("select count(*) from customers where due_at <= ?", now),
        oldest=optional_time_from_text(oldest),
        outbox={(row[0], row[1]): row[2] for row in outbox},
        waiting=number("select count(*) from waiting_room"),
        dead_letters=number("select count(*) from dead_letters"),
    )


def _gauges(db: sqlite3.Connection, now: datetime) -> dict[str, Any]:
    found = db.execute(_GAUGES, {"now": time_to_text(now), "soon": time_to_text(now + shown.SOON)})
    row = dict(zip((column[0] for column in found.description), found.fetchone(), strict=True))
    return shown.gauges_of(row)


_GAUGES = """
    select (select count(*) from customers where due_at > :now and due_at <= :soon) as due_soon,
           (select count(*) from customers where due_at <= :now) as overdue,
           (select min(due_at) from customers where due_at <= :now) as oldest,
           (select count(*) from outbox where state = 'pending' and kind = 'message') as message_pending,
           (select count(*) from outbox where state = 'claimed') as message_claimed,
           (select count(*) from outbox where state = 'sending') as message_sending,
           (select count(*) from outbox where state = 'uncertain') as message_uncertain,
           (select count(*) from outbox where state = 'pending' and kind = 'event') as event_pending,
           (select min(created_at) from outbox
            where state = 'pending' and kind = 'message' and next_try_at <= :now) as oldest_pending,
           (select count(*) from waiting_room) as waiting, (select count(*) from dead_letters) as dead_letters,
           (select count(*) from runs where stand = 'parked') as parked"""


class SqliteMailbox:
    """See `store.base.Mailbox`. Mails that arrive together are committed together."""

    def __init__(
        self, readers: Readers, write: Callable[[Callable[[sqlite3.Connection], None]], Coroutine[Any, Any, None]]
    ) -> None:
        self._readers = readers
        self._write = write
        self._queue: list[rows.Row] = []

    async def put_mail(self, mail: Mapping[str, Any]) -> None:
        row = (*(mail.get(name) for name in ("effect_id", "customer", "to", "at")), dumps(mail))
        self._queue.append(row)

        def write(db: sqlite3.Connection) -> None:
            queued, self._queue = self._queue, []
            db.executemany('insert into mails (effect_id, customer, "to", at, mail) values (?, ?, ?, ?, ?)', queued)

        await self._write(write)

    async def mails(self, limit: int = 200, customer: str | None = None) -> list[dict[str, Any]]:
        whose = "" if customer is None else "where customer = ?"
        values = (limit,) if customer is None else (customer, limit)
        query = f"select mail from mails {whose} order by number desc limit ?"
        found = await self._readers.read(lambda db: db.execute(query, values).fetchall())
        return [loads(text) for (text,) in found]

    async def mail(self, effect_id: str) -> dict[str, Any] | None:
        query = "select mail from mails where effect_id = ? order by number desc limit 1"
        row = await self._readers.read(lambda db: db.execute(query, (effect_id,)).fetchone())
        return None if row is None else dict(loads(row[0]))
