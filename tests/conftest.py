"""What every test shares: which marked tests can run on this machine, and PostgreSQL emptied for each."""

from __future__ import annotations

import logging
import os
import shutil
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings

if TYPE_CHECKING:
    from postventa.store.postgres import PostgresStore
    from postventa.testing.database import Database

os.environ["POSTVENTA_CACHE"] = ""  # templates are compiled, not taken over from what ran before

# The same examples on every machine and every day; SEARCH=1 draws new ones.
settings.register_profile("same", derandomize=True)
settings.load_profile("default" if os.environ.get("SEARCH") else "same")

_BROWSERS = ("chromium", "chromium-browser", "google-chrome")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip, with the reason, what needs data or a browser this machine lacks. CI must have the browser."""
    folder = os.environ.get("OLIST_DIR")
    orders = folder is not None and folder != "" and Path(folder).is_dir()
    browser = any(shutil.which(name) for name in _BROWSERS) or bool(os.environ.get("CI"))
    for item in items:
        if not orders and item.get_closest_marker("olist"):
            item.add_marker(pytest.mark.skip(reason="set OLIST_DIR to the folder with the real orders"))
        if not browser and item.get_closest_marker("browser"):
            item.add_marker(pytest.mark.skip(reason="no Chromium on this machine"))


@pytest.fixture(autouse=True)
def log_as_before() -> Iterator[None]:
    """A command run in this process sets up the log on the test's own stderr: the next test gets it as it was."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:], root.level = handlers, level


@pytest.fixture(scope="session")
def schema(database: Database, new_name: Callable[[str], str]) -> Iterator[str]:
    """A schema for this process's tests; removed at the end, since the server may be somebody's own."""
    name = new_name("tests")
    yield name
    database.sql(f"drop schema if exists {name} cascade")


@pytest.fixture
def empty_postgres(database: Database, schema: str) -> Callable[[], Awaitable[PostgresStore]]:
    """`await empty_postgres()`: a store with no row in it, not opened yet. There is one at a time."""
    import asyncpg

    from postventa.store.postgres import PostgresStore, upgrade

    async def emptied() -> PostgresStore:
        # one schema for all tests, emptied for each: making the tables takes longer than most tests
        if not await upgrade(database.dsn, schema):
            connection = await asyncpg.connect(database.dsn)
            found = await connection.fetch("select tablename from pg_tables where schemaname = $1", schema)
            names = [row["tablename"] for row in found if row["tablename"] != "migrations"]
            await connection.execute("; ".join(f"delete from {schema}.{name}" for name in names))
            await connection.close()
        return PostgresStore(database.dsn, schema=schema)

    return emptied
