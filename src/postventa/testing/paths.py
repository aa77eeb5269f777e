"""Every way through a journey: each branch, `then` and `on_timeout`, variant and exit, walked by made-up customers.

From a walk that came to a fork, the ways not taken yet are tried next: the other event, no event, another variant,
facts for which another case holds. What no walk takes is told, with the reason where there is one.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import islice
from math import ceil
from typing import Any

from postventa.core import conditions
from postventa.core.belonging import CUSTOMER, ids_of
from postventa.core.effect import TraceEntry
from postventa.core.event import Event
from postventa.core.journey import (
    AnyStep,
    Ask,
    Branch,
    Exit,
    Experiment,
    Journey,
    Repeat,
    Test,
    Wait,
    WaitFor,
    WaitUntil,
)
from postventa.core.state import Run
from postventa.core.values import MISSING
from postventa.core.view import RunView, zone_of
from postventa.journeys.conditions import tests_of
from postventa.project import Project
from postventa.testing.simulate import TIMEOUT, Plan, Simulation, simulate
from postventa.testing.solve import Change, Guess, ways

MOST_WALKS = 400
MOST_TRIES = 24
"""Customers that are sent to take one way."""
_TRIES = 8
"""Ways to make one case hold that are tried before it is given up."""


@dataclass(frozen=True, slots=True)
class Edge:
    """One way out of one place. `kind` is case, otherwise, event, timeout, answer, variant, exit_on or step."""

    step: str
    kind: str
    what: str
    line: int


@dataclass(frozen=True, slots=True)
class Walk:
    """One made-up customer who took a way nobody took before, and everything they took."""

    plan: Plan
    taken: tuple[Edge, ...]
    mails: tuple[str, ...]
    days: int


@dataclass(slots=True)
class Paths:
    """What `walk_all` found. `unreached` is empty where every way can be walked."""

    journey: Journey
    edges: tuple[Edge, ...]
    walks: list[Walk] = field(default_factory=list)
    tried: int = 0
    impossible: set[Edge] = field(default_factory=set)
    """Ways out of a place that was reached, for which no facts were found."""

    @property
    def unreached(self) -> list[Edge]:
        """Ways that no walk took, in the file's order."""
        taken = {edge for walk in self.walks for edge in walk.taken}
        return [edge for edge in self.edges if edge not in taken]


def edges_of(journey: Journey) -> Iterator[Edge]:
    """Every way a journey can go, in the file's order."""
    for step in journey.steps:
        yield Edge(step.id, "step", step.id, step.line)
        match step:
            case Branch():
                for number in range(1, len(step.cases) + 1):
                    yield Edge(step.id, "case", str(number), step.line)
                yield Edge(step.id, "otherwise", "", step.line)
            case Experiment():
                yield from (Edge(step.id, "variant", one.name, step.line) for one in step.variants if one.weight)
            case WaitFor():
                for name in dict.fromkeys(name for on in step.events for name in sorted(on.types)):
                    yield Edge(step.id, "event", name, step.line)
                if step.timeout is not None:
                    yield Edge(step.id, "timeout", "", step.line)
            case Ask():
                yield Edge(step.id, "answer", step.survey, step.line)
                yield Edge(step.id, "timeout", "", step.line)
            case WaitUntil() if step.timeout is not None:
                yield Edge(step.id, "timeout", "", step.line)
    stands = any(isinstance(step, Wait | WaitUntil | WaitFor | Ask | Repeat) for step in journey.steps)
    exits = journey.exit_on if stands else ()  # a run that never stands cannot be called out
    for name in dict.fromkeys(name for on in exits for name in sorted(on.types)):
        yield Edge("", "exit_on", name, 0)


def walk_all(project: Project, journey_id: str, start: datetime, base: Plan | None = None) -> Paths:
    """Walk until every way was taken, or no new one is found. The journey is alone: no other one delays it."""
    journey = project.journeys[journey_id]
    found = Paths(journey, tuple(edges_of(journey)))
    taken: set[Edge] = set()
    plans: deque[tuple[Plan, Edge | None]] = deque([(base or Plan(), None)])
    known: set[str] = set()
    attempts: Counter[Edge | None] = Counter()
    while plans and found.tried < MOST_WALKS:
        plan, aim = plans.popleft()
        if aim in taken or repr(plan) in known or (aim is not None and attempts[aim] >= MOST_TRIES):
            continue
        attempts[aim] += 1
        known.add(repr(plan))
        found.tried += 1
        walk = simulate(project, journey_id, plan, start, alone=True, quick=True)
        mine = tuple(dict.fromkeys(_taken(walk)))
        if not set(mine) <= taken:
            mails = tuple(one.message for one in walk.player.sent)
            found.walks.append(Walk(plan, mine, mails, ceil((walk.end - walk.start) / timedelta(days=1))))
        taken |= set(mine)
        places = {edge.step for edge in mine} | {""}
        for edge in found.edges:
            if edge not in taken and edge.kind != "step" and edge.step in places:
                other = [(one, edge) for one in _plans(project, plan, walk, edge)]
                if not other and edge.kind in {"case", "otherwise"}:
                    found.impossible.add(edge)
                plans.extend(other)
    found.impossible -= taken
    return found


# --- what a walk took -------------------------------------------------------------------------------------------------
def _taken(walk: Simulation) -> Iterator[Edge]:
    journey = walk.journey
    steps = {step.id: step for step in journey.steps}
    exits = {name for on in journey.exit_on for name in on.types}
    for entry in walk.player.trace:
        step = steps.get(entry.step_id or "")
        if entry.journey != journey.id or step is None:
            continue
        by_exit = entry.what == "exit" and entry.reason.partition(" ")[0] in exits and not isinstance(step, Exit)
        if entry.what != "start":
            yield Edge(step.id, "step", step.id, step.line)
        if by_exit:
            yield Edge("", "exit_on", entry.reason.partition(" ")[0], 0)
        elif (edge := _edge(entry, step)) is not None:
            yield edge


def _edge(entry: TraceEntry, step: AnyStep) -> Edge | None:
    match entry.what:
        case "branch":
            number = entry.reason.split(" ")[1] if entry.reason.startswith("case ") else ""
            return Edge(step.id, "case" if number.isdigit() else "otherwise", number, step.line)
        case "variant":
            return Edge(step.id, "variant", entry.variant or "", step.line)
        case "matched":
            return Edge(step.id, "event", entry.reason.partition(" ")[0], step.line)
        case "answered" if isinstance(step, Ask):
            return Edge(step.id, "answer", step.survey, step.line)
        case "timeout":
            return Edge(step.id, "timeout", "", step.line)
    return None


# --- how to take another way ------------------------------------------------------------------------------------------
def _plans(project: Project, plan: Plan, walk: Simulation, edge: Edge) -> Iterator[Plan]:
    """Plans that may take this way, from a walk that came to its place."""
    step = next((one for one in walk.journey.steps if one.id == edge.step), None)
    match edge.kind:
        case "event" if isinstance(step, WaitFor):
            number = next(place for place, on in enumerate(step.events) if edge.what in on.types)
            other = replace(plan, choices={**plan.choices, step.id: number}, never=plan.never - {edge.what})
            yield other
            yield replace(other, alone=plan.alone | {step.id})
            if (edge.what, None) not in plan.extra:  # known before the run gets there
                yield replace(other, extra=(*plan.extra, (edge.what, None)))
        case "timeout":
            yield from _silence(plan, step)
        case "variant" if isinstance(step, Experiment):
            yield replace(plan, variants={**plan.variants, step.name: edge.what})
        case "exit_on":
            stood = dict.fromkeys(entry.step_id for entry in walk.player.trace if entry.what == "wait")
            places = [one for one in stood if one is not None]
            asked = [one.id for one in walk.journey.steps if isinstance(one, Ask)]
            yield from (replace(plan, exit_at=(one, edge.what)) for one in islice([*places, *asked], _TRIES))
        case "case" | "otherwise" if isinstance(step, Branch):
            for change in islice(_changes(project, walk, step, edge), _TRIES):
                yield replace(plan, facts={**plan.facts, **change})


def _silence(plan: Plan, step: AnyStep | None) -> Iterator[Plan]:
    if step is None:
        return
    quiet = replace(plan, choices={**plan.choices, step.id: TIMEOUT})
    yield quiet
    if isinstance(step, WaitFor):
        types = frozenset(name for on in step.events for name in on.types)
        yield replace(quiet, never=plan.never | types)
    if isinstance(step, WaitUntil):
        yield replace(quiet, facts={**plan.facts, str(step.fact): MISSING})


def _changes(project: Project, walk: Simulation, step: Branch, edge: Edge) -> Iterator[Change]:
    """Facts for which this case is the first that holds."""
    view = _view(walk, step)
    if view is None:
        return
    number = int(edge.what) - 1 if edge.kind == "case" else len(step.cases)
    before = [when for when, _ in step.cases[:number]]
    wanted = step.cases[number][0] if number < len(step.cases) else None

    def first(guess: Guess) -> bool:
        holds = wanted is None or conditions.holds(wanted, guess)
        return holds and not any(conditions.holds(when, guess) for when in before)

    tests: list[Test] = [test for when, _ in step.cases for test in tests_of(when)]
    scores = _scores(walk)
    for change in ways(first, tests, view, project):
        score: Any = change.get("answer.score")
        if change and (score is None or score in scores):
            yield change


def _scores(walk: Simulation) -> range:
    surveys = [walk.player.catalog.surveys[one.survey] for one in walk.journey.steps if isinstance(one, Ask)]
    return range(min((one.low for one in surveys), default=0), max((one.high for one in surveys), default=10) + 1)


def _view(walk: Simulation, step: Branch) -> RunView | None:
    """What the run saw when it came to the branch."""
    runs: dict[str, Run] = {}  # one that began and ended in the same call was never kept
    for now, given, outcome in walk.player.outcomes:
        runs |= outcome.state.runs
        for entry in outcome.trace:
            if entry.what == "branch" and entry.step_id == step.id:
                run, catalog = runs.get(entry.run_id or ""), walk.player.catalog
                ids = run.ids if run else ids_of(outcome.state, entry.subject or CUSTOMER)
                event = given if isinstance(given, Event) else run.start if run else None
                return RunView(outcome.state, catalog, now, zone_of(outcome.state, catalog.shop), ids, event, run)
    return None
