"""One changed wait, and what `backtest --compare` says of it."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from postventa import starter
from postventa.cli.main import run
from postventa.engine.compare import compare

ROOT = Path(__file__).resolve().parents[2]
EVENTS = str(ROOT / "samples" / "events.jsonl")


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    folder = tmp_path / "shop"
    starter.copy_to(folder)
    shutil.rmtree(folder / ".vscode", ignore_errors=True)
    return folder


def test_a_shorter_wait_moves_surveys_earlier(shop: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["backtest", "--project", str(shop), "--events", EVENTS, "--json"]) == 0
    before = tmp_path / "before.jsonl"
    before.write_text(capsys.readouterr().out, encoding="utf-8")
    journey = shop / "journeys" / "after-purchase.yaml"
    assert "wait: 5 days" in journey.read_text(encoding="utf-8")
    journey.write_text(journey.read_text(encoding="utf-8").replace("wait: 5 days", "wait: 2 days"), encoding="utf-8")

    again = ["backtest", "--project", str(shop), "--events", EVENTS, "--compare", str(before)]
    assert run(again) == 0
    told = capsys.readouterr().out
    assert "satisfaction" in told
    assert "earlier" in told
    assert "customers change" in told

    assert run([*again, "--json"]) == 0
    changes = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert any(one["message"] == "satisfaction" and one["after"] < one["before"] for one in changes if one["before"])
    assert not any(one["message"] == "order-confirmation" for one in changes)


def test_nothing_changes_when_nothing_changed(shop: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run(["backtest", "--project", str(shop), "--events", EVENTS, "--json"])
    before = tmp_path / "before.jsonl"
    before.write_text(capsys.readouterr().out, encoding="utf-8")
    assert run(["backtest", "--project", str(shop), "--events", EVENTS, "--compare", str(before)]) == 0
    assert "Nothing changes" in capsys.readouterr().out


def test_a_file_that_is_no_backtest_is_named(shop: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    wrong = tmp_path / "wrong.jsonl"
    wrong.write_text('{"at": 1}\n', encoding="utf-8")
    assert run(["backtest", "--project", str(shop), "--events", EVENTS, "--compare", str(wrong)]) == 2
    assert "wrong.jsonl:1" in capsys.readouterr().err


def test_added_dropped_and_moved() -> None:
    def sent(at: str, subject: str) -> dict[str, object]:
        return {"at": at, "customer": "c", "subject": subject, "journey": "j", "step": "s", "round": 1,
                "message": "m", "decision": "send"}  # fmt: skip

    found = compare(
        [sent("2026-01-01T00:00:00Z", "order:1"), sent("2026-01-01T00:00:00Z", "order:2")],
        [sent("2026-01-03T00:00:00Z", "order:1"), sent("2026-01-01T00:00:00Z", "order:3")],
    )
    assert [(one.subject, one.before is None, one.after is None) for one in found.changes] == [
        ("order:1", False, False), ("order:2", False, True), ("order:3", True, False),
    ]  # fmt: skip
    assert (found.sums[0].before, found.sums[0].after, found.sums[0].moved, found.sums[0].shift.days) == (2, 2, 1, 2)
