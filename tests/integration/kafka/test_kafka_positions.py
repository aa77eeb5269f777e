"""Where a worker begins to read each partition, whatever Kafka's group and the store know."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from postventa.publish import Access
from postventa.runtimes.kafka.positions import Place, Positions
from postventa.store.sqlite import SqliteStore
from postventa.testing.broker import Broker


@pytest.mark.kafka
async def test_a_partition_begins_where_the_store_says(tmp_path: Path, broker: Broker) -> None:
    """One that nobody committed begins at 0, too: what was fetched before a rebalance and dropped must come again."""
    told: list[Mapping[Place, tuple[int, int]]] = []

    async def behind(places: Mapping[Place, tuple[int, int]]) -> None:
        told.append(places)

    store = SqliteStore(tmp_path / "state.db")
    await store.open()
    async with store.transaction() as tx:
        await tx.set_positions({("orders", 1): 7, ("orders", 2): 7, ("orders", 3): 7, ("orders", 4): 7})
    positions = Positions(store, Access((broker.bootstrap_servers,)), ("orders",), behind=behind, known_for=None)  # type: ignore[arg-type]
    committed = {0: None, 1: None, 2: 5, 3: 7, 4: 9}
    starts = await positions.starts({("orders", number): done for number, done in committed.items()})
    await store.close()
    assert starts == {("orders", 0): 0, ("orders", 1): 7, ("orders", 4): 7}
    assert told == [{("orders", 4): (7, 9)}]
