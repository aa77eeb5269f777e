"""The embedded runtime: one process with the way in, the timers, the way out and the pages around one store.

Its parts run side by side and share nothing but the store and a few wake-up calls. A part that ends on its own ends the
process (exit 70), with the reason in the log: an engine that only half works is worse than one that is started again.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from postventa.core.values import time_text
from postventa.dispatch.dispatcher import Dispatcher
from postventa.dispatch.outlet import Outlet
from postventa.engine.engine import Engine
from postventa.engine.meters import Meters
from postventa.runtimes import heartbeat, retention
from postventa.runtimes.clock import Clock, SteppingClock
from postventa.runtimes.feed import Fed
from postventa.runtimes.garbage import collect_rarely
from postventa.runtimes.intake import BATCH
from postventa.runtimes.listeners import Listener, close_all
from postventa.runtimes.mover import Mover
from postventa.runtimes.reception import Item, Reception, Reply
from postventa.runtimes.scheduler import Scheduler
from postventa.runtimes.stepper import Stepper, in_order
from postventa.runtimes.together import Work, run_together

log = logging.getLogger("postventa.engine")

Part = Callable[[asyncio.Event], Coroutine[Any, Any, None]]


@dataclass
class Embedded:
    """Everything is made by `runtimes.setup`; `run` starts it, stops it and tells how it ended."""

    engine: Engine
    clock: Clock
    dispatcher: Dispatcher
    outlet: Outlet
    listeners: Sequence[Listener] = ()
    feed: Sequence[Fed] = ()
    until: datetime | None = None
    real_channel: bool = False
    extra: Sequence[tuple[str, Part]] = ()
    """More parts by name: the watcher of --dev."""
    started: Callable[[], None] = lambda: None
    stop: asyncio.Event = field(default_factory=asyncio.Event)
    caught_up: asyncio.Event = field(default_factory=asyncio.Event)
    meters: Meters = field(default_factory=Meters)

    def __post_init__(self) -> None:
        self.reception = Reception(self.engine, self.clock.now, self._wake, self.meters)
        self.intake = self.reception.intake
        self.scheduler = Scheduler(self.engine, self.clock, self.caught_up, self._moved)
        self.mover = Mover(self.engine, self.clock.now, self._wake, self.caught_up)
        self.dispatcher.may_claim = self.caught_up.is_set
        self.dispatcher.moved = self._receipt
        self.dispatcher.meters = self.meters
        self.stepper: Stepper | None = None
        if isinstance(self.clock, SteppingClock):
            self.dispatcher.stepping = True
            self.stepper = Stepper(
                self.engine, self.clock, self.dispatcher, self._submit_fed, lambda: self.intake.empty,
                in_order(self.feed), self.until,
            )  # fmt: skip

    # --- from start to stop --------------------------------------------------------------------------------------
    async def run(self) -> int:
        """Start every part, work until `stop` is set or one of them ends, stop in order. Gives the exit code."""
        await self._ask_after_a_long_stop()
        collect_rarely()
        for listener in self.listeners:
            listener.bind()
        return await run_together(self._parts(), self.stop, self._stop_in_order, self.started)

    def _parts(self) -> list[tuple[str, Coroutine[Any, Any, None]]]:
        parts: list[tuple[str, Coroutine[Any, Any, None]]] = [
            ("intake", self.intake.run()),
            ("heartbeat", heartbeat.beat(self.engine.store, self.stop)),
            ("outlet", self.outlet.run(self.stop)),
            ("moves", self.mover.run(self.stop)),
            *((listener.name, listener.serve()) for listener in self.listeners),
            *((name, part(self.stop)) for name, part in self.extra),
        ]
        if self.stepper is not None:
            self.caught_up.set()
            return [*parts, ("time", self._step())]
        rest = [
            ("files", self._read_files()),
            ("timers", self.scheduler.run(self.stop)),
            ("mail", self.dispatcher.run(self.stop)),
            ("retention", retention.keep_to_it(self.engine, self.clock.now, self.stop)),
        ]
        return [*parts, *rest]

    async def _stop_in_order(self, work: Work) -> None:
        """No new callers; answer those that are here; finish what is being sent; then the rest."""
        await close_all(self.listeners)
        self.intake.close()
        self.stop.set()
        self.changed()
        await asyncio.gather(*work, return_exceptions=True)
        await self.dispatcher.finish()
        for channel in self.dispatcher.channels.values():
            await channel.close()
        try:
            await heartbeat.mark(self.engine.store)
        except Exception as error:  # noqa: BLE001 - the store may be why we stop
            log.warning("the last heartbeat could not be written: %s", error)

    async def _step(self) -> None:
        assert self.stepper is not None
        await self.stepper.run(self.stop)
        self.stop.set()

    async def _ask_after_a_long_stop(self) -> None:
        if self.stepper is None and (pause := await heartbeat.guard(self.engine.store, real_channel=self.real_channel)):
            log.warning("NOTHING IS SENT: %s", pause.reason)

    # --- the way in ----------------------------------------------------------------------------------------------
    async def submit(self, items: Sequence[Item], source: str) -> list[Reply]:
        """See `Reception.submit`."""
        return await self.reception.submit(items, source)

    async def _submit_fed(self, group: Sequence[Fed]) -> None:
        await self.reception.take([(fed.incoming, "file") for fed in group])

    async def _read_files(self) -> None:
        """On the real clock a file is a backlog: timers and mail wait until it is in. Then wait to be stopped."""
        feed = list(self.feed)
        for start in range(0, len(feed), BATCH):
            await self._submit_fed(feed[start : start + BATCH])
        self.caught_up.set()
        self._wake()
        await self.stop.wait()

    # --- waking --------------------------------------------------------------------------------------------------
    def _wake(self) -> None:
        """Something changed: everybody looks again."""
        self.scheduler.wake.set()
        self._moved()
        if self.stepper is not None:
            self.stepper.wake.set()

    def _moved(self) -> None:
        self.dispatcher.wake.set()
        self.outlet.wake.set()

    def _receipt(self) -> None:
        self.scheduler.wake.set()
        self.outlet.wake.set()

    def changed(self) -> None:
        """An operator did something (a resume, a publish): look again."""
        self.mover.wake.set()
        self._wake()

    def status(self) -> dict[str, Any]:
        """What only the running process knows."""
        return {
            "now": time_text(self.clock.now()),
            "stepping": self.clock.stepping,
            "caught_up": self.caught_up.is_set(),
            "handing_over": self.dispatcher.busy,
            "sent_since_start": self.dispatcher.sent,
            "real_time": time_text(datetime.now(UTC)),
        }
