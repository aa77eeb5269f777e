"""The engine's part that carries out orders: after a publish or a `migrate` people go over while everything goes on.

It looks when it starts (a process that was killed may have left half of them), when it is woken, and, for a while
after, again and again: a worker that has not heard of a new release yet may begin runs of the old one.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from time import monotonic

from postventa.engine.engine import Engine
from postventa.engine.moving import Pass, carry_out
from postventa.engine.orders import KEY, Order, read
from postventa.errors import PostventaError, StoreError

log = logging.getLogger("postventa.engine")

SOON, LATER = 1.0, 20.0
"""Real seconds to the next look: while somebody's mail is in hand, and otherwise."""
AFTERWARDS = 60.0
"""Real seconds after an order was first seen, after which a look that finds nobody is the last."""


@dataclass(slots=True)
class Mover:
    """`moved` is called after people went over: there may be mail. `ready` holds it back until the backlog is in."""

    engine: Engine
    now: Callable[[], datetime]
    moved: Callable[[], None]
    ready: asyncio.Event
    wake: asyncio.Event = field(default_factory=asyncio.Event)
    _text: str = ""
    _since: float = 0.0
    _settled: bool = False

    async def run(self, stop: asyncio.Event) -> None:
        """Until `stop` is set; whoever sets it sets `wake` too. An order that cannot be carried out is told."""
        await _either(self.ready, stop)
        while not stop.is_set():
            self.wake.clear()
            try:
                wait = await self.look()
            except StoreError as error:
                log.error("people wait to go over, the store is not there: %s", error)  # noqa: TRY400
                wait = SOON
            except PostventaError as error:
                log.error("people cannot go over: %s", error)  # noqa: TRY400
                wait = LATER
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self.wake.wait(), wait)

    async def look(self) -> float:
        """One pass of every order in force, unless those have been carried out for good; seconds to the next look."""
        text = await self.engine.store.views.control(KEY) or ""
        if text != self._text:
            self._text, self._since, self._settled = text, monotonic(), False
        if self._settled or not text:
            return LATER
        done = Pass()
        async with self.engine.store.alone(KEY) as mine:
            for order in read(text) if mine else ():
                done.add(await self._carry_out(order))
        self._settled = mine and done.over and not done.moved and monotonic() - self._since > AFTERWARDS
        return LATER if done.over else SOON

    async def _carry_out(self, order: Order) -> Pass:
        done = await carry_out(self.engine, order, self.now)
        if done.moved:
            log.info("%s runs of journey %s go on in version %s", done.moved, order.journey, order.version[:8])
            self.moved()
        return done


async def _either(*events: asyncio.Event) -> None:
    """Until one of them is set."""
    waits = [asyncio.create_task(event.wait()) for event in events]
    try:
        await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for wait in waits:
            wait.cancel()
