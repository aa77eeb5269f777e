"""What a journey reads: every path of its conditions, waits, values and choices."""

from __future__ import annotations

from collections.abc import Iterator

from postventa.core.journey import (
    AnyStep,
    Ask,
    Branch,
    Condition,
    Emit,
    Fact,
    Journey,
    On,
    Path,
    Repeat,
    Send,
    SetFacts,
    WaitFor,
    WaitUntil,
)
from postventa.journeys.conditions import paths_of


def reads(journey: Journey) -> Iterator[Path]:
    """Every path, perhaps more than once. Those of a wait's `where` are told by the event it waits for."""
    ons: list[On] = [journey.start.on, *journey.exit_on]
    if journey.goal is not None:
        ons.append(journey.goal.on)
    for step in journey.steps:
        yield from _of(step)
        if isinstance(step, WaitFor):
            ons += step.events
    for on in ons:
        for path in paths_of(on.where):
            yield from _told(path, on)


def conditions_of(journey: Journey) -> Iterator[Condition]:
    """Every condition of its branches and repeats."""
    for step in journey.steps:
        if isinstance(step, Branch):
            yield from (when for when, _ in step.cases)
        elif isinstance(step, Repeat) and step.until is not None:
            yield step.until


def _told(path: Path, on: On) -> Iterator[Path]:
    yield path
    if path.root == "event":
        for name in sorted(on.types):
            yield Path(f"event@{name}", path.parts, path.kind)


def _of(step: AnyStep) -> Iterator[Path]:
    match step:
        case Send():
            yield from (one for one in step.with_.values() if isinstance(one, Path))
            if step.choose_by is not None:
                yield step.choose_by
        case Emit() | Ask():
            yield from (one for one in step.with_.values() if isinstance(one, Path))
        case SetFacts():
            yield from (one for one in step.values.values() if isinstance(one, Path))
        case WaitUntil():
            yield step.fact
        case WaitFor():
            if isinstance(step.timeout, Fact):
                yield step.timeout.path
        case Branch():
            for when, _ in step.cases:
                yield from paths_of(when)
        case Repeat():
            if step.until is not None:
                yield from paths_of(step.until)
