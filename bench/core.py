"""Calls of `advance` per second of processor time, with the reference journeys.

The events of the made-up shop are played once and every call is noted (events, timers, claims, receipts); then a slice
of them is called again, nothing else, by turns with the yardstick.
"""

from __future__ import annotations

import gc
import subprocess
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from time import process_time
from typing import Any
from unittest.mock import patch

from bench.figure import Figure
from bench.yardstick import spin
from postventa.core.advance import advance
from postventa.core.journey import Catalog
from postventa.engine import replay
from postventa.project import Project
from postventa.schemas.parse import parse_event

ROOT = Path(__file__).parents[1]
Call = tuple[Any, Any, datetime]


def measure(rounds: int, customers: int) -> list[Figure]:
    """The rate, and the yardstick's turns that one call costs."""
    calls, catalog = noted(customers)
    gc.collect()
    gc.freeze()
    rates, costs = [], []
    for _ in range(rounds):
        turns = spin()
        begun = process_time()
        for state, given, now in calls:
            advance(state, given, now, catalog)
        rates.append(len(calls) / (process_time() - begun))
        costs.append(turns / rates[-1])
    gc.unfreeze()
    beside = f"{len(calls):,} calls; one costs {median(costs):,.0f} turns of a plain loop; best {max(rates):,.0f}"
    return [Figure("calls of advance on one core", median(rates), "/s", 20_000, 20_000, "more", beside)]


def noted(customers: int) -> tuple[list[Call], Catalog]:
    """Every call of a play of the made-up shop through the reference journeys."""
    project = Project.load(ROOT)
    playing = replay.Replay(project.catalog())
    for line in shop_events(customers):
        playing.add(parse_event(line, project.registry, now=datetime.now(UTC)))
    playing.resolve()
    calls: list[Call] = []

    def note(state: Any, given: Any, now: datetime, catalog: Catalog) -> Any:
        calls.append((state, given, now))
        return advance(state, given, now, catalog)

    with patch.object(replay, "advance", note):
        for _ in playing.play():
            pass
    return calls, playing.catalog


def shop_events(customers: int) -> list[bytes]:
    """The events of `examples/shop/generate.py --seed 7`."""
    with tempfile.TemporaryDirectory(prefix="postventa-bench-") as folder:
        program = ROOT / "examples/shop/generate.py"
        asked = ["--seed", "7", "--out", folder, "--customers", str(customers)]
        subprocess.run([sys.executable, str(program), *asked], check=True, capture_output=True)
        return (Path(folder) / "events.jsonl").read_bytes().splitlines()
