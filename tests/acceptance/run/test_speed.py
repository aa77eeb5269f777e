"""The same events through the sped-up engine and a real mail server, and through the backtest: the same decisions."""

from __future__ import annotations

import asyncio
import json
import os
import re
import shutil
import socket
import subprocess
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller

from postventa.core.effect import TraceEntry
from postventa.core.state import CustomerState
from postventa.core.values import as_time
from postventa.engine.replay import Played, decisions, in_order
from postventa.runtimes.demo import demo_events
from postventa.runtimes.feed import lines_of
from postventa.starter import FILES, FOLDERS
from postventa.store.sqlite import SqliteStore

ROOT = Path(__file__).resolve().parents[3]
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


def _project(source: Path, target: Path, port: int) -> None:
    """The project's files, its mail server exchanged for ours."""
    for name in (*FOLDERS, *FILES):
        if (source / name).is_dir():
            shutil.copytree(source / name, target / name)
        elif (source / name).is_file():
            target.mkdir(exist_ok=True)
            shutil.copy(source / name, target / name)
    settings = (target / "postventa.yaml").read_text(encoding="utf-8")
    kept = re.sub(r"(?m)^(channels|public_url):.*\n(?:[ \t]+.*\n?)*", "", settings)
    (target / "postventa.yaml").write_text(kept + "\n" + SMTP.format(port=port), encoding="utf-8")


def _call(*words: str) -> str:
    done = subprocess.run([*POSTVENTA, *words], env=ENV, capture_output=True, text=True, timeout=240)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-3000:]
    return done.stdout


async def _decided(database: Path) -> list[str]:
    """The decisions as the engine's own trace tells them, in the backtest's form."""
    store = SqliteStore(database, readonly=True)
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


def _compare(project: Path, events: Path, inbox: Inbox) -> Sequence[str]:
    _call("publish", "--project", str(project))
    tested = _call("backtest", "--project", str(project), "--events", str(events), "--json").splitlines()
    _call(
        "run", "--project", str(project), "--events", str(events), "--speed", "max", "--until", "events", "--port", "0"
    )
    assert asyncio.run(_decided(project / ".postventa" / "state.db")) == tested
    sent = [one["effect"] for one in map(json.loads, tested) if one["decision"] == "send"]
    assert sorted(inbox.ids) == sorted(set(sent)), "each mail that was decided arrived once, and no other"
    return tested


@pytest.fixture
def smtp() -> Any:
    inbox = Inbox()
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    controller = Controller(inbox, hostname="127.0.0.1", port=port)
    controller.start()
    yield inbox, port
    controller.stop()


def test_the_reference_project_decides_the_same_at_full_speed(tmp_path: Path, smtp: tuple[Inbox, int]) -> None:
    inbox, port = smtp
    _project(ROOT, tmp_path / "shop", port)
    some = [f"TC-{10200 + number}" for number in (0, 3, 7, 9, 12, 20, 31, 44, 50, 55)]
    events = [
        one
        for one in demo_events(datetime(2026, 3, 2, 8, tzinfo=UTC))
        if str(one["data"].get("order_id", "")).removesuffix("b") in some
    ]
    (tmp_path / "events.jsonl").write_text(lines_of(events), encoding="utf-8")
    tested = _compare(tmp_path / "shop", tmp_path / "events.jsonl", inbox)
    kinds = {json.loads(one)["decision"] for one in tested}
    assert kinds == {"send", "skip", "defer"}, "the slice has something of each"


@pytest.mark.olist
def test_real_orders_decide_the_same_at_full_speed(tmp_path: Path, smtp: tuple[Inbox, int]) -> None:
    inbox, port = smtp
    _project(ROOT / "examples" / "olist", tmp_path / "olist", port)
    converter = [sys.executable, str(ROOT / "examples" / "olist" / "to_events.py"), os.environ["OLIST_DIR"]]
    lines = subprocess.run(converter, capture_output=True, text=True, check=True).stdout.splitlines(keepends=True)
    wanted: set[str] = set()
    for line in lines:
        one = json.loads(line)
        if one["type"] == "order.placed" and one["time"] > "2017-05" and len(wanted) < 40:
            wanted.add(one["data"]["order_id"])
    chosen = [line for line in lines if json.loads(line)["data"]["order_id"] in wanted]
    (tmp_path / "slice.jsonl").write_text("".join(chosen), encoding="utf-8")
    assert len(_compare(tmp_path / "olist", tmp_path / "slice.jsonl", inbox)) > 40
