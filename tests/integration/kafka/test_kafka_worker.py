"""Workers on a real broker: three topics to mails, whatever is in the topics, whoever dies."""

from __future__ import annotations

import asyncio
import json
import signal
import socket
import sys
from datetime import UTC, datetime, timedelta

import pytest
from kafka_world import World, delivered, order

from postventa.publish import Access
from postventa.runtimes.kafka.caught_up import CaughtUp
from postventa.store.base import Store

pytestmark = pytest.mark.kafka
FAUST = [sys.executable, "-m", "faust", "-A", "postventa.runtimes.kafka.app", "worker"]


async def read_up(world: World, store: Store) -> bool:
    """Whether the store has reached the end of every input topic."""
    positions = await store.views.positions()
    return all(
        positions.get((world.topic(name), number), 0) == end
        for name in ("orders", "shipments", "deliveries")
        for number, end in world.broker.topics.end_offsets(world.topic(name)).items()
    )


async def test_three_topics_become_mails(world: World) -> None:
    """Orders are keyed by customer, deliveries by order, and no two topics have the same number of partitions."""
    world.make_topics(partitions={"orders": 3, "shipments": 1, "deliveries": 5})
    await world.publish()
    worker = world.start()
    world.send(*[("orders", order(number)) for number in range(5)])
    world.send(*[("deliveries", delivered(number)) for number in range(5)])
    await world.until(lambda: world.subjects() == {"Thank you": 5, "A tip": 5, "It is there": 5})
    assert world.stop(worker) == 0
    assert "GAP" not in world.log()

    told = world.read("out")
    assert sorted(one["type"] for one in told if one["type"] == "message.sent") == ["message.sent"] * 15
    assert len({(one["source"], one["id"]) for one in told}) == len(told)
    assert {one["_key"] for one in told} == {f"c{number}" for number in range(5)}


async def test_faust_runs_it_without_its_web_and_refuses_with_it(world: World) -> None:
    world.make_topics()
    await world.publish()
    refused = world.start(*FAUST)
    assert await asyncio.to_thread(refused.wait, 60) == 2
    assert "--without-web" in world.log()

    worker = world.start(*FAUST, "--without-web")
    world.send(("orders", order(1)))
    await world.until(lambda: world.subjects()["Thank you"] == 1)
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", 6066)) != 0
    assert world.stop(worker) == 0


async def test_years_of_old_orders_at_the_first_start_mail_nobody(world: World) -> None:
    world.make_topics()
    await world.publish()
    long_ago = datetime.now(UTC) - timedelta(days=400)
    from kafka import KafkaProducer

    from postventa.publish import encoded

    producer = KafkaProducer(bootstrap_servers=world.broker.bootstrap_servers)
    for number in range(10_000):
        producer.send(world.topic("orders"), encoded(order(number, at=long_ago)))
    producer.close()
    worker = world.start()
    world.send(("orders", order(10_001)))
    await world.until(lambda: world.subjects() == {"Thank you": 1, "A tip": 1}, 120)
    assert world.stop(worker) == 0
    async with world.opened() as store:
        assert await read_up(world, store)
        assert (await store.views.counts(datetime.now(UTC)))["customers"] == 10_001


async def test_what_cannot_be_read_is_told_and_the_rest_flows(world: World) -> None:
    """A topic is missing, too: that of the deliveries."""
    for name in ("orders", "shipments", "out", "dead-letters"):
        world.broker.topics.create(world.topic(name), partitions=1, max_message_bytes="5000000")
    await world.publish()
    world.raw("orders", b"not JSON at all")
    world.raw("orders", b"\xff\xfe\x00broken")
    world.raw("orders", b'{"id": "x", "source": "shop", "type": "order.paid", "time": "' + b"9" * 2_000_000 + b'"}')
    nul = (
        b'{"id":"n","source":"shop","type":"order.paid","time":"2026-03-01T10:00:00Z","data":{"order_id":"a\\u0000b"}}'
    )
    world.raw("orders", nul)
    world.raw("orders", b"")
    soon = delivered(1) | {"time": "soon"}
    world.raw("shipments", json.dumps(soon).encode())
    worker = world.start()
    world.send(("orders", order(1)))
    await world.until(lambda: world.subjects()["Thank you"] == 1)
    await world.until(lambda: sum(world.broker.topics.end_offsets(world.topic("dead-letters")).values()) == 6)
    assert world.stop(worker) == 0
    assert f"topic '{world.topic('deliveries')}' does not exist" in world.log()
    assert "postventa kafka setup" in world.log()

    letters = {one["source"]: one for one in world.read("dead-letters")}
    orders = world.topic("orders")
    assert letters[f"{orders}/0/0"]["record"] == "not JSON at all"
    assert letters[f"{orders}/0/1"]["record"].startswith("base64:")
    assert "256 kB" in letters[f"{orders}/0/2"]["reason"]
    assert letters[f"{orders}/0/2"]["record"].endswith("(shortened)")
    assert letters[f"{orders}/0/3"]["field"]
    assert letters[f"{world.topic('shipments')}/0/0"]["field"] == "/time"
    async with world.opened() as store:
        assert {one.source for one in await store.views.dead_letters()} == set(letters)


@pytest.mark.parametrize("number", [pytest.param(signal.SIGKILL, marks=pytest.mark.slow), signal.SIGTERM])
async def test_a_worker_ends_and_others_go_on(shared_world: World, number: signal.Signals) -> None:
    """Three workers on PostgreSQL; one ends while events stream in. Nothing is lost, nothing counts twice."""
    world = shared_world
    world.make_topics(partitions={"orders": 4, "deliveries": 3})
    await world.publish()
    workers = [world.start() for _ in range(3)]
    await world.until(lambda: world.log().count("reads") >= 3)
    for part in range(4):
        await asyncio.to_thread(
            world.send,
            *[("orders", order(one)) for one in range(part * 20, part * 20 + 20)],
            *[("deliveries", delivered(one)) for one in range(part * 20, part * 20 + 20)],
        )
        if part == 1:
            world.stop(workers[0], number)
    await world.until(lambda: len(set(world.mails)) >= 240, 120)
    for worker in workers[1:]:
        assert world.stop(worker) == 0
    assert "GAP" not in world.log()
    assert world.subjects().keys() == {"Thank you", "A tip", "It is there"}
    assert len(set(world.mails)) == 240
    async with world.opened() as store:
        assert await read_up(world, store)
        assert await store.views.dead_letters() == []
    if number == signal.SIGTERM:
        assert len(world.mails) == 240


async def test_a_timer_waits_for_the_cancellation_that_is_still_to_be_read(world: World) -> None:
    world.make_topics()
    await world.publish()
    worker = world.start()
    world.send(("orders", order(1)))
    await world.until(lambda: world.subjects()["Thank you"] == 1)
    assert world.stop(worker, signal.SIGKILL) == -signal.SIGKILL
    world.send(("shipments", order(1, "order.cancelled")))
    await asyncio.sleep(2)  # the tip is due by now
    worker = world.start()
    world.send(("orders", order(2)))
    await world.until(lambda: world.subjects()["A tip"] == 1)
    assert world.stop(worker) == 0
    assert {to for to, subject, _ in world.mails if subject == "A tip"} == {"c2@example.com"}


async def test_the_wait_for_the_intake_ends_with_it_or_after_its_limit(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    world.make_topics(partitions={"orders": 1})
    world.send(("orders", order(1)))
    topic, stop, access = world.topic("orders"), asyncio.Event(), Access((world.broker.bootstrap_servers,))
    async with world.opened() as store:
        patient, hasty = (CaughtUp(store, access, (topic,), limit, lambda: None) for limit in (600, 1))
        waiting = asyncio.create_task(patient.run(stop))
        limited = asyncio.create_task(hasty.run(stop))
        await asyncio.wait_for(hasty.done.wait(), 60)
        while not patient.waiting:  # noqa: ASYNC110 - it tells nobody
            await asyncio.sleep(0.05)
        assert "1 events are still to be read after 1 s: timers and mail go on" in caplog.text
        assert (patient.done.is_set(), dict(patient.waiting)) == (False, {(topic, 0): 1})
        async with store.transaction() as tx:
            await tx.set_positions({(topic, 0): 1})
        await asyncio.wait_for(patient.done.wait(), 60)
        stop.set()
        await asyncio.gather(waiting, limited)


@pytest.mark.slow
async def test_only_what_a_transaction_committed_is_read_and_its_markers_are_no_gaps(world: World) -> None:
    from aiokafka import AIOKafkaProducer

    from postventa.publish import encoded

    world.make_topics(partitions={"orders": 1})
    await world.publish()
    producer = AIOKafkaProducer(bootstrap_servers=world.broker.bootstrap_servers, transactional_id=world.prefix)
    await producer.start()
    async with producer.transaction():
        await producer.send(world.topic("orders"), encoded(order(1)))
    await producer.begin_transaction()
    await producer.send_and_wait(world.topic("orders"), encoded(order(2)))
    await producer.abort_transaction()

    worker = world.start()
    await world.until(lambda: world.subjects() == {"Thank you": 1, "A tip": 1})
    assert world.stop(worker) == 0
    async with producer.transaction():
        await producer.send(world.topic("orders"), encoded(order(3)))
    await producer.stop()
    worker = world.start()
    await world.until(lambda: world.subjects() == {"Thank you": 2, "A tip": 2})
    assert world.stop(worker) == 0
    assert "GAP" not in world.log()
    async with world.opened() as store:
        assert (await store.views.counts(datetime.now(UTC)))["customers"] == 2


@pytest.mark.slow
async def test_records_that_kafka_deleted_unread_are_a_gap(world: World) -> None:
    from kafka import KafkaAdminClient, TopicPartition

    world.make_topics(partitions={"orders": 1})
    await world.publish()
    worker = world.start()
    world.send(*[("orders", order(number)) for number in range(3)])
    await world.until(lambda: world.subjects()["Thank you"] == 3)
    assert world.stop(worker) == 0
    world.send(*[("orders", order(number)) for number in range(3, 8)])
    admin = KafkaAdminClient(bootstrap_servers=world.broker.bootstrap_servers)
    admin.delete_records({TopicPartition(world.topic("orders"), 0): 7})
    admin.close()
    worker = world.start()
    await world.until(lambda: world.subjects()["Thank you"] == 4)
    assert world.stop(worker) == 0
    assert "GAP: 4 records" in world.log()


async def test_a_restored_database_hears_again_what_it_lost(world: World) -> None:
    """And mail waits for a word, since it may have left already."""
    world.make_topics()
    await world.publish()
    database = world.folder / ".postventa" / "state.db"
    backup = database.read_bytes()
    worker = world.start()
    world.send(*[("orders", order(number)) for number in range(10)])
    await world.until(lambda: world.subjects()["Thank you"] == 10)
    assert world.stop(worker) == 0

    for file in database.parent.glob("state.db*"):
        file.unlink()
    database.write_bytes(backup)
    before = len(world.mails)
    worker = world.start()
    await world.until(lambda: "NOTHING IS SENT" in world.log())
    async with _reading(world) as store:
        await world.until(lambda: read_up(world, store))
    assert world.stop(worker) == 0
    assert len(world.mails) == before
    async with world.opened() as store:
        assert (await store.views.counts(datetime.now(UTC)))["customers"] == 10
        assert [pause.scope for pause in await store.views.pauses()] == ["all"]
    assert "GAP" not in world.log()


@pytest.mark.slow
async def test_a_topic_made_again_is_read_from_its_beginning(world: World) -> None:
    world.make_topics()
    await world.publish()
    worker = world.start()
    world.send(*[("orders", order(number)) for number in range(10)])
    await world.until(lambda: world.subjects()["Thank you"] == 10)
    assert world.stop(worker) == 0
    world.broker.topics.delete(world.topic("orders"))
    world.broker.topics.create(world.topic("orders"), partitions=2)
    world.send(*[("orders", order(number)) for number in range(10, 15)])
    worker = world.start()
    await world.until(lambda: world.subjects()["Thank you"] == 15)
    assert world.stop(worker) == 0
    assert f"TOPIC '{world.topic('orders')}' WAS DELETED AND MADE AGAIN" in world.log()


def _reading(world: World):  # type: ignore[no-untyped-def]
    from postventa.store.sqlite import SqliteStore

    class Reading:
        async def __aenter__(self) -> SqliteStore:
            self.store = SqliteStore(world.folder / ".postventa" / "state.db", readonly=True)
            await self.store.open()
            return self.store

        async def __aexit__(self, *_: object) -> None:
            await self.store.close()

    return Reading()
