"""What a new connection finds is compared with what this process wrote: a backup is noticed, another worker is not."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from postventa.core.values import time_text
from postventa.errors import StoreRestored
from postventa.store.postgres_past import Past

NOW = datetime(2026, 3, 2, 8, tzinfo=UTC)
ORDERS = ("orders", 0)


class Held:
    """A connection to a database that holds these; `meanwhile` happens while it is asked."""

    def __init__(self, positions: Mapping[tuple[str, int], int], pulse: datetime | None) -> None:
        self.positions = positions
        self.pulse = pulse
        self.meanwhile: Callable[[], None] = lambda: None

    @asynccontextmanager
    async def transaction(self) -> Any:
        yield

    async def fetch(self, query: str) -> list[tuple[str, int, int]]:
        self.meanwhile()
        return [(*place, following) for place, following in self.positions.items()]

    async def fetchval(self, query: str, key: str) -> str | None:
        return time_text(self.pulse) if self.pulse else None


@pytest.fixture
def past() -> Past:
    past = Past("postventa", "here")
    past.wrote({ORDERS: 10}, None)
    past.wrote({ORDERS: 8}, time_text(NOW))  # of a batch that was late
    return past


@pytest.mark.parametrize("held", [Held({ORDERS: 9}, NOW), Held({}, NOW), Held({ORDERS: 10}, NOW - timedelta(minutes=1)),
                                  Held({ORDERS: 10}, None)])  # fmt: skip
async def test_less_than_was_written_is_another_database(past: Past, held: Any) -> None:
    with pytest.raises(StoreRestored, match="a backup was put in its place"):
        await past.compare(held)


@pytest.mark.parametrize("held", [Held({ORDERS: 10}, NOW), Held({ORDERS: 12, ("orders", 1): 3}, NOW),
                                  Held({ORDERS: 10}, NOW - timedelta(seconds=10))])  # fmt: skip
async def test_more_or_a_pulse_of_a_slow_worker_is_not(past: Past, held: Any) -> None:
    await past.compare(held)


async def test_what_is_committed_while_it_asks_is_not_missed(past: Past) -> None:
    held = Held({ORDERS: 10}, NOW)
    held.meanwhile = lambda: past.wrote({ORDERS: 20}, time_text(NOW + timedelta(minutes=1)))
    await past.compare(held)  # type: ignore[arg-type]


async def test_a_topic_made_again_begins_anew(past: Past) -> None:
    past.wrote({ORDERS: 0}, None)
    await past.compare(Held({ORDERS: 0}, NOW))  # type: ignore[arg-type]


async def test_who_wrote_nothing_expects_nothing() -> None:
    await Past("postventa", "here").compare(Held({}, None))  # type: ignore[arg-type]
