"""For platforms that publish to the shop's topics with kafka-python: each event is checked before it is sent.

    with Publisher.of_project("shop/") as publisher:
        publisher.send("orders", {"id": "1001-paid", "source": "shop", "type": "order.paid", "time": "…", "data": {…}})

What the engine would refuse is refused here, in the program that can mend it. `Access` is how every part of postventa
reaches Kafka.
"""

from __future__ import annotations

import json
import os
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, Self

from postventa.agents.declare import Agent
from postventa.agents.loader import load_agents
from postventa.errors import ConfigError, PostventaError, RecordError
from postventa.project import Project
from postventa.schemas.parse import Incoming, parse_event
from postventa.schemas.registry import Registry
from postventa.settings import Kafka, secret
from postventa.source.nearest import suggest

SERVERS = "KAFKA_BOOTSTRAP_SERVERS"
"""This variable goes before `kafka.servers`."""
SEND_WITHIN = 30.0
"""Seconds Kafka has to take a record."""


@dataclass(frozen=True, slots=True)
class Access:
    """How Kafka is reached: its brokers, and what they ask for."""

    servers: tuple[str, ...]
    tls: ssl.SSLContext | None = None
    mechanism: str | None = None
    username: str | None = None
    password: str | None = field(default=None, repr=False)

    @classmethod
    def of(cls, kafka: Kafka, environ: Mapping[str, str] = os.environ) -> Access:
        """From the settings. ConfigError when a secret is not set or a certificate cannot be read."""
        told = environ.get(SERVERS, "")
        servers = tuple(one.strip() for one in told.split(",") if one.strip()) or kafka.servers
        tls = _tls(kafka) if kafka.tls is not None else None
        if kafka.sasl is None:
            return cls(servers, tls)
        username = kafka.sasl.username or secret(kafka.sasl.username_env, environ)
        if not username:
            raise ConfigError(
                "Kafka's login has no user name", "postventa.yaml: kafka.sasl", "set username or username_env"
            )
        return cls(servers, tls, kafka.sasl.mechanism, username, secret(kafka.sasl.password_env, environ))

    @property
    def protocol(self) -> str:
        """PLAINTEXT, SSL, SASL_PLAINTEXT or SASL_SSL."""
        return f"{'SASL_' if self.mechanism else ''}{'SSL' if self.tls else 'PLAINTEXT'}"

    def options(self) -> dict[str, Any]:
        """The same as keywords, such as kafka-python and aiokafka both take them."""
        options: dict[str, Any] = {"bootstrap_servers": list(self.servers), "security_protocol": self.protocol}
        if self.tls is not None:
            options["ssl_context"] = self.tls
        if self.mechanism is not None:
            options |= {
                "sasl_mechanism": self.mechanism,
                "sasl_plain_username": self.username,
                "sasl_plain_password": self.password,
            }
        return options


def _tls(kafka: Kafka) -> ssl.SSLContext:
    assert kafka.tls is not None
    try:
        context = ssl.create_default_context(cafile=kafka.tls.ca_file)
        if kafka.tls.cert_file:
            context.load_cert_chain(kafka.tls.cert_file, kafka.tls.key_file)
    except OSError as error:
        raise ConfigError(
            f"Kafka's certificates cannot be read: {error}",
            "postventa.yaml: kafka.tls",
            "name PEM files this process may read",
        ) from error
    return context


class Publisher:
    """Sends events to topics; each is on the brokers' disks when `send` returns.

    `agents` (topic -> agent) lets a topic carry a platform's own records: they are checked through the agent that will
    read them. Without an agent for a topic its events must be in postventa's own form. `within`: real seconds Kafka has
    to take a record. Not for several threads.
    """

    def __init__(
        self,
        access: Access,
        registry: Registry,
        agents: Mapping[str, Agent] | None = None,
        *,
        within: float = SEND_WITHIN,
    ) -> None:
        from kafka import KafkaProducer
        from kafka.errors import KafkaError

        self._registry = registry
        self._agents = dict(agents or {})
        self._within = within
        try:
            self._producer = KafkaProducer(
                **access.options(), acks="all", enable_idempotence=True, max_block_ms=int(within * 1000)
            )
        except KafkaError as error:
            raise unreachable(access, error) from error

    @classmethod
    def of_project(cls, folder: Path | str) -> Self:
        """With the settings, schemas and agents of a project's folder."""
        project = Project.load(folder)
        agents, _ = load_agents(Path(folder) / "agents", project.registry)
        return cls(Access.of(project.settings.kafka), project.registry, agents)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Leave Kafka."""
        self._producer.close(timeout=self._within)

    def check(self, topic: str, record: Mapping[str, Any]) -> Incoming | None:
        """What the engine will make of a record; None where the topic's agent leaves it out. Raises RecordError."""
        now = datetime.now(UTC)
        agent = self._agents.get(topic)
        if agent is not None:
            return agent.read(encoded(record), self._registry, now=now)
        return parse_event(encoded(record), self._registry, now=now)

    def topic_of(self, event_type: str) -> str:
        """The one topic whose agent gives this type. RecordError when there is none, or more than one."""
        found = sorted(topic for topic, agent in self._agents.items() if _gives(agent, event_type))
        if len(found) == 1:
            return found[0]
        if found:
            raise RecordError("/type", event_type, "one topic for it", f"name the topic: {' or '.join(found)}")
        known = sorted({pattern for agent in self._agents.values() for pattern in agent.schema})
        raise RecordError("/type", event_type, "a type that an agent in agents/ gives", suggest(event_type, known))

    def send(self, topic: str, record: Mapping[str, Any], key: str | None = None) -> tuple[int, int]:
        """Check a record and publish it; (partition, offset). The key is by default the field the topic is keyed by,
        else the customer, else the order. Raises RecordError for what the engine would refuse, PostventaError when
        Kafka did not take it.
        """
        from kafka.errors import KafkaError

        incoming = self.check(topic, record)
        chosen = key if key is not None else self._key(topic, record, incoming)
        try:
            future = self._producer.send(topic, encoded(record), key=chosen.encode() if chosen else None)
            taken = future.get(timeout=self._within)
        except KafkaError as error:
            raise PostventaError(
                f"Kafka did not take the event: {error}", f"topic {topic}", "postventa kafka setup makes the topics"
            ) from error
        return taken.partition, taken.offset

    def _key(self, topic: str, record: Mapping[str, Any], incoming: Incoming | None) -> str | None:
        agent = self._agents.get(topic)
        data = record.get("data")
        for place in (record, data if isinstance(data, Mapping) else {}):
            if agent is not None and agent.key and (told := place.get(agent.key)) is not None:
                return str(told)
        identity = incoming.identity if incoming else None
        return (identity.customer_id or identity.order_id or identity.email) if identity else None


def _gives(agent: Agent, event_type: str) -> bool:
    return any(fnmatchcase(event_type, pattern) for pattern in agent.schema)


def encoded(record: Mapping[str, Any]) -> bytes:
    """A record as it stands on a topic."""
    return json.dumps(record, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "surrogatepass")


def unreachable(access: Access, error: Exception) -> PostventaError:
    """Kafka does not answer, told so that a person can mend it: who is not let in hears no more than that."""
    login = "; perhaps it refuses our login or certificate: see kafka.sasl and kafka.tls"
    return PostventaError(
        f"Kafka does not answer: {type(error).__name__}: {error}",
        ", ".join(access.servers),
        f"start it, or name another in kafka.servers of postventa.yaml or in {SERVERS}"
        f"{login if access.protocol != 'PLAINTEXT' else ''}",
    )
