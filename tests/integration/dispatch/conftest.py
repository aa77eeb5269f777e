"""An engine on a real SQLite file, with the shop published."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from postventa.engine.engine import open_engine
from postventa.store.sqlite import SqliteStore

sys.path.insert(0, str(Path(__file__).parent))

from dispatch_shop import SHOP, T0, World


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    store = SqliteStore(tmp_path / "state.db")
    await store.open()
    engine = await open_engine(store, "a secret for tests")
    await engine.releases.publish(SHOP, T0)
    world = World(engine)
    yield world
    for one in world.dispatchers:
        await one.finish()
    await store.close()
