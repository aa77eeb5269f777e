"""Calls of `advance` per second while a backtest plays: the reference journeys, the made-up shop, every core it takes.

Counted in a play of its own; timed is the whole loop around `advance`: clock, hand-over, decisions, sums, and bringing
the answers of the cores together. By the clock on the wall, since several cores share the work; beside it one core
alone, by the wall and by processor time, which a busy machine disturbs less.
"""

from __future__ import annotations

from datetime import UTC, datetime
from statistics import median
from time import perf_counter, process_time
from typing import Any
from unittest.mock import patch

from bench.core import ROOT, shop_events
from bench.figure import Figure
from postventa.core.advance import advance
from postventa.engine import replay
from postventa.engine.backtest import Past, play
from postventa.engine.cores import cores
from postventa.project import Project
from postventa.schemas.parse import parse_event


def measure(rounds: int, customers: int) -> list[Figure]:
    """The rate on all cores, beside that on one."""
    project = Project.load(ROOT)
    now = datetime.now(UTC)
    past = Past([parse_event(line, project.registry, now=now) for line in shop_events(customers)])
    calls = 0

    def counted(*given: Any) -> Any:
        nonlocal calls
        calls += 1
        return advance(*given)

    with patch.object(replay, "advance", counted):
        play(project, past, parts=1)
    shared, alone, own = [], [], []
    for _ in range(rounds):
        begun = perf_counter()
        play(project, past, parts=cores())
        shared.append(calls / (perf_counter() - begun))
        begun, spent = perf_counter(), process_time()
        play(project, past, parts=1)
        alone.append(calls / (perf_counter() - begun))
        own.append(calls / (process_time() - spent))
    beside = f"{calls:,} calls on {cores()} cores, best {max(shared):,.0f}; on one {median(alone):,.0f}; "
    beside += f"per second of processor time {median(own):,.0f}, best {max(own):,.0f}"
    return [Figure("calls of advance in a backtest", median(shared), "/s", 20_000, 20_000, "more", beside)]
