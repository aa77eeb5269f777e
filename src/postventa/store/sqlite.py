"""The store in one SQLite file: for one shop on one machine, with nothing else to install.

One thread owns the only connection that writes (WAL, every commit on the disk); readers have connections of their own.
A lock file beside the database refuses a second engine. Group commit is the caller's: it puts up to 500 events into one
transaction.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Callable, Collection
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from time import monotonic
from typing import TypeVar

from postventa.errors import StoreError
from postventa.store.alone import Alone
from postventa.store.personal import check_retained
from postventa.store.sqlite_file import EngineLock, check_schema, connect_reader, connect_writer, migrate, telling
from postventa.store.sqlite_people import prune_by_age, prune_customers
from postventa.store.sqlite_recent import Recent
from postventa.store.sqlite_thread import Readers
from postventa.store.sqlite_transaction import SqliteTransaction
from postventa.store.sqlite_views import SqliteMailbox, SqliteViews

R = TypeVar("R")
BUSY_MS = 5000
"""Milliseconds a transaction waits for another program that holds the database."""


def _real_now() -> datetime:
    return datetime.now(UTC)


class SqliteStore:
    """See `store.base.Store`. `readonly=True` is for commands beside a running engine: views only, no lock, no change.

    `clock` is the store's own clock, for leases and doubts; never the journeys' clock.
    """

    def __init__(self, path: Path | str, *, readonly: bool = False, clock: Callable[[], datetime] = _real_now) -> None:
        self.path = Path(path)
        self.readonly = readonly
        self._clock = clock
        self.patience = BUSY_MS
        self._in_vain_until = 0.0
        self._engine_lock = EngineLock(self.path)
        self._one_at_a_time = asyncio.Lock()
        self._thread: ThreadPoolExecutor | None = None
        self._db: sqlite3.Connection | None = None
        self._readers = Readers(self.path)
        self._recent = Recent()
        self.views = SqliteViews(self._readers)
        self.mailbox = SqliteMailbox(self._readers, self._write)
        self.alone = Alone()

    # --- open and close --------------------------------------------------------------------------------------------
    async def open(self) -> None:
        if self.readonly:
            await asyncio.to_thread(self._check_readable)
            return
        self._thread = ThreadPoolExecutor(1, "postventa-write")
        try:
            await asyncio.get_running_loop().run_in_executor(self._thread, self._open)
        except BaseException:
            self._thread.shutdown()
            self._thread = None
            raise

    def _open(self) -> None:
        with telling(self.path):
            if not self.path.parent.is_dir():
                raise StoreError("its folder does not exist", str(self.path), f"create {self.path.parent}")
            self._engine_lock.take()
            try:
                self._db = connect_writer(self.path)
                migrate(self._db, self.path)
            except BaseException:
                self._close()
                raise

    def _check_readable(self) -> None:
        if not self.path.exists():
            raise StoreError("there is no database yet", str(self.path), "start the engine once with `postventa run`")
        with telling(self.path):
            connection = connect_reader(self.path)
            try:
                check_schema(connection, self.path, exact=True)
            finally:
                connection.close()

    async def close(self) -> None:
        await asyncio.to_thread(self._readers.close)
        if self._thread is not None:
            async with self._one_at_a_time:
                thread, self._thread = self._thread, None
                await asyncio.get_running_loop().run_in_executor(thread, self._close)
                thread.shutdown()

    def _close(self) -> None:
        if self._db is not None:
            self._db.close()
            self._db = None
        self._engine_lock.free()

    # --- writing ---------------------------------------------------------------------------------------------------
    def transaction(self) -> AbstractAsyncContextManager[SqliteTransaction]:
        return self._transaction()

    @asynccontextmanager
    async def _transaction(self) -> AsyncIterator[SqliteTransaction]:
        came = monotonic()
        async with self._one_at_a_time:
            db, thread = self._writer()
            transaction = SqliteTransaction(db, thread, self.path, self._clock, self._recent)
            try:
                await self._in_thread(thread, lambda: self._begin(db, came))
                yield transaction
                if transaction.failed:
                    raise StoreError(
                        "a call of this transaction failed", str(self.path), "see the error before this one"
                    )
                await self._in_thread(thread, db.commit)
            except BaseException:
                # the thread does one thing after the other: this comes after whatever a cancelled call still does there
                await asyncio.shield(self._in_thread(thread, db.rollback))
                raise
            transaction.committed()
            if transaction.erased_somebody:
                await self._in_thread(thread, lambda: db.execute("pragma wal_checkpoint(truncate)").fetchall())

    def _begin(self, db: sqlite3.Connection, came: float) -> None:
        """Wait for another program that holds the database, but not after somebody else waited in vain: those who stood
        in line behind would be answered only after the sum of all waits."""
        patience = 0 if came < self._in_vain_until else self.patience
        try:
            db.execute(f"pragma busy_timeout = {patience}")
            db.execute("begin immediate")
        except sqlite3.OperationalError:
            self._in_vain_until = monotonic()
            raise

    async def _write(self, work: Callable[[sqlite3.Connection], R]) -> R:
        """Some work in a small transaction of its own."""
        async with self._transaction() as transaction:
            return await transaction.hop(lambda: work(transaction.db))

    def _writer(self) -> tuple[sqlite3.Connection, ThreadPoolExecutor]:
        if self._db is None or self._thread is None:
            what = "it was opened for reading only" if self.readonly else "the store is not open"
            raise StoreError(what, str(self.path), "ask the running engine to write, or open the store as the engine")
        return self._db, self._thread

    async def _in_thread(self, thread: ThreadPoolExecutor, work: Callable[[], R]) -> R:
        def told() -> R:
            with telling(self.path):
                return work()

        return await asyncio.get_running_loop().run_in_executor(thread, told)

    # --- retention -------------------------------------------------------------------------------------------------
    async def prune(self, tables: Collection[str], before: datetime) -> dict[str, int]:
        asked = check_retained(tables)
        counts = dict.fromkeys(sorted(asked), 0)
        after: str | None = "" if asked & {"history", "events"} else None
        while after is not None:
            start = after
            after, dropped = await self._write(lambda db: prune_customers(db, start, 500, asked, before))  # noqa: B023
            self._recent.clear()
            for name, count in dropped.items():
                counts[name] += count
        for name in sorted(asked - {"history", "events"}):
            counts[name] = await self._write(lambda db: prune_by_age(db, name, before))  # noqa: B023
        return counts
