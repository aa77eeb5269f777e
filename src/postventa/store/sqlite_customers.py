"""SQLite: customers in and out of their rows, a whole batch per statement."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

from postventa.core.event import Event
from postventa.core.state import CustomerState
from postventa.store import rows
from postventa.store.codec import dumps


def _columns(names: Sequence[str]) -> str:
    return ", ".join(names)


def _insert(table: str, names: Sequence[str], ending: str = "") -> str:
    return f"insert into {table} ({_columns(names)}) values ({', '.join('?' * len(names))}) {ending}"


def _upsert(table: str, names: Sequence[str], keys: int, *, kept: frozenset[str] = frozenset()) -> str:
    changing = ", ".join(f"{name} = excluded.{name}" for name in names[keys:] if name not in kept)
    return _insert(table, names, f"on conflict ({_columns(names[:keys])}) do update set {changing}")


_THESE = "where customer_id in (select value from json_each(?))"
_SELECT_CUSTOMERS = f"select {_columns(rows.CUSTOMER)} from customers {_THESE}"
_SELECT_THINGS = f"select {_columns(rows.THING)} from things {_THESE}"
_SELECT_RUNS = f"select {_columns(rows.RUN)} from runs {_THESE}"
_SELECT_REMEMBERED = f"select {_columns(rows.EVENT)} from events {_THESE} and remembered = 1"

_INSERT = (
    "insert into customers (customer_id) select value from json_each(?) where true"
    " on conflict do nothing returning customer_id"
)

_PUT_EVENT = (
    _upsert("events", rows.EVENT, 3, kept=frozenset({"applied_at"}))
    + ", applied_at = coalesce(excluded.applied_at, applied_at)"
)


def load_customers(
    db: sqlite3.Connection, ids: Sequence[str], *, insert: bool
) -> tuple[dict[str, CustomerState], dict[str, int]]:
    """States and last seqs of these customers, in sorted order of ids. `insert` makes rows for those that are missing;
    without it they are left out.
    """
    if not ids:
        return {}, {}
    asked = sorted(set(ids))
    states: dict[str, CustomerState] = {}
    if insert:
        made = db.execute(_INSERT, (dumps(asked),))
        states = {customer_id: CustomerState(customer_id) for (customer_id,) in made.fetchall()}
    seqs = dict.fromkeys(states, 0)
    if len(states) < len(asked):
        _load(db, dumps([one for one in asked if one not in states]), states, seqs)
    return {one: states[one] for one in asked if one in states}, seqs


def _load(db: sqlite3.Connection, wanted: str, states: dict[str, CustomerState], seqs: dict[str, int]) -> None:
    """Those that have rows, into `states` and `seqs`."""
    for row in db.execute(_SELECT_CUSTOMERS, (wanted,)):
        states[row[0]], seqs[row[0]] = rows.customer_from_row(row)
    for row in db.execute(_SELECT_THINGS, (wanted,)):
        ref, thing = rows.thing_from_row(row)
        states[row[0]].things[ref] = thing
    starts: dict[str, Event] = {}
    for row in db.execute(_SELECT_RUNS, (wanted,)):
        states[row[0]].runs[row[1]] = rows.run_from_row(row, starts)
    for row in db.execute(_SELECT_REMEMBERED, (wanted,)):
        states[row[0]].events[row[1], row[2]] = rows.event_from_row(row)


_WRITES = (
    ("customers", _upsert("customers", rows.CUSTOMER, 1)),
    ("things", _upsert("things", rows.THING, 3)),
    ("things_gone", "delete from things where customer_id = ? and type = ? and id = ?"),
    ("events", _PUT_EVENT),
    ("events_forgotten", "update events set remembered = 0 where customer_id = ? and source = ? and id = ?"),
    ("runs", _upsert("runs", rows.RUN, 2, kept=frozenset({"release"}))),
    ("runs_gone", "delete from runs where customer_id = ? and run_id = ?"),
    ("history", _insert("history", rows.HISTORY)),
    ("trace", _insert("trace", rows.TRACE)),
    ("postings", _insert("postings", rows.POSTING, "on conflict do nothing")),
    ("undone", "delete from ended_runs where customer_id = ? and run_id = ?"),
    ("undone", "delete from goals where customer_id = ? and run_id = ?"),
    ("ended_runs", _insert("ended_runs", rows.ENDED_RUN)),
    ("goals", _insert("goals", rows.GOAL)),
    ("answers", _insert("answers", rows.ANSWER, "on conflict do nothing")),
)


def write_customers(db: sqlite3.Connection, batch: rows.Batch) -> None:
    """Everything of a batch but the outbox."""
    for name, statement in _WRITES:
        if found := getattr(batch, name):
            db.executemany(statement, found)
