"""What `postventa.out` tells of mails that left, for a database that may have forgotten them: a restored backup.

Every `message.*` event leaves after the commit that it tells of, with the name of the workers' group in a header:
another shop's mails on the same topic are none of ours.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from postventa.core.event import ReceiptResult
from postventa.core.values import as_time
from postventa.publish import Access
from postventa.runtimes.kafka import admin
from postventa.store.base import Views

LEFT: Mapping[str, ReceiptResult] = {"message.sent": "sent", "message.uncertain": "uncertain"}
CLOCKS = timedelta(minutes=1)
"""How far the clocks of workers and brokers may differ."""
WAITING = frozenset({"pending", "claimed", "sending"})
GROUP = "postventa-group"
"""The header that tells whose event it is."""


@dataclass(frozen=True, slots=True)
class Left:
    """A mail that left: how that ended, and when it was handed over."""

    effect_id: str
    result: ReceiptResult
    at: datetime


def left_between(
    access: Access, topic: str, group: str, begin: datetime, end: datetime | None = None
) -> dict[str, Left]:
    """Effect id -> what this group published of it in that time. PostventaError when Kafka does not answer."""
    starts = admin.offsets_at(access, topic, begin - CLOCKS)
    ends = admin.offsets_at(access, topic, end + CLOCKS) if end is not None else {}
    found: dict[str, Left] = {}
    for plain in _records(access, topic, group, {one: at for one, at in starts.items() if at is not None}, ends):
        told = plain.get("data", {}).get("effect_id")
        at = as_time(plain.get("time"))
        if plain.get("type") in LEFT and told and at is not None:
            found[told] = Left(told, LEFT[plain["type"]], at)
    return found


def _records(
    access: Access, topic: str, group: str, starts: Mapping[int, int], ends: Mapping[int, int | None]
) -> Iterator[dict[str, Any]]:
    """Our own, from these offsets to those; without one to what is the end now."""
    from kafka import KafkaConsumer, TopicPartition

    if not starts:
        return
    consumer = KafkaConsumer(**access.options(), enable_auto_commit=False)
    try:
        places = [TopicPartition(topic, number) for number in starts]
        consumer.assign(places)
        for place in places:
            consumer.seek(place, starts[place.partition])
        last: dict[Any, int] = consumer.end_offsets(places)
        last |= {place: end for place in places if (end := ends.get(place.partition)) is not None}
        while any(consumer.position(place) < last[place] for place in places):
            for place, records in consumer.poll(timeout_ms=1000).items():
                yield from (
                    plain
                    for one in records
                    if one.offset < last[place]
                    and (plain := _own(one.value, dict(one.headers or ()), group)) is not None
                )
    finally:
        consumer.close()


def _own(value: bytes | None, headers: Mapping[str, bytes], group: str) -> dict[str, Any] | None:
    """The record of an event of ours. One without the header is from before there was one."""
    if headers.get(GROUP, group.encode()) != group.encode():
        return None
    try:
        plain = json.loads(value or b"")
    except ValueError:
        return None
    return plain if isinstance(plain, dict) else None


async def forgotten(views: Views, left: Mapping[str, Left]) -> list[Left]:
    """Those of which this database does not know that they left, oldest first."""
    found = []
    for one in sorted(left.values(), key=lambda one: (one.at, one.effect_id)):
        row = await views.outbox_row(one.effect_id)
        if row is None or row.state in WAITING or (row.state, one.result) == ("uncertain", "sent"):
            found.append(one)
    return found
