"""How far the topics are read and when an event last came, for whoever watches; also from beside the workers."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Mapping
from datetime import datetime

from postventa.core.values import as_time, time_text
from postventa.engine.meters import Meters
from postventa.errors import PostventaError
from postventa.publish import Access
from postventa.runtimes.kafka import admin
from postventa.runtimes.kafka.admin import Place, Span
from postventa.store.base import Store, Views

log = logging.getLogger("postventa.kafka")

LAST = "kafka.last_event:"
"""Control key: when a worker last committed an event of this topic."""
EVERY = 2.0
"""Real seconds between notes, and at least between questions to Kafka."""


def behind(stored: Mapping[Place, int], held: Mapping[Place, Span]) -> dict[Place, int]:
    """Records still to be read, by partition. What Kafka has deleted counts no more."""
    return {place: max(0, span.end - max(stored.get(place, 0), span.first)) for place, span in held.items()}


class Lag:
    """Asks Kafka and the store, when somebody looks and not more often than `EVERY`."""

    def __init__(self, views: Views, access: Access, topics: tuple[str, ...]) -> None:
        self._views = views
        self._access = access
        self._topics = topics
        self._asked_at = float("-inf")
        self._held: Mapping[Place, Span] = {}

    async def lag(self) -> Mapping[Place, int]:
        """(topic, partition) -> records still to be read; nothing while Kafka does not answer."""
        if self._topics and time.monotonic() - self._asked_at > EVERY:
            self._asked_at = time.monotonic()
            try:
                self._held = await asyncio.to_thread(admin.ask, self._access, self._question)
            except PostventaError as error:
                self._held = {}
                log.warning("Kafka cannot be asked how far its topics reach: %s", error)
        return behind(await self._views.positions(), self._held)

    async def oldest(self) -> Mapping[Place, datetime]:
        """(topic, partition) -> when the first record was written that is still to be read."""
        stored = await self._views.positions()
        late = [place for place, count in behind(stored, self._held).items() if count]
        asked = {place: max(stored.get(place, 0), self._held[place].first) for place in late}
        try:
            return {place: at for place, (_, at) in (await asyncio.to_thread(self._first, asked)).items()}
        except PostventaError as error:
            log.warning("Kafka cannot be asked how old its records are: %s", error)
            return {}

    def _first(self, asked: Mapping[Place, int]) -> Mapping[Place, tuple[int, datetime]]:
        return admin.first_records(self._access, asked)

    def _question(self, client: object) -> Mapping[Place, Span]:
        return admin.spans(client, admin.topics(client, self._topics))

    async def last(self) -> Mapping[str, datetime]:
        """Topic -> when any worker last committed an event of it, give or take two seconds."""
        told = {topic: as_time(await self._views.control(LAST + topic)) for topic in self._topics}
        return {topic: at for topic, at in told.items() if at is not None}


async def note(store: Store, meters: Meters, stop: asyncio.Event) -> None:
    """A worker's part: tell the others when it last committed an event of each topic, until `stop` is set."""
    told: dict[str, datetime] = {}
    while not stop.is_set():
        fresh = {topic: at for topic, at in meters.last_at.items() if told.get(topic) != at}
        if fresh:
            async with store.transaction() as tx:
                for topic, at in sorted(fresh.items()):
                    await tx.set_control(LAST + topic, time_text(at))
            told |= fresh
        with contextlib.suppress(asyncio.TimeoutError):
            await asyncio.wait_for(stop.wait(), EVERY)
