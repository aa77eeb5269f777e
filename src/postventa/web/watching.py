"""What operators watch, asked once for `/metrics`, `/readyz` and the page of the streams, and kept a few seconds.

However often it is asked, the store is not: a scrape must never be what slows the engine down.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Protocol

from postventa.core.values import as_time
from postventa.errors import StoreError
from postventa.store.base import Pause, Views

KEPT = 3.0
"""Real seconds for which an answer is good."""
HEARTBEAT = "heartbeat"
LIVE = "live_release"
INTAKE = "kafka.intake"


@dataclass(frozen=True, slots=True)
class Look:
    """One look. `trouble` says why the store could not be asked; then the rest is empty."""

    now: datetime
    """On the journeys' clock."""
    gauges: Mapping[str, Any] = field(default_factory=dict)
    lag: Mapping[tuple[str, int], int] = field(default_factory=dict)
    pauses: tuple[Pause, ...] = ()
    release: str | None = None
    heartbeat: datetime | None = None
    caught_up: bool = False
    trouble: str = ""
    oldest: Mapping[tuple[str, int], datetime] = field(default_factory=dict)
    """(topic, partition) -> when the first record was written that is still to be read."""
    last: Mapping[str, datetime] = field(default_factory=dict)
    """Topic -> when other processes last committed an event of it."""

    @property
    def reasons(self) -> list[str]:
        """Why this engine is not ready; empty when it is."""
        if self.trouble:
            return [f"the store cannot be reached: {self.trouble}"]
        found = [] if self.release else ["no release is live: postventa publish"]
        if not self.caught_up:
            found.append("events that came before are still being read: timers and mail wait for them")
        return found


class Watched(Protocol):
    """What a watcher looks at: the pages' `Services`, or a worker that shows none."""

    @property
    def views(self) -> Views:
        """The store's queries."""

    @property
    def now(self) -> Callable[[], datetime]:
        """The journeys' clock."""

    @property
    def status(self) -> Callable[[], Mapping[str, Any]]:
        """What only the process knows."""

    @property
    def lag(self) -> Callable[[], Awaitable[Mapping[tuple[str, int], int]]]:
        """Records still to be read."""

    @property
    def oldest(self) -> Callable[[], Awaitable[Mapping[tuple[str, int], datetime]]]:
        """Since when the first of them waits; of the partitions that `lag` told last."""

    @property
    def last(self) -> Callable[[], Awaitable[Mapping[str, datetime]]]:
        """When others last committed an event."""


class Watcher:
    """Looks, and keeps what it saw for a moment."""

    def __init__(self, services: Watched) -> None:
        self._services = services
        self._lock = asyncio.Lock()
        self._last: tuple[float, Look] | None = None

    async def look(self) -> Look:
        """What there is to see, at most `KEPT` seconds old. Never raises for a store that is away."""
        async with self._lock:
            if self._last is None or time.monotonic() - self._last[0] > KEPT:
                look = await self._look()
                self._last = (time.monotonic(), look)
            return self._last[1]

    async def _look(self) -> Look:
        services, now = self._services, self._services.now()
        views, known = services.views, services.status().get("caught_up")
        try:
            caught_up = await _intake(views) if known is None else bool(known)
            return Look(
                now, await views.gauges(now), await services.lag(), tuple(await views.pauses()),
                await views.control(LIVE), as_time(await views.control(HEARTBEAT)), caught_up,
                oldest=await services.oldest(), last=await services.last(),
            )  # fmt: skip
        except (StoreError, OSError) as error:
            return Look(now, caught_up=bool(known), trouble=str(error))


async def _intake(views: Views) -> bool:
    """What the workers last told about it, for a process that reads nothing itself."""
    told = await views.control(INTAKE)
    return bool(json.loads(told).get("caught_up")) if told else True


def age(moment: datetime | str | None, now: datetime | None = None) -> float | None:
    """Seconds since then (real time unless `now` is given), never below 0."""
    at = as_time(moment) if isinstance(moment, str) else moment
    return None if at is None else max(0.0, ((now or datetime.now(UTC)) - at).total_seconds())
