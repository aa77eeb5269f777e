"""The pages and the HTTP way in, beside any number of workers: one process with no timers, no mail and no Kafka.

What it takes in stands in the database all share. Nobody wakes the workers: they look there by themselves, for mail
every five seconds, for timers every thirty.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from postventa.core.values import time_text
from postventa.engine.engine import Engine
from postventa.engine.meters import Meters
from postventa.errors import StoreError
from postventa.runtimes.clock import Clock
from postventa.runtimes.listeners import Listener, close_all
from postventa.runtimes.reception import Item, Reception, Reply
from postventa.runtimes.together import Work, run_together

log = logging.getLogger("postventa.engine")

RELEASES_EVERY = 5.0
"""Real seconds between looks whether somebody published."""


@dataclass
class Served:
    """`run` starts the listeners and ends in order. `republished` is called when another process published."""

    engine: Engine
    clock: Clock
    listeners: Sequence[Listener] = ()
    republished: Callable[[], None] = lambda: None
    started: Callable[[], None] = lambda: None
    stop: asyncio.Event = field(default_factory=asyncio.Event)
    meters: Meters = field(default_factory=Meters)

    def __post_init__(self) -> None:
        self.reception = Reception(self.engine, self.clock.now, self.changed, self.meters)

    async def run(self) -> int:
        """Answer until `stop` is set. Gives the exit code."""
        for listener in self.listeners:
            listener.bind()
        parts = [
            ("intake", self.reception.intake.run()),
            ("releases", self._releases()),
            *((listener.name, listener.serve()) for listener in self.listeners),
        ]
        return await run_together(parts, self.stop, self._end, self.started)

    async def _end(self, work: Work) -> None:
        """No new callers; answer those that are here."""
        await close_all(self.listeners)
        self.reception.intake.close()
        self.stop.set()
        await asyncio.gather(*work, return_exceptions=True)

    async def _releases(self) -> None:
        while not self.stop.is_set():
            try:
                if await self.engine.releases.changed():
                    self.republished()
            except StoreError as error:
                log.error("the store is not there: %s", error)  # noqa: TRY400 - the pages say it, too
            with contextlib.suppress(asyncio.TimeoutError):
                await asyncio.wait_for(self.stop.wait(), RELEASES_EVERY)

    async def submit(self, items: Sequence[Item], source: str) -> list[Reply]:
        """See `Reception.submit`."""
        return await self.reception.submit(items, source)

    def changed(self) -> None:
        """The workers look into the database by themselves: nobody here is to be woken."""

    def status(self) -> dict[str, Any]:
        """What only this process knows."""
        return {"now": time_text(self.clock.now()), "process": "pages only; workers do the rest"}
