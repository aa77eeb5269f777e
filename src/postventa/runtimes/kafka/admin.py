"""What may be asked of Kafka without reading events: which topics there are, how far they reach, who has read what.

kafka-python, and therefore blocking: a worker calls these in a thread.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TypeVar

from postventa.publish import Access, unreachable

T = TypeVar("T")
Place = tuple[str, int]
"""(topic, partition)."""
ANSWER_WITHIN = 15_000
READ_WITHIN = 3_000
"""Milliseconds."""


@dataclass(frozen=True, slots=True)
class Topic:
    """One topic as Kafka has it. `id` changes when it is deleted and made again."""

    name: str
    id: str
    partitions: int
    replication: int


@dataclass(frozen=True, slots=True)
class Span:
    """What a partition holds: offsets from `first` up to, not including, `end`."""

    first: int
    end: int


@contextmanager
def admin(access: Access) -> Iterator[Any]:
    """A connection for questions. PostventaError when nobody answers."""
    from kafka import KafkaAdminClient
    from kafka.errors import KafkaError

    try:
        client = KafkaAdminClient(
            **access.options(), request_timeout_ms=ANSWER_WITHIN, bootstrap_timeout_ms=ANSWER_WITHIN
        )
    except KafkaError as error:
        raise unreachable(access, error) from error
    try:
        yield client
    except KafkaError as error:
        raise unreachable(access, error) from error
    finally:
        client.close()


def ask(access: Access, question: Callable[[Any], T]) -> T:
    """One question on a connection of its own."""
    with admin(access) as client:
        return question(client)


def topics(client: Any, names: Iterable[str]) -> dict[str, Topic]:
    """Those of these topics that exist."""
    wanted = sorted(set(names))
    there = set(client.list_topics()) & set(wanted)
    found: dict[str, Topic] = {}
    for told in client.describe_topics(sorted(there)) if there else ():
        partitions = told["partitions"]
        replicas = len(partitions[0]["replica_nodes"]) if partitions else 0
        found[told["name"]] = Topic(told["name"], str(told.get("topic_id", "")), len(partitions), replicas)
    return found


def spans(client: Any, found: Mapping[str, Topic]) -> dict[Place, Span]:
    """What every partition of these topics holds now."""
    from kafka import TopicPartition
    from kafka.admin import OffsetSpec

    places = [TopicPartition(one.name, number) for one in found.values() for number in range(one.partitions)]
    if not places:
        return {}
    first = client.list_partition_offsets(dict.fromkeys(places, OffsetSpec.EARLIEST))
    end = client.list_partition_offsets(dict.fromkeys(places, OffsetSpec.LATEST))
    return {(one.topic, one.partition): Span(first[one].offset, end[one].offset) for one in places}


def committed(client: Any, group: str) -> dict[Place, int]:
    """How far a consumer group has committed; nothing in a cluster where no group ever has."""
    from kafka.errors import CoordinatorNotAvailableError

    try:
        told = client.list_group_offsets([group]).get(group, {})
    except CoordinatorNotAvailableError:
        return {}
    return {(one.topic, one.partition): found.offset for one, found in told.items() if found.offset >= 0}


def offsets_at(access: Access, topic: str, moment: datetime) -> dict[int, int | None]:
    """Per partition the first offset written at or after a moment; None where there is none."""

    def question(client: Any) -> dict[int, int | None]:
        from kafka import TopicPartition

        found = topics(client, [topic])
        count = found[topic].partitions if topic in found else 0
        stamp = int(moment.astimezone(UTC).timestamp() * 1000)
        told = client.list_partition_offsets({TopicPartition(topic, number): stamp for number in range(count)})
        return {one.partition: found.offset if found.offset >= 0 else None for one, found in told.items()}

    return ask(access, question)


def first_records(access: Access, places: Mapping[Place, int]) -> dict[Place, tuple[int, datetime]]:
    """The first readable record at or after each of these offsets: its own offset, and when it was written.

    A partition is left out where nothing is left to read: markers of transactions take offsets and are no records.
    """
    from kafka import KafkaConsumer, TopicPartition

    if not places:
        return {}
    consumer = KafkaConsumer(
        **access.options(), enable_auto_commit=False, isolation_level="read_committed", max_partition_fetch_bytes=65536
    )
    found: dict[Place, tuple[int, datetime]] = {}
    left = {TopicPartition(*place): offset for place, offset in places.items()}
    until = time.monotonic() + READ_WITHIN / 1000
    try:
        consumer.assign(list(left))
        for place, offset in left.items():
            consumer.seek(place, offset)
        while left and (patience := until - time.monotonic()) > 0:
            for place, records in consumer.poll(timeout_ms=int(patience * 1000) + 1).items():
                written = datetime.fromtimestamp(records[0].timestamp / 1000, UTC)
                found[place.topic, place.partition] = (records[0].offset, written)
                consumer.pause(place)
                left.pop(place, None)
    finally:
        consumer.close()
    return found


def configs(client: Any, names: Iterable[str]) -> dict[str, dict[str, str]]:
    """What each of these topics is set to."""
    from kafka.admin import ConfigResource, ConfigResourceType

    wanted = [ConfigResource(ConfigResourceType.TOPIC, name) for name in names]
    if not wanted:
        return {}
    told = client.describe_configs(wanted, config_filter="all")
    found: dict[str, Any] = next(iter(told.values()), {})
    return {name: {key: str(one["value"]) for key, one in settings.items()} for name, settings in found.items()}
