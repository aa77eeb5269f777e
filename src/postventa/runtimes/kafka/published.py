"""What `postventa.out` tells of mails that left, for a database that may have forgotten them: a restored backup.

Whatever this database has seen until its last pulse it knows. Of what was published after that it must know all: every
`message.*` event leaves after the commit that it tells of.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from postventa.core.event import ReceiptResult
from postventa.core.values import as_time, time_text
from postventa.engine.due import sweep
from postventa.engine.engine import Engine
from postventa.engine.receipts import Settled, settle
from postventa.publish import Access
from postventa.runtimes.kafka import admin
from postventa.store.base import PULSE, Store, Views

LEFT = {"message.sent": "sent", "message.uncertain": "uncertain"}
CLOCKS = timedelta(minutes=1)
"""How far the clocks of workers and brokers may differ."""
RESTORED = "kafka.restored_since"
"""Control key: the last pulse of the oldest backup that was restored, until somebody asked what left since."""
WAITING = {"pending", "claimed", "sending"}
NEWEST = 100
TOGETHER = 500


@dataclass(frozen=True, slots=True)
class Left:
    """A mail that left: how that ended, and when it was handed over."""

    effect_id: str
    result: str
    at: datetime


def left_since(access: Access, topic: str, moment: datetime) -> dict[str, Left]:
    """Effect id -> what was published of it since `moment`. PostventaError when Kafka does not answer."""
    stamp = moment.astimezone(UTC) - CLOCKS
    begin = {number: first for number, first in admin.offsets_at(access, topic, stamp).items() if first is not None}
    found: dict[str, Left] = {}
    for plain in _records(access, topic, begin):
        told = plain.get("data", {}).get("effect_id")
        at = as_time(plain.get("time"))
        if plain.get("type") in LEFT and told and at is not None:
            found[told] = Left(told, LEFT[plain["type"]], at)
    return found


def _records(access: Access, topic: str, begin: Mapping[int, int]) -> Iterator[dict[str, Any]]:
    """From these offsets to what are the ends now."""
    from kafka import KafkaConsumer, TopicPartition

    if not begin:
        return
    consumer = KafkaConsumer(**access.options(), enable_auto_commit=False)
    try:
        places = [TopicPartition(topic, number) for number in begin]
        consumer.assign(places)
        for place in places:
            consumer.seek(place, begin[place.partition])
        ends = consumer.end_offsets(places)
        while any(consumer.position(place) < ends[place] for place in places):
            for records in consumer.poll(timeout_ms=1000).values():
                for one in records:
                    try:
                        plain = json.loads(one.value)
                    except (TypeError, ValueError):
                        continue
                    if isinstance(plain, dict):
                        yield plain
    finally:
        consumer.close()


async def forgotten(views: Views, left: Mapping[str, Left]) -> list[Left]:
    """Those of which this database does not know that they left, oldest first."""
    found = []
    for one in sorted(left.values(), key=lambda one: (one.at, one.effect_id)):
        row = await views.outbox_row(one.effect_id)
        if row is None or row.state in WAITING or (row.state, one.result) == ("uncertain", "sent"):
            found.append(one)
    return found


async def asked(store: Store, access: Access, topic: str) -> str | None:
    """At a worker's start: why nothing may be sent, where mails left of which this database does not know."""
    pulse = as_time(await store.views.control(PULSE))
    if pulse is None:
        return None
    left = await asyncio.to_thread(left_since, access, topic, pulse)
    sent = {name: one for name, one in left.items() if one.result == "sent"}  # in doubt may be pending again by now
    newest = dict(sorted(sent.items(), key=lambda item: item[1].at)[-NEWEST:])
    if not (unknown := await forgotten(store.views, newest)):
        return None
    await since(store, pulse)
    return (
        f"mail left that the database does not know of, last at {unknown[-1].at:%Y-%m-%d %H:%M} UTC: a restored backup"
    )


async def since(store: Store, pulse: datetime) -> None:
    """Note from when on this database has forgotten; the oldest such moment stays."""
    before = as_time(await store.views.control(RESTORED))
    if before is None or pulse < before:
        async with store.transaction() as tx:
            await tx.set_control(RESTORED, time_text(pulse))


async def note_as_sent(engine: Engine, left: Mapping[str, Left], now: datetime) -> list[Left]:
    """Settle what left as it ended, and let the runs go on from there, which may bring up the next that left."""
    noted: list[Left] = []
    while True:
        while await sweep(engine, now, TOGETHER) >= TOGETHER:
            pass
        ends = [await _end(engine.store.views, one) for one in await forgotten(engine.store.views, left)]
        there = [end for end in ends if end is not None]
        if not there:
            return noted
        for start in range(0, len(there), TOGETHER):
            await settle(engine, there[start : start + TOGETHER], now)
        noted += [left[end.effect_id] for end in there]


async def _end(views: Views, left: Left) -> Settled | None:
    row = await views.outbox_row(left.effect_id)
    if row is None:
        return None
    result: ReceiptResult = "sent" if left.result == "sent" else "uncertain"
    return Settled(row.effect_id, row.customer_id, result, left.at, row.attempt, "left before a backup was restored")
