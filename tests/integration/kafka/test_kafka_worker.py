"""Workers on a real broker: three topics to mails, whatever is in the topics, whoever dies."""

from __future__ import annotations

from kafka_world import World, delivered, order

import pytest

pytestmark = pytest.mark.kafka


async def test_three_topics_become_mails(world: World) -> None:
    world.make_topics(partitions={"orders": 3, "shipments": 1, "deliveries": 5})
    await world.publish()
    worker = world.start()
    world.send(*[("orders", order(number)) for number in range(5)])
    world.send(*[("deliveries", delivered(number)) for number in range(5)])
    await world.until(lambda: world.subjects() == {"Thank you": 5, "A tip": 5, "It is there": 5})
    assert world.stop(worker) == 0
