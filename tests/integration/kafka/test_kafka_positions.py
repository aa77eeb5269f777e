"""Where a worker begins to read each partition, whatever Kafka's group and the store know."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
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


@pytest.mark.kafka
async def test_a_partition_that_was_never_stored_has_gaps_too(
    tmp_path: Path, broker: Broker, topic_prefix: str
) -> None:
    """What was passed over counts; what Kafka had deleted before we first looked does not."""
    from kafka import KafkaAdminClient, KafkaProducer, TopicPartition

    topic = f"{topic_prefix}orders"
    broker.topics.create(topic, partitions=2)
    producer = KafkaProducer(bootstrap_servers=broker.bootstrap_servers)
    for number in range(10):
        producer.send(topic, b"{}", partition=number % 2)
    producer.close()
    admin = KafkaAdminClient(bootstrap_servers=broker.bootstrap_servers)
    admin.delete_records({TopicPartition(topic, 1): 4})
    admin.close()
    async with _positions(tmp_path, broker) as positions:
        await positions.first((topic, 1), 4)
        assert positions.gaps == 0
        await positions.first((topic, 0), 3)
        assert positions.gaps == 3


@asynccontextmanager
async def _positions(folder: Path, broker: Broker) -> AsyncIterator[Positions]:
    async def behind(_: Mapping[Place, tuple[int, int]]) -> None: ...

    store = SqliteStore(folder / "state.db")
    await store.open()
    yield Positions(store, Access((broker.bootstrap_servers,)), (), behind=behind, known_for=None)  # type: ignore[arg-type]
    await store.close()
