"""The small shop of the engine's tests, on each real store, with an operator beside it."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from postventa.engine.engine import Engine, open_engine
from postventa.engine.operate import Operators
from postventa.store.base import Store
from postventa.store.memory import MemoryStore
from postventa.store.sqlite import SqliteStore

sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parents[1] / "engine")]

from engine_shop import SHOP, T0  # noqa: E402 - found beside this file and in the engine's folder


async def _store(kind: str, request: pytest.FixtureRequest) -> Store:
    if kind == "postgres":
        return await request.getfixturevalue("empty_postgres")()
    return MemoryStore() if kind == "memory" else SqliteStore(request.getfixturevalue("tmp_path") / "state.db")


@pytest.fixture(params=["memory", "sqlite", "postgres"])
async def engine(request: pytest.FixtureRequest) -> AsyncIterator[Engine]:
    store = await _store(request.param, request)
    await store.open()
    engine = await open_engine(store, "a secret for tests")
    await engine.releases.publish(SHOP, T0)
    yield engine
    await store.close()


@pytest.fixture
def operators(engine: Engine) -> Operators:
    return Operators(engine, lambda: T0.replace(hour=10), dict)
