"""PostgreSQL: what its errors mean to us: try again, split the batch, or stop and mend."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import asyncpg

from postventa.errors import StoreBusy, StoreConflict, StoreError
from postventa.store.base import DataRefused

_SPLIT = "find the record that holds it; the rest of the batch can go on without it"
_AGAIN = "nothing of this batch was written; it is tried again"

_CONFLICT = {
    "40001": "others changed the same rows at the same moment",
    "40P01": "two batches waited for each other",
}
_BUSY = {
    "55P03": "somebody holds these rows for too long",
    "57014": "the database ended a statement that took too long",
    "25P03": "this process stood still inside a transaction and the database cut it off",
    "25P04": "a transaction took too long and the database cut it off",
    "25006": "this server only reads: a standby, or a failover is under way",
    "53300": "the database has no free connection",
}
_STOP = {
    "53100": ("the database's disk is full", "make room there; nothing of this batch was written"),
    "42501": ("this role may not do that", "give it the rights that docs/postgres.md lists"),
    "42P01": ("a table is missing", "run `postventa db upgrade`"),
    "42703": ("a column is missing", "run `postventa db upgrade`"),
    "3F000": ("the schema is missing", "run `postventa db upgrade`, or name another in store.postgres_schema"),
    "3D000": ("there is no such database", "create it, or name another in the address"),
    "28000": ("the database refuses this role", "check user and pg_hba.conf"),
    "28P01": ("the database refuses the password", "check the address"),
}
_AWAY = ("08", "57P", "58")
_DATA = ("22", "23", "54")
LOST = (asyncpg.InterfaceError, asyncpg.InternalClientError, OSError, TimeoutError)
"""What asyncpg raises of itself; the second where a connection is lost between two messages of one query."""


def is_away(error: BaseException) -> bool:
    """True when the connection is of no use any more: the server stopped, went away or stopped listening to us."""
    if isinstance(error, asyncpg.PostgresError):
        state = error.sqlstate or ""
        return state.startswith(_AWAY) or state in {"25P03", "25P04", "25006", "53300"}
    if isinstance(error, asyncpg.exceptions.DataError | asyncpg.exceptions.ClientConfigurationError):
        return False
    return isinstance(error, LOST)


@contextmanager
def telling(where: str) -> Iterator[None]:
    """Turn what asyncpg raises into StoreBusy, DataRefused or StoreError that say where, what and how to mend."""
    try:
        yield
    except (asyncpg.PostgresError, *LOST) as error:
        raise told(error, where) from error
    except (UnicodeEncodeError, OverflowError) as error:
        raise DataRefused(f"a value cannot be written: {error}", where, _SPLIT) from error


def told(error: Exception, where: str) -> StoreError:
    """The error of ours that says what to do next."""
    state = (error.sqlstate or "") if isinstance(error, asyncpg.PostgresError) else ""
    if state in _CONFLICT:
        return StoreConflict(f"{_CONFLICT[state]} ({error})", where, _AGAIN)
    if state in _BUSY:
        return StoreBusy(f"{_BUSY[state]} ({error})", where, _AGAIN)
    if state in _STOP:
        what, mend = _STOP[state]
        return StoreError(f"{what} ({error})", where, mend)
    if state.startswith(_DATA) or isinstance(error, asyncpg.exceptions.DataError):
        return DataRefused(f"a value cannot be written: {error}", where, _SPLIT)
    if isinstance(error, asyncpg.exceptions.ClientConfigurationError):
        return not_an_address(error, where)
    if is_away(error):
        return StoreBusy(f"the database does not answer ({error or type(error).__name__})", where, _AGAIN)
    return StoreError(f"the database refused: {error}", where, "run `postventa db status`")


def not_an_address(error: Exception, where: str) -> StoreError:
    """What is said of an address that names no server."""
    return StoreError(
        f"this is no address of a database: {error}", where, "like postgresql://user:password@host:5432/name"
    )
