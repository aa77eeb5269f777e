"""A log names nobody: a run with bad records, a refusing mail server, a template that fails on a name, and a crash."""

from __future__ import annotations

import json
import logging
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from operators_world import KEYS

from postventa.errors import PostventaError
from postventa.runtimes.logs import JsonLines, TextLines, discreet

NAME, ADDRESS = "Zebulon", "zebulon.quarkson@example.com"
JOURNEY = (
    "journey: {0}\ntitle: T\nowner: a@shop.example\nsubject: order\nstart: {{on: order.paid}}\nsteps: [{{send: {0}}}]\n"
)
ODD = '{{% if customer.first_name == "{0}" %}}{{{{ {{}}[customer.first_name] }}}}{{% endif %}}Hello\n'
FILES = {
    "brand.yaml": "name: Test\nsender: Shop <shop@example.com>\npostal_address: Street 1, Town\n",
    "journeys/thanks.yaml": JOURNEY.format("thanks"),
    "journeys/odd.yaml": JOURNEY.format("odd"),
    "templates/thanks/message.yaml": "class: transactional\nsubject: {en: Thank you}\n",
    "templates/thanks/en.md": "# Thank you\n\nOrder {{ order.order_id }}.\n",
    "templates/odd/message.yaml": "class: transactional\nsubject: {en: Odd}\n",
    "templates/odd/en.md": ODD.format(NAME),
}


class Rude:
    """A mail server that repeats whom it does not know."""

    def __init__(self) -> None:
        self.asked = 0

    async def handle_RCPT(self, server: Any, session: Any, envelope: Any, address: str, options: Any) -> str:  # noqa: N802
        self.asked += 1
        return f"{451 if self.asked == 1 else 550} 5.1.1 {NAME} Quarkson <{address}> is unknown here"


@pytest.fixture
def mail_server() -> Iterator[Controller]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    controller = Controller(Rude(), hostname="127.0.0.1", port=port)
    controller.start()
    yield controller
    controller.stop()


def shop(folder: Path, port: int) -> Path:
    settings = (
        "shop: Test\nlocale: en\ntimezone: UTC\npublic_url: https://shop.example\n"
        "listen: {public: '127.0.0.1:0', private: '127.0.0.1:0'}\n"
        f"channels: {{email: {{kind: smtp, host: 127.0.0.1, port: {port}, tls: none}}}}\n"
    )
    for name, text in (FILES | {"postventa.yaml": settings}).items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return folder


def events(order: str, **customer: str) -> list[dict[str, Any]]:
    now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    common = {"source": "shop", "time": now}
    return [
        {**common, "id": f"{order}/p", "type": "order.placed", "data": {"order_id": order, "customer": customer}},
        {**common, "id": f"{order}/m", "type": "order.paid", "data": {"order_id": order}},
        {**common, "id": f"{order}/x", "type": f"order.{NAME}", "data": {"order_id": order, "note": ADDRESS}},
    ]


def post(url: str, body: Any) -> None:
    request = urllib.request.Request(url, json.dumps(body).encode(), {"content-type": "application/json"})
    urllib.request.urlopen(request, timeout=30).close()


def test_a_run_tells_its_log_no_name_and_no_address(tmp_path: Path, mail_server: Controller) -> None:
    project = shop(tmp_path / "shop", mail_server.port)
    env = os.environ | {"POSTVENTA_KEYS": KEYS}
    command = [sys.executable, "-m", "postventa.cli.main"]
    subprocess.run([*command, "publish", "--project", str(project)], env=env, check=True, capture_output=True)
    log = tmp_path / "engine.log"
    with log.open("wb") as err:
        engine = subprocess.Popen(
            [*command, "run", "--log", "json", "--project", str(project)],
            env=env, stdout=subprocess.DEVNULL, stderr=err,
        )  # fmt: skip
    beacon = project / ".postventa" / "state.db.engine"
    while not beacon.exists():
        assert engine.poll() is None, log.read_text()
        time.sleep(0.02)
    url = json.loads(beacon.read_text())["url"]
    post(f"{url}/v1/events", events("o-1", customer_id="z", email=ADDRESS, first_name=NAME))
    while "cannot be made" not in log.read_text() or "is tried again" not in log.read_text():
        assert engine.poll() is None, log.read_text()
        time.sleep(0.05)
    with urllib.request.urlopen(f"{url}/metrics", timeout=30) as answer:
        numbers = answer.read().decode()
    engine.send_signal(signal.SIGTERM)
    assert engine.wait(timeout=30) == 0
    assert 'postventa_events_total{outcome="accepted",topic="http"} 2.0' in numbers
    assert 'postventa_sends_total{channel="email",result="unrenderable"} 1.0' in numbers
    text = log.read_text(encoding="utf-8")
    lines = [json.loads(line) for line in text.splitlines() if line.startswith("{")]
    assert {"at", "level", "logger", "message"} <= lines[0].keys()
    for word in (NAME, "Quarkson", ADDRESS, "example.com"):
        assert word.lower() not in f"{text}{numbers}".lower(), word


# --- the formatter itself --------------------------------------------------------------------------------------------
def record(message: str, *args: Any, error: BaseException | None = None) -> logging.LogRecord:
    told = (type(error), error, error.__traceback__) if error else None
    return logging.LogRecord("postventa.test", logging.ERROR, __file__, 1, message, args, told)


@pytest.mark.parametrize(
    "text",
    [ADDRESS, f"<{ADDRESS}>", f"to={ADDRESS},", f"mailto:{ADDRESS}", ADDRESS.replace("@", "%40"), f"'{ADDRESS}'"],
)
def test_addresses_are_blotted_out_however_they_are_written(text: str) -> None:
    assert "quarkson" not in discreet(f"550 {text} unknown")
    assert "550" in discreet(f"550 {text} unknown")


def test_an_unexpected_error_is_told_by_kind_and_place_not_by_its_words() -> None:
    try:
        try:
            {}[NAME]
        except KeyError as error:
            raise RuntimeError(f"no weight for {NAME}") from error
    except RuntimeError as error:
        failed = error
    told = json.loads(JsonLines().format(record("the part '%s' stopped: %s", "mail", failed, error=failed)))
    assert told["message"] == "the part 'mail' stopped: RuntimeError"
    assert told["error"][0] == "RuntimeError"
    assert any("KeyError" in line for line in told["error"])
    assert any("test_operators_logs.py" in line for line in told["error"])
    text = TextLines().format(record("failed: %s", failed, error=failed))
    assert NAME not in text + json.dumps(told)


def test_our_own_errors_keep_their_words() -> None:
    assert "the disk is full" in TextLines().format(record("waits: %s", PostventaError("the disk is full")))
