"""What the kill test is made of: a small shop's project, its orders, the engine's process, and whoever posts events."""

from __future__ import annotations

import contextlib
import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
POSTVENTA = [sys.executable, "-m", "postventa.cli.main"]
Record = dict[str, Any]

FILES = {
    "journeys/care.yaml": """\
journey: care
title: A thank-you at once, a tip a little later
owner: tests@example.com
subject: order
start:
  on: order.paid
exit_on: [order.cancelled]
steps:
  - send: thanks
  - wait: 3 seconds
  - send: tip
""",
    "templates/thanks/message.yaml": "class: transactional\nsubject: {en: Thank you}\n",
    "templates/thanks/en.md": "# Thank you\n\nOrder {{ order.order_id }} is on its way.\n",
    "templates/tip/message.yaml": "class: soft_opt_in\nsubject: {en: A tip}\n",
    "templates/tip/en.md": "# A tip\n\nFor {{ lines[0].name | default('what you bought') }}.\n",
    "brand.yaml": "name: Kill test\nsender: Shop <shop@example.com>\npostal_address: Street 1, Town\n",
}
SETTINGS = """\
shop: Kill test
locale: en
timezone: UTC
public_url: https://shop.example.com
listen: {{public: "127.0.0.1:0", private: "127.0.0.1:0"}}
channels:
  email: {{kind: smtp, host: 127.0.0.1, port: {port}, tls: none}}
"""


def write_project(folder: Path, smtp_port: int) -> None:
    """`thanks` may be repeated when in doubt (transactional), `tip` may not."""
    for name, text in {**FILES, "postventa.yaml": SETTINGS.format(port=smtp_port)}.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


def orders() -> Iterator[list[Record]]:
    """Real orders where OLIST_DIR names them, else made-up ones: placed, paid, and for some cancelled. No end."""
    found: dict[str, list[Record]] = {}
    for record in _records():
        if record["type"] in {"order.placed", "order.paid", "order.cancelled"}:
            found.setdefault(record["data"]["order_id"], []).append(record)
    for turn in range(1000):
        for order, records in found.items():
            name = order if turn == 0 else f"{order}-{turn}"
            yield [{**one, "id": f"{name}/{one['type']}", "data": {**one["data"], "order_id": name}} for one in records]


def _records() -> list[Record]:
    if directory := os.environ.get("OLIST_DIR"):
        sys.path.insert(0, str(ROOT / "examples" / "olist"))
        from to_events import events

        return list(events(Path(directory)))[:6000]
    from postventa.runtimes.demo import demo_events

    return demo_events(datetime(2026, 3, 2, 8, tzinfo=UTC))


@dataclass
class Engine:
    """The engine as a process of its own, started and killed as often as wished."""

    project: Path
    process: subprocess.Popen[bytes] | None = None
    url: str = ""

    def start(self, *wrapper: str) -> None:
        """Start and wait until it answers. `wrapper`: a script with its words that runs the command instead."""
        begin = [sys.executable, *wrapper] if wrapper else POSTVENTA
        command = [*begin, "run", "--dev", "--project", str(self.project)]
        log = (self.project / "engine.log").open("ab")
        env = os.environ | {"POSTVENTA_KEYS": "test:0123456789abcdef0123456789abcdef"}
        beacon = self.project / ".postventa" / "state.db.engine"
        beacon.unlink(missing_ok=True)
        self.process = subprocess.Popen(command, stdout=log, stderr=log, env=env)
        while not beacon.exists():
            assert self.process.poll() is None, (self.project / "engine.log").read_text()[-3000:]
            time.sleep(0.01)
        self.url = json.loads(beacon.read_text())["url"]

    def kill(self) -> None:
        """SIGKILL: nothing can be finished, nothing said."""
        assert self.process is not None
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def stop(self) -> int:
        """SIGTERM, and its exit code."""
        assert self.process is not None
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout=60)

    def status(self) -> Record:
        with urllib.request.urlopen(f"{self.url}/v1/status", timeout=10) as answer:
            return dict(json.load(answer))


@dataclass
class Shop(threading.Thread):
    """Posts orders one after the other, stamped at sending, and repeats what was not answered."""

    engine: Engine
    rng: random.Random
    accepted: set[tuple[str, str]] = field(default_factory=set)
    repeats: int = 0
    closed: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        super().__init__(daemon=True)

    def __hash__(self) -> int:
        return id(self)

    def run(self) -> None:
        for order in orders():
            if self.closed.is_set():
                return
            for record in order:
                self._post({**record, "time": datetime.now(UTC).isoformat()})
            self.closed.wait(self.rng.random() * 0.15)

    def _post(self, record: Record) -> None:
        """Until it is answered: an engine that was killed may or may not have taken it."""
        body = json.dumps(record).encode()
        while True:
            with contextlib.suppress(OSError, urllib.error.URLError, ValueError):
                request = urllib.request.Request(f"{self.engine.url}/v1/events", body, method="POST")
                with urllib.request.urlopen(request, timeout=30) as answer:
                    result = json.load(answer)["results"][0]
                assert result["status"] in {"accepted", "duplicate"}, result
                self.accepted.add((record["source"], record["id"]))
                return
            self.repeats += 1
            time.sleep(0.05)
