"""Workers join and leave twenty times while events stream in: nothing is lost, and how soon they are as fast again."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections import Counter, deque
from dataclasses import dataclass, field
from statistics import median
from threading import Event, Thread

import asyncpg
import pytest
from kafka_world import World, order

from postventa.publish import encoded
from postventa.store.postgres import PostgresStore

pytestmark = [pytest.mark.kafka, pytest.mark.postgres, pytest.mark.slow]
PER_SECOND = 100
PAID_EVERY = 25
"""One order in so many is paid and leads to mail; the others are facts."""
CHANGES = int(os.environ.get("CHANGES", "20"))
PATIENCE = 180.0
WINDOW = 2.0
LONGEST = 30.0
"""Seconds in which the workers should be as fast as before, or nearly."""
NEARLY = 0.8


@dataclass
class Stream:
    """Orders at an even pace, until told to stop."""

    world: World
    sent: list[str] = field(default_factory=list)
    stop: Event = field(default_factory=Event)

    def __post_init__(self) -> None:
        self.thread = Thread(target=self._run, daemon=True)
        self.thread.start()

    def _run(self) -> None:
        from kafka import KafkaProducer

        producer = KafkaProducer(bootstrap_servers=self.world.broker.bootstrap_servers, acks="all", linger_ms=20)
        began = time.monotonic()
        while not self.stop.wait(0.05):
            while len(self.sent) < (time.monotonic() - began) * PER_SECOND:
                number = len(self.sent)
                kind = "order.placed" if number % PAID_EVERY else "order.paid"
                one = order(number, kind)
                producer.send(self.world.topic("orders"), encoded(one), key=one["data"]["customer_id"].encode())
                self.sent.append(one["id"])
        producer.flush()
        producer.close()

    def end(self) -> Counter[str]:
        self.stop.set()
        self.thread.join()
        return Counter(self.sent)


@dataclass
class Pace:
    """How many events a second reach the database, by what the positions tell."""

    connection: asyncpg.Connection
    seen: deque[tuple[float, int]] = field(default_factory=deque)

    async def now(self) -> float:
        reached = await self.connection.fetchval("select coalesce(sum(next), 0)::bigint from postventa.positions")
        self.seen.append((time.monotonic(), reached))
        while self.seen[-1][0] - self.seen[0][0] > WINDOW:
            self.seen.popleft()
        (began, first), (ended, last) = self.seen[0], self.seen[-1]
        return (last - first) / (ended - began) if ended - began > WINDOW / 2 else 0.0

    async def reaches(self, wanted: float, within: float) -> float | None:
        """Seconds until it was that high, beginning with a window of its own; None when it never was."""
        self.seen.clear()
        began = time.monotonic()
        while (passed := time.monotonic() - began) < within:
            if await self.now() >= wanted:
                return passed
            await asyncio.sleep(0.1)
        return None


async def test_twenty_times_somebody_comes_or_goes(shared_world: World) -> None:
    world = shared_world
    world.make_topics(partitions={"orders": 6})
    await world.publish()
    workers = [world.start(), world.start()]
    await world.until(lambda: world.log().count("reads") >= 2)
    connection = await asyncpg.connect(world.environ["SHOP_DATABASE"])
    pace, stream = Pace(connection), Stream(world)
    assert await pace.reaches(NEARLY * PER_SECOND, 60) is not None
    took: list[float | None] = []
    for change in range(CHANGES):
        if change % 2:
            leaving = workers.pop(0)
            leaving.send_signal(signal.SIGTERM)
            assert await asyncio.to_thread(leaving.wait, PATIENCE) == 0, world.log()[-3000:]
        else:
            workers.append(world.start())
            reads = world.log().count("reads")
            await world.until(lambda reads=reads: world.log().count("reads") > reads, PATIENCE)
        took.append(await pace.reaches(NEARLY * PER_SECOND, LONGEST))
    sent = stream.end()
    wanted = sent.total()
    await world.until(lambda: _reached(connection, wanted), 120)
    paid = sum(one.endswith("paid") for one in sent)
    await world.until(lambda: world.subjects()["A tip"] >= paid, 120)
    for worker in workers:
        assert await asyncio.to_thread(world.stop, worker) == 0
    known = Counter(
        row["event_id"]
        for row in await connection.fetch("select id as event_id from postventa.events where source = 'shop'")
    )
    await connection.close()

    in_time = [one for one in took if one is not None]
    print(f"{wanted} events at {PER_SECOND}/s, {CHANGES} changes; back at {NEARLY:.0%} within {LONGEST:.0f} s: "
          f"{len(in_time)} times, median {median(in_time):.1f} s, longest {max(in_time):.1f} s")  # fmt: skip
    assert known == sent, "each event once in the history"
    assert "GAP" not in world.log()
    assert world.subjects() == {"Thank you": paid, "A tip": paid}
    async with world.opened() as store:
        assert isinstance(store, PostgresStore)
        assert await store.views.dead_letters() == []


async def _reached(connection: asyncpg.Connection, wanted: int) -> bool:
    return bool(await connection.fetchval("select sum(next) from postventa.positions") == wanted)
