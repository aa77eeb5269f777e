"""The broker or the database goes away and comes back: workers wait, nothing is lost, nothing counts twice."""

from __future__ import annotations

import asyncio
import signal
from datetime import UTC, datetime
from pathlib import Path

import pytest
from kafka_world import World, mail_server, order

from postventa.testing.broker import Broker
from postventa.testing.database import Database

pytestmark = [pytest.mark.kafka, pytest.mark.slow]


async def test_a_broker_that_was_killed_comes_back(tmp_path: Path) -> None:
    async with Broker.start(tmp_path / "broker", own=True) as broker:
        world = World(tmp_path / "shop", "out.", broker)
        server = mail_server(world)
        world.write(server.port, "sqlite: .postventa/state.db")
        try:
            world.make_topics()
            await world.publish()
            worker = world.start()
            world.send(*[("orders", order(number)) for number in range(5)])
            await world.until(lambda: world.subjects()["A tip"] == 5)
            await asyncio.to_thread(broker.kill)
            await asyncio.sleep(5)
            await asyncio.to_thread(broker.restart)
            world.send(*[("orders", order(number)) for number in range(5, 10)])
            await world.until(lambda: world.subjects() == {"Thank you": 10, "A tip": 10}, 120)
            await world.until(lambda: sum(broker.topics.end_offsets(world.topic("out")).values()) >= 20)
            assert worker.poll() is None
            assert world.stop(worker) == 0
            assert "GAP" not in world.log()
        finally:
            for process in world.workers:
                process.kill()
            server.stop()


async def test_a_database_that_was_killed_comes_back(tmp_path: Path, broker: Broker, topic_prefix: str) -> None:
    from postventa.store.postgres import upgrade

    async with Database.start(tmp_path / "database", own=True) as database:
        await upgrade(database.dsn)
        world = World(tmp_path / "shop", topic_prefix, broker, environ={"SHOP_DATABASE": database.dsn})
        server = mail_server(world)
        world.write(server.port, "postgres_env: SHOP_DATABASE")
        try:
            world.make_topics()
            await world.publish()
            worker = world.start()
            world.send(*[("orders", order(number)) for number in range(5)])
            await world.until(lambda: world.subjects()["A tip"] == 5)
            await asyncio.to_thread(database.kill)
            world.send(*[("orders", order(number)) for number in range(5, 10)])
            await world.until(lambda: "wait" in world.log())
            await asyncio.to_thread(database.restart)
            await world.until(lambda: world.subjects() == {"Thank you": 10, "A tip": 10}, 120)
            assert worker.poll() is None
            assert world.stop(worker) == 0
            assert "GAP" not in world.log()
        finally:
            for process in world.workers:
                process.kill()
            server.stop()


async def test_a_worker_that_slept_past_a_rebalance_undoes_nothing(shared_world: World) -> None:
    world = shared_world
    world.make_topics(partitions={"orders": 2})
    await world.publish()
    first, second = world.start(), world.start()
    await world.until(lambda: world.log().count("reads") >= 2)
    world.send(*[("orders", order(number)) for number in range(10)])
    await world.until(lambda: world.subjects()["A tip"] == 10)
    first.send_signal(signal.SIGSTOP)
    world.send(*[("orders", order(number)) for number in range(10, 30)])
    await world.until(lambda: world.subjects()["Thank you"] == 30, 120)
    first.send_signal(signal.SIGCONT)
    world.send(*[("orders", order(number)) for number in range(30, 40)])
    await world.until(lambda: world.subjects()["A tip"] >= 40, 120)
    for worker in (first, second):
        code = world.stop(worker)
        assert code == 0, world.log()[-3000:]
    assert "GAP" not in world.log()
    assert "NOTHING IS SENT" not in world.log()
    async with world.opened() as store:
        counts = await store.views.counts(datetime.now(UTC))
        assert counts["customers"] == 40
        assert await store.views.dead_letters() == []
