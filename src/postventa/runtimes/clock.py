"""The two clocks a journey can live by: the real one, and one that steps from event to due time.

Only what a journey or the contact policy sees follows these. Leases, retries and network limits run on real time.
"""

from __future__ import annotations

import asyncio
import contextlib
import math
import re
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Protocol

from postventa.errors import ConfigError

UNBOUNDED = math.inf
_UNITS = {"s": 1, "min": 60, "m": 60, "h": 3600, "d": 86400, "day": 86400, "w": 604800}
_SPAN = re.compile(r"\s*(\d+(?:\.\d+)?)\s*([a-z]+?)s?\s*")


class Clock(Protocol):
    """What time it is for journeys. `stepping` is True where time moves only when everything else is done."""

    @property
    def stepping(self) -> bool:
        """True for a clock that is moved by hand."""
        ...

    def now(self) -> datetime:
        """Aware UTC, never going back."""
        ...

    async def wait_until(self, moment: datetime | None, wake: asyncio.Event) -> None:
        """Until `moment` has come or `wake` is set, whichever is first; None waits for `wake` alone."""
        ...


class SystemClock:
    """Real time. A machine's clock that is set back stands still until it has caught up."""

    stepping = False

    def __init__(self) -> None:
        self._last = datetime.min.replace(tzinfo=UTC)

    def now(self) -> datetime:
        """Aware UTC, never going back."""
        self._last = max(self._last, datetime.now(UTC))
        return self._last

    async def wait_until(self, moment: datetime | None, wake: asyncio.Event) -> None:
        """See `Clock`. Looks up at least once a minute, so that a clock set forward is noticed."""
        while not wake.is_set():
            left = 60.0 if moment is None else min(60.0, (moment - self.now()).total_seconds())
            if left <= 0:
                return
            await _wait(wake, left)


class SteppingClock:
    """Time that jumps from one moment at which something happens to the next, at most `ratio` times as fast as real
    time. Whoever owns it calls `step_to` when nothing is left to do at this moment.
    """

    stepping = True

    def __init__(self, start: datetime, ratio: float = UNBOUNDED, real: Callable[[], float] = time.monotonic) -> None:
        self._now = start.astimezone(UTC)
        self._ratio = ratio
        self._real = real
        self._stepped = real()

    def now(self) -> datetime:
        """Aware UTC, never going back."""
        return self._now

    async def wait_until(self, moment: datetime | None, wake: asyncio.Event) -> None:
        """Time moves when it is stepped, and then `wake` is set: there is nothing else to wait for."""
        if moment is None or moment > self._now:
            await wake.wait()

    async def step_to(self, moment: datetime, wake: asyncio.Event) -> bool:
        """Go to `moment`, as slowly as the bound asks. False, and no step: `wake` was set first, look again."""
        span = max(0.0, (moment - self._now).total_seconds())
        left = self._stepped + span / self._ratio - self._real()
        if left > 0:
            await _wait(wake, left)
            if wake.is_set():
                return False
        self._now = max(self._now, moment.astimezone(UTC))
        self._stepped = self._real()
        return True


def parse_speed(text: str) -> float:
    """`1h=1s` is 3600 seconds of the journeys per real second; `max` has no bound. Raises ConfigError."""
    if text.strip().lower() == "max":
        return UNBOUNDED
    there, equals, here = text.lower().partition("=")
    spans = [match for part in (there, here) if (match := _SPAN.fullmatch(part)) and match[2] in _UNITS]
    values = [float(match[1]) * _UNITS[match[2]] for match in spans]
    if not equals or len(values) != 2 or 0 in values:
        raise ConfigError(
            f"'{text}' is not a speed", where="--speed", mend="write 1h=1s (an hour passes every second), or max"
        )
    return values[0] / values[1]


async def _wait(wake: asyncio.Event, seconds: float) -> None:
    with contextlib.suppress(asyncio.TimeoutError):
        await asyncio.wait_for(wake.wait(), seconds)
