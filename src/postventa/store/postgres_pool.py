"""PostgreSQL: its connections: how they are opened, taken with back-off, and what every transaction begins with.

All settings are set inside each transaction, never on the session, and every statement runs inside one: so it works
behind a proxy that gives each transaction another connection (`pooled`). Nothing here knows a table.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

import asyncpg

from postventa.errors import StoreBusy, StoreError
from postventa.store.postgres_errors import LOST, is_away, not_an_address, telling

PAUSES = (0.0, 0.05, 0.1, 0.2, 0.4, 0.8, 1.5, 2.0)
"""Seconds between tries at a connection; the last one again and again, until `patience` is over."""
COMMAND_TIMEOUT = 60.0
CONNECT_TIMEOUT = 10.0


@dataclass(frozen=True, slots=True)
class Limits:
    """How long anything may take, and how many connections one process holds."""

    idle_in_transaction: timedelta = timedelta(seconds=15)
    """A process that stands still inside a transaction is cut off after this: its locks must not stay."""
    lock: timedelta = timedelta(seconds=5)
    patience: timedelta = timedelta(seconds=5)
    """How long a call waits for a database that is away before it says so."""
    writers: int = 8
    readers: int = 4


def place_of(dsn: str, schema: str) -> str:
    """Where a database is, for messages: never with its password."""
    try:
        parts = urlsplit(dsn)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        return f"PostgreSQL, schema {schema}"
    server = f"{host}:{port}" if port else host
    return f"PostgreSQL {server}{parts.path}, schema {schema}"


def quoted(name: str) -> str:
    """A name as an SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


def _milliseconds(span: timedelta) -> int:
    return int(span.total_seconds() * 1000)


def settings(schema: str, limits: Limits) -> str:
    """What every transaction begins with."""
    return (
        f"set local search_path = {quoted(schema)}; set local timezone = 'UTC'; set local datestyle = 'ISO';"
        f" set local idle_in_transaction_session_timeout = {_milliseconds(limits.idle_in_transaction)};"
        f" set local lock_timeout = {_milliseconds(limits.lock)};"
    )


Made = Callable[[asyncpg.Connection], Awaitable[None]]
"""Called with every new connection."""


async def _nothing(_: asyncpg.Connection) -> None:
    """Nothing of a session needs a reset: all is set inside transactions."""


class Connections:
    """The pool of one purpose: writing, or reading."""

    def __init__(
        self, dsn: str, schema: str, limits: Limits, made: Made, *, size: int, pooled: bool, readonly: bool
    ) -> None:
        self.where = place_of(dsn, schema)
        self._dsn = dsn
        self._made = made
        self._size = size
        self._statements = 0 if pooled else 200
        self._patience = limits.patience.total_seconds()
        mode = "begin isolation level repeatable read read only" if readonly else "begin"
        self._begin = f"{mode}; {settings(schema, limits)}"
        self._pool: asyncpg.Pool | None = None

    async def open(self) -> None:
        """Ready to connect; nothing is connected yet."""
        with telling(self.where):
            self._pool = await asyncpg.create_pool(
                self._dsn, min_size=0, max_size=self._size, statement_cache_size=self._statements, reset=_nothing,
                init=self._made, command_timeout=COMMAND_TIMEOUT,
                timeout=CONNECT_TIMEOUT, max_inactive_connection_lifetime=60.0,
            )  # fmt: skip

    async def close(self) -> None:
        """Wait for what is under way, close every connection."""
        pool, self._pool = self._pool, None
        if pool is not None:
            try:
                await asyncio.wait_for(pool.close(), 10)
            except (asyncpg.PostgresError, *LOST):
                pool.terminate()

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[asyncpg.Connection]:
        """A connection inside a transaction: leaving commits, an exception rolls back. Raises what `telling` tells."""
        with telling(self.where):
            pool, connection = await self._begun()
        try:
            try:
                yield connection
                with telling(self.where):
                    await self._commit(connection)
            except BaseException:
                await asyncio.shield(_roll_back(connection))
                raise
        finally:
            await asyncio.shield(_give_back(pool, connection))

    async def read(self, query: Callable[[asyncpg.Connection], Awaitable[Any]]) -> Any:
        """A query, once more on a new connection when the first was lost: reading twice is no harm."""
        for last in (False, True):
            try:
                async with self.transaction() as connection:
                    with telling(self.where):
                        return await query(connection)
            except StoreError as error:
                if last or error.__cause__ is None or not is_away(error.__cause__):
                    raise
        raise AssertionError("a loop that returns or raises")

    async def _begun(self) -> tuple[asyncpg.Pool, asyncpg.Connection]:
        """Try until a connection has begun a transaction, with growing pauses, as long as the patience lasts."""
        if self._pool is None:
            raise StoreError("the store is not open", self.where, "open it first")
        pool, tries, until = self._pool, 0, time.monotonic() + self._patience
        while True:
            connection = None
            try:
                connection = await pool.acquire()
                await connection.execute(self._begin)
                return pool, connection
            except BaseException as error:
                if connection is not None:
                    _cut_off(connection)
                    await asyncio.shield(_give_back(pool, connection))
                if isinstance(error, ValueError) and not isinstance(error, asyncpg.InterfaceError):
                    raise not_an_address(error, self.where) from error
                if not is_away(error) or time.monotonic() >= until:
                    raise
            if tries == 0:
                await pool.expire_connections()  # one that is dead tells that the others are
            await asyncio.sleep(PAUSES[min(tries, len(PAUSES) - 1)])
            tries += 1

    async def _commit(self, connection: asyncpg.Connection) -> None:
        try:
            done = await connection.execute("commit")
        except Exception as error:
            if not is_away(error):
                raise
            raise StoreBusy(
                f"the connection was lost in the middle of a commit ({error})", self.where,
                "perhaps it was written: it is tried again, and what is known already is recognised",
            ) from error  # fmt: skip
        if done != "COMMIT":
            raise StoreError(
                "the transaction had failed and was rolled back", self.where, "see the error before this one"
            )


async def _roll_back(connection: asyncpg.Connection) -> None:
    """Whatever the connection was doing; one that cannot be asked is cut off, which rolls back too."""
    try:
        if not connection.is_closed():
            await connection.execute("rollback", timeout=5)
    except Exception:  # noqa: BLE001 - the error that led here is the one to tell
        _cut_off(connection)


async def _give_back(pool: asyncpg.Pool, connection: asyncpg.Connection) -> None:
    try:
        await pool.release(connection, timeout=5)
    except (asyncpg.PostgresError, *LOST):
        _cut_off(connection)


def _cut_off(connection: asyncpg.Connection) -> None:
    with suppress(asyncpg.InterfaceError):  # a connection that died has left the pool by itself
        connection.terminate()
