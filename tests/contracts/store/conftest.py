"""What the store's contract is tested with: each backend as a fixture, and builders for the values that go in.

A new backend joins the whole suite by one entry in `BACKENDS`.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from postventa.core.effect import SendMessage
from postventa.core.event import Event
from postventa.core.state import CustomerState, OutboxRow, Run, Stand, Thing
from postventa.store.base import CustomerWrite, HistoryRow, Store
from postventa.store.memory import MemoryStore
from postventa.store.sqlite import SqliteStore

NOON = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


async def _memory(_: pytest.FixtureRequest) -> Store:
    return MemoryStore()


async def _sqlite(request: pytest.FixtureRequest) -> Store:
    folder: Path = request.getfixturevalue("tmp_path")
    return SqliteStore(folder / "postventa.db")


async def _postgres(request: pytest.FixtureRequest) -> Store:
    return await request.getfixturevalue("empty_postgres")()


BACKENDS: dict[str, Callable[[pytest.FixtureRequest], Awaitable[Store]]] = {
    "memory": _memory,
    "sqlite": _sqlite,
    "postgres": _postgres,
}


@pytest.fixture(params=list(BACKENDS))
async def store(request: pytest.FixtureRequest) -> AsyncIterator[Store]:
    opened = await BACKENDS[request.param](request)
    await opened.open()
    yield opened
    await opened.close()


class Make:
    """Builders; every time counts in minutes from noon."""

    noon = NOON

    def at(self, minutes: float = 0) -> datetime:
        return NOON + timedelta(minutes=minutes)

    def event(self, id_: str, type_: str = "order.placed", minutes: float = 0, **data: Any) -> Event:
        return Event(id_, "shop", type_, self.at(minutes), data, {"order": "o-1", "line": ("o-1/1", "o-1/2")})

    def run(self, run_id: str = "r1", journey: str = "thanks", due: float | None = 60, step: int = 1) -> Run:
        stand = Stand("timer", NOON, None if due is None else self.at(due))
        start = self.event("start")
        return Run(run_id, journey, "v1", ("order", "o-1"), {"order": "o-1"}, start, NOON, NOON, step, stand)

    def send(self, effect_id: str, minutes: float = 0, **changed: Any) -> SendMessage:
        message = SendMessage(
            effect_id, ("r1",), "thanks", "v1", ("order", "o-1"), "send-1", 1, "thank-you", "soft_opt_in", 100, "email",
            "Ana@Example.com", "avoid", self.at(minutes), context={"with": {"name": "Ana"}},
        )  # fmt: skip
        return replace(message, **changed)

    def row(self, effect_id: str, **changed: Any) -> OutboxRow:
        row = OutboxRow(effect_id, ("r1",), "send-1", "thank-you", "email", "Ana@Example.com", "pending", NOON)
        return replace(row, **changed)

    def write(self, before: CustomerState, seq: int, minutes: float = 0, **changed: Any) -> CustomerWrite:
        """A write whose state is `before` with the fields named `state_…` replaced."""
        after = before.fork()
        after.now = self.at(minutes)
        for name in [name for name in changed if name.startswith("state_")]:
            setattr(after, name.removeprefix("state_"), changed.pop(name))
        events = changed.get("events", ())
        payload = {"source": events[0][0].source, "id": events[0][0].id} if events else {}
        kind = "event" if events else "timer"
        row = HistoryRow(before.customer_id, seq, self.at(minutes), kind, changed.pop("release", "rel-1"), payload)
        return CustomerWrite(before, after, changed.pop("history", (row,)), **changed)

    def thing(self, **facts: Any) -> Thing:
        return Thing(facts, dict.fromkeys(facts, NOON), {"order": "o-1"})


@pytest.fixture
def make() -> Make:
    return Make()


Save = Callable[..., Awaitable[CustomerState]]


@pytest.fixture
def save(store: Store, make: Make) -> Save:
    """`await save("c1", state_facts=…, effects=…)`: one customer's write in a transaction of its own."""

    async def saved(customer_id: str, minutes: float = 0, **changed: Any) -> CustomerState:
        async with store.transaction() as tx:
            before = (await tx.lock_customers([customer_id]))[customer_id]
            write = make.write(before, tx.seq_of(customer_id) + 1, minutes, **changed)
            await tx.save([write])
        return write.after

    return saved


@pytest.fixture
def rolled_back(store: Store) -> Callable[[], Any]:
    """`async with rolled_back() as tx`: a transaction that ends in an exception, which is swallowed here."""

    @asynccontextmanager
    async def block() -> AsyncIterator[Any]:
        with pytest.raises(ZeroDivisionError):  # noqa: PT012
            async with store.transaction() as tx:
                yield tx
                raise ZeroDivisionError

    return block
