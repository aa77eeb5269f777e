"""Threads around SQLite: the writer's, which one transaction at a time owns, and the readers'.

The event loop never waits for the disk: a transaction hops to the writer's thread once per call of the port.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from functools import partial, wraps
from pathlib import Path
from typing import Any, Concatenate, ParamSpec, Protocol, TypeVar

from postventa.errors import StoreError
from postventa.store.sqlite_file import connect_reader, telling

P = ParamSpec("P")
R = TypeVar("R")


class Hopping(Protocol):
    """Whose methods run in another thread."""

    async def hop(self, work: Callable[[], R]) -> R:
        """Run it there, give its result here."""


S = TypeVar("S", bound=Hopping)


def hops(method: Callable[Concatenate[S, P], R]) -> Callable[Concatenate[S, P], Coroutine[Any, Any, R]]:
    """The plain method as a coroutine that runs it in the object's thread."""

    @wraps(method)
    async def call(self: S, *args: P.args, **kwargs: P.kwargs) -> R:
        return await self.hop(partial(method, self, *args, **kwargs))

    return call  # type: ignore[return-value]


class Readers:
    """Read-only connections, opened when first needed and used by one thread at a time."""

    def __init__(self, path: Path, threads: int = 4) -> None:
        self._path = path
        self._pool = ThreadPoolExecutor(threads, "postventa-read")
        self._idle: list[sqlite3.Connection] = []
        self._closed = False

    async def read(self, query: Callable[[sqlite3.Connection], R]) -> R:
        """Run a query in one read transaction: everything in it sees the same moment."""
        if self._closed:
            raise StoreError("the store is closed", str(self._path), "open it first")
        return await asyncio.get_running_loop().run_in_executor(self._pool, self._read, query)

    def _read(self, query: Callable[[sqlite3.Connection], R]) -> R:
        with telling(self._path):
            try:
                connection = self._idle.pop()
            except IndexError:
                connection = connect_reader(self._path)
            try:
                connection.execute("begin")
                return query(connection)
            finally:
                connection.rollback()
                self._idle.append(connection)

    def close(self) -> None:
        """Wait for the queries under way, close every connection."""
        self._closed = True
        self._pool.shutdown(wait=True)
        while self._idle:
            self._idle.pop().close()
