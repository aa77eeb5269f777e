"""What leaves by Kafka: our own events to `postventa.out`, refused records to `postventa.dead-letters`.

At least once: a record is noted as published after every replica has it. Its id never changes, so readers can tell a
repetition.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import random
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from postventa.core.values import time_text
from postventa.dispatch.outlet import Poster, body_of, post_and_settle
from postventa.errors import PostventaError
from postventa.publish import Access
from postventa.runtimes.kafka.published import GROUP
from postventa.store.base import DeadLetter, OutboxRecord, Store

log = logging.getLogger("postventa.kafka")

BATCH = 500
LOOK_AGAIN = 5.0
GATHER = 0.2
"""Real seconds until the next batch after one that was not full: what comes meanwhile leaves with it."""
SEND_WITHIN = 10.0
LAST_WITHIN = 5.0
LONGEST_PAUSE = 60.0
TAKEN = 0.5
"""Real seconds until the next try while another worker publishes."""
ALONE = "out"
LETTERS = "kafka.dead_letters"
"""Control key: the ids of the last dead letters that are on their topic, the highest first."""
OVERLAP = 200
"""Ids below it that are looked at again: a row may become visible after one with a higher id."""
HEADERS = [("content-type", b"application/cloudevents+json")]

Record = tuple[str, bytes | None, bytes]
"""(topic, key, value)."""


class Producer:
    """aiokafka's producer, opened when first needed and anew after it failed."""

    def __init__(self, access: Access, group: str) -> None:
        self._access = access
        self._headers = [*HEADERS, (GROUP, group.encode())]
        self._producer: Any = None

    async def send(self, records: Sequence[Record]) -> None:
        """All of them on every replica when this returns. PostventaError when Kafka did not take them."""
        from aiokafka.errors import KafkaError

        try:
            producer = await self._open()
            sent = [
                await producer.send(topic, value, key=key, headers=self._headers) for topic, key, value in records
            ]  # fmt: skip
            await asyncio.wait_for(asyncio.gather(*sent), SEND_WITHIN)
        except (TimeoutError, KafkaError, OSError) as error:
            await self.close()
            raise PostventaError(f"Kafka did not take what we publish: {type(error).__name__}: {error}") from error

    async def _open(self) -> Any:
        if self._producer is None:
            from aiokafka import AIOKafkaProducer

            producer = AIOKafkaProducer(
                **self._access.options(), acks="all", enable_idempotence=True, request_timeout_ms=10_000, linger_ms=2
            )
            try:
                await producer.start()
            except BaseException:
                await producer.stop()
                raise
            self._producer = producer
        return self._producer

    async def close(self) -> None:
        """Leave Kafka; a broker that is gone does not hold us up."""
        producer, self._producer = self._producer, None
        if producer is not None:
            with contextlib.suppress(Exception):
                await asyncio.wait_for(producer.stop(), 5)


@dataclass(slots=True)
class Out:
    """Publishes until stopped; whoever sets `stop` sets `wake` too. `poster`: also one signed POST per event.

    Of all workers one publishes at a time, so that events leave in the order in which they were saved.
    """

    store: Store
    producer: Producer
    topic: str
    letters_topic: str
    now: Callable[[], datetime]
    poster: Poster | None = None
    wake: asyncio.Event = field(default_factory=asyncio.Event)
    published: int = 0

    async def run(self, stop: asyncio.Event) -> None:
        """Until `stop` is set. Kafka or the receiver away: nothing is lost, it is tried again."""
        failures = 0
        while not stop.is_set():
            self.wake.clear()
            try:
                done = await self.drain()
            except PostventaError as error:
                failures += 1
                pause = min(LONGEST_PAUSE, 2.0 ** min(failures, 6)) * random.uniform(0.5, 1)
                log.error("what we publish waits, next try in %.0f s; nothing is lost: %s", pause, error)  # noqa: TRY400
                await _wait(stop, pause)
                continue
            failures = 0
            if done is None:
                await _wait(stop, TAKEN)
            elif not done:
                await _wait(self.wake, LOOK_AGAIN)
            if (done or 0) < BATCH:
                await _wait(stop, GATHER)

    async def last(self) -> None:
        """What is still to be published leaves before we do if Kafka takes it soon; else the next worker sees to it."""
        with contextlib.suppress(PostventaError, TimeoutError):
            async with asyncio.timeout(LAST_WITHIN):
                while await self.drain():
                    pass

    async def drain(self) -> int | None:
        """One batch of each; gives how many left, None while another worker publishes."""
        async with self.store.alone(ALONE) as mine:
            return await self._events() + await self._dead_letters() if mine else None

    async def _events(self) -> int:
        async with self.store.transaction() as tx:
            rows = await tx.pending_events(BATCH)
        if not rows:
            return 0
        await self.producer.send([_event_record(self.topic, row) for row in rows if row.event is not None])
        return await post_and_settle(self, rows)

    async def _dead_letters(self) -> int:
        told = _Told.of(await self.store.views.control(LETTERS))
        fresh = await self._fresh(told)
        if not fresh:
            return 0
        await self.producer.send([_letter_record(self.letters_topic, one) for one in fresh])
        async with self.store.transaction() as tx:
            await tx.set_control(LETTERS, told.and_also(one.id or 0 for one in fresh).text())
        return len(fresh)

    async def _fresh(self, told: _Told) -> list[DeadLetter]:
        """Letters that are not on the topic yet, oldest first."""
        limit = 50
        while True:
            newest = await self.store.views.dead_letters(limit)
            if len(newest) < limit or (newest[-1].id or 0) <= told.highest - OVERLAP:
                break
            limit *= 4
        return [one for one in reversed(newest) if not told.has(one.id or 0)][:BATCH]


@dataclass(frozen=True, slots=True)
class _Told:
    """Which dead letters are on their topic: `highest` and, of the last ones below it, exactly these."""

    highest: int = 0
    recent: frozenset[int] = frozenset()

    @classmethod
    def of(cls, text: str | None) -> _Told:
        ids = [int(word) for word in (text or "").split()]
        return cls(max(ids, default=0), frozenset(ids))

    def has(self, number: int) -> bool:
        return number in self.recent or number <= self.highest - OVERLAP

    def and_also(self, numbers: Iterable[int]) -> _Told:
        known = self.recent | set(numbers)
        highest = max(known)
        return _Told(highest, frozenset(one for one in known if one > highest - OVERLAP))

    def text(self) -> str:
        return " ".join(map(str, sorted(self.recent, reverse=True)))


def _event_record(topic: str, row: OutboxRecord) -> Record:
    assert row.event is not None
    return topic, row.customer_id.encode(), body_of(row.event, row.customer_id)


def _letter_record(topic: str, letter: DeadLetter) -> Record:
    told = {
        "id": letter.id,
        "source": letter.source,
        "reason": letter.reason,
        "field": letter.field,
        "event_id": letter.event_id,
        "at": time_text(letter.at),
        "record": letter.record,
    }
    return topic, letter.source.encode(), json.dumps(told, ensure_ascii=False).encode("utf-8", "replace")


async def _wait(event: asyncio.Event, seconds: float) -> None:
    with contextlib.suppress(asyncio.TimeoutError):
        await asyncio.wait_for(event.wait(), seconds)
