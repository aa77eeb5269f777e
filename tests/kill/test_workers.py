"""Three workers on Kafka and PostgreSQL are killed, ended and stopped at random while orders stream in and mail leaves.

KILLS sets how many signals must fall between claim and intent, and between intent and receipt (default 20); SEED
repeats a run's choices. With OLIST_DIR the orders are real ones. The broker and the database end once each, as by a
power cut. Then all heals, and what Kafka has, what the database holds and what the mail server took are compared.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import signal
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from kill_checks import (
    applied_events,
    every_message_left_or_is_uncertain,
    every_repetition_is_explained,
    messages_of,
    the_history_gives_the_store,
)
from mail_sink import FAST, Sink, running_sink
from worker_journal import Doubt, Journal, Step, doubts, explained
from worker_processes import Fault, Troop, WorkerProcess
from worker_shop import TOPICS, KafkaShop, Platforms

from postventa.errors import ConfigError
from postventa.store.base import OutboxRecord
from postventa.store.postgres import PostgresStore
from postventa.testing.broker import Broker
from postventa.testing.database import Database

pytestmark = [pytest.mark.kill, pytest.mark.kafka, pytest.mark.postgres]

WANTED = int(os.environ.get("KILLS", "20"))
SEED = int(os.environ.get("SEED", str(time.time_ns() % 100_000)))
ORDERS_PER_SECOND = 3.0
LONGEST = 120 + 60 * WANTED
"""Seconds of trouble at most."""
HEALS_WITHIN = 300
OUR_OWN = {"out": "postventa.out", "dead letters": "postventa.dead-letters"}


@dataclass
class Windows:
    """Which signals found something in the hands of the worker they hit."""

    before_intent: int = 0
    after_intent: int = 0

    def note(self, held: dict[str, int]) -> None:
        self.before_intent += bool(held.get("claimed"))
        self.after_intent += bool(held.get("sending"))

    @property
    def least(self) -> int:
        return min(self.before_intent, self.after_intent)


@dataclass
class Scene:
    """Everything that takes part."""

    shop: KafkaShop
    sink: Sink
    troop: Troop
    platforms: Platforms
    journal: Journal
    windows: Windows = field(default_factory=Windows)
    healed_within: float = 0.0

    @asynccontextmanager
    async def store(self) -> AsyncIterator[PostgresStore]:
        store = PostgresStore(self.shop.dsn("checker"), readonly=True)
        await store.open()
        try:
            yield store
        finally:
            await store.close()


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    with ExitStack() as stack:
        broker, database = real_parts(stack, tmp_path)
        sink = stack.enter_context(running_sink(tmp_path / "mail"))
        shop = KafkaShop(tmp_path / "project", broker, database)
        shop.write(sink.port)
        rng = random.Random(SEED)
        troop = Troop([WorkerProcess(f"worker{number}", shop) for number in (1, 2, 3)], rng)
        platforms = Platforms(broker.bootstrap_servers, random.Random(SEED + 1), ORDERS_PER_SECOND)
        stack.callback(troop.kill)
        stack.callback(platforms.closed.set)
        yield Scene(shop, sink, troop, platforms, Journal(shop.dsn("journal")))


def real_parts(stack: ExitStack, folder: Path) -> tuple[Broker, Database]:
    """Of our own, since they are killed. CI must have them."""
    try:
        broker = stack.enter_context(Broker.start(folder / "broker", heap="384m", own=True))
        return broker, stack.enter_context(Database.start(folder / "database", own=True))
    except ConfigError as missing:
        if os.environ.get("CI") == "true":
            raise
        pytest.skip(str(missing))


def test_nothing_is_lost_and_every_repetition_is_explained(scene: Scene) -> None:
    scene.journal.begin()
    scene.troop.start()
    scene.platforms.start()
    trouble(scene)
    heal(scene)
    scene.troop.stop()
    asyncio.run(check(scene, scene.journal.steps()))


def trouble(scene: Scene) -> None:
    """Signals until enough of them fell into both windows; on the way the broker and the database end once."""
    troop, rng, windows = scene.troop, scene.troop.rng, scene.windows
    outages = [("broker", scene.shop.broker), ("database", scene.shop.database)]
    rng.shuffle(outages)
    deadline = time.monotonic() + LONGEST
    quiet(scene, 15)
    while windows.least < WANTED or outages or not troop.signals["SIGSTOP"]:
        assert time.monotonic() < deadline, f"too few signals fell into the windows: {windows} {troop.signals}"
        quiet(scene, rng.uniform(2, 12))
        worker, number = troop.choose()
        held = scene.journal.held_by(worker.name)
        troop.strike(worker, number)
        # What it held is told by the database after it was gone; who ends in order finishes what it holds.
        windows.note(held if number == signal.SIGTERM else scene.journal.held_by(worker.name))
        say(scene, f"{number.name} {worker.name}")
        if outages and windows.least >= WANTED * (2 - len(outages)) / 2:
            name, part = outages.pop()
            began = time.time()
            part.kill()
            quiet(scene, rng.uniform(1, 4))
            part.up()
            troop.faults.append(Fault(name, "SIGKILL", began, time.time()))
            say(scene, f"{name} was away for {time.time() - began:.1f} s")


def quiet(scene: Scene, seconds: float) -> None:
    """Nothing new happens for a while, but those who ended start again."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        scene.troop.supervise()
        time.sleep(0.1)


def heal(scene: Scene) -> None:
    """No more trouble, no more orders, a quick mail server: wait until nothing is under way."""
    began = time.monotonic()
    scene.platforms.closed.set()
    scene.platforms.join(timeout=90)
    assert not scene.platforms.is_alive(), "the last records were never confirmed"
    scene.sink.pace(FAST)
    scene.troop.wake_all()
    while left := asyncio.run(under_way(scene)):
        assert time.monotonic() - began < HEALS_WITHIN, f"does not come to rest: {left}"
        quiet(scene, 1)
    scene.healed_within = time.monotonic() - began


async def under_way(scene: Scene) -> dict[str, int]:
    """What is still to be read, waited for, sent or published; empty when all is done."""
    left: Counter[str] = Counter()
    async with scene.store() as store:
        stored = await store.views.positions()
        for topic in TOPICS:
            for number, end in scene.shop.broker.topics.end_offsets(topic).items():
                left[f"{topic}/{number}"] = end - stored.get((topic, number), 0)
        for row in await messages_of(store):
            left[row.state] += row.state in {"pending", "claimed", "sending"}
    for name, query in (
        ("runs", "select count(*) from postventa.runs"),
        ("events", "select count(*) from postventa.outbox where kind = 'event' and state = 'pending'"),
        ("waiting room", "select count(*) from postventa.waiting_room"),
    ):
        left[name] = int(scene.shop.database.sql(query))
    return {name: count for name, count in left.items() if count}


async def check(scene: Scene, steps: list[Step]) -> None:
    """The independent look at the three sides."""
    taken, found = scene.sink.taken(), list(doubts(steps))
    async with scene.store() as store:
        rows = await messages_of(store)
        tell(scene, rows, taken, found)
        applied = await applied_events(store)
        told = await the_history_gives_the_store(store)
        letters = await store.views.dead_letters()
    print(f"verify: {told.customers} customers, {told.rows} rows of history, no difference")
    published = {key for key in applied if key[0] != "postventa"}
    assert scene.platforms.published.keys() == published, "published and in the history are not the same"
    assert set(applied.values()) == {1}, "took effect twice"
    assert not letters
    every_message_left_or_is_uncertain(rows, taken)
    nothing_due_is_missing(scene, rows)
    every_repetition_is_explained(rows, taken, {one.effect_id for one in found})
    assert set(taken) <= {f"<{one.effect_id}@example.com>" for one in steps if one.state == "sending"}
    assert not [one for one in found if not explained(one, scene.troop.faults)], "in doubt without a cause"
    no_gap(scene)
    what_left_by_kafka_is_what_was_decided(scene, rows)


def nothing_due_is_missing(scene: Scene, rows: list[OutboxRecord]) -> None:
    """From what was published alone: who paid gets a thank-you and a tip, whose parcel came a word about it."""
    expected: set[tuple[str, str]] = set()
    cancelled: set[str] = set()
    for record in scene.platforms.published.values():
        order = record["data"]["order_id"]
        match record["type"]:
            case "order.paid":
                expected |= {("thanks", order), ("tip", order)}
            case "order.cancelled":
                cancelled.add(order)
            case "shipment.delivered":
                expected.add(("arrived", record["data"]["shipment_id"]))
    left = Counter((row.message or "", (row.subject or ("", ""))[1]) for row in rows if row.state != "cancelled")
    due = {one for one in expected if one[1] not in cancelled}
    assert not due - left.keys(), f"due and not there: {sorted(due - left.keys())[:5]}"
    assert not left.keys() - expected, f"nobody was to get it: {sorted(left.keys() - expected)[:5]}"
    assert set(left.values()) == {1}, "decided twice"


def no_gap(scene: Scene) -> None:
    for worker in scene.troop.workers:
        assert "GAP" not in worker.log.read_text(errors="replace"), worker.name


def what_left_by_kafka_is_what_was_decided(scene: Scene, rows: list[OutboxRecord]) -> None:
    """At least once, under ids that never change."""
    told = (json.loads(value) for _, value in scene.shop.broker.topics.records(OUR_OWN["out"]))
    out = [(one["source"], one["id"]) for one in told]
    query = "select count(*) from postventa.outbox where kind = 'event' and state = 'sent'"
    assert len(set(out)) == int(scene.shop.database.sql(query))
    print(f"out: {len(set(out))} events published, {len(out) - len(set(out))} of them again")
    assert sum(row.state == "sent" for row in rows) <= len(set(out))


def say(scene: Scene, what: str) -> None:
    print(f"{what}; before the intent {scene.windows.before_intent}, after it {scene.windows.after_intent}", flush=True)


def tell(scene: Scene, rows: list[OutboxRecord], taken: Counter[str], found: list[Doubt]) -> None:
    platforms, troop = scene.platforms, scene.troop
    again = sum(count - 1 for count in taken.values())
    print(
        f"\nseed {SEED}: {dict(troop.signals)}, {scene.windows.before_intent} between claim and intent, "
        f"{scene.windows.after_intent} between intent and receipt; ended by themselves: {dict(troop.gave_up)}\n"
        f"{len(platforms.published)} events published as {platforms.sent} records, {platforms.failed} sent again "
        f"by the platforms\n{len(rows)} messages: {dict(Counter(row.state for row in rows))}; {len(found)} times in "
        f"doubt; {sum(taken.values())} mails arrived, {again} of them again; at rest after {scene.healed_within:.0f} s"
    )
