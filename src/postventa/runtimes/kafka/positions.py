"""Where reading begins and how far it is: the store's positions, which are written with the events themselves.

Kafka's own committed offsets follow them. Where the two differ the store is right: a database restored from a backup
has to hear again what it has lost, however far the group had committed.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from postventa.errors import PostventaError, StoreError
from postventa.publish import Access
from postventa.runtimes.kafka import admin
from postventa.runtimes.kafka.admin import Place
from postventa.store.base import Store

log = logging.getLogger("postventa.kafka")

TOPIC_ID = "kafka.topic_id:"
"""Control key of the id under which a topic was last read."""
TRIES = 6


@dataclass(slots=True)
class Positions:
    """The positions of this worker's partitions. `behind` is told when a store knows less than the group committed."""

    store: Store
    access: Access
    topics: tuple[str, ...]
    known_for: timedelta
    behind: Callable[[Mapping[Place, tuple[int, int]]], Awaitable[None]]
    gaps: int = 0
    """Records that were never read although they were there, since the start. Must stay 0."""
    next: dict[Place, int] = field(default_factory=dict)
    _begun: set[Place] = field(default_factory=set)

    # --- on assignment -------------------------------------------------------------------------------------------
    async def starts(self, committed: Mapping[Place, int | None]) -> dict[Place, int]:
        """Where to begin otherwise than Kafka says, by partition. Waits a little for a store that is away."""
        for attempt in range(TRIES):
            try:
                return await self._starts(committed)
            except StoreError as error:
                log.warning("the positions cannot be read, trying again: %s", error)
                await asyncio.sleep(min(10.0, 0.5 * 2**attempt))
        return await self._starts(committed)

    async def _starts(self, committed: Mapping[Place, int | None]) -> dict[Place, int]:
        anew = await self._recreated({topic for topic, _ in committed})
        stored = await self.store.views.positions()
        otherwise: dict[Place, int] = {}
        behind: dict[Place, tuple[int, int]] = {}
        for place, done in committed.items():
            self._begun.discard(place)
            self.next.pop(place, None)
            if place in stored:
                self.next[place] = stored[place]
            ours = stored.get(place, 0)
            if done is not None and ours < done:
                otherwise[place] = ours
                if place[0] not in anew:
                    behind[place] = (ours, done)
            elif not done:
                # Also where the store knows nothing: Faust fetches records and drops them when a rebalance comes
                # between, and without a committed offset (or with 0) its client would go on behind them.
                otherwise[place] = ours
        if behind:
            told = ", ".join(f"{topic}/{number} from {ours}" for (topic, number), (ours, _) in sorted(behind.items()))
            log.warning("the database knows less than Kafka's group has committed; reading again: %s", told)
            await self.behind(behind)
        return otherwise

    async def _recreated(self, asked: set[str]) -> set[str]:
        """Topics that are others than those we read before, under the same name: their positions begin at 0 again."""
        try:
            found = await asyncio.to_thread(admin.ask, self.access, lambda client: admin.topics(client, asked))
        except PostventaError as error:
            log.warning("the ids of the topics could not be asked for: %s", error)
            return set()
        anew: set[str] = set()
        for name, topic in found.items():
            before = await self.store.views.control(TOPIC_ID + name)
            if before == topic.id:
                continue
            async with self.store.transaction() as tx:
                await tx.set_control(TOPIC_ID + name, topic.id)
                if before is not None:
                    stored = await self.store.views.positions()
                    await tx.set_positions({place: 0 for place in stored if place[0] == name})
                    await tx.audit(datetime.now(UTC), "postventa", "topic recreated", {"topic": name, "id": topic.id})
            if before is not None:
                anew.add(name)
                log.error("TOPIC '%s' WAS DELETED AND MADE AGAIN: it is read from its beginning", name)
        return anew

    # --- while reading -------------------------------------------------------------------------------------------
    async def first(self, place: Place, offset: int) -> None:
        """Called with every record: the first of an assignment tells whether something was passed over."""
        if place in self._begun:
            return
        self._begun.add(place)
        expected = self.next.get(place, 0)
        if offset <= expected:
            return
        missing = await self._missing(place, expected, offset)
        if missing:
            self.gaps += missing
            log.critical(
                "GAP: %s records of %s/%s from offset %s on were never read; Kafka deleted them, or they were skipped",
                missing, *place, expected,
            )  # fmt: skip

    async def _missing(self, place: Place, expected: int, offset: int) -> int:
        """How many of the offsets between were records; what Kafka cannot answer counts as missing."""
        try:
            found = await asyncio.to_thread(admin.ask, self.access, lambda client: admin.topics(client, [place[0]]))
            held = (await asyncio.to_thread(admin.ask, self.access, lambda client: admin.spans(client, found)))[place]
            if place not in self.next:  # what Kafka deleted before anybody of us read it was never ours to read
                expected = min(held.first, offset)
            elif held.first > expected:
                return min(held.first, offset) - expected
            there = await asyncio.to_thread(admin.first_records, self.access, {place: expected})
        except (PostventaError, KeyError) as error:
            log.warning("a jump in %s/%s could not be looked at: %s", *place, error)
            return offset - expected
        first = there.get(place)
        return 0 if first is None or first[0] >= offset else offset - first[0]

    def known(self, place: Place, offset: int) -> bool:
        """True for a record whose batch is in the store already."""
        return offset < self.next.get(place, 0)

    def forgotten(self, place: Place, offset: int, written: datetime, now: datetime) -> bool:
        """True for such a record so old that it is not even looked at again."""
        return self.known(place, offset) and written < now - self.known_for

    def reached(self, places: Mapping[Place, int]) -> None:
        """A batch was committed."""
        for place, following in places.items():
            self.next[place] = max(following, self.next.get(place, 0))
