"""Where a run can still get to, and at which step it took another way."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from postventa.core.journey import (
    END,
    AnyStep,
    Ask,
    Branch,
    Exit,
    Experiment,
    Journey,
    Repeat,
    WaitFor,
    WaitUntil,
)

Entry = Mapping[str, Any]
"""A row of the trace, as `shown.trace` gives it."""


def targets(step: AnyStep) -> tuple[int, ...]:
    """Where a run can go from a step; END among them where it may be over."""
    match step:
        case Exit():
            return ()
        case Branch():
            return (*(target for _, target in step.cases), step.otherwise)
        case Experiment():
            return tuple(variant.target for variant in step.variants)
        case WaitFor():
            late = (step.on_timeout,) if step.timeout is not None else ()
            return (*(step.then or (step.next,)), *late)
        case WaitUntil():
            return (step.next, *((step.on_timeout,) if step.timeout is not None else ()))
        case Ask():
            return (step.then, step.on_timeout)
        case Repeat():
            return (step.body, step.next)
    return (step.next,)


def reaches(journey: Journey, start: int, wanted: int) -> bool:
    """Whether a run that is at `start` can come to `wanted` (it does, where they are the same)."""
    seen: set[int] = set()
    ahead = [start]
    while ahead:
        index = ahead.pop()
        if index == wanted:
            return True
        if index == END or index in seen:
            continue
        seen.add(index)
        ahead.extend(targets(journey.steps[index]))
    return False


def turned(journey: Journey, entries: Iterable[Entry], wanted: int) -> Entry | None:
    """The decision after which `wanted` could not be reached any more; None where the trace does not tell."""
    steps = {step.id: step for step in journey.steps}
    for entry in entries:
        step = steps.get(entry["step_id"] or "")
        if step is None or not reaches(journey, step.index, wanted):
            continue
        chosen = _chosen(step, entry)
        if chosen is not None and not reaches(journey, chosen, wanted):
            return entry
    return None


def _chosen(step: AnyStep, entry: Entry) -> int | None:
    """Where this decision sent the run."""
    what, reason = entry["what"], str(entry["reason"])
    match step:
        case Branch() if what == "branch":
            number = reason.removeprefix("case ").partition(" ")[0]
            return step.cases[int(number) - 1][1] if number.isdigit() else step.otherwise
        case Experiment() if what == "variant":
            return next((one.target for one in step.variants if one.name == entry["variant"]), None)
        case WaitFor() if what == "matched":
            name = reason.partition(" ")[0]
            found = [target for on, target in zip(step.events, step.then, strict=False) if name in on.types]
            return found[0] if found else step.next
        case WaitFor() | WaitUntil() | Ask() if what == "timeout" or (what == "skip" and isinstance(step, Ask)):
            return step.on_timeout
        case Ask() if what == "answered":
            return step.then
    return None
