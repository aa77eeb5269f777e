"""A broker that wants a certificate and a password: every client of ours reaches it, nobody else does."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from kafka_world import KEYS, World, mail_server, order

from postventa.cli.main import run
from postventa.publish import Publisher
from postventa.testing.broker import Broker
from postventa.testing.part import free_port

pytestmark = [pytest.mark.kafka, pytest.mark.slow]
USER, PASSWORD = "shop", "a-secret-of-the-tests"
LOGIN = "org.apache.kafka.common.security"
ACCESS = """
  tls: {{ca_file: {ca}, cert_file: {cert}, key_file: {key}}}
  sasl: {{mechanism: {mechanism}, username: shop, password_env: KAFKA_PASSWORD}}
"""


class Papers:
    """An authority of our own, and certificates for the broker and for us; PEM files made by openssl."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir()
        self._openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=An authority",
                      "-keyout", "ca.key", "-out", "ca.pem")  # fmt: skip
        for name in ("broker", "client"):
            (folder / f"{name}.ext").write_text("subjectAltName=IP:127.0.0.1\n")
            self._openssl("req", "-newkey", "rsa:2048", "-nodes", "-subj", f"/CN={name}",
                          "-keyout", f"{name}.key", "-out", f"{name}.csr")  # fmt: skip
            self._openssl("x509", "-req", "-in", f"{name}.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial",
                          "-days", "2", "-extfile", f"{name}.ext", "-out", f"{name}.pem")  # fmt: skip
        both = (folder / "broker.key").read_text() + (folder / "broker.pem").read_text()
        (folder / "broker.both.pem").write_text(both)

    def __getitem__(self, name: str) -> str:
        return str(self.folder / name)

    def _openssl(self, *words: str) -> None:
        subprocess.run(["openssl", *words], cwd=self.folder, check=True, capture_output=True)


@pytest.fixture(scope="module")
def papers(tmp_path_factory: pytest.TempPathFactory) -> Papers:
    if shutil.which("openssl") is None and not os.environ.get("CI"):
        pytest.skip("no openssl on this machine")
    return Papers(tmp_path_factory.mktemp("tls") / "papers")


@pytest.fixture(scope="module")
def secured(tmp_path_factory: pytest.TempPathFactory, papers: Papers) -> Iterator[Broker]:
    inner, user = free_port(), f'user_{USER}="{PASSWORD}"'
    settings = {
        "listeners": f"SECURED://127.0.0.1:{{port}},INNER://127.0.0.1:{inner},CONTROLLER://127.0.0.1:{{controller}}",
        "advertised.listeners": f"SECURED://127.0.0.1:{{port}},INNER://127.0.0.1:{inner}",
        "listener.security.protocol.map": "SECURED:SASL_SSL,INNER:PLAINTEXT,CONTROLLER:PLAINTEXT",
        "inter.broker.listener.name": "INNER",
        "sasl.enabled.mechanisms": "PLAIN,SCRAM-SHA-512",
        "listener.name.secured.plain.sasl.jaas.config": f"{LOGIN}.plain.PlainLoginModule required {user};",
        "listener.name.secured.scram-sha-512.sasl.jaas.config": f"{LOGIN}.scram.ScramLoginModule required;",
        "ssl.client.auth": "required",
        "ssl.keystore.type": "PEM",
        "ssl.keystore.location": papers["broker.both.pem"],
        "ssl.truststore.type": "PEM",
        "ssl.truststore.location": papers["ca.pem"],
    }
    scram = [f"SCRAM-SHA-512=[name={USER},password={PASSWORD}]"]
    with Broker.start(tmp_path_factory.mktemp("secured"), heap="384m", own=True, settings=settings, scram=scram) as it:
        yield it


@pytest.fixture
def world(
    tmp_path: Path, secured: Broker, papers: Papers, mechanism: str, monkeypatch: pytest.MonkeyPatch
) -> Iterator[World]:
    made = World(tmp_path, f"{mechanism.lower()}.", secured, environ={"KAFKA_PASSWORD": PASSWORD})
    server = mail_server(made)
    made.write(server.port, "sqlite: .postventa/state.db")
    with (tmp_path / "postventa.yaml").open("a") as settings:
        own = {"ca": papers["ca.pem"], "cert": papers["client.pem"], "key": papers["client.key"]}
        settings.write(ACCESS.format(mechanism=mechanism, **own).lstrip("\n"))
    monkeypatch.setenv("KAFKA_PASSWORD", PASSWORD)
    monkeypatch.setenv("POSTVENTA_KEYS", KEYS)
    yield made
    for process in made.workers:
        process.kill()
    server.stop()


@pytest.mark.parametrize("mechanism", ["PLAIN", "SCRAM-SHA-512"])
async def test_every_client_of_ours_logs_in(
    world: World, mechanism: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = ("--project", str(world.folder))
    assert await asyncio.to_thread(run, ["kafka", "setup", *folder]) == 0
    assert capsys.readouterr().out.count("made  ") == 5
    await world.publish()
    with Publisher.of_project(world.folder) as publisher:
        publisher.send(world.topic("orders"), order(1))
    file = world.folder / "events.jsonl"
    file.write_text(json.dumps(order(2)))
    send = ("events", "send", str(file), "--kafka", "--topic", world.topic("orders"))
    assert await asyncio.to_thread(run, [*send, *folder]) == 0

    worker = world.start()
    await world.until(lambda: world.subjects() == {"Thank you": 2, "A tip": 2})
    assert world.stop(worker) == 0
    capsys.readouterr()
    assert await asyncio.to_thread(run, ["kafka", "lag", "--json", *folder]) == 0
    partitions = json.loads(capsys.readouterr().out)["partitions"]
    orders = [one for one in partitions if one["topic"] == world.topic("orders")]
    assert sum(one["position"] for one in orders) == sum(one["end"] for one in orders) == 2
    since = ("--from", "2026-01-01T00:00:00Z", "--json")
    assert await asyncio.to_thread(run, ["events", "replay", "--topic", world.topic("orders"), *since, *folder]) == 0
    assert "thanks" in capsys.readouterr().out

    monkeypatch.setattr("postventa.runtimes.kafka.admin.ANSWER_WITHIN", 3000)
    monkeypatch.setenv("KAFKA_PASSWORD", "another")
    assert await asyncio.to_thread(run, ["kafka", "setup", *folder]) == 2
    told = capsys.readouterr().err
    assert "perhaps it refuses our login" in told
    assert PASSWORD not in told + world.log()
    monkeypatch.delenv("KAFKA_PASSWORD")
    assert await asyncio.to_thread(run, ["kafka", "setup", *folder]) == 2
    assert "KAFKA_PASSWORD" in capsys.readouterr().err
