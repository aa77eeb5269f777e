"""The shop of the kill test on Kafka: its project, its parts, and whoever publishes its orders to three topics."""

from __future__ import annotations

import json
import os
import random
import subprocess
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from kafka import KafkaProducer
from kafka.errors import KafkaError
from world import FILES, POSTVENTA, ROOT, Record

from postventa.testing.broker import Broker
from postventa.testing.database import Database

KEYS = "test:0123456789abcdef0123456789abcdef"
TOPICS = {"orders": 4, "shipments": 2, "deliveries": 3}
"""Topic -> partitions: no two alike, so nobody can rely on the same order being in the same place."""
IN_DOUBT_AFTER = 20
"""Seconds. Shorter than a lease, so that a worker that is stopped loses what it was sending, too."""
SHOP_FILES = FILES | {
    "journeys/care.yaml": FILES["journeys/care.yaml"].replace("  - wait", "  - award: 10\n  - wait"),
    "journeys/arrived.yaml": """\
journey: arrived
title: A word when the parcel is there
owner: tests@example.com
subject: shipment
start:
  on: shipment.delivered
steps:
  - wait: 2 seconds
  - send: arrived
""",
    "templates/arrived/message.yaml": "class: transactional\nsubject: {en: It is there}\n",
    "templates/arrived/en.md": "# It is there\n\nYour parcel has arrived.\n",
    "loyalty.yaml": "name: {en: Points}\nexpire: 12 months\n",
}
SETTINGS = """\
shop: Kill test
locale: en
timezone: UTC
public_url: https://shop.example.com
channels:
  email: {{kind: smtp, host: 127.0.0.1, port: {port}, tls: none}}
store: {{postgres_env: SHOP_DATABASE}}
kafka:
  servers: ["{servers}"]
  group: {group}
  out: {group}.out
  dead_letters: {group}.dead-letters
  partitions: 1
  replication: 1
  in_doubt_after: {in_doubt_after} seconds
"""
AGENT = '''\
"""Events in our own form."""
from postventa.agents import agent


@agent(topic="{topic}", schema=("order.*", "shipment.*"), key="order_id")
def {topic}(record):
    return record
'''


@dataclass
class KafkaShop:
    """A project's folder with the broker and the database that its workers use."""

    folder: Path
    broker: Broker
    database: Database
    address: str = ""
    """Of its own database on that server; its first one where none is given."""
    group: str = "postventa"

    def write(self, smtp_port: int) -> None:
        """The project, its topics and tables, and its first release: everything by the commands a user has."""
        settings = SETTINGS.format(
            port=smtp_port, servers=self.broker.bootstrap_servers, group=self.group, in_doubt_after=IN_DOUBT_AFTER
        )
        agents = {f"agents/{topic}.py": AGENT.format(topic=topic) for topic in TOPICS}
        for name, text in {**SHOP_FILES, **agents, "postventa.yaml": settings}.items():
            path = self.folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        for topic, partitions in TOPICS.items():
            self.broker.topics.create(topic, partitions=partitions)
        self.command("kafka", "setup")
        self.command("db", "upgrade")
        self.command("publish")

    def command(self, *words: str) -> str:
        """One command of ours, to its end; fails with what it said."""
        words = (*POSTVENTA, *words, "--project", str(self.folder))
        done = subprocess.run(words, env=self.environ("command"), capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def dsn(self, who: str) -> str:
        """The database's address, for somebody whom it will know by this name."""
        return f"{self.address or self.database.dsn}?application_name={who}"

    def environ(self, who: str) -> dict[str, str]:
        """What a process needs beside the project."""
        own = {"POSTVENTA_KEYS": KEYS, "SHOP_DATABASE": self.dsn(who)}
        return os.environ | own | {"KAFKA_BOOTSTRAP_SERVERS": self.broker.bootstrap_servers}


def orders() -> Iterator[list[tuple[str, str, Record]]]:
    """Real orders where OLIST_DIR names them, else made-up ones: each a list of (topic, key, record). No end.

    Orders are keyed by customer, shipments and deliveries by order, as the platforms that send them would.
    """
    found: dict[str, list[Record]] = {}
    for record in _records():
        if record["type"].startswith(("order.", "shipment.")):
            found.setdefault(record["data"]["order_id"], []).append(record)
    whole = [records for records in found.values() if any(one["type"] == "order.placed" for one in records)]
    for turn in range(1000):
        for records in whole:
            yield [_addressed(one, f"-{turn}" if turn else "", _customer(records)) for one in records]


def _addressed(record: Record, turn: str, customer: str) -> tuple[str, str, Record]:
    data = dict(record["data"])
    for name in ("order_id", "shipment_id"):
        if name in data:
            data[name] += turn
    topic = "orders"
    if record["type"].startswith("shipment."):
        topic = "deliveries" if record["type"] == "shipment.delivered" else "shipments"
    key = customer if topic == "orders" else data["order_id"]
    return topic, key, {**record, "id": record["id"] + turn, "data": data}


def _customer(records: Sequence[Record]) -> str:
    for one in records:
        told: dict[str, Any] = one["data"]
        if "customer" in told or "customer_id" in told:
            return str(told.get("customer_id") or told["customer"].get("customer_id"))
    return ""


def _records() -> list[Record]:
    if directory := os.environ.get("OLIST_DIR"):
        import sys

        sys.path.insert(0, str(ROOT / "examples" / "olist"))
        from to_events import events

        return list(events(Path(directory)))
    from postventa.runtimes.demo import demo_events

    return demo_events(datetime(2026, 3, 2, 8, tzinfo=UTC))


@dataclass(eq=False)
class Platforms(threading.Thread):
    """Publish orders, some at a time, stamped at publishing: mixed up, over three topics, and a quarter of it twice."""

    servers: str
    rng: random.Random
    per_second: float
    """Orders."""
    published: dict[tuple[str, str], Record] = field(default_factory=dict)
    """What Kafka said it has, by (source, id)."""
    sent: int = 0
    """Records, with the repetitions."""
    failed: int = 0
    """Records that Kafka did not confirm at first; they were sent again until it did."""
    closed: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        super().__init__(daemon=True)

    def run(self) -> None:
        source = orders()
        producer = KafkaProducer(bootstrap_servers=self.servers, acks="all", max_block_ms=5000, linger_ms=5)
        while not self.closed.is_set():
            some = self.rng.randint(2, 12)
            records = [one for _ in range(some) for one in next(source)]
            again = self.rng.sample(records, len(records) // 4)
            mixed = [*records, *((self.rng.choice(list(TOPICS)), key, record) for _, key, record in again)]
            self.rng.shuffle(mixed)
            while mixed:
                mixed = self._send(producer, mixed)
            self.closed.wait(some / self.per_second * self.rng.uniform(0.5, 1.5))
        producer.close(timeout=5)

    def _send(self, producer: KafkaProducer, records: list[tuple[str, str, Record]]) -> list[tuple[str, str, Record]]:
        """Gives those that Kafka did not confirm: they may be there or not."""
        waiting: list[tuple[Any, tuple[str, str, Record]]] = []
        left: list[tuple[str, str, Record]] = []
        for one in records:
            topic, key, record = one
            stamped = {**record, "time": datetime.now(UTC).isoformat()}
            try:
                sent = producer.send(topic, json.dumps(stamped).encode(), key=key.encode())
            except KafkaError:
                left.append(one)
                continue
            waiting.append((sent, (topic, key, stamped)))
        for sent, (topic, key, stamped) in waiting:
            try:
                sent.get(timeout=30)
            except KafkaError:
                left.append((topic, key, stamped))
                continue
            self.sent += 1
            self.published[stamped["source"], stamped["id"]] = stamped
        self.failed += len(left)
        if left:
            time.sleep(0.2)
        return left
