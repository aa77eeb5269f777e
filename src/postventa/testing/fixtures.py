"""pytest fixtures: a real broker and a real database for a whole test session, shared by all its processes.

    pytest_plugins = ["postventa.testing.fixtures"]        # in the top-level conftest.py

Where one cannot run, its tests are skipped and say what to install; with `CI=true` they fail instead. A test that ends
a server starts its own: `Broker.start(tmp_path, own=True)`.
"""

from __future__ import annotations

import os
import re
import secrets
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from itertools import count
from pathlib import Path

import pytest

from postventa.errors import ConfigError
from postventa.testing.broker import Broker
from postventa.testing.database import Database
from postventa.testing.part import Part
from postventa.testing.shared import shared


def pytest_configure(config: pytest.Config) -> None:
    """Make the two markers known."""
    config.addinivalue_line("markers", "kafka: needs a real Kafka broker, started or named by KAFKA_BOOTSTRAP_SERVERS")
    config.addinivalue_line("markers", "postgres: needs a real PostgreSQL, started or named by DATABASE_URL")


@pytest.fixture(scope="session")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    """A running Kafka: `bootstrap_servers`, `topics`. Take topic names of your own (`topic_prefix`)."""
    folder = _room(tmp_path_factory) / "broker"
    with ExitStack() as stack:
        address = _share(stack, Broker.start(folder), "bootstrap_servers", folder)
        yield Broker(folder, existing=address)


@pytest.fixture(scope="session")
def database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    """A running PostgreSQL: `dsn`, `create(name)`. A test that writes takes `dsn`, an empty database of its own."""
    folder = _room(tmp_path_factory) / "database"
    # Nothing here outlives the machine, so nobody waits for its disk.
    server = Database.start(folder, settings={"fsync": "off", "max_connections": "200"})
    with ExitStack() as stack:
        address = _share(stack, server, "dsn", folder)
        yield Database(folder, existing=address)


@pytest.fixture(scope="session")
def new_name() -> Callable[[str], str]:
    """A name nobody else uses, in this process, others of this session, and earlier ones: `new_name("orders")`."""
    session, numbers = secrets.token_hex(3), count(1)

    def make(stem: str) -> str:
        return f"{re.sub(r'[^a-z0-9]+', '_', stem.lower())[:40]}_{session}_{next(numbers)}"

    return make


@pytest.fixture
def dsn(database: Database, new_name: Callable[[str], str]) -> Iterator[str]:
    """The address of an empty database for this test alone, removed afterwards."""
    name = new_name("test")
    yield database.create(name)
    database.drop(name)


@pytest.fixture
def topic_prefix(request: pytest.FixtureRequest, broker: Broker, new_name: Callable[[str], str]) -> Iterator[str]:
    """How this test's topics begin; those that do are removed afterwards."""
    prefix = new_name(request.node.name) + "."
    yield prefix
    if mine := [name for name in broker.topics.names() if name.startswith(prefix)]:
        broker.topics.delete(*mine)


def _share(stack: ExitStack, part: Part, address: str, folder: Path) -> str:
    """Start or join; skip, or fail in CI, where this machine lacks something."""
    if part.existing:
        return part.existing
    try:
        return stack.enter_context(shared(part, address, folder))
    except ConfigError as missing:
        if os.environ.get("CI") == "true":
            pytest.fail(f"required in CI: {missing}", pytrace=False)
        pytest.skip(str(missing))


def _room(factory: pytest.TempPathFactory) -> Path:
    """A folder that all processes of this session know: with xdist each has its own below it."""
    base = factory.getbasetemp()
    return base.parent if os.environ.get("PYTEST_XDIST_WORKER") else base
