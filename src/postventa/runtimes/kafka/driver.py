"""On a stepping clock: publishes each moment's events when the clock gets there, and waits until they are taken in.

One after the other, because topics have no common order: so a sped-up worker decides what a backtest decides.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

from postventa.agents.declare import Agent
from postventa.core.values import time_text
from postventa.errors import ConfigError
from postventa.publish import Access
from postventa.runtimes.feed import Fed
from postventa.runtimes.kafka.admin import Place
from postventa.runtimes.kafka.positions import Positions
from postventa.schemas.parse import Incoming

LOOK = 0.005


@dataclass(slots=True)
class Driver:
    """Its producer is opened by the first event."""

    access: Access
    agents: Mapping[str, Agent]
    positions: Positions
    _producer: Any = None

    async def submit(self, group: Sequence[Fed]) -> None:
        """Publish these in order; back when the last one is in the store."""
        producer = await self._open()
        for fed in group:
            identity = fed.incoming.identity
            key = identity.customer_id or identity.order_id or identity.email or ""
            topic = self._topic(fed.incoming.event.type)
            told = await producer.send_and_wait(topic, record_of(fed.incoming), key=key.encode())
            await self._taken((told.topic, told.partition), told.offset)

    async def _taken(self, place: Place, offset: int) -> None:
        while not self.positions.known(place, offset):  # noqa: ASYNC110 (the reader has no one to tell)
            await asyncio.sleep(LOOK)

    def _topic(self, event_type: str) -> str:
        for topic, agent in sorted(self.agents.items()):
            if any(fnmatchcase(event_type, pattern) for pattern in agent.schema):
                return topic
        raise ConfigError(f"no agent in agents/ gives '{event_type}'", mend="add it to the schema= of one")

    async def _open(self) -> Any:
        if self._producer is None:
            from aiokafka import AIOKafkaProducer

            self._producer = AIOKafkaProducer(**self.access.options(), acks="all", enable_idempotence=True)
            await self._producer.start()
        return self._producer

    async def close(self) -> None:
        """Leave Kafka."""
        if self._producer is not None:
            await self._producer.stop()


def record_of(incoming: Incoming) -> bytes:
    """An event in our own form, such as stands on a topic and a backtest reads."""
    event = incoming.event
    plain = {
        **incoming.extensions,
        "id": event.id,
        "source": event.source,
        "type": event.type,
        "time": time_text(event.occurred_at),
        **({"recordedtime": time_text(event.recorded_at)} if event.recorded_at else {}),
        "data": dict(event.data),
    }
    return json.dumps(plain, ensure_ascii=False).encode()
