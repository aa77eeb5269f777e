"""Work spread over processes gives what one process gives, tells how far it is, and fails aloud."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from postventa.engine.backtest import play, read_lines
from postventa.engine.cores import spread
from postventa.project import Project

ROOT = Path(__file__).resolve().parents[3]
pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="this system cannot fork")


def test_the_parts_come_back_in_order_and_tell_how_far_they_are() -> None:
    told: list[int] = []

    def work(part: int, note: object) -> tuple[int, bool]:
        note(part + 1)  # type: ignore[operator]
        return part * 10, os.getpid() != parent

    parent = os.getpid()
    assert spread(3, work, told.append) == [(0, True), (10, True), (20, True)]
    assert told[-1] == 1 + 2 + 3


def test_what_a_part_raises_is_raised_and_nobody_is_left_behind() -> None:
    def work(part: int, _: object) -> int:
        if part == 1:
            raise LookupError("part one")
        return part

    with pytest.raises(LookupError, match="part one"):
        spread(3, work, print)
    with pytest.raises(ChildProcessError):
        os.waitpid(-1, os.WNOHANG)


def test_a_part_that_dies_is_no_silent_gap() -> None:
    def work(part: int, _: object) -> int:
        if part == 0:
            os._exit(9)
        return part

    with pytest.raises(RuntimeError, match="part 0"):
        spread(2, work, print)


def test_a_backtest_is_the_same_on_one_core_and_on_several() -> None:
    project = Project.load(ROOT)
    past = read_lines(project, (ROOT / "samples" / "events.jsonl").read_bytes().splitlines())
    alone, shared = play(project, past, parts=1), play(project, past, parts=3)
    assert alone.decisions == shared.decisions != []
    assert alone.runs == shared.runs
    assert (alone.standing, alone.pending, alone.events, alone.customers, alone.end, alone.unused) == (
        shared.standing, shared.pending, shared.events, shared.customers, shared.end, shared.unused,
    )  # fmt: skip
