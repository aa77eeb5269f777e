"""What the tests of fast time share: a project with our mail server, its commands, and what an engine decided."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from aiosmtpd.controller import Controller

from postventa.core.effect import TraceEntry
from postventa.core.state import CustomerState
from postventa.core.values import as_time
from postventa.engine.replay import Played, decisions, in_order
from postventa.starter import FILES, FOLDERS
from postventa.store.base import Store
from postventa.testing.part import free_port

ROOT = Path(__file__).resolve().parents[3]
OLIST = ROOT / "examples" / "olist"
POSTVENTA = [sys.executable, "-m", "postventa.cli.main"]
ENV = os.environ | {"POSTVENTA_KEYS": "test:0123456789abcdef0123456789abcdef"}
SMTP = """\
public_url: https://shop.example.com
channels:
  email: {{kind: smtp, host: 127.0.0.1, port: {port}, tls: none}}
"""


class Inbox:
    """Every mail that arrives, by Message-ID and recipient."""

    def __init__(self) -> None:
        self.ids: list[str] = []

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802
        found = re.search(rb"^Message-ID: <(\w+)@", envelope.content, re.MULTILINE)
        assert found
        self.ids.append(found[1].decode())
        return "250 2.0.0 taken"


def project_in(source: Path, target: Path, port: int) -> None:
    """The project's files, its mail server exchanged for ours."""
    for name in (*FOLDERS, *FILES):
        if (source / name).is_dir():
            shutil.copytree(source / name, target / name)
        elif (source / name).is_file():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(source / name, target / name)
    settings = (target / "postventa.yaml").read_text(encoding="utf-8")
    kept = re.sub(r"(?m)^(channels|public_url):.*\n(?:[ \t]+.*\n?)*", "", settings)
    (target / "postventa.yaml").write_text(kept + "\n" + SMTP.format(port=port), encoding="utf-8")


def call(*words: str) -> str:
    done = subprocess.run([*POSTVENTA, *words], env=ENV, capture_output=True, text=True, timeout=240)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-3000:]
    return done.stdout


async def decided(store: Store) -> list[str]:
    """The decisions as the engine's own trace tells them, in the backtest's form."""
    await store.open()
    found: list[dict[str, Any]] = []
    for customer in await store.views.customer_ids(limit=10_000):
        rows = await store.views.trace(customer, 100_000)
        found.extend(decisions(Played(customer, CustomerState(customer), [_entry(row) for row in rows], 0)))
    await store.close()
    return [json.dumps(one, ensure_ascii=False, separators=(",", ":")) for one in in_order(found)]


def _entry(row: dict[str, Any]) -> TraceEntry:
    values = {key: value for key, value in row.items() if key != "seq"}
    subject = tuple(row["subject"]) if row["subject"] else None
    return TraceEntry(**{**values, "at": as_time(row["at"]), "subject": subject})


def backtested(folder: Path, events: Path) -> list[str]:
    """Publish, then the decisions of `postventa backtest`, one line each."""
    call("publish", "--project", str(folder))
    return call("backtest", "--project", str(folder), "--events", str(events), "--json").splitlines()


def effects_sent(tested: Sequence[str]) -> list[str]:
    """The ids of the messages that were decided to be sent."""
    return sorted({one["effect"] for one in map(json.loads, tested) if one["decision"] == "send"})


def real_orders(count: int) -> list[str]:
    """All events of that many real orders of May 2017 and after, as lines; OLIST_DIR names the tables."""
    converter = [sys.executable, str(OLIST / "to_events.py"), os.environ["OLIST_DIR"]]
    lines = subprocess.run(converter, capture_output=True, text=True, check=True).stdout.splitlines(keepends=True)
    events = [(line, json.loads(line)) for line in lines]
    placed = [one["data"]["order_id"] for _, one in events if one["type"] == "order.placed" and one["time"] > "2017-05"]
    wanted = set(placed[:count])
    return [line for line, one in events if one["data"]["order_id"] in wanted]


@contextmanager
def mail_taken() -> Iterator[tuple[Inbox, int]]:
    """A mail server that takes everything, and its port."""
    taken, port = Inbox(), free_port()
    controller = Controller(taken, hostname="127.0.0.1", port=port)
    controller.start()
    yield taken, port
    controller.stop()
