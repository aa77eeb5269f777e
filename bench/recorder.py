"""Takes down what a store writes, and writes it again with nothing but sqlite3."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from pathlib import Path
from time import perf_counter
from typing import Any, cast

from postventa.store.sqlite import SqliteStore
from postventa.store.sqlite_file import connect_writer

Log = list[tuple[str, str, Any]]
"""(method, statement, parameters) of everything that begins, writes or commits."""


class Recorder:
    """Stands before a store's own connection. Reads go through and are not taken down."""

    def __init__(self, store: SqliteStore) -> None:
        self._db = cast(sqlite3.Connection, store._db)
        self._log: Log = []
        store._db = cast(sqlite3.Connection, self)

    def taken(self) -> Log:
        """What was written since the last call."""
        log, self._log = self._log, []
        return log

    def execute(self, statement: str, values: Any = ()) -> sqlite3.Cursor:
        if not statement.lstrip().startswith(("select", "pragma")):
            self._log.append(("execute", statement, values))
        return self._db.execute(statement, values)

    def executemany(self, statement: str, values: Iterable[Any]) -> sqlite3.Cursor:
        rows = list(values)
        self._log.append(("executemany", statement, rows))
        return self._db.executemany(statement, rows)

    def commit(self) -> None:
        self._log.append(("execute", "commit", ()))
        self._db.commit()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._db, name)


def replay(database: Path, log: Log) -> float:
    """Seconds to run these statements, by the store's own settings: WAL, synchronous=FULL."""
    db = connect_writer(database)
    begun = perf_counter()
    for method, statement, values in log:
        getattr(db, method)(statement, values).fetchall()
    took = perf_counter() - begun
    db.close()
    return took
