"""On a stepping clock: everything of one moment is done before time goes on to the next event or due time.

So a sped-up run decides what a backtest decides: nothing overtakes anything, however slow the mail server is.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import islice, takewhile

from postventa.dispatch.dispatcher import Dispatcher
from postventa.engine.due import sweep
from postventa.engine.engine import Engine
from postventa.errors import StoreError
from postventa.runtimes.clock import SteppingClock
from postventa.runtimes.feed import Fed

log = logging.getLogger("postventa.engine")

LIMIT = 500
ATOM = timedelta(microseconds=1)
NOT_YET = 0.25
"""Real seconds before the outbox is looked at again when what is in it cannot leave yet (a pause, a resting server)."""


@dataclass(slots=True)
class Stepper:
    """Owns the clock. `submit` takes events in, like a caller would."""

    engine: Engine
    clock: SteppingClock
    dispatcher: Dispatcher
    submit: Callable[[Sequence[Fed]], Awaitable[None]]
    intake_empty: Callable[[], bool]
    events: deque[Fed]
    until: datetime | None = None
    """Stop when time would pass this; None goes on for ever."""
    wake: asyncio.Event = field(default_factory=asyncio.Event)

    async def run(self, stop: asyncio.Event) -> None:
        """Until `stop` is set (whoever sets it sets `wake` too), or `until` is reached. A database that is held or full
        is waited for: time stands still meanwhile."""
        begun = False
        while not stop.is_set():
            self.wake.clear()
            try:
                if not begun:
                    await self._begin()
                    begun = True
                if await self._go_on():
                    return
            except StoreError as error:
                log.error("the database cannot be used, trying again: %s", error)  # noqa: TRY400
                await _wait(self.wake, NOT_YET)

    async def _begin(self) -> None:
        """What the last run left in doubt; then what lies before the clock, which is where the last run was: most of it
        is known already."""
        await self.dispatcher.recover()
        while self.events and self.events[0].at < self.clock.now():
            await self._take(islice(self.events, LIMIT), self.clock.now())

    async def _go_on(self) -> bool:
        """Finish this moment, then step to the next; True when that would be beyond the end."""
        if not await self._quiet():
            await _wait(self.wake, NOT_YET)
            return False
        moment = await self._next()
        if moment is None and self.until is None:
            await self.wake.wait()
        elif moment is None or (self.until is not None and moment > self.until):
            return True
        elif await self.clock.step_to(moment, self.wake):
            await self._take(self.events, self.clock.now() + ATOM)
        return False

    async def _next(self) -> datetime | None:
        """When something happens next: an event, or a due time."""
        times = [self.events[0].at] if self.events else []
        due = await self.engine.store.views.next_due()
        return min([*times, *([due] if due else [])], default=None)

    async def _take(self, events: Iterable[Fed], before: datetime) -> None:
        """All events of a moment in one transaction, before anything they lead to leaves."""
        group = list(takewhile(lambda fed: fed.at < before, events))
        if group:
            await self.submit(group)
        for _ in group:
            self.events.popleft()

    async def _quiet(self) -> bool:
        """Do what can be done now; True when nothing is left to do at this moment."""
        while True:
            moved = await sweep(self.engine, self.clock.now(), LIMIT)
            if not moved and not await self.dispatcher.drain():
                break
        if not self.intake_empty():
            return False
        return await self.engine.store.views.outbox_busy() == 0


def in_order(events: Iterable[Fed]) -> deque[Fed]:
    """Ready for a stepper."""
    return deque(sorted(events, key=lambda one: one.key))


async def _wait(wake: asyncio.Event, seconds: float) -> None:
    with contextlib.suppress(asyncio.TimeoutError):
        await asyncio.wait_for(wake.wait(), seconds)
