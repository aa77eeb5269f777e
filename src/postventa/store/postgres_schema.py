"""PostgreSQL: numbered migrations, applied one by one under an advisory lock, in the schema of one's own."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.resources import files

import asyncpg

from postventa.errors import StoreError
from postventa.store.postgres_errors import not_an_address, telling
from postventa.store.postgres_pool import CONNECT_TIMEOUT, Limits, place_of, quoted, settings

OLDEST = 140000
"""PostgreSQL 14."""
_LOCK_WAIT = "set local lock_timeout = '60s'"
_TABLE = """
    create table if not exists migrations (
        number integer primary key, name text not null, applied_at timestamptz not null default now()
    )"""


@dataclass(frozen=True, slots=True)
class Schema:
    """How far a database is. `applied`: (number, name, when) of each migration, `missing`: (number, name)."""

    where: str
    server: str
    applied: tuple[tuple[int, str, str], ...]
    missing: tuple[tuple[int, str], ...]

    @property
    def number(self) -> int:
        """The last migration it has; 0 before the first."""
        return self.applied[-1][0] if self.applied else 0


def migrations() -> list[tuple[int, str, str]]:
    """(number, name, SQL) of every migration this version knows, in order."""
    folder = files("postventa.store") / "sql" / "postgres"
    scripts = sorted((script.name, script) for script in folder.iterdir() if script.name.endswith(".sql"))
    return [(int(name[:4]), name.removesuffix(".sql"), script.read_text("utf-8")) for name, script in scripts]


async def schema_status(dsn: str, schema: str = "postventa") -> Schema:
    """What the database has and lacks; changes nothing. Raises StoreError or StoreBusy when it cannot be asked."""
    where = place_of(dsn, schema)
    with telling(where):
        connection = await _connected(dsn, where)
        try:
            async with connection.transaction(readonly=True):
                await connection.execute(settings(schema, Limits()))
                return await read_schema(connection, schema, where)
        finally:
            await connection.close(timeout=5)


async def upgrade(dsn: str, schema: str = "postventa") -> list[str]:
    """Bring the schema up to date; gives the names of what was applied.

    Several may call at once: one applies, the others wait and find nothing left. Each migration is one transaction.
    Raises StoreError for a newer or foreign schema, a server too old, a role without the right to create.
    """
    where = place_of(dsn, schema)
    applied: list[str] = []
    with telling(where):
        connection = await _connected(dsn, where)
        try:
            while (name := await _one_step(connection, schema, where)) is not None:
                applied.append(name)
        finally:
            await connection.close(timeout=5)
    return applied


async def _one_step(connection: asyncpg.Connection, schema: str, where: str) -> str | None:
    """The next migration; None when there is none left."""
    async with connection.transaction():
        await connection.execute(f"{settings(schema, Limits())} {_LOCK_WAIT}")
        await connection.execute("select pg_advisory_xact_lock(hashtext($1), hashtext($2))", "postventa", schema)
        known = await connection.fetchval("select oid from pg_namespace where nspname = $1", schema)
        if known is None:
            await connection.execute(f"create schema {quoted(schema)}")
        status = check_schema(await read_schema(connection, schema, where))
        if not status.missing:
            return None
        number, name = status.missing[0]
        await connection.execute(_TABLE)
        await connection.execute(next(script for one, _, script in migrations() if one == number))
        await connection.execute("insert into migrations (number, name) values ($1, $2)", number, name)
        return name


async def read_schema(connection: asyncpg.Connection, schema: str, where: str) -> Schema:
    """As `schema_status`, inside a transaction that has the schema in its search path."""
    if connection.get_server_version()[0] * 10000 < OLDEST:
        server = ".".join(map(str, connection.get_server_version()[:2]))
        raise StoreError(f"this is PostgreSQL {server}, 14 or newer is needed", where, "upgrade the server")
    encoding = await connection.fetchval("select current_setting('server_encoding')")
    if encoding != "UTF8":
        raise StoreError(f"this database is written in {encoding}", where, "create one with: encoding 'UTF8'")
    applied: list[tuple[int, str, str]] = []
    if await connection.fetchval("select to_regclass($1)", f"{quoted(schema)}.migrations") is not None:
        found = await connection.fetch("select number, name, applied_at::text from migrations order by number")
        applied = [(row[0], row[1], row[2]) for row in found]
    elif await connection.fetchval("select 1 from pg_tables where schemaname = $1 limit 1", schema):
        raise StoreError(
            "this schema belongs to another program", where, "name another one in store.postgres_schema"
        )  # fmt: skip
    server = await connection.fetchval("select current_setting('server_version')")
    number = applied[-1][0] if applied else 0
    missing = tuple((one, name) for one, name, _ in migrations() if one > number)
    return Schema(where, str(server), tuple(applied), missing)


def check_schema(status: Schema, *, exact: bool = False) -> Schema:
    """The same. Raises StoreError for a newer schema than this version knows, and if `exact` for an older one."""
    known = migrations()[-1][0]
    if status.number > known:
        raise StoreError(
            f"the database has schema {status.number}, this postventa knows {known}", status.where,
            "install the postventa that wrote it, or a newer one",
        )  # fmt: skip
    if exact and status.missing:
        found = f"schema {status.number}" if status.number else "no tables yet"
        raise StoreError(
            f"the database has {found}, this postventa needs schema {known}", status.where, "run `postventa db upgrade`"
        )
    return status


async def _connected(dsn: str, where: str) -> asyncpg.Connection:
    try:
        return await asyncpg.connect(dsn, statement_cache_size=0, timeout=CONNECT_TIMEOUT)
    except ValueError as error:
        raise not_an_address(error, where) from error
