"""PostgreSQL: the outbox. Every call is one or two statements, however many rows it concerns.

Customers are locked before their rows, rows always in order of their effect ids: so no two transactions wait for each
other. Leases, doubts and first tries are on the database's clock, which all workers share.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from postventa.store import rows
from postventa.store.base import SKIPPED, Ended, OutboxRecord, OutboxState
from postventa.store.codec import time_to_text
from postventa.store.postgres_sql import Row, arrays, columns, insert

OUTBOX = f"select {columns('outbox', rows.OUTBOX)} from outbox"
LOOK_AHEAD = 1000
"""How many of the oldest rows a claim looks through for customers nobody holds."""


class PostgresOutbox:
    """The outbox half of the transaction."""

    async def fetch(self, statement: str, *values: Any) -> list[Any]:
        """The rows of one statement; the transaction says how."""
        raise NotImplementedError

    async def execute(self, statement: str, *values: Any) -> int:
        """Run one statement; gives how many rows it concerned."""
        raise NotImplementedError

    async def claimable(self, now: datetime, limit: int, paused: Sequence[str]) -> list[OutboxRecord]:
        scopes = list(paused)
        found = await self.fetch(_CUSTOMERS, now, scopes, max(LOOK_AHEAD, 20 * limit), limit)
        chosen = {row[0]: place for place, row in enumerate(found)}
        if not chosen:
            return []
        if any(row[1] for row in found):
            await self.execute(_RUN_OUT, list(chosen), scopes)
        mine = await self.fetch(_CLAIMABLE, now, scopes, list(chosen))
        return sorted(map(rows.outbox_from_row, mine), key=lambda row: chosen[row.customer_id])

    async def set_claimed(self, codes: Mapping[str, str | None], lease: timedelta) -> dict[str, int]:
        moved = await self.fetch(_CLAIM, *arrays(sorted(codes.items(), key=_first), 2), lease)
        return {row[0]: row[1] for row in moved}

    async def intents(self, attempts: Mapping[str, int], at: datetime) -> set[str]:
        moved = await self.fetch(_INTEND, *arrays(sorted(attempts.items()), 2), at)
        return {row[0] for row in moved}

    async def give_back(self, attempts: Mapping[str, int], detail: str) -> None:
        await self.execute(_GIVE_BACK, *arrays(sorted(attempts.items()), 2), detail)

    async def in_doubt(self, older_than: timedelta, limit: int) -> list[OutboxRecord]:
        found = await self.fetch(
            f"{OUTBOX} where state = 'sending' and sending_at <= clock_timestamp() - $1::interval"
            " order by sending_at, effect_id limit $2",
            older_than,
            limit,
        )
        return list(map(rows.outbox_from_row, found))

    async def settle_all(self, ends: Sequence[Ended]) -> set[str]:
        found = await self.fetch(
            _SETTLE, *arrays(((one[0], one[1], time_to_text(one[2]), *one[3:]) for one in ends), 5)
        )
        others = {row[0] for row in found}
        return {one[0] for one in ends} - others

    async def settle(
        self, effect_id: str, state: OutboxState, at: datetime, detail: str = "", attempt: int | None = None
    ) -> bool:
        moved = await self.execute(
            "update outbox set state = $2, settled_at = $3, detail = coalesce(nullif($4, ''), detail),"
            " lease_until = null"
            f" where effect_id = $1 and state not in {_SETTLED} and attempt = coalesce($5, attempt)",
            effect_id, state, at, detail, attempt,
        )  # fmt: skip
        if moved:
            return True
        others = "select 1 from outbox where effect_id = $1 and attempt != coalesce($2, attempt)"
        return not await self.fetch(others, effect_id, attempt)

    async def retry_later(self, effect_id: str, next_try_at: datetime, detail: str, attempt: int | None = None) -> None:
        await self.execute(
            "update outbox set state = 'pending', next_try_at = $2, detail = $3, lease_until = null,"
            " first_try_at = coalesce(first_try_at, clock_timestamp())"
            " where effect_id = $1 and state in ('claimed', 'sending') and attempt = coalesce($4, attempt)",
            effect_id, next_try_at, detail, attempt,
        )  # fmt: skip

    async def resend(self, effect_id: str) -> bool:
        moved = await self.execute(
            "update outbox set state = 'pending', next_try_at = '-infinity', first_try_at = null, settled_at = null"
            " where effect_id = $1 and state = 'uncertain'",
            effect_id,
        )
        return moved > 0

    async def pending_events(self, limit: int) -> list[OutboxRecord]:
        found = await self.fetch(f"{OUTBOX} where state = 'pending' and kind = 'event' order by number limit $1", limit)
        return list(map(rows.outbox_from_row, found))

    async def published(
        self, effect_ids: Sequence[str], at: datetime, state: OutboxState = "sent", detail: str = ""
    ) -> None:
        await self.execute(_PUBLISHED, list(effect_ids), at, state, detail)

    async def skip_before(self, before: datetime) -> int:
        return await self.execute(_SKIP, before, SKIPPED)

    async def write_outbox(self, batch: rows.Batch) -> None:
        """What a batch does to the outbox, in the order that `changes.OutboxMoves` tells."""
        touched = {row[0] for row in batch.outbox}
        for moved in (batch.put_back, batch.withdrawn_first, batch.withdrawn_last, batch.joined):
            touched.update(row[-1] for row in moved)
        if not touched:
            return
        await self.fetch(f"select 1 from outbox where effect_id = any($1::text[]) {_IN_ORDER}", list(touched))
        for statement, found in (
            (_PUT_BACK, batch.put_back),
            (_WITHDRAW, batch.withdrawn_first),
            (_PUT, batch.outbox),
            (_WITHDRAW, batch.withdrawn_last),
            (_JOIN, batch.joined),
        ):
            if found:
                await self.execute(statement, *arrays(found))


def _first(entry: Row) -> Any:
    return entry[0]


_SETTLED = "('sent', 'cancelled', 'refused', 'gave_up')"
_IN_ORDER = "order by effect_id for update"
_RUNNING = "not coalesce(array['all', 'journey:' || journey, 'channel:' || channel] && $2::text[], false)"
_OLD = f"state = 'pending' and kind = 'message' and next_try_at <= $1 and {_RUNNING}"
_EXPIRED = f"state = 'claimed' and lease_until <= clock_timestamp() and {_RUNNING}"

_CUSTOMERS = f"""
    with waiting as (
        (select customer_id, next_try_at, priority, created_at, false as expired from outbox where {_OLD}
         order by next_try_at, priority, created_at limit $3)
        union all
        (select customer_id, next_try_at, priority, created_at, true as expired from outbox where {_EXPIRED}
         order by lease_until limit $3)
    ), firsts as (
        select customer_id, min(place) as place, bool_or(expired) as expired from (
            select customer_id, expired, row_number() over (order by next_try_at, priority, created_at) as place
            from waiting
        ) as placed group by customer_id
    )
    select c.customer_id, firsts.expired from customers as c join firsts using (customer_id)
    order by firsts.place limit $4 for update of c skip locked"""
_RUN_OUT = f"""
    with mine as (
        select effect_id from outbox where customer_id = any($1::text[]) and {_EXPIRED} {_IN_ORDER}
    )
    update outbox set state = 'pending', lease_until = null
    from mine where outbox.effect_id = mine.effect_id and outbox.state = 'claimed'"""
_CLAIMABLE = f"{OUTBOX} where {_OLD} and customer_id = any($3::text[]) order by priority, outbox.created_at, effect_id"
_CLAIM = """
    with mine as (
        select o.effect_id, given.code
        from outbox as o join unnest($1::text[], $2::text[]) as given (effect_id, code) using (effect_id)
        where o.state = 'pending' order by o.effect_id for update of o
    )
    update outbox set state = 'claimed', attempt = attempt + 1, lease_until = clock_timestamp() + $3::interval,
                      code = coalesce(mine.code, outbox.code)
    from mine where outbox.effect_id = mine.effect_id and outbox.state = 'pending'
    returning outbox.effect_id, outbox.attempt"""
_SETTLE = f"""
    with given as (
        select * from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::bigint[])
                      as given (effect_id, state, at, detail, attempt)
    ), mine as (
        select effect_id, attempt from outbox where effect_id = any($1::text[]) {_IN_ORDER}
    ), settled as (
        update outbox set state = given.state, settled_at = given.at::timestamptz,
                          detail = coalesce(nullif(given.detail, ''), outbox.detail), lease_until = null
        from mine join given using (effect_id)
        where outbox.effect_id = mine.effect_id and outbox.state not in {_SETTLED}
        and outbox.attempt = coalesce(given.attempt, outbox.attempt)
    )
    select mine.effect_id from mine join given using (effect_id) where mine.attempt <> given.attempt"""
_INTEND = f"""
    with mine as (
        select o.effect_id
        from outbox as o join unnest($1::text[], $2::bigint[]) as given (effect_id, attempt) using (effect_id)
        where o.state = 'claimed' and o.attempt = given.attempt order by o.effect_id for update of o
    )
    update outbox set state = 'sending', intent_at = $3, sending_at = clock_timestamp(), lease_until = null
    from mine where outbox.effect_id = mine.effect_id and outbox.state = 'claimed'
    and not exists ({rows.FORBIDDEN}) and not exists ({rows.HELD})
    returning outbox.effect_id"""
_GIVE_BACK = """
    with mine as (
        select o.effect_id
        from outbox as o join unnest($1::text[], $2::bigint[]) as given (effect_id, attempt) using (effect_id)
        where o.state = 'claimed' and o.attempt = given.attempt order by o.effect_id for update of o
    )
    update outbox set state = 'pending', detail = $3, lease_until = null
    from mine where outbox.effect_id = mine.effect_id and outbox.state = 'claimed'"""
_PUBLISHED = f"""
    with mine as (
        select effect_id from outbox where effect_id = any($1) and state = 'pending' and kind = 'event' {_IN_ORDER}
    )
    update outbox set state = $3, detail = $4, settled_at = $2 from mine where outbox.effect_id = mine.effect_id"""
_SKIP = f"""
    with mine as (
        select effect_id from outbox where state = 'pending' and kind = 'message' and created_at < $1 {_IN_ORDER}
    )
    update outbox set state = 'cancelled', detail = $2, settled_at = $1
    from mine where outbox.effect_id = mine.effect_id and outbox.state = 'pending'"""
_PUT_BACK = """
    update outbox set state = 'pending', detail = given.detail, lease_until = null
    from unnest($1::text[], $2::text[]) as given (detail, effect_id)
    where outbox.effect_id = given.effect_id and state = 'claimed'"""
_WITHDRAW = """
    update outbox set state = 'cancelled', detail = given.detail, settled_at = given.at::timestamptz,
                      lease_until = null
    from unnest($1::text[], $2::text[], $3::text[]) as given (detail, at, effect_id)
    where outbox.effect_id = given.effect_id and state in ('pending', 'claimed')"""
_KEPT = {"effect_id", "attempt"}
_PUT = insert(
    "outbox",
    rows.OUTBOX,
    "on conflict (effect_id) do update set "
    + ", ".join(f"{name} = excluded.{name}" for name in rows.OUTBOX if name not in _KEPT)
    + ", sending_at = null where outbox.state = 'cancelled'",
)
_JOIN = """
    update outbox set run_ids = given.run_ids::jsonb, address = given.address
    from unnest($1::text[], $2::text[], $3::text[]) as given (run_ids, address, effect_id)
    where outbox.effect_id = given.effect_id and state in ('pending', 'claimed')"""
