"""`postventa run` as a process: what it refuses, what it survives, how it stops, and what operators do to it."""

from __future__ import annotations

import json
import os
import resource
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

POSTVENTA = [sys.executable, "-m", "postventa.cli.main"]
ENV = os.environ | {"POSTVENTA_KEYS": "test:0123456789abcdef0123456789abcdef"}
FILES = {
    "postventa.yaml": "shop: Test\nlocale: en\ntimezone: UTC\n"
    "listen: {public: '127.0.0.1:0', private: '127.0.0.1:0'}\n",
    "brand.yaml": "name: Test\nsender: Shop <shop@example.com>\npostal_address: Street 1, Town\n",
    "journeys/thanks.yaml": "journey: thanks\ntitle: Thanks\nowner: a@shop.example\nsubject: order\n"
    "start: {on: order.paid}\nsteps: [{send: thanks}]\n",
    "templates/thanks/message.yaml": "class: transactional\nsubject: {en: Thank you}\n",
    "templates/thanks/en.md": "# Thank you\n\nOrder {{ order.order_id }}.\n",
}


@pytest.fixture
def project(tmp_path: Path) -> Path:
    for name, text in FILES.items():
        path = tmp_path / "shop" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return tmp_path / "shop"


def cli(project: Path, *words: str) -> subprocess.CompletedProcess[str]:
    command = [*POSTVENTA, *words, "--project", str(project)]
    return subprocess.run(command, env=ENV, capture_output=True, text=True, timeout=60)


class Running:
    """An engine as a process."""

    def __init__(self, project: Path, *words: str, before: Callable[[], None] | None = None) -> None:
        self.project = project
        self.log = project / "engine.log"
        out = self.log.open("ab")
        beacon = project / ".postventa" / "state.db.engine"
        beacon.unlink(missing_ok=True)  # a killed engine left it
        command = [*POSTVENTA, "run", "--project", str(project), *words]
        self.process = subprocess.Popen(command, env=ENV, stdout=out, stderr=out, preexec_fn=before)  # noqa: PLW1509 - a limit, set before anything runs
        while not beacon.exists():
            assert self.process.poll() is None, self.said()
            time.sleep(0.02)
        self.url = json.loads(beacon.read_text())["url"]

    def said(self) -> str:
        return self.log.read_text(encoding="utf-8")

    def call(self, path: str, body: Any = None) -> Any:
        data = None if body is None else (body if isinstance(body, bytes) else json.dumps(body).encode())
        headers = {"content-type": "application/json", "accept": "application/json"}
        request = urllib.request.Request(self.url + path, data, headers)
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.load(answer)

    def until(self, state: str, count: int) -> None:
        """Wait until so many messages are in a state."""
        while self.call("/v1/status")["messages"].get(state, 0) < count:
            assert self.process.poll() is None, self.said()
            time.sleep(0.02)

    def stop(self, how: signal.Signals = signal.SIGTERM) -> int:
        self.process.send_signal(how)
        return self.process.wait(timeout=30)


@pytest.fixture
def start(project: Path) -> Iterator[Callable[..., Running]]:
    started: list[Running] = []

    def begin(*words: str, before: Callable[[], None] | None = None) -> Running:
        started.append(Running(project, *words, before=before))
        return started[-1]

    yield begin
    for one in started:
        if one.process.poll() is None:
            one.process.kill()
            one.process.wait()


def order(name: str, filler: str = "") -> list[dict[str, Any]]:
    now = datetime.now(UTC).isoformat()
    customer = {"customer_id": f"c-{name}", "email": f"{name}@example.com"}
    common = {"source": "shop", "time": now}
    return [
        {
            **common,
            "id": f"{name}/p",
            "type": "order.placed",
            "data": {"order_id": name, "customer": customer, "note": filler},
        },
        {**common, "id": f"{name}/m", "type": "order.paid", "data": {"order_id": name}},
    ]


def test_without_a_release_it_says_what_to_do(project: Path) -> None:
    done = cli(project, "run")
    assert done.returncode == 2
    assert "postventa publish" in done.stderr


def test_events_come_in_mail_goes_out_and_it_stops_in_order(start: Callable[..., Running], project: Path) -> None:
    assert cli(project, "publish").returncode == 0
    engine = start()
    told = engine.call("/v1/events", order("o1") + order("o1"))
    assert [one["status"] for one in told["results"]] == ["accepted", "accepted", "duplicate", "duplicate"]
    engine.until("sent", 1)
    assert "NO MAIL LEAVES THIS MACHINE" in engine.said()
    assert engine.stop() == 0
    assert not (project / ".postventa" / "state.db.engine").exists()


def test_a_second_engine_on_the_same_database_is_refused(start: Callable[..., Running], project: Path) -> None:
    engine = start("--dev")
    second = cli(project, "run", "--dev")
    assert second.returncode == 2
    assert str(engine.process.pid) in second.stderr
    engine.call("/v1/events", order("o1"))
    engine.until("sent", 1)


def test_pause_publish_and_resume_go_through_the_running_engine(start: Callable[..., Running], project: Path) -> None:
    engine = start("--dev")
    assert cli(project, "pause", "thanks", "--reason", "a wrong price").returncode == 0
    engine.call("/v1/events", order("o1"))
    status = engine.call("/v1/status")
    assert status["messages"] == {"pending": 1}
    assert status["pauses"][0]["reason"] == "a wrong price"
    assert "uses it from now on" in cli(project, "publish").stdout
    assert cli(project, "resume", "thanks").returncode == 0
    engine.until("sent", 1)


def test_a_save_is_published_and_a_mistake_keeps_the_last_good(start: Callable[..., Running], project: Path) -> None:
    engine = start("--dev")
    first = engine.call("/v1/status")["release"]["hash"]
    journey = project / "journeys" / "thanks.yaml"
    good = journey.read_text()
    journey.write_text(good.replace("send: thanks", "sned: thanks"))
    while "not published" not in engine.said():
        assert engine.process.poll() is None
        time.sleep(0.05)
    assert "did you mean 'send'" in engine.said()
    assert engine.call("/v1/status")["release"]["hash"] == first
    journey.write_text(good.replace("steps: [", "steps: [{wait: 1 second}, "))
    while engine.call("/v1/status")["release"]["hash"] == first:
        time.sleep(0.05)
    engine.call("/v1/events", order("o1"))
    engine.until("sent", 1)


def test_a_long_stop_with_a_real_channel_asks_before_mail_leaves(start: Callable[..., Running], project: Path) -> None:
    smtp = (
        "public_url: https://shop.example.com\nchannels: {email: {kind: smtp, host: 127.0.0.1, port: 9, tls: none}}\n"
    )
    settings = project / "postventa.yaml"
    settings.write_text(settings.read_text() + smtp)
    engine = start("--dev")
    engine.stop()
    old = (datetime.now(UTC) - timedelta(minutes=20)).isoformat().replace("+00:00", "Z")
    with sqlite3.connect(project / ".postventa" / "state.db") as database:
        assert database.execute("update control set value = ? where key = 'heartbeat'", (old,)).rowcount == 1
    database.close()
    engine = start("--dev")
    assert "NOTHING IS SENT" in engine.said()
    assert "--skip-before" in engine.said()
    engine.call("/v1/events", order("o1"))
    assert engine.call("/v1/status")["messages"] == {"pending": 1}
    done = cli(project, "resume", "--all", "--skip-before", "now")
    assert "1 messages were left out" in done.stdout, done.stderr
    assert engine.call("/v1/status")["pauses"] == []


def test_what_is_older_than_its_retention_is_dropped_at_the_next_start(
    start: Callable[..., Running], project: Path
) -> None:
    settings = project / "postventa.yaml"
    settings.write_text(settings.read_text() + "retention: {trace: 30 days}\n")
    engine = start("--dev")
    engine.call("/v1/events", order("o1"))
    engine.until("sent", 1)
    engine.stop()
    state = sqlite3.connect(project / ".postventa" / "state.db", isolation_level=None)
    state.execute("update trace set at = '2020-01-01T00:00:00.000000Z'")
    state.execute("delete from control where key = 'retention'")
    engine = start("--dev")
    while state.execute("select count(*) from trace").fetchone()[0]:
        assert engine.process.poll() is None, engine.said()
        time.sleep(0.02)
    assert state.execute("select count(*) from outbox").fetchone()[0] > 0, "messages are not named"
    state.close()


def test_a_locked_database_is_waited_for(start: Callable[..., Running], project: Path) -> None:
    engine = start("--dev")
    engine.call("/v1/events", order("o0"))
    engine.until("sent", 1)  # every part has had its first look: a caller waits behind few others
    locker = sqlite3.connect(project / ".postventa" / "state.db", isolation_level=None)
    locker.execute("begin immediate")
    with pytest.raises(urllib.error.HTTPError) as refused:
        engine.call("/v1/events", order("o1"))
    assert refused.value.code == 503
    told = json.loads(refused.value.read())
    assert "another program holds the database" in told["error"]
    locker.rollback()
    locker.close()
    engine.call("/v1/events", order("o1"))
    engine.until("sent", 2)
    assert engine.stop() == 0


def _little_room() -> None:
    resource.setrlimit(resource.RLIMIT_FSIZE, (4_000_000, 4_000_000))
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)


def test_a_full_disk_refuses_what_it_cannot_keep_and_loses_nothing(
    start: Callable[..., Running], project: Path
) -> None:
    engine = start("--dev", before=_little_room)
    accepted, refused = 0, None
    for number in range(200):
        try:
            engine.call("/v1/events", order(f"o{number}", filler="x" * 50_000))
        except urllib.error.HTTPError as error:
            refused = error
            break
        accepted += 1
    assert refused is not None, "4 MB cannot hold 200 orders of 50 kB"
    assert refused.code == 507
    assert "disk" in json.loads(refused.read())["error"]
    assert engine.call("/v1/status")["customers"] == accepted, "it still answers"
    engine.process.kill()
    engine.process.wait()
    engine = start("--dev")
    assert engine.call("/v1/status")["customers"] == accepted
    engine.until("sent", accepted)


def test_a_store_that_lived_by_fast_time_cannot_live_by_real_time(project: Path) -> None:
    (project / "events.jsonl").write_text("\n".join(map(json.dumps, order("o1"))))
    fast = ["run", "--dev", "--events", str(project / "events.jsonl"), "--speed", "max", "--until", "events"]
    assert cli(project, *fast).returncode == 0
    slow = cli(project, "run", "--dev")
    assert slow.returncode == 2
    assert "fast time" in slow.stderr


def test_every_demo_begins_anew_and_never_mails(start: Callable[..., Running], project: Path) -> None:
    shutil.copytree(Path(__file__).parents[3] / "journeys", project / "journeys", dirs_exist_ok=True)
    done = cli(project, "run", "--demo", "--speed", "fast")
    assert done.returncode in {1, 2}, "journeys without their messages cannot run, and a wrong speed is told"
    assert not (project / ".postventa" / "state.db").exists()
