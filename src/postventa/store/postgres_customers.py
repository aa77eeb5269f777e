"""PostgreSQL: customers in and out of their rows, a whole batch per statement."""

from __future__ import annotations

from collections.abc import Sequence

from postventa.core.state import CustomerState
from postventa.store import rows
from postventa.store.postgres_sql import (
    Fetching,
    Row,
    Sql,
    arrays,
    columns,
    given,
    insert,
    last_of_each,
    matching,
    upsert,
)

_THESE = "where customer_id = any($1::text[])"
_MAKE = (
    'insert into customers (customer_id) select id from unnest($1::text[]) as new (id) order by id collate "C"'
    " on conflict do nothing"
)
_SELECT_CUSTOMERS = f"select {columns('customers', rows.CUSTOMER)} from customers {_THESE} order by customer_id"
_SELECT_THINGS = f"select {columns('things', rows.THING)} from things {_THESE} order by customer_id, type, id"
_SELECT_RUNS = f"select {columns('runs', rows.RUN)} from runs {_THESE} order by customer_id, run_id"
_SELECT_REMEMBERED = (
    f"select {columns('events', rows.EVENT)} from events {_THESE} and remembered order by customer_id, source, id"
)


async def lock_customers(db: Sql, ids: Sequence[str]) -> tuple[dict[str, CustomerState], dict[str, int]]:
    """Make rows for those that are missing, lock all in sorted order, load: states and last seqs."""
    wanted = sorted(set(ids))
    while wanted:
        await db.execute(_MAKE, wanted)
        found = await db.fetch(f"{_SELECT_CUSTOMERS} for update", wanted)
        if len(found) == len(wanted):  # else one was merged or erased while we waited for its lock: make it anew
            return await _loaded(db, found)
    return {}, {}


async def load_customers(db: Fetching, ids: Sequence[str]) -> tuple[dict[str, CustomerState], dict[str, int]]:
    """States and last seqs of those that are there."""
    return await _loaded(db, await db.fetch(_SELECT_CUSTOMERS, sorted(set(ids))))


async def _loaded(db: Fetching, found: Sequence[Row]) -> tuple[dict[str, CustomerState], dict[str, int]]:
    """The rest of these customers, read after their rows were locked: never what was true before."""
    states: dict[str, CustomerState] = {}
    seqs: dict[str, int] = {}
    for row in found:
        states[row[0]], seqs[row[0]] = rows.customer_from_row(row)
    saved = [customer_id for customer_id, seq in seqs.items() if seq]
    if not saved:  # all of them are new: nothing else can be there
        return states, seqs
    for row in await db.fetch(_SELECT_THINGS, saved):
        ref, thing = rows.thing_from_row(row)
        states[row[0]].things[ref] = thing
    for row in await db.fetch(_SELECT_RUNS, saved):
        states[row[0]].runs[row[1]] = rows.run_from_row(row)
    for row in await db.fetch(_SELECT_REMEMBERED, saved):
        states[row[0]].events[row[1], row[2]] = rows.event_from_row(row)
    return states, seqs


def _delete(table: str, names: Sequence[str]) -> str:
    return f"delete from {table} using {given(table, names)} where {matching(table, names)}"


_EVENT_KEY = rows.EVENT[:3]
_PUT_EVENT = (
    upsert("events", rows.EVENT, 3, kept={"applied_at"})
    + ", applied_at = coalesce(excluded.applied_at, events.applied_at)"
)
_FORGET = (
    f"update events set remembered = false from {given('events', _EVENT_KEY)} where {matching('events', _EVENT_KEY)}"
)
_WRITES = (
    ("customers", upsert("customers", rows.CUSTOMER, 1), 1),
    ("things", upsert("things", rows.THING, 3), 3),
    ("things_gone", _delete("things", rows.THING[:3]), 0),
    ("events", _PUT_EVENT, 3),
    (
        "events_forgotten",
        _FORGET,
        0,
    ),
    ("runs", upsert("runs", rows.RUN, 2, kept={"release"}), 2),
    ("runs_gone", _delete("runs", rows.RUN[:2]), 0),
    ("history", insert("history", rows.HISTORY), 0),
    ("trace", insert("trace", rows.TRACE), 0),
    ("postings", insert("postings", rows.POSTING, "on conflict do nothing"), 0),
    ("undone", _delete("ended_runs", ("customer_id", "run_id")), 0),
    ("undone", _delete("goals", ("customer_id", "run_id")), 0),
    ("ended_runs", insert("ended_runs", rows.ENDED_RUN), 0),
    ("goals", insert("goals", rows.GOAL), 0),
    ("answers", insert("answers", rows.ANSWER, "on conflict do nothing"), 0),
)


async def write_customers(db: Sql, batch: rows.Batch) -> None:
    """Everything of a batch but the outbox."""
    for name, statement, keys in _WRITES:
        found: Sequence[Row] = getattr(batch, name)
        if found:
            await db.execute(statement, *arrays(last_of_each(found, keys) if keys else found))
