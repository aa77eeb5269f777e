"""The engine is killed at random moments while orders stream in and mail goes to a real, slow mail server.

KILLS sets how many kills must fall between claim and intent, and between intent and receipt (default 20); SEED repeats
a run. With OLIST_DIR the orders are real ones. Counts are printed; `docs/guarantees.md` holds those of a full run.
"""

from __future__ import annotations

import asyncio
import os
import random
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from world import Engine, Shop, write_project

from postventa.engine.release import Releases
from postventa.engine.verify import Verified, verify
from postventa.store.base import OutboxRecord
from postventa.store.sqlite import SqliteStore

pytestmark = pytest.mark.kill

WANTED = int(os.environ.get("KILLS", "20"))
SEED = int(os.environ.get("SEED", str(time.time_ns() % 100_000)))
SLOW, FAST = "0.4", "0"
MOST = 200_000


@dataclass
class Sink:
    """The mail server's files."""

    folder: Path

    def pace(self, seconds: str) -> None:
        (self.folder / "pace").write_text(seconds)

    def taken(self) -> Counter[str]:
        """Message-ID -> how often it arrived."""
        log = self.folder / "mails.log"
        return Counter(line.split()[0] for line in log.read_text().splitlines()) if log.exists() else Counter()


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
    sink = Sink(tmp_path)
    sink.pace(SLOW)
    files = [str(tmp_path / name) for name in ("port", "mails.log", "pace")]
    process = subprocess.Popen([sys.executable, str(Path(__file__).parent / "sink.py"), *files])
    while not (tmp_path / "port").exists() or not (tmp_path / "port").read_text():
        assert process.poll() is None
        time.sleep(0.01)
    yield sink
    process.kill()
    process.wait()


async def messages(database: Path) -> list[OutboxRecord]:
    store = SqliteStore(database, readonly=True)
    await store.open()
    try:
        return [row for row in await store.views.messages(limit=MOST) if row.kind == "message"]
    finally:
        await store.close()


async def test_nothing_is_lost_and_every_repetition_is_explained(tmp_path: Path, sink: Sink) -> None:
    rng, kills = random.Random(SEED), Kills()
    project = tmp_path / "project"
    write_project(project, int((tmp_path / "port").read_text()))
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
    await every_accepted_event_took_effect_once(database, shop)
    await the_history_gives_the_store(database)
    every_message_left_or_is_uncertain(rows, taken)
    every_repetition_is_explained(rows, taken, kills)


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


async def every_accepted_event_took_effect_once(database: Path, shop: Shop) -> None:
    store = SqliteStore(database, readonly=True)
    await store.open()
    applied: Counter[tuple[str, str]] = Counter()
    for customer in await store.views.customer_ids(limit=MOST):
        for row in await store.views.history(customer):
            if row.kind == "event":
                applied[(str(row.payload["source"]), str(row.payload["id"]))] += 1
    await store.close()
    assert not shop.accepted - applied.keys(), "accepted and lost"
    assert not [key for key, count in applied.items() if count > 1], "took effect twice"


async def the_history_gives_the_store(database: Path) -> None:
    store = SqliteStore(database, readonly=True)
    await store.open()
    told = Verified()
    differences = [one async for one in verify(store.views, Releases(store), told)]
    await store.close()
    assert not differences
    assert told.customers, "there was nothing to verify"


def every_message_left_or_is_uncertain(rows: list[OutboxRecord], taken: Counter[str]) -> None:
    for row in rows:
        assert row.state in {"sent", "uncertain", "cancelled"}, row
        if row.state == "sent":
            assert taken[message_id(row)], f"recorded as sent, never arrived: {row}"
    both = Counter(row.run_ids[0] for row in rows if row.state != "cancelled")
    assert set(both.values()) <= {1, 2}
    assert 2 in both.values()


def every_repetition_is_explained(rows: list[OutboxRecord], taken: Counter[str], kills: Kills) -> None:
    known = {message_id(row): row for row in rows}
    for arrived, count in taken.items():
        row = known[arrived]
        if count > 1:
            assert row.duplicates == "allow", f"must not be repeated: {row}"
            assert row.effect_id in kills.in_doubt, f"was never in doubt: {row}"
    for row in rows:
        if row.state == "uncertain":
            assert row.duplicates == "avoid", row
            assert row.effect_id in kills.in_doubt, row


def message_id(row: OutboxRecord) -> str:
    return f"<{row.effect_id}@example.com>"
