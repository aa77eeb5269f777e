"""PostgreSQL: one write transaction. A call is one or two statements, however many rows it concerns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import asyncpg

from postventa.core.state import CustomerState
from postventa.errors import StoreBusy, StoreError
from postventa.store import rows
from postventa.store.base import PULSE, CustomerWrite, DataRefused, DeadLetter, Pause, Release, WaitingEvent
from postventa.store.codec import dumps, event_from_plain, event_to_plain, loads, time_from_text, time_to_text
from postventa.store.postgres_customers import lock_customers, write_customers
from postventa.store.postgres_errors import telling
from postventa.store.postgres_outbox import PostgresOutbox
from postventa.store.postgres_people import erase_customer, merge_customers
from postventa.store.postgres_sql import arrays
from postventa.store.postgres_text import as_it_was, writable


class PostgresTransaction(PostgresOutbox):
    """See `store.base.Transaction`. After a failed call nothing more can be done but roll back."""

    def __init__(self, connection: asyncpg.Connection, where: str) -> None:
        self.where = where
        self._connection = connection
        self._seqs: dict[str, int] = {}
        self._merged_releases: dict[str, str] = {}
        self._failed = False
        self.over = False
        self.reached: Mapping[tuple[str, int], int] = {}
        """The positions that this transaction sets."""
        self.pulse: str | None = None
        """The pulse that it sets."""

    # --- how statements run ----------------------------------------------------------------------------------------
    async def fetch(self, statement: str, *values: Any) -> list[asyncpg.Record]:
        """The rows of one statement."""
        self._check()
        try:
            with telling(self.where):
                return list(await self._connection.fetch(statement, *values))
        except BaseException:
            self._failed = True
            raise

    async def execute(self, statement: str, *values: Any) -> int:
        """Run one statement; gives how many rows it concerned."""
        self._check()
        try:
            with telling(self.where):
                return count_of(await self._connection.execute(statement, *values))
        except BaseException:
            self._failed = True
            raise

    def _check(self) -> None:
        if self._failed or self.over:
            raise StoreError("this transaction is over", self.where, "open a new one")

    @property
    def failed(self) -> bool:
        """True when a call raised: then it cannot be committed."""
        return self._failed

    # --- who is meant ----------------------------------------------------------------------------------------------
    async def order_owners(self, order_ids: Sequence[str]) -> dict[str, str | None]:
        wanted = sorted(set(order_ids))
        while wanted:
            found = await self.fetch(_LOCK_OWNERS, wanted)
            if len(found) == len(wanted):  # else one was made by another while we waited for it: now it is to be seen
                return {row[0]: row[1] for row in found}
        return {}

    async def set_order_owners(self, owners: Mapping[str, str]) -> None:
        await self.execute(_SET_OWNERS, *arrays(sorted(owners.items()), 2))

    async def aliases(self, keys: Sequence[str]) -> dict[str, str]:
        found = await self.fetch("select alias, customer_id from customer_alias where alias = any($1)", list(keys))
        return {row[0]: row[1] for row in found}

    async def aliases_of(self, customer_id: str) -> list[str]:
        found = await self.fetch("select alias from customer_alias where customer_id = $1 order by alias", customer_id)
        return [row[0] for row in found]

    async def set_aliases(self, aliases: Mapping[str, str]) -> None:
        await self.execute(_SET_ALIASES, *arrays(sorted(aliases.items()), 2))

    exclusive = False

    async def any_erased(self) -> bool:
        return bool((await self.fetch("select exists (select from erased)"))[0][0])

    async def erased(self, markers: Sequence[str]) -> dict[str, datetime]:
        found = await self.fetch("select marker, at from erased where marker = any($1)", list(markers))
        return {marker: at.astimezone(UTC) for marker, at in found}

    async def merge(self, into: str, old: str) -> None:
        self._merged_releases.update(await merge_customers(self, into, old))
        self._seqs.pop(old, None)

    async def erase(self, customer_id: str, markers: Sequence[str], at: datetime) -> None:
        await erase_customer(self, customer_id, markers, at)
        self._seqs.pop(customer_id, None)

    # --- customers -------------------------------------------------------------------------------------------------
    async def lock_customers(self, ids: Sequence[str]) -> dict[str, CustomerState]:
        states, seqs = await lock_customers(self, ids)
        self._seqs.update(seqs)
        return states

    def seq_of(self, customer_id: str) -> int:
        return self._seqs.get(customer_id, 0)

    async def fresh_events(self, customer_id_and_keys: Sequence[tuple[str, str, str]]) -> set[tuple[str, str, str]]:
        fresh = await self.fetch(_PUT_IDS, *arrays(sorted(set(customer_id_and_keys)), 3))
        return {(row[0], row[1], row[2]) for row in fresh}

    async def due_customers(self, now: datetime, limit: int) -> list[str]:
        return [row[0] for row in await self.fetch(_DUE, now, limit)]

    async def save(self, writes: Sequence[CustomerWrite]) -> None:
        try:
            batch = rows.collect(writes, self._seqs, self._merged_releases)
        except (TypeError, ValueError) as error:
            self._failed = True
            raise DataRefused(f"a value cannot be written: {error}", self.where, "find the record") from error
        await write_customers(self, batch)
        await self.write_outbox(batch)
        self._seqs.update((row[0], row[1]) for row in batch.customers)

    # --- waiting room, dead letters, positions ---------------------------------------------------------------------
    async def put_waiting(self, events: Sequence[WaitingEvent]) -> None:
        waiting = [
            (*one.event.key, one.order_id, time_to_text(one.received_at), dumps(event_to_plain(one.event)))
            for one in sorted(events, key=lambda one: one.event.key)
        ]
        await self.execute(_PUT_WAITING, *arrays(waiting, 5))

    async def take_waiting(self, order_ids: Sequence[str]) -> list[WaitingEvent]:
        return await self._take("order_id = any($1::text[])", list(order_ids))

    async def expire_waiting(self, before: datetime) -> list[WaitingEvent]:
        return await self._take("received_at < $1", before)

    async def _take(self, condition: str, value: Any) -> list[WaitingEvent]:
        taken = await self.fetch(
            f"delete from waiting_room where {condition} returning order_id, event, received_at::text", value
        )
        return sorted(map(waiting_from_row, taken), key=lambda one: one.event.order_key)

    async def put_dead_letters(self, letters: Sequence[DeadLetter]) -> None:
        plain = [(one.source, one.reason, one.field, one.event_id, time_to_text(one.at), one.record) for one in letters]
        written = [tuple(text if text is None else writable(text) for text in row) for row in plain]
        await self.execute(_PUT_LETTERS, *arrays(written, 6))

    async def take_dead_letters(self, ids: Sequence[int]) -> list[DeadLetter]:
        taken = await self.fetch(
            f"delete from dead_letters where id = any($1::bigint[]) returning {LETTER}", sorted(set(ids))
        )
        return sorted(map(letter_from_row, taken), key=lambda letter: letter.id or 0)

    async def set_positions(self, positions: Mapping[tuple[str, int], int]) -> None:
        plain = [(*place, following) for place, following in sorted(positions.items())]
        await self.execute(_SET_POSITIONS, *arrays(plain, 3))
        self.reached = positions

    # --- suppression, codes ----------------------------------------------------------------------------------------
    async def suppressed(self, addresses: Sequence[str]) -> dict[str, str]:
        found = await self.fetch(_SUPPRESSED, sorted({address.lower() for address in addresses}))
        return {row[0]: row[1] for row in found}

    async def suppress(self, address: str, reason: str, at: datetime) -> None:
        await self.execute(
            "insert into suppressions values ($1, $2, $3) on conflict do nothing", address.lower(), reason, at
        )

    async def take_code(self, reward: str, effect_id: str, generated: str) -> str | None:
        if taken := await self.fetch("select code from codes where effect_id = $1", effect_id):
            return str(taken[0][0])
        if not await self.fetch("select 1 from codes where reward = $1 and from_file limit 1", reward):
            await self.execute(
                "insert into codes (reward, code, from_file, effect_id) values ($1, $2, false, $3)",
                reward, generated, effect_id,
            )  # fmt: skip
            return generated
        if taken := await self.fetch(_TAKE_FREE, effect_id, reward):
            return str(taken[0][0])
        if await self.fetch("select 1 from codes where reward = $1 and effect_id is null limit 1", reward):
            self._failed = True
            raise StoreBusy(f"the last codes of '{reward}' are being given out", self.where, "try again")
        return None

    async def load_codes(self, reward: str, codes: Sequence[str]) -> int:
        return await self.execute(_LOAD_CODES, reward, list(codes))

    # --- releases, control, audit ----------------------------------------------------------------------------------
    async def put_release(self, release: Release) -> None:
        await self.execute(
            'insert into releases (hash, published_at, "by", message, files) values ($1, $2, $3, $4, $5)'
            " on conflict do nothing",
            release.hash, release.published_at, release.by, release.message, rows.files_to_text(release.files),
        )  # fmt: skip
        await self.set_control("live_release", release.hash)

    async def set_pause(self, pause: Pause) -> None:
        await self.execute(
            'insert into pauses (scope, reason, at, "by") values ($1, $2, $3, $4) on conflict (scope)'
            ' do update set reason = excluded.reason, at = excluded.at, "by" = excluded."by"',
            pause.scope, pause.reason, pause.at, pause.by,
        )  # fmt: skip

    async def clear_pause(self, scope: str) -> bool:
        return await self.execute("delete from pauses where scope = $1", scope) > 0

    async def set_control(self, key: str, value: str) -> None:
        await self.execute(
            "insert into control values ($1, $2) on conflict (key) do update set value = excluded.value", key, value
        )
        if key == PULSE:
            self.pulse = value

    async def audit(self, at: datetime, who: str, what: str, detail: Mapping[str, Any]) -> None:
        await self.execute(
            "insert into audit (at, who, what, detail) values ($1, $2, $3, $4)", at, who, what, dumps(detail)
        )


def count_of(status: str) -> int:
    """`INSERT 0 3` -> 3."""
    last = status.rpartition(" ")[2]
    return int(last) if last.isdigit() else 0


def waiting_from_row(row: Sequence[Any]) -> WaitingEvent:
    """(order_id, event, received_at)."""
    return WaitingEvent(row[0], event_from_plain(loads(row[1])), time_from_text(row[2]))


LETTER = "source, reason, record, at::text, field, event_id, id"


def letter_from_row(row: Sequence[Any]) -> DeadLetter:
    """The columns of LETTER."""
    source, reason, record, field, event_id = (
        None if text is None else as_it_was(text) for text in (*row[:3], *row[4:6])
    )
    return DeadLetter(source or "", reason or "", record or "", time_from_text(row[3]), field, event_id, row[6])


_LOCK_OWNERS = """
    with made as (
        insert into order_owner (order_id) select id from unnest($1::text[]) as new (id) order by id collate "C"
        on conflict do nothing returning order_id, customer_id
    ), held as (
        select order_id, customer_id from order_owner where order_id = any($1::text[]) order by order_id for update
    )
    select * from made union all select * from held"""
_SET_OWNERS = """
    insert into order_owner (order_id, customer_id) select * from unnest($1::text[], $2::text[])
    on conflict (order_id) do update set customer_id = excluded.customer_id"""
_SET_ALIASES = """
    insert into customer_alias (alias, customer_id) select * from unnest($1::text[], $2::text[])
    on conflict (alias) do update set customer_id = excluded.customer_id"""
_PUT_IDS = """
    insert into events (customer_id, source, id) select * from unnest($1::text[], $2::text[], $3::text[])
    on conflict do nothing returning customer_id, source, id"""
OLDEST = 10
"""How many times as many due customers are looked at as are taken: several workers seldom mean the same ones."""
_DUE = f"""
    with oldest as (
        select customer_id from customers where due_at <= $1 order by due_at, customer_id limit $2 * {OLDEST}
    ), chosen as (select customer_id from oldest order by random() limit $2)
    select customer_id from customers join chosen using (customer_id) where due_at <= $1 order by due_at, customer_id
    for update of customers skip locked"""
_PUT_WAITING = """
    insert into waiting_room (source, id, order_id, received_at, event)
    select source, id, order_id, received_at::timestamptz, event::jsonb
    from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[])
         as given (source, id, order_id, received_at, event)
    on conflict do nothing"""
_PUT_LETTERS = """
    insert into dead_letters (source, reason, field, event_id, at, record)
    select source, reason, field, event_id, at::timestamptz, record
    from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[])
         as given (source, reason, field, event_id, at, record)"""
_SET_POSITIONS = """
    insert into positions (topic, partition, next) select * from unnest($1::text[], $2::int[], $3::bigint[])
    on conflict (topic, partition) do update
    set next = case excluded.next when 0 then 0 else greatest(positions.next, excluded.next) end"""
_SUPPRESSED = """
    select address, reason from suppressions where address = any($1) order by address for share"""
_TAKE_FREE = """
    update codes set effect_id = $1 where number = (
        select number from codes where reward = $2 and effect_id is null order by number limit 1
        for update skip locked
    ) returning code"""
_LOAD_CODES = """
    insert into codes (reward, code, from_file)
    select $1, code, true from unnest($2::text[]) with ordinality as given (code, place) order by place
    on conflict do nothing"""
