"""The engine is killed at random moments while orders stream in and mail goes to a real, slow mail server.

KILLS sets how many kills must fall between claim and intent, and between intent and receipt (default 20); SEED repeats
a run. With OLIST_DIR the orders are real ones. Counts are printed; `docs/guarantees.md` holds those of a full run.
"""

from __future__ import annotations

import asyncio
import os
import random
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from kill_checks import (
    each_took_effect_once,
    every_message_left_or_is_uncertain,
    every_repetition_is_explained,
    messages_of,
    the_history_gives_the_store,
)
from mail_sink import FAST, Sink, running_sink
from world import Engine, Shop, write_project

from postventa.store.base import OutboxRecord
from postventa.store.sqlite import SqliteStore

pytestmark = pytest.mark.kill

WANTED = int(os.environ.get("KILLS", "20"))
SEED = int(os.environ.get("SEED", str(time.time_ns() % 100_000)))


@dataclass
class Kills:
    """What the store held after each kill."""

    total: int = 0
    before_intent: int = 0
    after_intent: int = 0
    in_doubt: set[str] = field(default_factory=set)
    """Effect ids found `sending` after some kill."""

    def note(self, rows: list[OutboxRecord]) -> None:
        self.total += 1
        self.before_intent += any(row.state == "claimed" for row in rows)
        sending = {row.effect_id for row in rows if row.state == "sending"}
        self.after_intent += bool(sending)
        self.in_doubt |= sending

    @property
    def enough(self) -> bool:
        return min(self.before_intent, self.after_intent) >= WANTED


@pytest.fixture
def sink(tmp_path: Path) -> Iterator[Sink]:
    with running_sink(tmp_path) as sink:
        yield sink


@asynccontextmanager
async def reading(database: Path) -> AsyncIterator[SqliteStore]:
    store = SqliteStore(database, readonly=True)
    await store.open()
    try:
        yield store
    finally:
        await store.close()


async def messages(database: Path) -> list[OutboxRecord]:
    async with reading(database) as store:
        return await messages_of(store)


async def test_nothing_is_lost_and_every_repetition_is_explained(tmp_path: Path, sink: Sink) -> None:
    rng, kills = random.Random(SEED), Kills()
    project = tmp_path / "project"
    write_project(project, sink.port)
    database = project / ".postventa" / "state.db"
    engine = Engine(project)
    engine.start()
    shop = Shop(engine, rng)
    shop.start()
    while not kills.enough and kills.total < 5 * WANTED + 20:
        await asyncio.sleep(0.2 + rng.random() * 2.5)
        engine.kill()
        kills.note(await messages(database))
        engine.start()
    shop.closed.set()
    shop.join(timeout=60)
    sink.pace(FAST)
    wait_until_quiet(engine)
    assert engine.stop() == 0
    rows, taken = await messages(database), sink.taken()
    tell(kills, shop, rows, taken)
    assert kills.enough, "too few kills fell into the two windows: make the sink slower"
    async with reading(database) as store:
        await each_took_effect_once(store, shop.accepted)
        await the_history_gives_the_store(store)
    every_message_left_or_is_uncertain(rows, taken)
    both = Counter(row.run_ids[0] for row in rows if row.state != "cancelled")
    assert set(both.values()) <= {1, 2}
    assert 2 in both.values()
    every_repetition_is_explained(rows, taken, kills.in_doubt)


def wait_until_quiet(engine: Engine) -> None:
    """Until nothing runs and nothing is on its way; leases of killed processes run out on the way."""
    while True:
        status = engine.status()
        on_its_way = sum(status["messages"].get(state, 0) for state in ("pending", "claimed", "sending"))
        if not status["running"] and not on_its_way:
            return
        time.sleep(0.5)


def tell(kills: Kills, shop: Shop, rows: list[OutboxRecord], taken: Counter[str]) -> None:
    states = Counter(row.state for row in rows)
    again = sum(count - 1 for count in taken.values())
    print(
        f"\nseed {SEED}: {kills.total} kills, {kills.before_intent} between claim and intent, "
        f"{kills.after_intent} between intent and receipt; {len(shop.accepted)} events accepted, {shop.repeats} posts "
        f"repeated; {len(rows)} messages: {dict(states)}; {sum(taken.values())} mails arrived, {again} of them again"
    )
