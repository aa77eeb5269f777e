"""Timers and mail wait until every event that is already in the topics is in the store: one may be a cancellation.

Asked of every partition of every input topic, whoever reads it, after each start, rebalance and lost connection.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from postventa.core.values import time_text
from postventa.errors import PostventaError
from postventa.publish import Access
from postventa.runtimes.kafka import admin
from postventa.runtimes.kafka.admin import Place, Span, Topic
from postventa.store.base import Store, Views

log = logging.getLogger("postventa.kafka")

STATE = "kafka.intake"
"""Control key: what `status` tells about the intake, as JSON."""
LOOK = 0.25
KAFKA_EVERY = 15.0
"""Real seconds between looks at how far the topics reach, while nothing is waited for."""
STILL = 8
"""Looks without progress after which it is asked whether anything readable is left."""


@dataclass(slots=True)
class CaughtUp:
    """`done` is set while timers and mail may run."""

    store: Store
    access: Access
    topics: tuple[str, ...]
    limit: float
    """Real seconds after which they run although events are still to be read."""
    changed: Callable[[], None]
    done: asyncio.Event = field(default_factory=asyncio.Event)
    held: dict[Place, Span] = field(default_factory=dict)
    """What each partition held when Kafka was last asked."""
    missing: tuple[str, ...] = ()
    """Input topics that do not exist."""
    waiting: dict[Place, int] = field(default_factory=dict)
    """Events still to be read before timers and mail go on, by partition."""
    _again: asyncio.Event = field(default_factory=asyncio.Event)

    def look_again(self) -> None:
        """What is in the topics now must be read first: after a start, a rebalance, a reconnection."""
        self.done.clear()
        self._again.set()

    async def run(self, stop: asyncio.Event) -> None:
        """Until `stop` is set. Timers and mail wait from the beginning."""
        self.look_again()
        away = False
        while not stop.is_set():
            if self._again.is_set():
                self._again.clear()
                await self._wait_for_intake(stop)
            with contextlib.suppress(asyncio.TimeoutError):
                await asyncio.wait_for(_either(self._again, stop), KAFKA_EVERY)
            reached = await self._ask_kafka()
            if reached and away:
                log.warning("Kafka answers again: what was published meanwhile is read before timers and mail go on")
                self.look_again()
            away = not reached

    async def _wait_for_intake(self, stop: asyncio.Event) -> None:
        """One wait: the ends as they are now, until the store has reached them or the limit is over."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + self.limit
        while not await self._ask_kafka() and loop.time() < deadline and not stop.is_set():
            await _wait(stop, 1)
        ends = dict(self.held)
        still, before = 0, -1
        while not stop.is_set() and not self._again.is_set():
            self.waiting = await self._left(ends)
            left = sum(self.waiting.values())
            if left and left == before and (still := still + 1) == STILL:
                ends = await self._readable(ends)
                still = 0
            before = left
            if not self.waiting or loop.time() >= deadline:
                if self.waiting:
                    log.error("%s events are still to be read after %.0f s: timers and mail go on", left, self.limit)
                self.waiting = {}
                self.done.set()
                self.changed()
                break
            await _wait(stop, LOOK)
        await self._tell()

    async def _left(self, ends: Mapping[Place, Span]) -> dict[Place, int]:
        stored = await self.store.views.positions()
        left = {place: span.end - max(stored.get(place, 0), span.first) for place, span in ends.items()}
        return {place: count for place, count in left.items() if count > 0}

    async def _readable(self, ends: Mapping[Place, Span]) -> dict[Place, Span]:
        """The ends without those that cannot be reached: a transaction's marker is no record to be read."""
        stored = await self.store.views.positions()
        asked = {place: max(stored.get(place, 0), ends[place].first) for place in self.waiting}
        try:
            there = await asyncio.to_thread(admin.first_records, self.access, asked)
        except PostventaError:
            return dict(ends)
        nothing = {place for place in asked if place not in there or there[place][0] >= ends[place].end}
        return {place: span for place, span in ends.items() if place not in nothing}

    async def _ask_kafka(self) -> bool:
        """Look at the topics; False when nobody answers."""
        try:
            found, self.held = await asyncio.to_thread(admin.ask, self.access, self._question)
        except PostventaError as error:
            log.error("Kafka cannot be asked how far its topics reach: %s", error)  # noqa: TRY400
            return False
        missing = tuple(name for name in self.topics if name not in found)
        if missing != self.missing:
            for name in missing:
                log.error("topic '%s' does not exist, its events cannot come: postventa kafka setup makes it", name)
            self.missing = missing
        return True

    def _question(self, client: Any) -> tuple[dict[str, Topic], dict[Place, Span]]:
        found = admin.topics(client, self.topics)
        return found, admin.spans(client, found)

    async def _tell(self) -> None:
        """For `status`, which is another process."""
        told = {
            "caught_up": self.done.is_set(),
            "waiting": {f"{topic}/{number}": count for (topic, number), count in sorted(self.waiting.items())},
            "missing_topics": list(self.missing),
            "at": time_text(datetime.now(UTC)),
        }
        async with self.store.transaction() as tx:
            await tx.set_control(STATE, json.dumps(told))


async def intake_state(views: Views) -> dict[str, Any] | None:
    """What a worker last told: `caught_up`, `waiting` (partition -> events), `missing_topics`, `at`."""
    told = await views.control(STATE)
    return dict(json.loads(told)) if told else None


async def _either(*events: asyncio.Event) -> None:
    waits = [asyncio.ensure_future(event.wait()) for event in events]
    try:
        await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for wait in waits:
            wait.cancel()


async def _wait(stop: asyncio.Event, seconds: float) -> None:
    with contextlib.suppress(asyncio.TimeoutError):
        await asyncio.wait_for(stop.wait(), seconds)
