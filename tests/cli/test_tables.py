"""The terminal's tables: whatever the width, no name and no number is broken or cut, and nothing sticks out."""

from __future__ import annotations

import pytest

from postventa.cli.tables import Groups, below, show, table

ROWS = [
    ("after-purchase", "satisfaction-reminder", "17", "14.7 hours later"),
    ("after-purchase", "thank-you", "1240", "3 days later"),
    ("delay-notice", "delay-notice", "10", ""),
]
REASON = "waited as long as if_blocked allows: the cap of 3 per 7 days is reached"


def printed(capsys: pytest.CaptureFixture[str], columns: int, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    monkeypatch.setenv("COLUMNS", str(columns))
    numbers = ["before", "only before", "only after", "moved", "by (median)"]
    made = table("What changes", ["message"], numbers)
    groups = Groups(made, [row[:2] for row in ROWS])
    for journey, message, count, span in ROWS:
        groups.row(journey, message, count, count, count, "", span)
        made.add_row(below(REASON), "", "", "", "[7]")
    show(made)
    return [line.rstrip() for line in capsys.readouterr().out.splitlines()]


@pytest.mark.parametrize("columns", [72, 80, 120])
def test_names_and_numbers_stay_whole(
    columns: int, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = printed(capsys, columns, monkeypatch)
    assert max(map(len, lines)) <= columns
    for _, message, count, span in ROWS:
        (line,) = [one for one in lines if message in one]
        assert line.split()[1:4] == [count] * 3
        assert line.endswith(span)
    words = " ".join(" ".join(lines).replace("[7]", "").split())
    assert words.count(REASON) == 3
    assert sum(line.endswith("[7]") or "[7] " in line for line in lines) == 3


def test_a_journey_stands_above_its_messages_and_once_where_it_is_its_only_message(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = printed(capsys, 120, monkeypatch)
    assert [line.split("  ")[0] for line in lines if line.startswith(("after", "delay"))] == [
        "after-purchase",
        "delay-notice",
    ]
    assert lines[lines.index("after-purchase") + 1].startswith("  satisfaction-reminder  ")


def test_on_a_narrow_terminal_nothing_is_cut_off(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = printed(capsys, 44, monkeypatch)
    assert max(map(len, lines)) <= 44
    assert sum("1240" in line for line in lines) == 1
    assert any("later" in line for line in lines)
