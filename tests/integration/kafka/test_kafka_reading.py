"""A batch of records into a store, without a broker: what is acknowledged, passed over, refused, and what ends us."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from kafka_world import FILES, order

from postventa.agents.declare import Agent, agent
from postventa.engine.engine import open_engine
from postventa.project import Project
from postventa.publish import Access
from postventa.runtimes.kafka.positions import Positions
from postventa.runtimes.kafka.reading import Reader
from postventa.runtimes.kafka.worker import worker_of
from postventa.store.sqlite import SqliteStore

NOW = datetime(2026, 3, 2, 10, tzinfo=UTC)


@agent(topic="orders", schema="order.*")
def orders(record: Any) -> Any:
    return record


@dataclass
class Desk:
    """A reader with what it acknowledged."""

    reader: Reader
    store: SqliteStore
    acked: list[int] = field(default_factory=list)

    async def read(
        self, *values: bytes | None, offset: int = 0, written: datetime = NOW, reads: Agent = orders
    ) -> None:
        await self.reader.read(reads, self.records(*values, written=written))

    def records(self, *values: bytes | None, first: int = 0, written: datetime = NOW) -> list[Any]:
        return [_record(value, first + place, written, self.acked.append) for place, value in enumerate(values)]


def _record(value: bytes | None, offset: int, written: datetime, acked: Callable[[int], None]) -> Any:
    message = SimpleNamespace(
        topic="orders", partition=0, offset=offset, timestamp=written.timestamp(), headers=None, value=value,
        generation_id=1,
    )  # fmt: skip
    return SimpleNamespace(message=message, ack=lambda: acked(offset))


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    store = SqliteStore(tmp_path / "state.db")
    await store.open()
    engine = await open_engine(store, "a secret")
    files = {name: text.encode() for name, text in FILES.items()}
    await engine.releases.publish(Project.from_files(files | {"postventa.yaml": b"shop: Test\n"}), NOW)
    positions = Positions(store, Access(("127.0.0.1:1",)), ("orders",), timedelta(days=30), _nothing)
    reader = Reader(engine, lambda: NOW, positions, lambda message: message.generation_id == 1, lambda: None)
    yield Desk(reader, store)
    await store.close()


async def _nothing(_: Any) -> None:
    """A restored store is no matter here."""


def lines(*numbers: int) -> Sequence[bytes]:
    return [json.dumps(order(number, at=NOW)).encode() for number in numbers]


async def test_a_batch_is_acknowledged_in_order_after_its_commit(desk: Desk) -> None:
    await desk.read(*lines(1, 2, 1), b"nonsense", None)
    assert desk.acked == [0, 1, 2, 3, 4]
    assert await desk.store.views.positions() == {("orders", 0): 5}
    assert desk.reader.meters.events == {
        ("orders", "accepted"): 2, ("orders", "duplicate"): 1, ("orders", "rejected"): 1, ("orders", "left_out"): 1,
    }  # fmt: skip
    assert [one.source for one in await desk.store.views.dead_letters()] == ["orders/0/3"]


async def test_a_batch_is_prepared_while_the_one_before_is_written_and_never_overtakes_it(desk: Desk) -> None:
    before: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    second = asyncio.create_task(desk.reader.read(orders, desk.records(*lines(3, 4), first=2), before))
    await asyncio.sleep(0.05)
    await desk.read(*lines(1, 2))
    assert desk.acked == [0, 1]
    assert not desk.reader.idle.is_set()
    before.set_result(None)
    await second
    assert desk.acked == [0, 1, 2, 3]
    assert desk.reader.idle.is_set()


async def test_a_stop_leaves_what_was_only_prepared_to_the_next_worker(desk: Desk) -> None:
    before: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    second = asyncio.create_task(desk.reader.read(orders, desk.records(*lines(1)), before))
    await asyncio.sleep(0)
    desk.reader.stopping = True
    before.set_result(None)
    await second
    assert desk.acked == []
    assert await desk.store.views.positions() == {}


async def test_a_batch_read_again_changes_nothing_and_leaves_no_second_letter(desk: Desk) -> None:
    await desk.read(*lines(1), b"nonsense")
    await desk.read(*lines(1), b"nonsense")
    assert desk.acked == [0, 1, 0, 1]
    assert len(await desk.store.views.dead_letters()) == 1
    assert desk.reader.meters.events["orders", "duplicate"] == 1


async def test_what_was_read_long_ago_is_not_even_looked_at(desk: Desk) -> None:
    await desk.read(*lines(1))
    await desk.read(*lines(1), written=NOW - timedelta(days=31))
    assert desk.reader.meters.events["orders", "known"] == 1
    assert desk.reader.meters.events["orders", "duplicate"] == 0


async def test_a_record_from_before_a_rebalance_is_neither_applied_nor_acknowledged(desk: Desk) -> None:
    desk.reader.current = lambda message: message.offset != 1
    await desk.read(*lines(1, 2, 3))
    assert desk.acked == [0, 2]
    assert (await desk.store.views.counts(NOW))["customers"] == 2


async def test_an_agent_that_fails_costs_its_own_record_alone(desk: Desk) -> None:
    @agent(topic="orders", schema="order.*")
    def careless(record: Any) -> Any:
        return record if record["id"] else record["nothing"]

    await desk.read(*lines(1), b'{"id": ""}', *lines(2), reads=careless)
    (letter,) = await desk.store.views.dead_letters()
    assert letter.field == "/nothing"
    assert "test_kafka_reading.py" in letter.reason
    assert desk.acked == [0, 1, 2]


async def test_what_nobody_expected_leaves_the_batch_unacknowledged(desk: Desk) -> None:
    def broken(message: Any) -> bool:
        raise RuntimeError("a bug")

    desk.reader.current = broken
    with pytest.raises(RuntimeError, match="a bug"):
        await desk.read(*lines(1))
    assert desk.acked == []


async def test_and_ends_the_process_for_its_supervisor(desk: Desk, tmp_path: Path) -> None:
    """An agent that went on would let Faust acknowledge what was never done."""
    (tmp_path / "agents").mkdir()
    (tmp_path / "agents" / "orders.py").write_text(
        "from postventa.agents import agent\n\n"
        "@agent(topic='orders', schema='order.*')\n"
        "def orders(one):\n    return one\n"
    )
    (tmp_path / "postventa.yaml").write_text("shop: Test\n")
    worker = worker_of(tmp_path, desk.store)
    ended: list[int] = []
    worker.fail = ended.append
    worker.reader = desk.reader

    def broken(message: Any) -> bool:
        raise RuntimeError("a bug")

    desk.reader.current = broken

    await worker.read(orders, desk.records(*lines(1)))
    assert ended == [70]
    assert desk.acked == [], "nothing was done that could be acknowledged"
