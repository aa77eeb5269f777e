"""What only the SQLite file can do wrong, and how it is told: crashes, locks, damage, versions, a full disk."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from postventa.errors import StoreBusy, StoreError
from postventa.store import sqlite_file
from postventa.store.base import DataRefused
from postventa.store.sqlite import SqliteStore


@pytest.fixture
async def path(tmp_path, make) -> Path:
    """A database with one customer, closed."""
    store = SqliteStore(tmp_path / "postventa.db")
    await store.open()
    await put(store, make, "c1", {"email": "ana@x.es"})
    await store.close()
    return store.path


async def put(store, make, customer_id: str, facts: dict) -> None:
    async with store.transaction() as tx:
        state = (await tx.lock_customers([customer_id]))[customer_id]
        write = make.write(
            state, tx.seq_of(customer_id) + 1, state_facts=facts, effects=(make.send(f"e-{customer_id}"),)
        )
        await tx.save([write])


_CHILD = """
import asyncio, sys
from datetime import UTC, datetime
from postventa.store.base import CustomerWrite, HistoryRow
from postventa.store.sqlite import SqliteStore

async def main():
    store = SqliteStore(sys.argv[1])
    await store.open()
    store._db.execute("pragma cache_size = 10")  # pages are written before the commit
    async with store.transaction() as tx:
        state = (await tx.lock_customers(["c1"]))["c1"]
        after = state.fork()
        after.facts = {"email": "half@x.es", "big": "x" * 3_000_000}
        row = HistoryRow("c1", 2, datetime.now(UTC), "timer", "r")
        await tx.save([CustomerWrite(state, after, (row,))])
        print("inside", flush=True)
        await asyncio.sleep(60)

asyncio.run(main())
"""


async def test_a_killed_engine_leaves_the_state_of_its_last_commit(path):
    child = subprocess.Popen([sys.executable, "-c", _CHILD, str(path)], stdout=subprocess.PIPE, text=True)  # noqa: ASYNC220
    assert child.stdout is not None
    assert child.stdout.readline() == "inside\n"
    store = SqliteStore(path)
    with pytest.raises(StoreBusy, match=f"process {child.pid}"):
        await store.open()
    child.send_signal(signal.SIGKILL)
    child.wait()
    child.stdout.close()
    await store.open()
    assert (await store.views.customer("c1")).facts == {"email": "ana@x.es"}
    assert len(await store.views.history("c1")) == 1
    await store.close()


async def test_a_second_engine_is_refused_and_told_whom_to_stop(path):
    first, second = SqliteStore(path), SqliteStore(path)
    await first.open()
    with pytest.raises(StoreBusy, match=f"another engine \\(process {os.getpid()}\\)") as refused:
        await second.open()
    assert "stop that engine first" in refused.value.mend
    await first.close()
    await second.open()
    await second.close()


async def test_commands_read_beside_a_running_engine_and_cannot_write(path, make):
    engine, command = SqliteStore(path), SqliteStore(path, readonly=True)
    await engine.open()
    await command.open()
    async with engine.transaction() as tx:
        await tx.set_control("half", "done")
        assert await command.views.control("half") is None
    assert await command.views.control("half") == "done"
    with pytest.raises(StoreError, match="opened for reading only"):
        async with command.transaction():
            pass
    await command.close()
    await engine.close()


async def test_readers_work_while_a_transaction_is_open(path):
    store = SqliteStore(path)
    await store.open()
    async with store.transaction() as tx:
        await tx.set_control("a", "b")
        found = await asyncio.gather(*(store.views.customer("c1") for _ in range(20)))
    assert {one.facts["email"] for one in found} == {"ana@x.es"}
    await store.close()


async def test_a_database_locked_by_another_program_is_busy_and_works_afterwards(path, make):
    store = SqliteStore(path)
    await store.open()
    store.patience = 1
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("begin immediate")
    with pytest.raises(StoreBusy, match="another program holds the database"):
        await put(store, make, "c2", {})
    other.rollback()
    other.close()
    await put(store, make, "c2", {})
    await store.close()


async def test_those_in_line_behind_a_vain_wait_are_told_at_once(path, make):
    """Thirty that wait a second each, one after the other, would keep the last for half a minute without an answer."""
    store = SqliteStore(path)
    await store.open()
    store.patience = 1000
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("begin immediate")
    waits = [asyncio.create_task(put(store, make, f"c{number}", {})) for number in range(30)]
    done, waiting = await asyncio.wait(waits, timeout=20)
    assert not waiting
    assert all(isinstance(one.exception(), StoreBusy) for one in done)
    other.rollback()
    other.close()
    await put(store, make, "c2", {})
    await store.close()


async def test_a_full_disk_is_told_and_nothing_is_half_written(path, make):
    store = SqliteStore(path)
    await store.open()
    pages = store._db.execute("pragma page_count").fetchone()[0]
    store._db.execute(f"pragma max_page_count = {pages}")
    with pytest.raises(StoreError, match="the disk is full") as refused:
        await put(store, make, "c2", {"big": "x" * 100_000})
    assert not isinstance(refused.value, StoreBusy | DataRefused)
    assert refused.value.where == str(path)
    assert await store.views.customer("c2") is None
    store._db.execute("pragma max_page_count = 1073741823")
    await put(store, make, "c2", {"big": "x" * 100_000})
    await store.close()


@pytest.mark.parametrize("facts", [{"name": "\ud800"}, {"n": float("nan")}])
async def test_a_value_that_cannot_be_written_is_the_batchs_fault(path, make, facts):
    store = SqliteStore(path)
    await store.open()
    with pytest.raises(DataRefused, match="cannot be written"):
        await put(store, make, "c2", facts)
    assert await store.views.customer("c2") is None
    await put(store, make, "c2", {"nul": "a\0b"})
    assert (await store.views.customer("c2")).facts == {"nul": "a\0b"}
    await store.close()


async def test_after_a_failed_call_nothing_more_is_written(path, make):
    store = SqliteStore(path)
    await store.open()
    with pytest.raises(StoreError, match="a call of this transaction failed"):  # noqa: PT012
        async with store.transaction() as tx:
            await tx.set_control("before", "x")
            with pytest.raises(DataRefused):
                await tx.set_control("key", "\ud800")
            with pytest.raises(StoreError, match="this transaction is over"):
                await tx.set_control("after", "x")
    assert await store.views.control("before") is None
    await store.close()


async def test_a_damaged_file_is_told(path):
    content = bytearray(path.read_bytes())
    content[4096 : 4096 * 12] = b"\xff" * (4096 * 11)
    path.write_bytes(content)
    with pytest.raises(StoreError, match="damaged") as refused:  # noqa: PT012
        store = SqliteStore(path)
        await store.open()
        await store.views.counts(sqlite_file.datetime.now(sqlite_file.UTC))
    assert "backup" in refused.value.mend


@pytest.mark.parametrize(
    ("content", "told"),
    [(b"this is a text file, not a database" * 200, "no SQLite database"), (None, "belongs to another program")],
)
async def test_a_foreign_file_is_left_alone(tmp_path, content, told):
    path = tmp_path / "other.db"
    if content is None:
        with sqlite3.connect(path) as other:
            other.execute("create table theirs (x)")
        other.close()
    else:
        path.write_bytes(content)
    store = SqliteStore(path)
    with pytest.raises(StoreError, match=told):
        await store.open()
    assert content is None or path.read_bytes() == content
    with pytest.raises(StoreError, match="the store is not open"):
        async with store.transaction():
            pass


async def test_a_newer_schema_is_refused_in_words(path):
    with sqlite3.connect(path) as other:
        other.execute("insert into migrations values (999, '0999_future', '')")
    other.close()
    for readonly in (False, True):
        with pytest.raises(StoreError, match="has schema 999, this postventa knows") as refused:
            await SqliteStore(path, readonly=readonly).open()
        assert "install" in refused.value.mend


async def test_migrations_are_applied_in_order_once_and_a_failed_one_leaves_nothing(path, monkeypatch, make):
    known = sqlite_file.migrations()
    number = known[-1][0]
    good = (number + 1, f"{number + 1:04}_good", "create table later (x); insert into later values (1);")
    bad = (number + 2, f"{number + 2:04}_bad", "create table half (x); this is not SQL;")
    monkeypatch.setattr(sqlite_file, "migrations", lambda: [*known, good, bad])
    with pytest.raises(StoreError, match="syntax error"):
        await SqliteStore(path).open()
    db = sqlite3.connect(path)
    assert [row[0] for row in db.execute("select number from migrations")] == [*(one[0] for one in known), number + 1]
    assert db.execute("select 1 from sqlite_master where name = 'half'").fetchone() is None
    db.close()
    with pytest.raises(StoreError, match="start the engine once"):
        await SqliteStore(path, readonly=True).open()
    monkeypatch.setattr(sqlite_file, "migrations", lambda: [*known, good])
    store = SqliteStore(path)
    await store.open()
    assert store._db.execute("select count(*) from later").fetchone() == (1,)
    await store.close()


async def test_a_missing_folder_or_database_says_what_to_do(tmp_path):
    with pytest.raises(StoreError, match="its folder does not exist"):
        await SqliteStore(tmp_path / "nowhere" / "p.db").open()
    with pytest.raises(StoreError, match="there is no database yet"):
        await SqliteStore(tmp_path / "p.db", readonly=True).open()


async def test_erased_words_are_in_no_byte_of_the_files(path, make):
    store = SqliteStore(path)
    await store.open()
    await put(store, make, "c1", {"email": "ana@x.es", "note": "Unmistakable" * 2000})
    await put(store, make, "c2", {"email": "ben@x.es", "note": "Somebodyelse"})
    async with store.transaction() as tx:
        await tx.lock_customers(["c1"])
        await tx.erase("c1", ["marker"], make.noon)
    files = b"".join(file.read_bytes() for file in path.parent.iterdir() if file.name.startswith(path.name))
    await store.close()
    for word in (b"Unmistakable", b"ana@x.es"):
        assert word not in files
    assert b"Somebodyelse" in files


async def test_the_due_scan_and_the_claim_read_an_index_and_never_the_table(path, make):
    store = SqliteStore(path)
    await store.open()
    plans: list[str] = []
    async with store.transaction() as tx:
        statements: list[str] = []
        tx.db.set_trace_callback(statements.append)
        await tx.due_customers(make.noon, 100)
        await tx.claimable(make.noon, 100, ["journey:x"])
        await tx.in_doubt(make.at(1) - make.noon, 10)
        await tx.pending_events(10)
        tx.db.set_trace_callback(None)
        for statement in statements:
            plans += [row[3] for row in tx.db.execute(f"explain query plan {statement}")]
    await store.close()
    assert any("customers_due" in plan for plan in plans)
    assert [plan for plan in plans if re.match(r"SCAN (customers|outbox)\b(?! USING)", plan)] == []
