"""What workers publish: one at a time and in order, what the receiver refuses is kept as refused, old rows go."""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from kafka_world import World

sys.path.insert(0, str(Path(__file__).parents[2] / "contracts" / "channels"))

from harness import hook

from postventa.core.effect import EmitEvent
from postventa.core.event import Event
from postventa.core.values import time_text
from postventa.dispatch.outlet import Poster
from postventa.publish import Access
from postventa.runtimes.kafka.out import BATCH, Out, Producer
from postventa.runtimes.kafka.published import left_between
from postventa.store.base import CustomerWrite, DeadLetter, HistoryRow, Store

pytestmark = pytest.mark.kafka
NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)


@dataclass
class _Passing:
    """A real producer that hands on to the next worker before it sends: where two would cross, they do."""

    access: Access

    def __post_init__(self) -> None:
        self.real = Producer(self.access, "a group")

    async def send(self, records) -> None:
        await asyncio.sleep(0.05)
        await self.real.send(records)

    async def close(self) -> None:
        await self.real.close()


@contextlib.asynccontextmanager
async def publisher(world: World, poster: Poster | None = None) -> AsyncIterator[tuple[Out, Store]]:
    async with world.opened() as store:
        producer = _Passing(Access((world.broker.bootstrap_servers,)))
        out = Out(store, producer, world.topic("out"), world.topic("dead-letters"), lambda: NOW, poster)  # type: ignore[arg-type]
        yield out, store
        await producer.close()


async def emit(store: Store, count: int) -> None:
    """Events of one customer that are still to be published."""
    events = [Event(f"e{number}", "postventa", "points.earned", NOW, {}) for number in range(count)]
    async with store.transaction() as tx:
        before = (await tx.lock_customers(["ana"]))["ana"]
        after = before.fork()
        after.now = NOW
        effects = tuple(EmitEvent(one.id, one) for one in events)
        await tx.save([CustomerWrite(before, after, (HistoryRow("ana", 1, NOW, "timer", "r"),), effects=effects)])


async def test_workers_publish_one_at_a_time_and_each_event_and_letter_once(shared_world: World) -> None:
    world, count = shared_world, BATCH + 100
    world.make_topics()
    async with publisher(world) as (first, store), publisher(world) as (second, _), publisher(world) as (third, _):
        await emit(store, count)
        letters = [DeadLetter("orders/0/1", f"reason {number}", "{", NOW) for number in range(30)]
        async with store.transaction() as tx:
            await tx.put_dead_letters(letters)
        stop, workers = asyncio.Event(), (first, second, third)
        tasks = [asyncio.create_task(one.run(stop)) for one in workers]

        async def all_out() -> bool:
            async with store.transaction() as tx:
                return not await tx.pending_events(1)

        async with asyncio.timeout(30):
            while not await all_out():  # noqa: ASYNC110
                await asyncio.sleep(0.05)
        async with store.transaction() as tx:
            await tx.put_dead_letters([DeadLetter("orders/0/2", "the last", "{", NOW)])
        for one in workers:
            one.wake.set()
        async with asyncio.timeout(30):
            while len(world.read("dead-letters")) < 31:  # noqa: ASYNC110
                await asyncio.sleep(0.05)
        stop.set()
        for one in workers:
            one.wake.set()
        await asyncio.gather(*tasks)
    assert [one["id"] for one in world.read("out")] == [f"e{number}" for number in range(count)]
    told = sorted(one["reason"] for one in world.read("dead-letters"))
    assert told == sorted([*[one.reason for one in letters], "the last"])


async def test_what_the_receiver_refuses_for_good_is_refused_and_not_sent(world: World) -> None:
    world.make_topics()
    async with hook() as far, publisher(world, far.channel) as (out, store):
        await emit(store, 1)
        far.answer = "410 gone"
        assert await out.drain() == 1
        assert out.published == 0
        assert (await store.views.counts(NOW))["refused_events"] == 1
        row = await store.views.outbox_row("e0")
        assert row is not None
        assert row.state == "refused"
        assert "410" in row.detail
    assert [one["id"] for one in world.read("out")] == ["e0"], "Kafka has it all the same"


async def test_a_worker_drops_old_rows_as_the_settings_say(world: World) -> None:
    world.make_topics()
    with (world.folder / "postventa.yaml").open("a") as file:
        file.write("retention: {history: 1 day, events: 1 day}\n")
    await world.publish()
    past = datetime.now(UTC) - timedelta(days=5)
    async with world.opened() as store:
        event = Event("old", "shop", "order.placed", past, {})
        async with store.transaction() as tx:
            before = (await tx.lock_customers(["ana"]))["ana"]
            after = before.fork()
            after.now = past
            row = HistoryRow("ana", 1, past, "event", "r", {"source": "shop", "id": "old"})
            await tx.save([CustomerWrite(before, after, (row,), events=((event, past),))])
    worker = world.start()
    await world.until(lambda: "dropped by age: 1 events" in world.log())
    assert world.stop(worker) == 0


async def test_another_shops_mails_on_the_same_topic_are_none_of_ours(world: World) -> None:
    world.make_topics()
    access, topic, begin = Access((world.broker.bootstrap_servers,)), world.topic("out"), datetime.now(UTC)

    def sent(name: str) -> bytes:
        told = {"type": "message.sent", "time": time_text(begin), "data": {"effect_id": name}}
        return json.dumps(told).encode()

    for group, name in (("ours", "mine"), ("another", "theirs")):
        producer = Producer(access, group)
        await producer.send([(topic, None, sent(name))])
        await producer.close()
    world.raw("out", sent("from before there was a header"))
    world.raw("out", b"no JSON")
    left = await asyncio.to_thread(left_between, access, topic, "ours", begin)
    assert left.keys() == {"mine", "from before there was a header"}
    later = begin + timedelta(minutes=5)
    assert not await asyncio.to_thread(left_between, access, topic, "ours", later), "not so far back"
    assert not await asyncio.to_thread(
        left_between, access, topic, "ours", begin - timedelta(hours=1), begin - timedelta(minutes=30)
    )
