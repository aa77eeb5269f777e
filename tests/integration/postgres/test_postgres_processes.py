"""Several worker processes on one PostgreSQL: they wait for each other where they must, and share out the rest."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "engine"))

from engine_shop import T0, project

from postventa.core.effect import SendMessage
from postventa.core.event import Event
from postventa.engine.engine import open_engine
from postventa.engine.receipts import claim
from postventa.engine.verify import Verified, verify
from postventa.errors import StoreBusy
from postventa.store.base import CustomerWrite, HistoryRow
from postventa.store.postgres import PostgresStore

pytestmark = pytest.mark.postgres
WORKER = Path(__file__).with_name("worker.py")
NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)


class Worker:
    """A process of `worker.py`, ready to begin."""

    def __init__(self, dsn: str, schema: str, *words: str) -> None:
        command = [sys.executable, str(WORKER), dsn, schema, *words]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def hears(self) -> dict[str, Any]:
        """The next thing it tells."""
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line, f"the worker ended with {self.process.wait()}"
        told: dict[str, Any] = json.loads(line)
        return told

    def go(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write("go\n")
        self.process.stdin.flush()


@contextmanager
def workers(*these: Worker) -> Iterator[tuple[Worker, ...]]:
    """All ready; afterwards none is left."""
    try:
        for one in these:
            assert one.hears() == {"ready": True}
        yield these
    finally:
        for one in these:
            one.process.kill()
            one.process.communicate()


@pytest.fixture
async def store(empty_postgres: Callable[[], Awaitable[PostgresStore]]) -> AsyncIterator[PostgresStore]:
    opened = await empty_postgres()
    await opened.open()
    yield opened
    await opened.close()


async def test_two_writers_of_one_customer_wait_for_each_other(store, database, schema):
    words = (database.dsn, schema, "count", "c1", "40")
    with workers(Worker(*words), Worker(*words)) as both:
        for one in both:
            one.go()
        for one in both:
            assert await asyncio.to_thread(one.hears) == {"done": True}
    assert (await store.views.customer("c1")).facts == {"n": 80}
    assert [row.seq for row in await store.views.history("c1")] == list(range(1, 81))


async def test_a_worker_that_stands_still_is_cut_off_and_finds_its_events_known_when_it_wakes(store, database, schema):
    event = Event("e-1", "shop", "order.paid", NOON)
    with workers(Worker(database.dsn, schema, "stop", "c1")) as (sleeper,):
        sleeper.go()
        await asyncio.to_thread(os.waitpid, sleeper.process.pid, os.WUNTRACED)
        for _ in range(100):  # its locks are there until the database cuts it off
            try:
                async with store.transaction() as tx:
                    state = (await tx.lock_customers(["c1"]))["c1"]
                    assert await tx.fresh_events([("c1", *event.key)]) == {("c1", *event.key)}
                    after = state.fork()
                    after.now, after.facts = NOON, {"by": "the one awake"}
                    row = HistoryRow("c1", 1, NOON, "event", "r")
                    await tx.save([CustomerWrite(state, after, (row,), ((event, NOON),))])
                break
            except StoreBusy:
                continue
        sleeper.process.send_signal(signal.SIGCONT)
        told = await asyncio.to_thread(sleeper.hears)
        assert "cut" in told
        assert await asyncio.to_thread(sleeper.hears) == {"fresh": 0}
    assert (await store.views.customer("c1")).facts == {"by": "the one awake"}
    assert len(await store.views.history("c1")) == 1


async def test_dispatchers_share_out_the_outbox_without_overlap(store, database, schema):
    ids = [f"m{number:02}" for number in range(60)]
    async with store.transaction() as tx:
        states = await tx.lock_customers([f"c{id_}" for id_ in ids])
        writes = []
        for id_ in ids:
            before = states[f"c{id_}"]
            after = before.fork()
            after.now = NOON
            message = SendMessage(
                id_, ("r1",), "thanks", "v1", ("order", "o-1"), "send-1", 1, "thank-you", "soft_opt_in", 100, "email",
                "ana@example.com", "avoid", NOON,
            )  # fmt: skip
            row = HistoryRow(f"c{id_}", 1, NOON, "timer", "r")
            writes.append(CustomerWrite(before, after, (row,), effects=(message,)))
        await tx.save(writes)
    words = (database.dsn, schema, "dispatch")
    with workers(Worker(*words), Worker(*words), Worker(*words)) as three:
        for one in three:
            one.go()
        shares = [(await asyncio.to_thread(one.hears))["claimed"] for one in three]
    assert sorted(id_ for share in shares for id_ in share) == ids
    assert {attempt for share in shares for attempt in share.values()} == {1}


async def test_a_cap_of_one_mail_holds_over_processes(store, database, schema):
    shop = project(
        postventa=b"shop: Test\nlocale: en\ntimezone: UTC\ncurrency: EUR\nlive_from: 2020-01-01T00:00:00Z\n"
        b"max_start_lateness: 3650 days\ncaps: [{emails: 1, per: 7 days}]\n",
        journeys__thanks=b"journey: thanks\ntitle: Thanks\nowner: a@shop.example\nsubject: order\n"
        b"start: {on: order.paid}\nsteps: [{send: tips}]\n",
        journeys__arrived=None,
    )
    engine = await open_engine(store, "a secret for tests")
    await engine.releases.publish(shop, T0)
    orders = ["o-1", "o-2", "o-3"]
    with workers(*(Worker(database.dsn, schema, "buy", order) for order in orders)) as three:
        for one in three:
            one.go()
        claimed = [(await asyncio.to_thread(one.hears))["claimed"] for one in three]
    claimed.append([one.record.effect_id for one in await claim(engine, T0 + timedelta(hours=1))])
    assert len([id_ for share in claimed for id_ in share]) == 1
    told = Verified()
    assert [one async for one in verify(store.views, engine.releases, told)] == []
    runs = (await store.views.customer("ana")).runs.values()
    assert sorted(run.stand.kind for run in runs) == ["held", "held", "outbox"]
