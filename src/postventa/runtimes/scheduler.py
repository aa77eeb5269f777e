"""On the real clock: fires what is due, sleeps until the next due time, wakes when something changed."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta

from postventa.engine.due import expire_waiting, sweep
from postventa.engine.engine import Engine
from postventa.errors import StoreError
from postventa.runtimes.clock import Clock

log = logging.getLogger("postventa.engine")

LIMIT = 500
LOOK_AGAIN = timedelta(seconds=30)
"""Also without a wake-up call: the store may have been written by somebody else."""
ROOM_EVERY = timedelta(hours=1)


@dataclass(slots=True)
class Scheduler:
    """Timers fire only when the intake has caught up: the backlog may hold what makes a mail wrong."""

    engine: Engine
    clock: Clock
    caught_up: asyncio.Event
    moved: Callable[[], None]
    """Called after customers were moved: there may be mail."""
    wake: asyncio.Event = field(default_factory=asyncio.Event)

    async def run(self, stop: asyncio.Event) -> None:
        """Until `stop` is set. Whoever sets `stop` sets `wake` too."""
        room = self.clock.now()
        while not stop.is_set():
            if not self.caught_up.is_set():
                await _first(self.caught_up, stop)
                continue
            self.wake.clear()
            try:
                due = await self.engine.store.views.next_due()
                if due is not None and due <= (now := self.clock.now()) and await sweep(self.engine, now, LIMIT):
                    self.moved()
                    continue
                if self.clock.now() >= room:
                    await self._waiting_room()
                    room = self.clock.now() + ROOM_EVERY
            except StoreError as error:
                log.error("timers wait, the store is not there: %s", error)  # noqa: TRY400
                due = self.clock.now() + timedelta(seconds=1)
            # A due customer whom nobody can move yet must not make us spin.
            soonest = self.clock.now() + timedelta(milliseconds=200)
            latest = self.clock.now() + LOOK_AGAIN
            await self.clock.wait_until(min(max(due, soonest), latest) if due else latest, self.wake)

    async def _waiting_room(self) -> None:
        longest = (await self.engine.releases.live()).project.settings.waiting_room
        span = timedelta(days=longest.days + 30 * longest.months, seconds=longest.seconds)
        if count := await expire_waiting(self.engine, self.clock.now(), span):
            log.warning("%s events waited too long for their order and are dead letters now", count)


async def _first(*events: asyncio.Event) -> None:
    """Until one of them is set."""
    waits = [asyncio.create_task(event.wait()) for event in events]
    try:
        await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for wait in waits:
            wait.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.gather(*waits, return_exceptions=True)
