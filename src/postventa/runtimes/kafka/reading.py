"""A batch of Kafka records into the store: map, validate, one transaction, acknowledge in order. Nothing escapes.

What cannot be read becomes a dead letter and the rest flows. While the store is away a batch waits and is not
acknowledged. Anything unexpected ends the process: an agent that went on would acknowledge what it never did.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import logging
import random
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Protocol

from postventa.agents.declare import Agent
from postventa.engine.batch import take
from postventa.engine.engine import Engine
from postventa.engine.meters import Meters
from postventa.errors import ConfigError, RecordError, StoreError
from postventa.runtimes.kafka.admin import Place
from postventa.runtimes.kafka.positions import Positions
from postventa.schemas.parse import Incoming
from postventa.schemas.registry import Registry
from postventa.store.base import DeadLetter

log = logging.getLogger("postventa.kafka")

BATCH = 500
WITHIN = 0.05
"""Real seconds that a batch waits to become full."""
AT_ONCE = 0.002
"""The same on a stepping clock, where nothing more comes before this batch is done."""
LONGEST_PAUSE = 15.0
KEPT = 64 * 1024
"""Characters of a refused record that are kept; larger ones stay on their topic, at the offset that is told."""


class Message(Protocol):
    """What Faust gives with each record."""

    topic: str
    partition: int
    offset: int
    timestamp: float
    headers: Any
    value: bytes | None
    generation_id: int


class Record(Protocol):
    """Faust's event: a record with its way to be acknowledged."""

    message: Message

    def ack(self) -> bool:
        """It need not come again."""


@dataclass(slots=True)
class Reader:
    """Takes batches in. `current` tells whether a record still belongs to this worker; `took` is called after each."""

    engine: Engine
    now: Callable[[], datetime]
    positions: Positions
    current: Callable[[Message], bool]
    took: Callable[[], None]
    meters: Meters = field(default_factory=Meters)
    stopping: bool = False
    busy: int = 0
    idle: asyncio.Event = field(default_factory=asyncio.Event)
    """Set while no batch is in hand."""

    def __post_init__(self) -> None:
        self.idle.set()

    async def read(self, agent: Agent, records: Sequence[Record], after: Awaitable[Any] | None = None) -> None:
        """A batch, until it is committed and acknowledged, or belongs to another worker. Raises only what is a bug.

        What can be done without the store is done at once; for the rest the batch waits for the one before (`after`).
        """
        self.busy += 1
        self.idle.clear()
        try:
            batch = None
            with contextlib.suppress(StoreError, ConfigError):  # it is tried again, and told, below
                batch = await self._prepared(agent, [one.message for one in records])
            if after is not None:
                await after
            await self._persistently(agent, batch, records)
        finally:
            self.busy -= 1
            if self.busy == 0:
                self.idle.set()

    async def _persistently(self, agent: Agent, batch: _Batch | None, records: Sequence[Record]) -> None:
        """Until the store has it. `batch` is what was prepared; None: that failed and is done anew."""
        pause = 0.2
        while not self.stopping:
            mine = [one for one in records if self.current(one.message)]
            try:
                if mine:
                    if batch is None or len(mine) < len(records):
                        batch = await self._prepared(agent, [one.message for one in mine])
                    await self._commit(batch)
            except (StoreError, ConfigError) as error:
                log.error("%s events of '%s' wait: %s", len(mine), agent.topic, error)  # noqa: TRY400
                await asyncio.sleep(pause * random.uniform(0.5, 1))
                pause = min(LONGEST_PAUSE, pause * 2)
                continue
            for one in mine:
                one.ack()
            return

    async def _prepared(self, agent: Agent, messages: Sequence[Message]) -> _Batch:
        registry = (await self.engine.releases.live()).project.registry
        batch = _Batch(agent, registry, self.now())
        for message in messages:
            batch.add(message, self.positions)
        return batch

    async def _commit(self, batch: _Batch) -> None:
        for place, offset in batch.begins.items():
            await self.positions.first(place, offset)
        with self.meters.batch() as measured:
            answers = await take(
                self.engine, batch.incomings, self.now(), letters=batch.letters, positions=batch.reached
            )  # fmt: skip
            measured.outcomes.update(batch.outcomes)
            measured.outcomes.update((batch.agent.topic, one.status) for one in answers)
        self.positions.reached(batch.reached)
        self.meters.gaps = self.positions.gaps
        self.took()


@dataclass(slots=True)
class _Batch:
    """One try at a batch, sorted into what it holds."""

    agent: Agent
    registry: Registry
    now: datetime
    incomings: list[Incoming] = field(default_factory=list)
    letters: list[DeadLetter] = field(default_factory=list)
    begins: dict[Place, int] = field(default_factory=dict)
    reached: dict[Place, int] = field(default_factory=dict)
    outcomes: Counter[tuple[str, str]] = field(default_factory=Counter)

    def add(self, message: Message, positions: Positions) -> None:
        place = place_of(message)
        self.begins.setdefault(place, message.offset)
        self.reached[place] = max(message.offset + 1, self.reached.get(place, 0), positions.next.get(place, 0))
        written = datetime.fromtimestamp(message.timestamp or 0, UTC)
        if positions.forgotten(place, message.offset, written, self.now):
            self.outcomes[message.topic, "known"] += 1
            return
        try:
            if message.value is None:  # a tombstone of a compacted topic tells nothing that happened
                incoming = None
            else:
                incoming = self.agent.read(message.value, self.registry, headers=message.headers or None, now=self.now)
        except RecordError as error:
            self.outcomes[message.topic, "rejected"] += 1
            # A record read again has left its letter in the transaction that read it first.
            if not positions.known(place, message.offset):
                self.letters.append(letter_of(message, error, self.now))
            return
        if incoming is None:
            self.outcomes[message.topic, "left_out"] += 1
        else:
            self.incomings.append(incoming)


def place_of(message: Message) -> Place:
    """(topic, partition)."""
    return message.topic, message.partition


def letter_of(message: Message, error: RecordError, now: datetime) -> DeadLetter:
    """A record that could not be read: why, which field, and where it stands."""
    reason = f"{error.message} ({error.mend})" if error.mend else error.message
    source = f"{message.topic}/{message.partition}/{message.offset}"
    return DeadLetter(source, reason, record_text(message.value or b""), now, field=error.field or None)


def record_text(value: bytes) -> str:
    """A record as text that every store can hold; what is no UTF-8 as base64."""
    if len(value) > KEPT:
        value = value[:KEPT]
        return f"{value.decode('utf-8', 'replace')}… (shortened)".replace("\x00", "\\u0000")
    try:
        return value.decode("utf-8").replace("\x00", "\\u0000")
    except UnicodeDecodeError:
        return "base64:" + base64.b64encode(value).decode()
