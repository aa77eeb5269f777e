"""Kafka's topics for tests and try-outs: create and delete them so that it holds afterwards, count and read records."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable
from typing import Any

from kafka import KafkaAdminClient, KafkaConsumer, TopicPartition
from kafka.admin import OffsetSpec

from postventa.errors import PostventaError

PATIENCE = 30.0


class Topics:
    """The topics of one cluster. `servers` is asked at every call, because a broker may come back elsewhere."""

    def __init__(self, servers: Callable[[], str]) -> None:
        self._servers = servers

    def create(self, *names: str, partitions: int = 1, **settings: str) -> None:
        """Make topics; they can be written to when this returns. Settings with `_` for `.`: `retention_ms="1000"`."""
        configs = {key.replace("_", "."): value for key, value in settings.items()}
        wanted = {name: {"num_partitions": partitions, "replication_factor": 1, "configs": configs} for name in names}
        self._with_admin(lambda admin: admin.create_topics(wanted, wait_for_metadata=True))

    def delete(self, *names: str) -> None:
        """Remove topics with all their records, and wait until they are gone."""
        self._with_admin(lambda admin: admin.delete_topics(list(names)))
        deadline = time.monotonic() + PATIENCE
        while left := set(names) & set(self.names()):
            if time.monotonic() > deadline:
                raise PostventaError("topics are still there after deleting them", ", ".join(sorted(left)))
            time.sleep(0.05)

    def names(self) -> list[str]:
        """All topics but Kafka's own, sorted."""
        return sorted(name for name in self._with_admin(lambda admin: admin.list_topics()) if name[:2] != "__")

    def end_offsets(self, name: str) -> dict[int, int]:
        """Per partition the offset the next record will get: the number of records ever written to it."""

        def ask(admin: Any) -> dict[int, int]:
            partitions = admin.describe_topics([name])[0]["partitions"]
            wanted = {TopicPartition(name, each["partition_index"]): OffsetSpec.LATEST for each in partitions}
            return {place.partition: found.offset for place, found in admin.list_partition_offsets(wanted).items()}

        return dict(sorted(self._with_admin(ask).items()))

    def records(self, name: str) -> list[tuple[bytes | None, bytes]]:
        """(key, value) of everything that can be read on a topic now, in order within each partition."""
        consumer = KafkaConsumer(
            bootstrap_servers=self._servers().split(","), enable_auto_commit=False, isolation_level="read_committed"
        )
        found: list[tuple[bytes | None, bytes]] = []
        with contextlib.closing(consumer):
            places = [TopicPartition(name, number) for number in self.end_offsets(name)]
            consumer.assign(places)
            consumer.seek_to_beginning(*places)
            ends = consumer.end_offsets(places)
            while any(consumer.position(one) < ends[one] for one in places):
                for records in consumer.poll(timeout_ms=1000).values():
                    found += [(one.key, one.value) for one in records]
        return found

    def _with_admin(self, work: Callable[[Any], Any]) -> Any:
        """A connection per call: the broker may have been ended and started again since the last one."""
        admin = KafkaAdminClient(bootstrap_servers=self._servers().split(","))
        try:
            return work(admin)
        finally:
            admin.close()
