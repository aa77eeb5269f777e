"""An engine on each real store: in memory and on a SQLite file."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from postventa.engine.engine import Engine, open_engine
from postventa.store.memory import MemoryStore
from postventa.store.sqlite import SqliteStore

sys.path.insert(0, str(Path(__file__).parent))

from engine_shop import SHOP, T0


@pytest.fixture(params=["memory", "sqlite"])
async def engine(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Engine]:
    store = MemoryStore() if request.param == "memory" else SqliteStore(tmp_path / "state.db")
    await store.open()
    engine = await open_engine(store, "a secret for tests")
    await engine.releases.publish(SHOP, T0)
    yield engine
    await store.close()
