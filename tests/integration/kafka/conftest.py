"""A shop on a real Kafka, with SQLite or a real PostgreSQL."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from kafka_world import World, mail_server

from postventa.testing.broker import Broker


@pytest.fixture
def world(tmp_path: Path, broker: Broker, topic_prefix: str) -> Iterator[World]:
    """On SQLite."""
    yield from _running(World(tmp_path, topic_prefix, broker), "sqlite: .postventa/state.db")


@pytest.fixture
def shared_world(tmp_path: Path, broker: Broker, topic_prefix: str, dsn: str) -> Iterator[World]:
    """On PostgreSQL, for several workers."""
    import asyncio

    from postventa.store.postgres import upgrade

    asyncio.run(upgrade(dsn))
    world = World(tmp_path, topic_prefix, broker, environ={"SHOP_DATABASE": dsn})
    yield from _running(world, "postgres_env: SHOP_DATABASE")


def _running(world: World, store: str) -> Iterator[World]:
    server = mail_server(world)
    world.write(server.port, store)
    yield world
    for process in world.workers:
        if process.poll() is None:
            process.kill()
            process.wait()
    server.stop()
