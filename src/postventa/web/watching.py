"""What operators watch, asked once for `/metrics`, `/readyz` and the page of the streams, and kept a few seconds.

However often it is asked, the store is not: a scrape must never be what slows the engine down.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from postventa.core.values import as_time
from postventa.errors import StoreError
from postventa.store.base import Pause
from postventa.web.services import Services

KEPT = 3.0
"""Real seconds for which an answer is good."""
HEARTBEAT = "heartbeat"
LIVE = "live_release"


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

    @property
    def reasons(self) -> list[str]:
        """Why this engine is not ready; empty when it is."""
        if self.trouble:
            return [f"the store cannot be reached: {self.trouble}"]
        found = [] if self.release else ["no release is live: postventa publish"]
        if not self.caught_up:
            found.append("events that came before are still being read: timers and mail wait for them")
        return found


class Watcher:
    """Looks, and keeps what it saw for a moment."""

    def __init__(self, services: Services) -> None:
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
        views = services.views
        caught_up = bool(services.status().get("caught_up", True))
        try:
            return Look(
                now, await views.gauges(now), await services.lag(), tuple(await views.pauses()),
                await views.control(LIVE), as_time(await views.control(HEARTBEAT)), caught_up,
            )  # fmt: skip
        except (StoreError, OSError) as error:
            return Look(now, caught_up=caught_up, trouble=str(error))


def age(moment: datetime | str | None, now: datetime | None = None) -> float | None:
    """Seconds since then (real time unless `now` is given), never below 0."""
    at = as_time(moment) if isinstance(moment, str) else moment
    return None if at is None else max(0.0, ((now or datetime.now(UTC)) - at).total_seconds())
