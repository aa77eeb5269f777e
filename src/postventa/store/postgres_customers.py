"""PostgreSQL: customers in and out of their rows, a whole batch per statement."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from postventa.core.event import Event
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
    reader,
    texts,
    upsert,
)

_THESE = "where customer_id = any($1::text[])"
_CUSTOMER = columns("customers", rows.CUSTOMER)
_SELECT_CUSTOMERS = f"select {_CUSTOMER} from customers {_THESE} order by customer_id"
_LOCK = f"""
    with made as (
        insert into customers (customer_id) select id from unnest($1::text[]) as new (id) order by id collate "C"
        on conflict do nothing returning {_CUSTOMER}
    ), held as ({_SELECT_CUSTOMERS} for update)
    select * from made union all select * from held"""
"""Whoever waits for a row that another is making holds none but new ones; so nobody waits for each other."""
_PARTS = (
    ("things", rows.THING, _THESE, "customer_id, type, id"),
    ("runs", rows.RUN, _THESE, "customer_id, run_id"),
    ("events", rows.EVENT, f"{_THESE} and remembered", "customer_id, source, id"),
)
_SELECT_PARTS = " union all ".join(
    f"(select {number}, {texts(table, names)} from {table} {condition} order by {order})"
    for number, (table, names, condition, order) in enumerate(_PARTS)
)
_READERS = [reader(table, names) for table, names, _, _ in _PARTS]


async def lock_customers(db: Sql, ids: Sequence[str]) -> tuple[dict[str, CustomerState], dict[str, int]]:
    """Make rows for those that are missing, lock all in sorted order, load: states and last seqs."""
    wanted = sorted(set(ids))
    while wanted:
        found = await db.fetch(_LOCK, wanted)
        if len(found) == len(wanted):
            return await _loaded(db, sorted(found, key=_id))
        # One was made, merged or erased by another while we waited for it: now it is to be seen, or made anew.
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
    starts: dict[str, Event] = {}
    for part, texts_of_row in await db.fetch(_SELECT_PARTS, saved):
        row = _READERS[part](texts_of_row)
        state = states[row[0]]
        if part == 0:
            ref, thing = rows.thing_from_row(row)
            state.things[ref] = thing
        elif part == 1:
            state.runs[row[1]] = rows.run_from_row(row, starts)
        else:
            state.events[row[1], row[2]] = rows.event_from_row(row)
    return states, seqs


def _id(row: Row) -> Any:
    return row[0]


# --- writing ----------------------------------------------------------------------------------------------------------
def _delete(table: str, names: Sequence[str], first: int) -> str:
    return f"delete from {table} using {given(table, names, first=first)} where {matching(table, names)}"


def _put_event(first: int) -> str:
    return (
        upsert("events", rows.EVENT, 3, kept={"applied_at"}, first=first)
        + ", applied_at = coalesce(excluded.applied_at, events.applied_at)"
    )


def _forget(first: int) -> str:
    key = rows.EVENT[:3]
    return (
        f"update events set remembered = false from {given('events', key, first=first)} where {matching('events', key)}"
    )


@dataclass(frozen=True, slots=True)
class _Part:
    """One list of a batch: its table, how many columns it has, its statement from a first parameter on; `keys`: of
    rows with the same so many first columns only the last is written."""

    name: str
    table: str
    width: int
    statement: Callable[[int], str]
    keys: int = 0


def _put(table: str, names: Sequence[str], keys: int, **options: Any) -> _Part:
    return _Part(table, table, len(names), lambda first: upsert(table, names, keys, **options, first=first), keys)


def _add(table: str, names: Sequence[str], ending: str = "") -> _Part:
    return _Part(table, table, len(names), lambda first: insert(table, names, ending, first))


def _drop(name: str, table: str, names: Sequence[str]) -> _Part:
    return _Part(name, table, len(names), lambda first: _delete(table, names, first))


_ONCE = "on conflict do nothing"
_ENDED = ("customer_id", "run_id")
_WRITES = (
    _put("customers", rows.CUSTOMER, 1),
    _put("things", rows.THING, 3),
    _drop("things_gone", "things", rows.THING[:3]),
    _Part("events", "events", len(rows.EVENT), _put_event, 3),
    _Part("events_forgotten", "events", 3, _forget),
    _put("runs", rows.RUN, 2, kept={"release"}),
    _drop("runs_gone", "runs", rows.RUN[:2]),
    _add("history", rows.HISTORY),
    _add("trace", rows.TRACE),
    _add("postings", rows.POSTING, _ONCE),
    _drop("undone", "ended_runs", _ENDED),
    _drop("undone", "goals", _ENDED),
    _add("ended_runs", rows.ENDED_RUN),
    _add("goals", rows.GOAL),
    _add("answers", rows.ANSWER, _ONCE),
)


async def write_customers(db: Sql, batch: rows.Batch) -> None:
    """Everything of a batch but the outbox: as many statements as the table with the most parts has, so one or two."""
    for wave in _waves(tuple(one for one in _WRITES if getattr(batch, one.name))):
        values: list[list[Any]] = []
        for part in wave:
            found: Sequence[Row] = getattr(batch, part.name)
            values += arrays(last_of_each(found, part.keys) if part.keys else found)
        await db.execute(_statement(wave), *values)


@lru_cache(maxsize=256)
def _waves(parts: tuple[_Part, ...]) -> tuple[tuple[_Part, ...], ...]:
    """Parts that may be written together: of each table one, for a statement may not change a row twice."""
    waves: list[list[_Part]] = []
    seen: Counter[str] = Counter()
    for part in parts:
        number = seen[part.table]
        seen[part.table] += 1
        if number == len(waves):
            waves.append([])
        waves[number].append(part)
    return tuple(map(tuple, waves))


@lru_cache(maxsize=256)
def _statement(wave: tuple[_Part, ...]) -> str:
    """One statement that writes all of these."""
    first, texts_of_parts = 1, []
    for part in wave:
        texts_of_parts.append(part.statement(first))
        first += part.width
    *others, last = texts_of_parts
    before = ", ".join(f"part{number} as ({one})" for number, one in enumerate(others))
    return f"with {before} {last}" if before else last
