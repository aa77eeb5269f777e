"""What the SQLite store keeps at hand of its customers is what their rows say, whatever happened to them."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path

import pytest
from engine_shop import SHOP, T0, event, paid, parcel, placed
from test_engine_verify import HOUR, a_busy_week

from postventa.engine.batch import take
from postventa.engine.engine import Engine, open_engine
from postventa.store import rows
from postventa.store.sqlite import SqliteStore
from postventa.store.sqlite_customers import load_customers
from postventa.store.sqlite_recent import Recent


def checked(store: SqliteStore) -> set[str]:
    """The customers kept at hand, each compared with its rows."""
    kept = dict(store._recent._kept)
    with closing(sqlite3.connect(store.path)) as db:
        states, seqs = load_customers(db, sorted(kept), insert=False)
        for name, one in kept.items():
            assert one.state == states[name]
            assert one.seq == seqs[name]
            row = f"select {', '.join(rows.CUSTOMER)} from customers where customer_id = ?"
            assert one.row == db.execute(row, (name,)).fetchone()
    return set(kept)


@pytest.fixture
async def engine(tmp_path: Path) -> AsyncIterator[Engine]:
    store = SqliteStore(tmp_path / "state.db")
    await store.open()
    engine = await open_engine(store, "a secret for tests")
    await engine.releases.publish(SHOP, T0)
    yield engine
    await store.close()


async def test_after_a_week_of_everything(engine: Engine) -> None:
    store = engine.store
    assert isinstance(store, SqliteStore)
    await a_busy_week(engine)
    assert {"ana", "ben"} <= checked(store)
    assert "eva" not in store._recent._kept, "she was erased"


async def test_a_batch_that_fails_leaves_what_was_committed(engine: Engine) -> None:
    store = engine.store
    assert isinstance(store, SqliteStore)
    await take(engine, [placed("ana", customer_id="ana", email="ana@example.com")], T0)
    before = store._recent.get("ana")
    db = store._db
    assert db is not None
    db.execute("create trigger no before insert on history begin select raise(abort, 'no'); end")
    answers = await take(engine, [paid("ana")], T0 + HOUR)
    assert answers[0].status == "rejected"
    assert store._recent.get("ana") is before
    db.execute("drop trigger no")
    await take(engine, [paid("ana"), parcel("delivered", "ana", 3)], T0 + 3 * HOUR)
    assert checked(store) == {"ana"}


async def test_a_guest_who_becomes_an_account(engine: Engine) -> None:
    store = engine.store
    assert isinstance(store, SqliteStore)
    await take(engine, [placed("o-1", email="guest@example.com"), paid("o-1")], T0 + HOUR)
    await take(engine, [placed("o-2", 2, customer_id="gus", email="guest@example.com")], T0 + 2 * HOUR)
    await take(engine, [parcel("delivered", "o-1", 5)], T0 + 5 * HOUR)
    assert checked(store) == {"gus"}


async def test_after_old_rows_were_dropped(engine: Engine) -> None:
    store = engine.store
    assert isinstance(store, SqliteStore)
    await take(engine, [placed("ana", customer_id="ana"), paid("ana")], T0 + HOUR)
    await store.prune({"history", "events"}, T0 + 500 * HOUR)
    await take(engine, [event("order.cancelled", "x", 501, order_id="ana")], T0 + 501 * HOUR)
    assert checked(store) == {"ana"}


def test_the_number_kept_is_bounded() -> None:
    recent = Recent(limit=2)
    for name in ("a", "b", "c", "b", "d"):
        recent.keep({name: None})  # type: ignore[dict-item] - what is kept does not matter here
    assert [name for name in "abcd" if name in recent._kept] == ["b", "d"]
