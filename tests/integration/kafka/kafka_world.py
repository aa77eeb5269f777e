"""What the Kafka tests are made of: a small shop's project, its topics, a mail server, and workers as processes."""

from __future__ import annotations

import asyncio
import email
import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from aiosmtpd.controller import Controller

from postventa.engine.engine import open_engine
from postventa.project import Project
from postventa.publish import Access, Publisher
from postventa.runtimes.stores import store_of
from postventa.store.base import Store
from postventa.testing.broker import Broker
from postventa.testing.part import free_port

POSTVENTA = [sys.executable, "-m", "postventa.cli.main"]
KEYS = "test:0123456789abcdef0123456789abcdef"
PATIENCE = 60.0
Record = dict[str, Any]

FILES = {
    "journeys/care.yaml": """\
journey: care
title: A thank-you at once, a tip a little later, a survey when it has arrived
owner: tests@example.com
subject: order
start:
  on: order.paid
exit_on: [order.cancelled]
steps:
  - send: thanks
  - wait: 2 seconds
  - send: tip
""",
    "journeys/arrived.yaml": """\
journey: arrived
title: A word when the parcel is there
owner: tests@example.com
subject: shipment
start:
  on: shipment.delivered
steps:
  - send: arrived
""",
    "templates/thanks/message.yaml": "class: transactional\nsubject: {en: Thank you}\n",
    "templates/thanks/en.md": "# Thank you\n\nOrder {{ order.order_id }} is on its way.\n",
    "templates/tip/message.yaml": "class: transactional\nsubject: {en: A tip}\n",
    "templates/tip/en.md": "# A tip\n\nFor {{ lines[0].name | default('what you bought') }}.\n",
    "templates/arrived/message.yaml": "class: transactional\nsubject: {en: It is there}\n",
    "templates/arrived/en.md": "# It is there\n\nYour parcel has arrived.\n",
    "brand.yaml": "name: Kafka test\nsender: Shop <shop@example.com>\npostal_address: Street 1, Town\n",
}
SETTINGS = """\
shop: Kafka test
locale: en
timezone: UTC
public_url: https://shop.example.com
channels:
  email: {{kind: smtp, host: 127.0.0.1, port: {port}, tls: none}}
store: {{{store}}}
kafka:
  servers: [{servers}]
  group: {prefix}group
  out: {prefix}out
  dead_letters: {prefix}dead-letters
  partitions: 2
  replication: 1
  in_doubt_after: 3 seconds
"""
AGENTS = {"orders": "customer_id", "shipments": "order_id", "deliveries": "order_id"}
AGENT = '''\
"""Events in our own form."""
from postventa.agents import agent


@agent(topic="{topic}", schema=("order.*", "shipment.*"), key="{key}")
def {name}(record):
    return record
'''


@dataclass
class World:
    """One shop on Kafka."""

    folder: Path
    prefix: str
    broker: Broker
    mails: list[tuple[str, str, str]] = field(default_factory=list)
    """(recipient, subject, message id) of every mail the server took."""
    workers: list[subprocess.Popen[bytes]] = field(default_factory=list)
    environ: dict[str, str] = field(default_factory=dict)

    # --- the project ---------------------------------------------------------------------------------------------
    def write(self, port: int, store: str, files: Mapping[str, str] = FILES) -> None:
        """The project's folder."""
        settings = SETTINGS.format(port=port, store=store, servers=self.broker.bootstrap_servers, prefix=self.prefix)
        agents = {
            f"agents/{name}.py": AGENT.format(topic=self.topic(name), key=key, name=name)
            for name, key in AGENTS.items()
        }
        for name, text in {**files, **agents, "postventa.yaml": settings}.items():
            path = self.folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")

    def topic(self, name: str) -> str:
        return self.prefix + name

    @property
    def project(self) -> Project:
        return Project.load(self.folder).require_sound()

    def store(self) -> Store:
        settings = self.project.settings
        database = self.folder / settings.store.sqlite
        database.parent.mkdir(parents=True, exist_ok=True)
        return store_of(settings, database, environ=self.environ)

    async def publish(self, at: datetime | None = None) -> None:
        """Make the project the live release."""
        async with self.opened() as store:
            engine = await open_engine(store, KEYS.partition(":")[2])
            await engine.releases.publish(self.project, at or datetime.now(UTC))

    def opened(self) -> _Opened:
        return _Opened(self.store())

    # --- Kafka ---------------------------------------------------------------------------------------------------
    def make_topics(self, *, partitions: Mapping[str, int] | None = None) -> None:
        for name in (*AGENTS, "out", "dead-letters"):
            self.broker.topics.create(self.topic(name), partitions=(partitions or {}).get(name, 2))

    @contextmanager
    def publisher(self) -> Iterator[Publisher]:
        with Publisher(Access((self.broker.bootstrap_servers,)), self.project.registry) as publisher:
            yield publisher

    def send(self, *records: tuple[str, Record], key: Callable[[str, Record], str] | None = None) -> None:
        """(topic's short name, record): checked and published."""
        with self.publisher() as publisher:
            for name, record in records:
                publisher.send(self.topic(name), record, key(name, record) if key else None)

    def raw(self, name: str, value: bytes) -> None:
        """A record as no checking publisher would send it."""
        from kafka import KafkaProducer

        producer = KafkaProducer(bootstrap_servers=self.broker.bootstrap_servers, max_request_size=8_000_000)
        producer.send(self.topic(name), value).get(timeout=30)
        producer.close()

    def read(self, name: str) -> list[Record]:
        """Everything on a topic, as JSON."""
        found = self.broker.topics.records(self.topic(name))
        return [json.loads(value) | {"_key": key and key.decode()} for key, value in found]

    # --- workers -------------------------------------------------------------------------------------------------
    def start(self, *command: str) -> subprocess.Popen[bytes]:
        """A worker; `command` is another program than `postventa worker`."""
        log = (self.folder / "worker.log").open("ab")
        env = os.environ | {"POSTVENTA_KEYS": KEYS, "POSTVENTA_PROJECT": str(self.folder)} | self.environ
        words = list(command) or [*POSTVENTA, "worker", "--project", str(self.folder)]
        process = subprocess.Popen(words, stdout=log, stderr=log, env=env, cwd=self.folder)
        self.workers.append(process)
        return process

    def log(self) -> str:
        return (self.folder / "worker.log").read_text(errors="replace")

    def stop(self, process: subprocess.Popen[bytes], number: signal.Signals = signal.SIGTERM) -> int:
        process.send_signal(number)
        return process.wait(timeout=PATIENCE)

    async def until(self, what: Callable[[], bool] | Callable[[], Awaitable[bool]], patience: float = PATIENCE) -> None:
        """Wait for something; fails with the workers' log."""
        deadline = time.monotonic() + patience
        while True:
            told = what()
            if told if isinstance(told, bool) else await told:
                return
            assert any(one.poll() is None for one in self.workers), f"no worker runs: {self.log()[-4000:]}"
            assert time.monotonic() < deadline, f"waited for {patience} s in vain: {self.log()[-4000:]}"
            await asyncio.sleep(0.1)

    def subjects(self) -> Counter[str]:
        return Counter(subject for _, subject, _ in self.mails)


class _Opened:
    """`async with`: a store, open for a moment."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def __aenter__(self) -> Store:
        await self._store.open()
        return self._store

    async def __aexit__(self, *_: object) -> None:
        await self._store.close()


def order(number: int, kind: str = "order.paid", at: datetime | None = None) -> Record:
    """One event of an order, each of a customer of its own."""
    return {
        "id": f"o{number}-{kind}",
        "source": "shop",
        "type": kind,
        "time": (at or datetime.now(UTC)).isoformat(),
        "data": {
            "order_id": f"o{number}",
            "customer_id": f"c{number}",
            "customer": {"email": f"c{number}@example.com"},
        },
    }


def delivered(number: int, at: datetime | None = None) -> Record:
    """The parcel of that order has arrived; the carrier knows the order, not the customer."""
    return {
        "id": f"p{number}-delivered",
        "source": "carrier",
        "type": "shipment.delivered",
        "time": (at or datetime.now(UTC)).isoformat(),
        "data": {"shipment_id": f"p{number}", "order_id": f"o{number}"},
    }


class _Sink:
    """Notes what it takes."""

    def __init__(self, mails: list[tuple[str, str, str]]) -> None:
        self._mails = mails

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802
        mail = email.message_from_bytes(envelope.content)
        self._mails.append((envelope.rcpt_tos[0], str(mail["Subject"]), str(mail["Message-ID"])))
        return "250 2.0.0 taken"


def mail_server(world: World) -> Controller:
    """On a free port, in a thread of its own."""
    controller = Controller(_Sink(world.mails), hostname="127.0.0.1", port=free_port())
    controller.start()
    return controller


__all__ = ["FILES", "KEYS", "World", "delivered", "mail_server", "order"]
