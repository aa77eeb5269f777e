"""The store in PostgreSQL: for any number of workers on any number of machines.

Workers keep nothing of a customer from one transaction to the next: rows are locked, read, changed and written in one.
What every worker must agree on (leases, doubts) runs on the database's clock. `postventa db upgrade` makes the tables.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Collection
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import datetime
from typing import TypeVar

import asyncpg

from postventa.errors import StoreError
from postventa.store.personal import check_retained
from postventa.store.postgres_errors import telling
from postventa.store.postgres_past import Past
from postventa.store.postgres_people import prune_by_age, prune_customers
from postventa.store.postgres_pool import Connections, Limits, place_of, quoted
from postventa.store.postgres_schema import Schema, check_schema, read_schema, schema_status, upgrade
from postventa.store.postgres_sql import Sql
from postventa.store.postgres_transaction import PostgresTransaction
from postventa.store.postgres_views import PostgresMailbox, PostgresViews

__all__ = ["Limits", "PostgresStore", "Schema", "schema_status", "upgrade"]

R = TypeVar("R")
_LOCK = "select pg_try_advisory_xact_lock(hashtextextended($1, 0))"
PART = 5000
"""Rows that retention drops in one transaction."""


class PostgresStore:
    """See `store.base.Store`. `dsn` is an address like `postgresql://user:password@host:5432/name?sslmode=verify-full`.

    `pooled`: a proxy gives every transaction another connection (PgBouncer in transaction mode): nothing is prepared
    beyond a transaction then. `readonly`: views only, for commands. Several processes may open it at once.
    """

    def __init__(
        self,
        dsn: str,
        *,
        schema: str = "postventa",
        pooled: bool = False,
        readonly: bool = False,
        limits: Limits | None = None,
    ) -> None:
        limits = limits or Limits()
        self.where = place_of(dsn, schema)
        self.schema = schema
        self.readonly = readonly
        self._keep_every = limits.idle_in_transaction.total_seconds() / 3
        self._past = Past(quoted(schema), self.where)
        made = self._past.compare
        self._writers = Connections(dsn, schema, limits, made, size=limits.writers, pooled=pooled, readonly=False)
        self._readers = Connections(dsn, schema, limits, made, size=limits.readers, pooled=pooled, readonly=True)
        self.views = PostgresViews(self._readers)
        self.mailbox = PostgresMailbox(self._readers, self._write)

    # --- open and close --------------------------------------------------------------------------------------------
    async def open(self) -> None:
        """Raises StoreError when the schema is not the one this version needs, StoreBusy when nobody answers."""
        await self._readers.open()
        try:
            if not self.readonly:
                await self._writers.open()
            async with self._readers.transaction() as db:
                with telling(self.where):
                    check_schema(await read_schema(db, self.schema, self.where), exact=True)
        except BaseException:
            await self.close()
            raise

    async def close(self) -> None:
        await self._readers.close()
        await self._writers.close()

    # --- writing ---------------------------------------------------------------------------------------------------
    def transaction(self) -> AbstractAsyncContextManager[PostgresTransaction]:
        return self._transaction()

    @asynccontextmanager
    async def _transaction(self) -> AsyncIterator[PostgresTransaction]:
        if self.readonly:
            raise StoreError("it was opened for reading only", self.where, "open the store as an engine does")
        async with self._writers.transaction() as connection:
            transaction = PostgresTransaction(connection, self.where)
            try:
                yield transaction
            finally:
                transaction.over = True
            if transaction.failed:
                raise StoreError("a call of this transaction failed", self.where, "see the error before this one")
        self._past.wrote(transaction.reached, transaction.pulse)

    async def _write(self, work: Callable[[Sql], Awaitable[R]]) -> R:
        """Some work in a small transaction of its own."""
        async with self._transaction() as transaction:
            return await work(transaction)

    # --- one at a time ---------------------------------------------------------------------------------------------
    @asynccontextmanager
    async def alone(self, name: str) -> AsyncIterator[bool]:
        """A lock of the database's, bound to a transaction that changes nothing: it also holds behind a proxy, and is
        free as soon as its connection is gone or stands still for too long."""
        async with self._writers.transaction() as connection:
            with telling(self.where):
                mine = await connection.fetchval(_LOCK, f"postventa:{self.schema}:{name}")
            if not mine:
                yield False
                return
            left = asyncio.Event()
            keeping = asyncio.create_task(self._keep(connection, left), name=f"alone {name}")
            try:
                yield True
            finally:
                left.set()
                await asyncio.gather(keeping, return_exceptions=True)

    async def _keep(self, connection: asyncpg.Connection, left: asyncio.Event) -> None:
        """Say a word now and then: whoever stands still inside a transaction is cut off."""
        while not left.is_set():
            try:
                await asyncio.wait_for(left.wait(), self._keep_every)
            except TimeoutError:
                await connection.execute("select 1")

    # --- retention -------------------------------------------------------------------------------------------------
    async def prune(self, tables: Collection[str], before: datetime) -> dict[str, int]:
        asked = check_retained(tables)
        counts = dict.fromkeys(sorted(asked), 0)
        after: str | None = "" if asked & {"history", "events"} else None
        while after is not None:
            start = after
            after, dropped = await self._write(lambda db: prune_customers(db, start, 500, asked, before))  # noqa: B023
            for name, count in dropped.items():
                counts[name] += count
        for name in sorted(asked - {"history", "events"}):
            while dropped_here := await self._write(lambda db: prune_by_age(db, name, before, PART)):  # noqa: B023
                counts[name] += dropped_here
        return counts
