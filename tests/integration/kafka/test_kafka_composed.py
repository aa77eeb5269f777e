"""docker-compose.kafka.yml without containers: its settings, commands and health checks, on a real broker and database.

In the order in which its services wait for each other. Only addresses and the project's folder are put in their place.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from kafka_world import KEYS, POSTVENTA, World, mail_server
from ruamel.yaml import YAML

from postventa.cli.main import run
from postventa.publish import Publisher
from postventa.testing.broker import Broker
from postventa.testing.part import free_port

pytestmark = [pytest.mark.kafka, pytest.mark.postgres, pytest.mark.slow]
COMPOSE: dict[str, Any] = YAML(typ="safe", pure=True).load(
    Path(__file__).resolve().parents[3] / "docker-compose.kafka.yml"
)
OURS = {name: service for name, service in COMPOSE["services"].items() if "build" in service}


@dataclass
class Composed:
    """The services of ours, as processes."""

    folder: Path
    environ: dict[str, str]
    ports: dict[str, str]
    """What stands in the file -> what is free here; each worker has one of its own."""
    running: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    def words(self, name: str, words: list[str]) -> list[str]:
        """With this machine's ports and folder."""
        text = "\0".join(words).replace("/project", str(self.folder)).replace("0.0.0.0", "127.0.0.1")
        for port in re.findall(r"\b(?:8080|8081|9100)\b", text):
            text = text.replace(
                port, self.ports.setdefault(f"{name} {port}" if port == "9100" else port, str(free_port()))
            )
        return text.split("\0")

    def begin(self, name: str) -> subprocess.Popen[bytes]:
        command = [*POSTVENTA, *self.words(name, OURS[name]["command"])]
        with (self.folder / "worker.log").open("ab") as log:
            self.running[name] = subprocess.Popen(command, env=os.environ | self.environ, stdout=log, stderr=log)
        return self.running[name]

    def healthy(self, name: str) -> bool:
        kind, program, *words = self.words(name, OURS[name]["healthcheck"]["test"])
        assert (kind, program) == ("CMD", "python")
        assert self.running[name].poll() is None, (self.folder / "worker.log").read_text()
        done = subprocess.run([sys.executable, *words], capture_output=True, env=os.environ | {"no_proxy": "127.0.0.1"})
        return done.returncode == 0


@pytest.fixture
def composed(tmp_path: Path, dsn: str) -> Iterator[tuple[World, Composed]]:
    folder = tmp_path / "project"
    assert run(["init", str(folder)]) == 0
    with Broker(tmp_path / "broker") as broker:  # the file's topics have plain names
        world = World(folder, "", broker)
        server = mail_server(world)
        told = {"KAFKA_BOOTSTRAP_SERVERS": broker.bootstrap_servers, "DATABASE_URL": dsn, "POSTVENTA_KEYS": KEYS}
        services = Composed(folder, told | {"POSTVENTA_TOKEN": "for-trying-out-only"}, {"1025": str(server.port)})
        text = COMPOSE["configs"]["settings"]["content"]
        mail = text.replace("host: mail, port: 1025", f"host: 127.0.0.1, port: {server.port}")
        (folder / "postventa.yaml").write_text("\n".join(services.words("settings", mail.splitlines())))
        yield world, services
        for process in services.running.values():
            if process.poll() is None:
                process.kill()
                process.wait()
        server.stop()


async def test_its_commands_bring_up_a_shop_that_sends(
    composed: tuple[World, Composed], monkeypatch: pytest.MonkeyPatch
) -> None:
    world, services = composed
    for name in ("database-setup", "kafka-setup", "journeys-setup"):
        for _ in range(2):  # `up` once more changes nothing
            done = services.begin(name).wait(60)
            assert done == 0, (services.folder / "worker.log").read_text()
    for name in ("worker-1", "worker-2", "web"):
        world.workers.append(services.begin(name))
    for name in ("worker-1", "worker-2", "web"):
        await world.until(lambda name=name: services.healthy(name))
    monkeypatch.setenv("KAFKA_BOOTSTRAP_SERVERS", world.broker.bootstrap_servers)
    with (world.folder / "samples" / "events.jsonl").open(encoding="utf-8") as samples:
        first = json.loads(next(samples))
    with Publisher.of_project(world.folder) as publisher:
        publisher.send("orders", first | {"time": datetime.now(UTC).isoformat()})
    await world.until(lambda: len(world.mails) == 1)
    assert world.mails[0][0] == "ana@example.com"
    for process in world.workers:
        assert world.stop(process) == 0
