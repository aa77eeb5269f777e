"""Which store the settings name: the SQLite file, or PostgreSQL where `store.postgres_env` names its address."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from postventa.settings import Settings, secret
from postventa.store.base import Store


def store_of(
    settings: Settings, database: Path, *, readonly: bool = False, environ: Mapping[str, str] | None = None
) -> Store:
    """The store, not opened yet. `database` is the SQLite file where that is what the settings name.

    Raises ConfigError when the environment variable with PostgreSQL's address is not set.
    """
    address = secret(settings.store.postgres_env, environ)
    if address is None:
        from postventa.store.sqlite import SqliteStore

        return SqliteStore(database, readonly=readonly)
    from postventa.store.postgres import PostgresStore  # asyncpg is imported only where it is used

    form = settings.store
    return PostgresStore(address, schema=form.postgres_schema, pooled=form.postgres_pooled, readonly=readonly)
