"""The kafka-python side: topics made and checked, lag with ages, publishing with a check, a stretch read again."""

from __future__ import annotations

import json
import re
import shlex
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from kafka_world import KEYS, World, delivered, order

from postventa.cli.main import run
from postventa.errors import PostventaError, RecordError
from postventa.publish import Access, Publisher
from postventa.runtimes.kafka.restored import since
from postventa.settings import Kafka, Sasl, Tls

pytestmark = pytest.mark.kafka
RUNBOOK = Path(__file__).resolve().parents[3] / "docs" / "runbook.md"


def test_setup_makes_what_is_missing_and_tells_what_would_lose_events(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    world.broker.topics.create(world.topic("orders"), partitions=1, cleanup_policy="compact")
    world.broker.topics.create(world.topic("shipments"), partitions=7, retention_ms="3600000")
    folder = ["--project", str(world.folder)]
    assert run(["kafka", "setup", "--check", *folder]) == 1
    assert capsys.readouterr().out.count("there is no such topic") == 3

    assert run(["kafka", "setup", *folder]) == 1
    told = capsys.readouterr().out
    assert told.count("made     ") == 3
    assert "compacted" in told
    assert "1:00:00 only" in told
    assert "cleanup.policy=delete" in told
    assert world.topic("dead-letters") in world.broker.topics.names()

    assert run(["kafka", "setup", "--json", *folder]) == 1
    findings = json.loads(capsys.readouterr().out)
    assert [one["result"] for one in findings] == ["ok", "warn", "warn", "ok", "ok"]


def test_more_replicas_than_brokers_is_told_with_the_setting(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    settings = world.folder / "postventa.yaml"
    settings.write_text(settings.read_text().replace("replication: 1", "replication: 3"))
    assert run(["kafka", "setup", "--project", str(world.folder)]) == 2
    assert "kafka.replication" in capsys.readouterr().err


async def test_lag_tells_how_far_and_since_when(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    from asyncio import to_thread

    world.make_topics(partitions={"orders": 1, "shipments": 1, "deliveries": 1})
    await world.publish()
    world.send(*[("orders", order(number)) for number in range(3)])
    folder = ["--project", str(world.folder)]
    assert await to_thread(run, ["kafka", "lag", "--json", *folder]) == 0
    before = {one["topic"]: one for one in json.loads(capsys.readouterr().out)["partitions"]}
    assert before[world.topic("orders")]["behind"] == 3
    assert before[world.topic("orders")]["committed"] is None
    age = datetime.now(UTC) - datetime.fromisoformat(before[world.topic("orders")]["oldest"])
    assert timedelta(0) <= age < timedelta(minutes=2)
    assert before[world.topic("deliveries")]["behind"] == 0

    worker = world.start()
    await world.until(lambda: world.subjects()["A tip"] == 3)
    assert world.stop(worker) == 0
    assert await to_thread(run, ["kafka", "lag", "--json", *folder]) == 0
    after = json.loads(capsys.readouterr().out)
    orders = next(one for one in after["partitions"] if one["topic"] == world.topic("orders"))
    assert (orders["position"], orders["committed"], orders["behind"], orders["oldest"]) == (3, 3, 0, None)
    assert after["intake"]["caught_up"] is True
    assert await to_thread(run, ["kafka", "lag", *folder]) == 0
    assert world.topic("orders") in capsys.readouterr().out


def test_a_file_is_published_line_by_line_each_checked(
    world: World, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    world.make_topics()
    bad = {**order(2), "time": "tomorrow"}
    file = tmp_path / "events.jsonl"
    file.write_text("\n".join(json.dumps(one) for one in (order(1), bad, order(3))))
    words = ["events", "send", str(file), "--kafka", "--topic", world.topic("orders"), "--project", str(world.folder)]
    assert run(words) == 1
    told = capsys.readouterr()
    assert "2 published" in told.out
    assert f"{file}:2: /time" in told.err
    found = world.read("orders")
    assert sorted(one["id"] for one in found) == ["o1-order.paid", "o3-order.paid"]
    assert {one["_key"] for one in found} == {"c1", "c3"}  # the field the topic is keyed by


def test_the_publisher_refuses_what_the_engine_would(world: World) -> None:
    world.make_topics()
    with Publisher.of_project(world.folder) as publisher:
        with pytest.raises(RecordError, match="order_id"):
            publisher.send(world.topic("orders"), {**order(1), "data": {"customer_id": "c1"}})
        with pytest.raises(RecordError, match="an event of topic"):
            publisher.send(
                world.topic("orders"),
                {**order(1), "type": "ticket.opened", "data": {"ticket_id": "t", "order_id": "o1"}},
            )
        with pytest.raises(RecordError, match="one topic for it"):
            publisher.topic_of("order.paid")  # every agent here gives order.*
        assert publisher.send(world.topic("orders"), order(1))[1] == 0
        publisher.send(world.topic("deliveries"), delivered(1))
    access = Access((world.broker.bootstrap_servers,))
    with (
        Publisher(access, world.project.registry, within=2) as publisher,
        pytest.raises(PostventaError, match="did not take"),
    ):
        publisher.send(world.topic("nowhere"), order(1))
    assert world.read("deliveries")[0]["_key"] == "o1"


async def test_a_stretch_is_read_again_into_a_backtest_and_asked_twice_into_the_engine(
    world: World, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from asyncio import to_thread

    monkeypatch.setenv("POSTVENTA_KEYS", KEYS)
    world.make_topics()
    await world.publish()
    before = datetime.now(UTC) - timedelta(minutes=5)
    world.send(*[("orders", order(number)) for number in range(4)])
    words = [
        "events", "replay", "--topic", world.topic("orders"), "--from", before.isoformat(),
        "--project", str(world.folder),
    ]  # fmt: skip
    assert await to_thread(run, [*words, "--json"]) == 0
    decisions = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert sum(one["message"] == "thanks" and one["decision"] == "send" for one in decisions) == 4

    assert await to_thread(run, [*words, "--to", before.isoformat(), "--json"]) == 0
    assert capsys.readouterr().out == ""
    retained = ["backtest", "--topic", world.topic("orders"), "--project", str(world.folder), "--json"]
    assert await to_thread(run, retained) == 0
    assert [json.loads(line) for line in capsys.readouterr().out.splitlines()] == decisions
    assert await to_thread(run, [*retained, "--compare", str(world.folder)]) == 0
    assert json.loads(capsys.readouterr().out.splitlines()[-1])["summary"]["mails"] == {"before": 4, "after": 4}
    assert await to_thread(run, [*retained[:2], "ordrs", *retained[3:]]) == 2
    assert "no agent reads topic 'ordrs'" in capsys.readouterr().err
    assert await to_thread(run, [*words, "--into-engine"]) == 2
    assert "--yes" in capsys.readouterr().err
    assert await to_thread(run, [*words, "--into-engine", "--yes"]) == 0
    assert "4 accepted" in capsys.readouterr().out
    assert await to_thread(run, [*words, "--into-engine", "--yes"]) == 0
    assert "4 duplicate" in capsys.readouterr().out
    async with world.opened() as store:
        assert (await store.views.counts(datetime.now(UTC)))["customers"] == 4


def runbook() -> list[str]:
    """The commands of its blocks that are for Kafka."""
    blocks = re.findall(r"^```sh kafka\n(.*?)^```", RUNBOOK.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    return sorted({line for block in blocks for line in block.splitlines()})


async def test_the_runbooks_commands_work_beside_a_worker(
    shared_world: World, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from asyncio import to_thread

    world = shared_world
    monkeypatch.setenv("POSTVENTA_KEYS", KEYS)
    monkeypatch.setenv("SHOP_DATABASE", world.environ["SHOP_DATABASE"])
    monkeypatch.chdir(world.folder)
    world.make_topics()
    await world.publish()
    worker = world.start()
    world.send(("orders", order(1)))
    await world.until(lambda: world.subjects()["A tip"] == 1)
    async with world.opened() as store:
        await since(store, datetime.now(UTC) - timedelta(minutes=1))
    assert len(runbook()) >= 2
    for command in runbook():
        words = shlex.split(command)
        assert words[0] == "postventa"
        assert await to_thread(run, words[1:]) == 0, f"{command}\n{''.join(capsys.readouterr())}"
    assert world.stop(worker) == 0


@pytest.mark.parametrize("words", [["kafka", "setup"], ["worker"]])
def test_kafka_that_is_not_there_is_told(
    words: list[str], world: World, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("POSTVENTA_KEYS", KEYS)
    monkeypatch.setattr("postventa.runtimes.kafka.admin.ANSWER_WITHIN", 500)
    monkeypatch.setenv("KAFKA_BOOTSTRAP_SERVERS", "127.0.0.1:1")
    assert run([*words, "--project", str(world.folder)]) == 2
    assert "127.0.0.1:1" in capsys.readouterr().err


def test_login_and_certificates_reach_every_client() -> None:
    kafka = Kafka(servers=("a:1", "b:2"), tls=Tls(), sasl=Sasl(username="shop", password_env="KAFKA_PASSWORD"))
    options = Access.of(kafka, {"KAFKA_PASSWORD": "geheim"}).options()
    assert options["security_protocol"] == "SASL_SSL"
    assert options["sasl_mechanism"] == "SCRAM-SHA-512"
    assert (options["sasl_plain_username"], options["sasl_plain_password"]) == ("shop", "geheim")
    assert options["ssl_context"].check_hostname
    assert "geheim" not in repr(Access.of(kafka, {"KAFKA_PASSWORD": "geheim"}))
