"""The made-up shop through the backtest: everything that must be true is, and an engine with a bug is found out.

The demands (must.jsonl) come from the shop's own plan and know nothing of the engine. Each bug is put into the core of
this process, where a real one would be: an exit that is not heard, a cap one off, an hour lost when clocks change.
"""

from __future__ import annotations

import copy
import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from postventa.core import endings, policy, schedule
from postventa.core.event import Event
from postventa.core.journey import Duration
from postventa.core.policy import Blocked
from postventa.core.state import Run
from postventa.core.turn import Turn
from postventa.engine.backtest import backtest
from postventa.project import Project

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "examples" / "shop"))

import check as checker

SHOP = Path(checker.__file__).parent
SEED, CUSTOMERS = "8", "300"
Row = dict[str, Any]
Found = dict[str, list[str]]


def python(*words: str | Path, seed: str = "0") -> subprocess.CompletedProcess[bytes]:
    """A program in a process of its own, where sets have the order that this hash seed gives them."""
    environment = {**os.environ, "PYTHONHASHSEED": seed}
    return subprocess.run([sys.executable, *words], env=environment, capture_output=True, check=False)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("shop")
    done = python(SHOP / "generate.py", "--seed", SEED, "--customers", CUSTOMERS, "--out", folder)
    assert done.returncode == 0, done.stderr.decode()
    return folder


@pytest.fixture(scope="module")
def rows(made: Path) -> list[Row]:
    return checker.read(made / "must.jsonl")


def run_backtest(made: Path, seed: str) -> bytes:
    command = ("-m", "postventa.cli.main", "backtest", "--project", SHOP, "--events", made / "events.jsonl", "--json")
    done = python(*command, seed=seed)
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout


def test_the_engine_does_all_that_must_be_true_and_always_the_same(made: Path, rows: list[Row]) -> None:
    output = run_backtest(made, seed="1")
    (made / "decisions.jsonl").write_bytes(output)
    checked = python(SHOP / "check.py", made / "decisions.jsonl", made / "must.jsonl")
    told = checked.stdout.decode()
    print(told)
    assert checked.returncode == 0, told
    assert f"{len(rows)} rows, {len(output.splitlines())} decisions, 0 violations" in told
    assert run_backtest(made, seed="2") == output


# --- an engine with a bug ---------------------------------------------------------------------------------------------
@pytest.fixture
def found(made: Path, rows: list[Row]) -> Callable[[], Found]:
    """What the demands find wrong with the engine as it stands in this process."""

    def run() -> Found:
        with (made / "events.jsonl").open("rb") as lines:
            report = backtest(Project.load(SHOP), lines)
        assert not report.bad
        decisions = json.loads(json.dumps(report.decisions))
        violations: Found = checker.violations(decisions, rows)
        print({kind: (len(texts), texts[0]) for kind, texts in violations.items()})
        return violations

    return run


@pytest.mark.parametrize("ignored", ["order.refunded", "line.returned", "order.cancelled"])
def test_an_exit_that_is_ignored_is_found(
    monkeypatch: pytest.MonkeyPatch, found: Callable[[], Found], ignored: str
) -> None:
    heard = endings.exits

    def deaf(turn: Turn, run: Run, event: Event) -> bool:
        return event.type != ignored and heard(turn, run, event)

    monkeypatch.setattr(endings, "exits", deaf)
    violations = found()
    assert len(violations["never"]) >= 3
    settled = ("settled by then", "cancelled", "paid back")
    assert all(any(word in text for word in settled) for text in violations["never"])


@pytest.mark.parametrize(("off", "kind"), [(1, "at_most"), (-1, "send")])
def test_a_cap_that_is_off_by_one_is_found(
    monkeypatch: pytest.MonkeyPatch, found: Callable[[], Found], off: int, kind: str
) -> None:
    caps = policy._caps

    def miscounting(turn: Turn, channel: str, effect_id: str | None) -> Blocked | None:
        shop = turn.catalog.shop
        wrong = replace(shop, caps=tuple(replace(cap, count=cap.count + off) for cap in shop.caps))
        seen = copy.copy(turn)
        seen.catalog = replace(turn.catalog, shop=wrong)
        return caps(seen, channel, effect_id)

    monkeypatch.setattr(policy, "_caps", miscounting)
    violations = found()
    assert len(violations[kind]) >= 10
    if off > 0:
        assert all("more than 2 within 7 days" in text for text in violations[kind])


def test_days_of_24_hours_are_found(monkeypatch: pytest.MonkeyPatch, found: Callable[[], Found]) -> None:
    calendar = schedule.add

    def by_the_stopwatch(moment: datetime, span: Duration, tz: ZoneInfo, sign: int = 1) -> datetime:
        if span.months:
            return calendar(moment, span, tz, sign)
        return moment + sign * timedelta(days=span.days, seconds=span.seconds)

    monkeypatch.setattr(schedule, "add", by_the_stopwatch)
    violations = found()
    late = [text for text in violations["send"] if "delay-notice" in text]
    assert len(late) >= 5
    assert all("ten days without a word" in text for text in late)


def test_an_hour_that_does_not_exist_read_wrong_is_found(
    monkeypatch: pytest.MonkeyPatch, found: Callable[[], Found]
) -> None:
    def the_hour_before(naive: datetime, tz: ZoneInfo) -> datetime:
        return naive.replace(tzinfo=tz, fold=1).astimezone(UTC)

    schedule.at_clock.cache_clear()
    monkeypatch.setattr(schedule, "_end_of_gap", the_hour_before)
    violations = found()
    schedule.at_clock.cache_clear()
    assert list(violations) == ["send"]
    assert any("delay-notice" in text for text in violations["send"])
