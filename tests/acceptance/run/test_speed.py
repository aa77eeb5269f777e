"""The same events through the sped-up engine and a real mail server, and through the backtest: the same decisions."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from sped_up import OLIST, ROOT, Inbox, backtested, call, decided, effects_sent, mail_taken, project_in, real_orders

from postventa.runtimes.demo import demo_events
from postventa.runtimes.feed import lines_of
from postventa.store.sqlite import SqliteStore


def _compare(project: Path, events: Path, inbox: Inbox) -> Sequence[str]:
    tested = backtested(project, events)
    call(
        "run", "--project", str(project), "--events", str(events), "--speed", "max", "--until", "events", "--port", "0"
    )
    assert asyncio.run(decided(SqliteStore(project / ".postventa" / "state.db", readonly=True))) == tested
    assert sorted(inbox.ids) == effects_sent(tested), "each mail that was decided arrived once, and no other"
    return tested


@pytest.fixture
def smtp() -> Iterator[tuple[Inbox, int]]:
    with mail_taken() as found:
        yield found


def test_the_reference_project_decides_the_same_at_full_speed(tmp_path: Path, smtp: tuple[Inbox, int]) -> None:
    inbox, port = smtp
    project_in(ROOT, tmp_path / "shop", port)
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
    project_in(OLIST, tmp_path / "olist", port)
    (tmp_path / "slice.jsonl").write_text("".join(real_orders(40)), encoding="utf-8")
    assert len(_compare(tmp_path / "olist", tmp_path / "slice.jsonl", inbox)) > 40
