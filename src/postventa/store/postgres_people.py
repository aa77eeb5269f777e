"""PostgreSQL: what concerns a whole person: merging two, erasing one, dropping old rows of each."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime

from postventa.store import rows
from postventa.store.base import HistoryRow
from postventa.store.codec import state_to_plain, time_from_text
from postventa.store.personal import Named, named
from postventa.store.postgres_customers import load_customers
from postventa.store.postgres_sql import Sql, arrays, columns, insert
from postventa.store.postgres_text import writable

_MOVED = ("trace", "outbox", "goals", "ended_runs", "order_owner", "customer_alias")
_MOVED_ONCE = {"postings": ("posting_id",), "answers": ("source", "id")}
_OWN = ("customers", "things", "runs", "history")
_ERASED = (*_OWN, *_MOVED, *_MOVED_ONCE, "events")
_LOCK_OUTBOX = "select 1 from outbox where customer_id = $1 order by effect_id for update"


async def merge_customers(db: Sql, into: str, old: str) -> dict[str, str]:
    """Move the rows of `old`; gives run id -> release of the runs that the united state takes over."""
    found = await db.fetch("select run_id, release from runs where customer_id = $1", old)
    releases: dict[str, str] = {row[0]: row[1] for row in found}
    await db.fetch(_LOCK_OUTBOX, old)
    await db.execute(
        "update runs set release = moved.release from runs as moved"
        " where runs.customer_id = $1 and moved.customer_id = $2 and runs.run_id = moved.run_id",
        into, old,
    )  # fmt: skip
    for table in _MOVED:
        await db.execute(f"update {table} set customer_id = $1 where customer_id = $2", into, old)
    for table, key in _MOVED_ONCE.items():
        same = " and ".join(f"known.{name} = {table}.{name}" for name in key)
        await db.execute(
            f"update {table} set customer_id = $1 where customer_id = $2"
            f" and not exists (select 1 from {table} as known where known.customer_id = $1 and {same})",
            into, old,
        )  # fmt: skip
        await db.execute(f"delete from {table} where customer_id = $1", old)
    await db.execute("update mails set customer = $1 where customer = $2", into, old)
    await db.execute(_MOVE_EVENTS, into, old)
    for table in (*_OWN, "events"):
        await db.execute(f"delete from {table} where customer_id = $1", old)
    return releases


_EVENT = [name for name in rows.EVENT if name not in {"customer_id", "remembered"}]
_MOVE_EVENTS = (
    f"insert into events (customer_id, {', '.join(_EVENT)})"
    f" select $1, {', '.join(_EVENT)} from events where customer_id = $2"
    " on conflict (customer_id, source, id) do update set "
    + ", ".join(f"{name} = coalesce(events.{name}, excluded.{name})" for name in _EVENT[2:])
)


# --- erasure ---------------------------------------------------------------------------------------------------------
async def erase_customer(db: Sql, customer_id: str, markers: Sequence[str], at: datetime) -> None:
    """Every row of the person goes; the markers stay."""
    words = await _words(db, customer_id)
    addresses, ids = sorted(words.addresses), sorted(words.ids)
    named_as = [json.dumps(one, ensure_ascii=False) for one in ids]
    await db.fetch(_LOCK_OUTBOX, customer_id)
    await db.execute(
        f'delete from mails where {_is_person("customer")} or {_is_person(chr(34) + "to" + chr(34))}'
        " or effect_id in (select effect_id from outbox where customer_id = $3)",
        addresses, ids, customer_id,
    )  # fmt: skip
    for table in _ERASED:
        await db.execute(f"delete from {table} where customer_id = $1", customer_id)
    await db.execute("delete from suppressions where address = any($1::text[])", sorted({*addresses, *ids}))
    await db.execute(
        f"delete from waiting_room where {_is_person('order_id')} or {_names_person('event', '$3')}",
        addresses, ids, named_as,
    )  # fmt: skip
    written = [[writable(one) for one in addresses], [writable(one) for one in named_as]]
    await db.execute(
        f"delete from dead_letters where {_names_person('record', '$2')} or {_names_person('reason', '$2')}", *written
    )
    await db.execute(f"delete from audit where {_names_person('detail', '$2')}", addresses, named_as)
    await db.execute(
        "insert into erased (marker, at) select marker, $2 from unnest($1::text[]) as given (marker)"
        " order by marker on conflict (marker) do update set at = excluded.at",
        sorted(set(markers)),
        at,
    )


def _is_person(name: str) -> str:
    """The whole text is one of the words: addresses in $1, ids in $2."""
    return f"({name} = any($2::text[]) or lower({name}) = any($1::text[]))"


def _names_person(name: str, ids: str) -> str:
    """The text holds an address ($1) anywhere, or an id as a whole JSON string."""
    return (
        f"(exists (select 1 from unnest($1::text[]) as word where strpos(lower({name}::text), word) > 0)"
        f" or exists (select 1 from unnest({ids}::text[]) as word where strpos({name}::text, word) > 0))"
    )


async def _words(db: Sql, customer_id: str) -> Named:
    states, _ = await load_customers(db, [customer_id])
    bodies = await db.fetch(
        f"select {columns('events', rows.EVENT)} from events where customer_id = $1 and type is not null", customer_id
    )
    aliases = await db.fetch("select alias from customer_alias where customer_id = $1", customer_id)
    orders = await db.fetch("select order_id from order_owner where customer_id = $1", customer_id)
    return named(
        customer_id, states.get(customer_id), list(map(rows.event_from_row, bodies)),
        [row[0] for row in aliases], [row[0] for row in orders],
    )  # fmt: skip


# --- retention -------------------------------------------------------------------------------------------------------
async def prune_customers(
    db: Sql, after: str, limit: int, asked: frozenset[str], before: datetime
) -> tuple[str | None, dict[str, int]]:
    """Drop old history and events of the next `limit` customers after an id; gives the last id, None at the end."""
    found = await db.fetch(
        "select customer_id from customers where customer_id > $1 order by customer_id limit $2 for update",
        after,
        limit,
    )
    ids, counts = [row[0] for row in found], {}
    if not ids:
        return None, {}
    await _add_snapshots(db, ids, before)
    if "history" in asked:
        counts["history"] = await db.execute(_DROP_HISTORY, ids, before)
    if "events" in asked:
        counts["events"] = await db.execute(_DROP_EVENTS, ids, before)
    return ids[-1], counts


_LAST_SNAPSHOT = (
    "coalesce((select max(seq) from history as s where s.customer_id = history.customer_id and s.kind = 'snapshot'), 0)"
)
_THESE = "customer_id = any($1::text[])"
_LAST_ROWS = f"""
    select customer_id, now::text, release from history
    where {_THESE} and seq = (select max(seq) from history as s where s.customer_id = history.customer_id)"""
_NEED_SNAPSHOT = f"select distinct customer_id from history where {_THESE} and now < $2 and seq > {_LAST_SNAPSHOT}"
_DROP_HISTORY = f"delete from history where {_THESE} and now < $2 and seq < {_LAST_SNAPSHOT}"
_DROP_EVENTS = f"""
    update events set applied_at = null, type = null, occurred_at = null, recorded_at = null, ids = null, data = null
    where {_THESE} and applied_at < $2 and not remembered"""


async def _add_snapshots(db: Sql, ids: Sequence[str], before: datetime) -> None:
    need = [row[0] for row in await db.fetch(_NEED_SNAPSHOT, ids, before)]
    if not need:
        return
    states, seqs = await load_customers(db, need)
    last = {row[0]: (time_from_text(row[1]), row[2]) for row in await db.fetch(_LAST_ROWS, need)}
    snapshots = [
        rows.history_row(
            HistoryRow(
                customer_id, seqs[customer_id] + 1, state.now or last[customer_id][0], "snapshot", last[customer_id][1],
                state_to_plain(state),
            )
        )
        for customer_id, state in states.items()
    ]  # fmt: skip
    await db.execute(insert("history", rows.HISTORY), *arrays(snapshots))
    await db.execute(
        "update customers set seq = given.seq from unnest($1::text[], $2::bigint[]) as given (customer_id, seq)"
        " where customers.customer_id = given.customer_id",
        *arrays([row[:2] for row in snapshots]),
    )


_BY_AGE = {
    "trace": "trace where at < $1",
    "messages": "outbox where settled_at < $1 and state != 'uncertain'",
    "mails": "mails where at < $1",
    "dead_letters": "dead_letters where at < $1",
    "audit": "audit where at < $1",
}


async def prune_by_age(db: Sql, name: str, before: datetime, limit: int) -> int:
    """Drop up to `limit` old rows of one table that no state leans on."""
    table = _BY_AGE[name].partition(" ")[0]
    old = f"select ctid from {_BY_AGE[name]} limit $2 for update skip locked"
    return await db.execute(f"delete from {table} where ctid = any(array({old}))", before, limit)
