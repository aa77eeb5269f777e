"""Somebody holds locks in the database: who is held waits and is named, the rest flows, and nothing is given up."""

from __future__ import annotations

import asyncpg
import pytest
from kafka_world import World, order

pytestmark = [pytest.mark.kafka, pytest.mark.postgres, pytest.mark.slow]


async def test_a_session_that_holds_a_customer_and_later_a_table(shared_world: World) -> None:
    """For longer than the engine's patience with a lock (5 s)."""
    world = shared_world
    world.make_topics(partitions={"orders": 1, "shipments": 1})
    await world.publish()
    worker = world.start()
    world.send(("orders", order(1, "order.placed")))
    holder = await asyncpg.connect(world.environ["SHOP_DATABASE"])
    count = "select count(*) from postventa.customers"
    await world.until(lambda: _is(holder, count, 1))

    locks = holder.transaction()
    await locks.start()
    await holder.execute("select * from postventa.customers for update")
    world.send(("orders", order(1)))
    world.send(("shipments", order(2)))  # any topic may carry any order; this one is not held
    await world.until(lambda: world.subjects() == {"Thank you": 1, "A tip": 1})
    await world.until(lambda: "somebody holds these rows for too long" in world.log())
    assert {address for address, *_ in world.mails} == {"c2@example.com"}
    await locks.rollback()
    await world.until(lambda: world.subjects() == {"Thank you": 2, "A tip": 2})

    locks = holder.transaction()
    await locks.start()
    await holder.execute("lock table postventa.outbox in access exclusive mode")
    told = world.log().count("too long")
    world.send(("orders", order(3)), ("shipments", order(4)))
    await world.until(lambda: world.log().count("too long") >= told + 3)
    assert world.subjects() == {"Thank you": 2, "A tip": 2}
    await locks.rollback()
    await world.until(lambda: world.subjects() == {"Thank you": 4, "A tip": 4})
    await holder.close()

    assert world.stop(worker) == 0
    assert len(set(world.mails)) == len(world.mails)
    async with world.opened() as store:
        assert await store.views.dead_letters() == []


async def _is(connection: asyncpg.Connection, query: str, wanted: int) -> bool:
    return bool(await connection.fetchval(query) == wanted)
