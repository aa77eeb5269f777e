"""The SQLite file itself: how it is opened, locked against a second engine, migrated, and what its errors mean."""

from __future__ import annotations

import fcntl
import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from importlib.resources import files
from pathlib import Path
from typing import IO

from postventa.errors import StoreBusy, StoreError
from postventa.store.base import DataRefused
from postventa.store.codec import time_to_text

OLDEST = (3, 38, 0)
"""The first SQLite with everything used here: `returning`, `update … from`, `->>`."""

_MENDS = {
    "SQLITE_FULL": ("the disk is full", "make room on this disk; nothing of this batch was written"),
    "SQLITE_IOERR": ("the disk reports an error", "look at the disk and its mount, then start again"),
    "SQLITE_CORRUPT": ("the database file is damaged", "stop the engine and restore a backup of it"),
    "SQLITE_NOTADB": ("this file is no SQLite database", "name another file, or move this one away"),
    "SQLITE_READONLY": ("the database may not be written", "give this user the right to write the file and its folder"),
    "SQLITE_CANTOPEN": ("the database cannot be opened", "check that its folder exists and may be read and written"),
    "SQLITE_PERM": ("the database may not be opened", "give this user the right to read and write it"),
}
_DATA = ("SQLITE_MISMATCH", "SQLITE_TOOBIG", "SQLITE_CONSTRAINT", "SQLITE_RANGE")


@contextmanager
def telling(path: Path) -> Iterator[None]:
    """Turn what SQLite raises into StoreBusy, DataRefused or StoreError that say where, what and how to mend."""
    try:
        yield
    except sqlite3.Error as error:
        raise _told(error, path) from error
    except (UnicodeEncodeError, OverflowError) as error:
        raise DataRefused(f"a value cannot be written: {error}", str(path), _SPLIT) from error


_SPLIT = "find the record that holds it; the rest of the batch can go on without it"


def _told(error: sqlite3.Error, path: Path) -> StoreError:
    name = getattr(error, "sqlite_errorname", None) or ""
    if name.startswith(("SQLITE_BUSY", "SQLITE_LOCKED")):
        return StoreBusy("another program holds the database", str(path), "close what has it open, then try again")
    if name.startswith(_DATA) or isinstance(
        error, sqlite3.DataError | sqlite3.InterfaceError | sqlite3.ProgrammingError
    ):
        return DataRefused(f"a value cannot be written: {error}", str(path), _SPLIT)
    for prefix, (what, mend) in _MENDS.items():
        if name.startswith(prefix):
            return StoreError(f"{what} ({error})", str(path), mend)
    return StoreError(f"the database refused: {error}", str(path), "run `postventa doctor`")


def connect_writer(path: Path) -> sqlite3.Connection:
    """The one connection that writes. WAL, and every commit on the disk before it is told."""
    if sqlite3.sqlite_version_info < OLDEST:
        needed = ".".join(map(str, OLDEST))
        raise StoreError(
            f"this Python has SQLite {sqlite3.sqlite_version}, {needed} is needed", None, "use a newer build of Python"
        )
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False, cached_statements=256)
    connection.execute("pragma busy_timeout = 5000")
    connection.execute("pragma journal_mode = wal")
    connection.execute("pragma synchronous = full")
    connection.execute("pragma secure_delete = fast")
    connection.execute("pragma cache_size = -65536")
    connection.execute("pragma temp_store = memory")
    return connection


def connect_reader(path: Path) -> sqlite3.Connection:
    """A connection that cannot write; many may read while the writer writes."""
    uri = f"{path.absolute().as_uri()}?mode=ro"
    connection = sqlite3.connect(uri, uri=True, isolation_level=None, check_same_thread=False)
    connection.execute("pragma busy_timeout = 5000")
    connection.execute("pragma query_only = on")
    return connection


# --- one engine per database -----------------------------------------------------------------------------------------
class EngineLock:
    """A lock file beside the database, held as long as the engine lives; the system frees it when the process dies."""

    def __init__(self, database: Path) -> None:
        self.path = database.with_name(database.name + ".lock")
        self._file: IO[str] | None = None

    def take(self) -> None:
        """Raises StoreBusy that names the process holding it."""
        try:
            file = self.path.open("a+", encoding="utf-8")
        except OSError as error:
            raise StoreError(
                f"the lock file cannot be opened ({error.strerror})", str(self.path),
                "check that the folder exists and may be written",
            ) from error  # fmt: skip
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            file.seek(0)
            holder = file.read().strip() or "unknown"
            file.close()
            raise StoreBusy(
                f"another engine (process {holder}) runs on this database", str(self.path),
                "stop that engine first, or name another database; commands that only read work beside it",
            ) from error  # fmt: skip
        file.truncate(0)
        file.write(f"{os.getpid()}\n")
        file.flush()
        self._file = file

    def free(self) -> None:
        """Give it back; the file stays, empty."""
        if self._file is not None:
            self._file.truncate(0)
            self._file.close()
            self._file = None


# --- migrations ------------------------------------------------------------------------------------------------------
def migrations() -> list[tuple[int, str, str]]:
    """(number, name, SQL) of every migration this version knows, in order."""
    folder = files("postventa.store") / "sql" / "sqlite"
    scripts = sorted((script.name, script) for script in folder.iterdir() if script.name.endswith(".sql"))
    return [(int(name[:4]), name.removesuffix(".sql"), script.read_text("utf-8")) for name, script in scripts]


def schema_number(connection: sqlite3.Connection) -> int:
    """The last migration this database has; 0 for an empty one."""
    has = connection.execute("select 1 from sqlite_master where name = 'migrations'").fetchone()
    return int(connection.execute("select coalesce(max(number), 0) from migrations").fetchone()[0]) if has else 0


def check_schema(connection: sqlite3.Connection, path: Path, *, exact: bool = False) -> int:
    """The schema's number. Raises StoreError for a newer one, for a foreign file, and if `exact` for an older one."""
    number, known = schema_number(connection), migrations()[-1][0]
    if number > known:
        raise StoreError(
            f"the database has schema {number}, this postventa knows {known}", str(path),
            "install the postventa that wrote it, or a newer one",
        )  # fmt: skip
    if number == 0 and connection.execute("select 1 from sqlite_master limit 1").fetchone():
        raise StoreError("this database belongs to another program", str(path), "name another file for postventa")
    if exact and number < known:
        raise StoreError(
            f"the database has schema {number}, this postventa reads {known}", str(path),
            "start the engine once: it brings the database up to date",
        )  # fmt: skip
    return number


def migrate(connection: sqlite3.Connection, path: Path) -> None:
    """Apply what is missing, each migration in its own transaction, and note it."""
    number = check_schema(connection, path)
    connection.execute(
        "create table if not exists migrations"
        " (number integer primary key, name text not null, applied_at text not null)"
    )
    for next_number, name, script in migrations():
        if next_number > number:
            note = f"insert into migrations values ({next_number}, '{name}', '{time_to_text(datetime.now(UTC))}');"
            try:
                connection.executescript(f"begin immediate;\n{script}\n{note}\ncommit;")
            except BaseException:
                if connection.in_transaction:
                    connection.rollback()
                raise


def checkpoint(path: Path) -> None:
    """Bring the log into the database file, so that what was erased is in neither; silent while readers hold it."""
    with closing(connect_writer(path)) as connection:
        connection.execute("pragma wal_checkpoint(truncate)")
