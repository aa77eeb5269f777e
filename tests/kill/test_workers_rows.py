"""The crash table row by row, on Kafka and PostgreSQL: a worker ends or stands still exactly there, another goes on."""

from __future__ import annotations

import asyncio
import json
import signal
import sys
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

import asyncpg
import pytest
from kafka import KafkaProducer

sys.path.insert(0, str(Path(__file__).parent))
from kill_checks import applied_events, message_id, messages_of, the_history_gives_the_store
from mail_sink import FAST, Sink, running_sink
from worker_processes import WorkerProcess
from worker_shop import TOPICS, KafkaShop

from postventa.store.postgres import PostgresStore
from postventa.testing.broker import Broker
from postventa.testing.database import Database

pytestmark = [pytest.mark.kill, pytest.mark.kafka, pytest.mark.postgres]

T = TypeVar("T")
PATIENCE = 120.0
CRASHING = str(Path(__file__).with_name("crashing.py"))


@dataclass
class Row:
    """One shop with one order, and two workers: the one that is struck, and the one that goes on."""

    shop: KafkaShop
    sink: Sink
    first: WorkerProcess
    second: WorkerProcess

    @property
    def mark(self) -> Path:
        return self.shop.folder / "struck"

    def strike(self, point: str, number: signal.Signals, nth: int = 1) -> None:
        """Start the first worker, publish one paid order, wait until it is struck."""
        self.first.start(sys.executable, CRASHING, point, number.name, str(nth), str(self.mark))
        self.publish()
        deadline = time.monotonic() + PATIENCE
        while not self.mark.exists():
            assert self.first.up, self.first.tail()
            assert time.monotonic() < deadline, self.first.tail()
            time.sleep(0.05)
        if number == signal.SIGKILL:
            assert self.first.process is not None
            assert self.first.process.wait(10)

    def publish(self) -> None:
        now = datetime.now(UTC).isoformat()
        data = {"order_id": "o1", "customer_id": "c1", "customer": {"email": "c1@example.com"}}
        event = {"id": "o1-paid", "source": "shop", "type": "order.paid", "time": now, "data": data}
        producer = KafkaProducer(bootstrap_servers=self.shop.broker.bootstrap_servers)
        producer.send("orders", json.dumps(event).encode()).get(timeout=30)
        producer.close()

    async def until(self, what: Callable[[PostgresStore], Awaitable[bool]]) -> None:
        deadline = time.monotonic() + PATIENCE
        while not await self.asked(what):
            assert time.monotonic() < deadline, f"{self.first.tail()}\n\n{self.second.tail()}"
            await asyncio.sleep(0.2)

    async def asked(self, question: Callable[[PostgresStore], Awaitable[T]]) -> T:
        store = PostgresStore(self.shop.dsn("checker"), readonly=True)
        await store.open()
        try:
            return await question(store)
        finally:
            await store.close()

    async def leases_end(self) -> None:
        """A minute passes."""
        connection = await asyncpg.connect(self.shop.dsn("checker"))
        await connection.execute("update postventa.outbox set lease_until = now() where state = 'claimed'")
        await connection.close()

    async def ends(self, **expected: tuple[str, int]) -> None:
        """Message -> (state, how often it arrived), once all is quiet; and the history gives the store."""
        await self.until(_quiet)
        rows = {row.message: row for row in await self.asked(messages_of)}
        taken = self.sink.taken()
        assert {name: (row.state, taken[message_id(row)]) for name, row in rows.items() if name} == expected
        assert await self.asked(applied_events) == Counter({("shop", "o1-paid"): 1})
        await self.asked(the_history_gives_the_store)


async def _quiet(store: PostgresStore) -> bool:
    rows = await messages_of(store)
    return len(rows) == 2 and all(row.state in {"sent", "uncertain"} for row in rows)


@pytest.fixture(scope="module")
def own_broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    with Broker.start(tmp_path_factory.mktemp("broker"), heap="384m", own=True) as broker:
        yield broker


@pytest.fixture
def row(
    tmp_path: Path, own_broker: Broker, database: Database, dsn: str, new_name: Callable[[str], str]
) -> Iterator[Row]:
    with ExitStack() as stack:
        sink = stack.enter_context(running_sink(tmp_path / "mail"))
        sink.pace(FAST)
        shop = KafkaShop(tmp_path / "project", own_broker, database, dsn, new_name("group"))
        shop.write(sink.port)
        stack.callback(own_broker.topics.delete, *TOPICS)
        workers = [WorkerProcess(name, shop) for name in ("first", "second")]
        yield Row(shop, sink, *workers)
        for worker in workers:
            if worker.up:
                worker.end(signal.SIGKILL)


async def test_killed_before_the_commit_of_a_batch(row: Row) -> None:
    row.strike("batch", signal.SIGKILL)
    assert await row.asked(messages_of) == []
    row.second.start()
    await row.ends(thanks=("sent", 1), tip=("sent", 1))


async def test_killed_after_the_commit_before_it_was_acknowledged(row: Row) -> None:
    row.strike("ack", signal.SIGKILL)
    assert len(await row.asked(messages_of)) == 1
    row.second.start()
    await row.ends(thanks=("sent", 1), tip=("sent", 1))


async def test_stopped_inside_a_batch_past_the_rebalance_then_resumed(row: Row) -> None:
    row.strike("batch", signal.SIGSTOP)
    row.second.start()
    await row.ends(thanks=("sent", 1), tip=("sent", 1))
    row.first.resume_and_finish()
    await row.ends(thanks=("sent", 1), tip=("sent", 1))


async def test_killed_with_a_timer_in_hand(row: Row) -> None:
    row.strike("timer", signal.SIGKILL)
    row.second.start()
    await row.ends(thanks=("sent", 1), tip=("sent", 1))


async def test_killed_between_claim_and_intent(row: Row) -> None:
    row.strike("claim", signal.SIGKILL)
    assert [one.state for one in await row.asked(messages_of)] == ["claimed"]
    await row.leases_end()
    row.second.start()
    await row.ends(thanks=("sent", 1), tip=("sent", 1))


async def test_stopped_between_claim_and_intent_past_its_lease_then_resumed(row: Row) -> None:
    row.strike("claim", signal.SIGSTOP)
    await row.leases_end()
    row.second.start()
    await row.ends(thanks=("sent", 1), tip=("sent", 1))
    row.first.resume_and_finish()
    await row.ends(thanks=("sent", 1), tip=("sent", 1))


async def test_killed_between_intent_and_receipt_where_a_repetition_is_allowed(row: Row) -> None:
    row.strike("receipt", signal.SIGKILL)
    assert [one.state for one in await row.asked(messages_of)] == ["sending"]
    row.second.start()
    await row.ends(thanks=("sent", 2), tip=("sent", 1))


async def test_killed_between_intent_and_receipt_where_a_repetition_is_to_be_avoided(row: Row) -> None:
    row.strike("receipt", signal.SIGKILL, nth=2)
    row.second.start()
    await row.ends(thanks=("sent", 1), tip=("uncertain", 1))
