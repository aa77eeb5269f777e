"""SQLite: what concerns a whole person: merging two, erasing one, dropping old rows of each."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from datetime import datetime

from postventa.store import rows
from postventa.store.base import HistoryRow
from postventa.store.codec import dumps, state_to_plain, time_from_text, time_to_text
from postventa.store.personal import Named, named
from postventa.store.sqlite_customers import load_customers

_MOVED = ("trace", "outbox", "goals", "ended_runs", "order_owner", "customer_alias")
_MOVED_ONCE = ("postings", "answers")
_OWN = ("customers", "things", "runs", "history")
_ERASED = (*_OWN, *_MOVED, *_MOVED_ONCE, "events")


def merge_customers(db: sqlite3.Connection, into: str, old: str) -> dict[str, str]:
    """Move the rows of `old`; gives run id -> release of the runs that the united state takes over."""
    found = db.execute("select run_id, release from runs where customer_id = ?", (old,))
    releases: dict[str, str] = dict(found.fetchall())
    db.executemany(
        "update runs set release = ? where customer_id = ? and run_id = ?",
        [(release, into, run_id) for run_id, release in releases.items()],
    )
    for table in _MOVED:
        db.execute(f"update {table} set customer_id = ? where customer_id = ?", (into, old))
    for table in _MOVED_ONCE:
        db.execute(f"update or ignore {table} set customer_id = ? where customer_id = ?", (into, old))
        db.execute(f"delete from {table} where customer_id = ?", (old,))
    db.execute("update mails set customer = ? where customer = ?", (into, old))
    names = [name for name in rows.EVENT if name not in {"customer_id", "remembered"}]
    filled = ", ".join(f"{name} = coalesce({name}, excluded.{name})" for name in names[2:])
    db.execute(
        f"insert into events (customer_id, {', '.join(names)})"
        f" select ?, {', '.join(names)} from events where customer_id = ?"
        f" on conflict (customer_id, source, id) do update set {filled}",
        (into, old),
    )
    for table in (*_OWN, "events"):
        db.execute(f"delete from {table} where customer_id = ?", (old,))
    return releases


# --- erasure ---------------------------------------------------------------------------------------------------------
def erase_customer(db: sqlite3.Connection, customer_id: str, markers: Sequence[str], at: datetime) -> None:
    """Every row of the person goes, overwritten in the file too; the markers stay."""
    db.execute("pragma secure_delete = on")
    words = _words(db, customer_id)
    db.create_function("names_person", 1, words.in_text, deterministic=True)
    db.create_function("is_person", 1, words.is_word, deterministic=True)
    db.execute(
        'delete from mails where is_person(customer) or is_person("to")'
        " or effect_id in (select effect_id from outbox where customer_id = ?)",
        (customer_id,),
    )
    for table in _ERASED:
        db.execute(f"delete from {table} where customer_id = ?", (customer_id,))
    db.execute("delete from suppressions where is_person(address)")
    db.execute("delete from waiting_room where is_person(order_id) or names_person(event)")
    db.execute("delete from dead_letters where names_person(record) or names_person(reason)")
    db.execute("delete from audit where names_person(detail)")
    db.executemany("insert or replace into erased values (?, ?)", [(marker, time_to_text(at)) for marker in markers])
    db.execute("pragma secure_delete = fast")


def _words(db: sqlite3.Connection, customer_id: str) -> Named:
    states, _ = load_customers(db, [customer_id], insert=False)
    bodies = db.execute(
        f"select {', '.join(rows.EVENT)} from events where customer_id = ? and type is not null", (customer_id,)
    )
    aliases = db.execute("select alias from customer_alias where customer_id = ?", (customer_id,))
    orders = db.execute("select order_id from order_owner where customer_id = ?", (customer_id,))
    return named(
        customer_id, states.get(customer_id), list(map(rows.event_from_row, bodies)),
        [alias for (alias,) in aliases], [order_id for (order_id,) in orders],
    )  # fmt: skip


# --- retention -------------------------------------------------------------------------------------------------------
def prune_customers(
    db: sqlite3.Connection, after: str, limit: int, asked: frozenset[str], before: datetime
) -> tuple[str | None, dict[str, int]]:
    """Drop old history and events of the next `limit` customers after an id; gives the last id, None at the end."""
    found = db.execute(
        "select customer_id from customers where customer_id > ? order by customer_id limit ?", (after, limit)
    )
    ids, text = [customer_id for (customer_id,) in found], time_to_text(before)
    if not ids:
        return None, {}
    these, counts = dumps(ids), {}
    _add_snapshots(db, these, text)
    if "history" in asked:
        counts["history"] = db.execute(_DROP_HISTORY, (these, text)).rowcount
    if "events" in asked:
        counts["events"] = db.execute(_DROP_EVENTS, (these, text)).rowcount
    return ids[-1], counts


_LAST_SNAPSHOT = (
    "coalesce((select max(seq) from history as s where s.customer_id = history.customer_id and s.kind = 'snapshot'), 0)"
)
_THESE = "customer_id in (select value from json_each(?))"
_LAST_ROWS = f"""
    select customer_id, now, release from history
    where {_THESE} and seq = (select max(seq) from history as s where s.customer_id = history.customer_id)"""
_NEED_SNAPSHOT = f"select distinct customer_id from history where {_THESE} and now < ? and seq > {_LAST_SNAPSHOT}"
_DROP_HISTORY = f"delete from history where {_THESE} and now < ? and seq < {_LAST_SNAPSHOT}"
_DROP_EVENTS = f"""
    update events set applied_at = null, type = null, occurred_at = null, recorded_at = null, ids = null, data = null
    where {_THESE} and applied_at < ? and remembered = 0"""


def _add_snapshots(db: sqlite3.Connection, these: str, before: str) -> None:
    need = [customer_id for (customer_id,) in db.execute(_NEED_SNAPSHOT, (these, before)).fetchall()]
    if not need:
        return
    states, seqs = load_customers(db, need, insert=False)
    last = {
        customer_id: (time_from_text(now), release)
        for customer_id, now, release in db.execute(_LAST_ROWS, (dumps(need),))
    }
    snapshots = [
        rows.history_row(
            HistoryRow(
                customer_id, seqs[customer_id] + 1, state.now or last[customer_id][0], "snapshot", last[customer_id][1],
                state_to_plain(state),
            )
        )
        for customer_id, state in states.items()
    ]  # fmt: skip
    db.executemany(f"insert into history ({', '.join(rows.HISTORY)}) values (?, ?, ?, ?, ?, ?)", snapshots)
    db.executemany("update customers set seq = ? where customer_id = ?", [(row[1], row[0]) for row in snapshots])


_BY_AGE = {
    "trace": "delete from trace where at < ?",
    "messages": "delete from outbox where settled_at < ? and state != 'uncertain'",
    "mails": "delete from mails where at < ?",
    "dead_letters": "delete from dead_letters where at < ?",
    "audit": "delete from audit where at < ?",
}


def prune_by_age(db: sqlite3.Connection, table: str, before: datetime) -> int:
    """Drop old rows of one table that no state leans on."""
    return db.execute(_BY_AGE[table], (time_to_text(before),)).rowcount
