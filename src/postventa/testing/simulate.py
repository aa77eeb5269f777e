"""One made-up customer through one journey: whatever it waits for happens, at a sensible time, unless told otherwise.

The journey is played by `advance` like everywhere else; this module only decides which event comes next. Where a run
stands for an event, the first one that the file names comes; where it asks, somebody answers.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from postventa.core import ids
from postventa.core.belonging import CUSTOMER, ids_of, subjects
from postventa.core.condition import ALWAYS, On
from postventa.core.event import Event
from postventa.core.journey import AnyStep, Ask, Experiment, Journey, Path, WaitFor, WaitUntil
from postventa.core.state import Run
from postventa.core.values import time_text
from postventa.core.view import RunView, zone_of
from postventa.project import Project
from postventa.schemas.parse import parse_event
from postventa.testing.player import Player, catalog_for
from postventa.testing.reads import reads
from postventa.testing.solve import to_hold
from postventa.testing.story import Facts, Story, new_story

MOST_TURNS = 2000
LONGEST = timedelta(days=3700)
"""How far a simulation looks where nobody says `until`."""

ENOUGH_ROUNDS = 3
"""Rounds of a `repeat` that are told where nobody says `until`: the next ones are alike."""

TIMEOUT = -1
"""The choice that nothing comes."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be different from the usual story."""

    facts: Facts = field(default_factory=dict)
    never: frozenset[str] = frozenset()
    choices: Mapping[str, int] = field(default_factory=dict)
    """Step id -> which of the events it waits for comes (from 0), or TIMEOUT."""
    extra: tuple[tuple[str, timedelta | None], ...] = ()
    """Events that happen too: after so long from the start, or as soon as they sensibly can."""
    alone: frozenset[str] = frozenset()
    """Steps at which the event comes without those that usually come before it."""
    exit_at: tuple[str, str] | None = None
    """(step id, event): this event comes while the run stands at that step."""
    variants: Mapping[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class Simulation:
    """What happened. `made_up` has the events that were told, as records; `player` everything that followed."""

    journey: Journey
    player: Player
    start: datetime
    end: datetime
    made_up: list[dict[str, Any]] = field(default_factory=list)


def simulate(
    project: Project, journey_id: str, plan: Plan, start: datetime, *, until: datetime | None = None,
    alone: bool = False, quick: bool = False,
) -> Simulation:  # fmt: skip
    """Play the usual story of one customer, changed by `plan`, from `start` on (aware UTC)."""
    journey = project.journeys[journey_id]
    catalog = catalog_for(project, journey_id if alone else None)
    customer = customer_for(journey, plan.variants)
    plan = replace(plan, facts={**facts_to_start(project, journey, plan, start), **plan.facts})
    story = new_story(project, plan.facts, plan.never, (str(path) for path in reads(journey)), customer)
    player = Player(
        catalog, story.begins(start), customer=customer, registry=project.registry, project=project, quick=quick
    )
    return _Teller(project, journey, plan, story, player, until).tell(start)


def play(
    project: Project, journey_id: str, events: Sequence[Event], customer: str, until: datetime | None
) -> Simulation:
    """Play events that really happened to one customer, in the order of their times, then the time after them."""
    start = events[0].occurred_at
    player = Player(catalog_for(project), start, customer=customer, registry=project.registry, project=project)
    for event in events:
        if until is None or event.occurred_at <= until:
            player.take(event)
    let_pass(player, until or player.now + LONGEST, journey_id)
    return Simulation(project.journeys[journey_id], player, start, player.now)


def first_of(on: On, project: Project) -> str:
    """Of the events it names the one that happens first in the life of an order."""
    known = list(project.registry.types)
    return min(on.types, key=lambda name: (known.index(name) if name in known else len(known), name))


def facts_to_start(project: Project, journey: Journey, plan: Plan, start: datetime) -> dict[str, Any]:
    """What has to be told for the journey's start to take the usual customer in; empty where nothing or no way is
    known. What the plan says already is not changed."""
    if journey.start.on.where == ALWAYS:
        return {}
    wanted = [str(path) for path in reads(journey)]
    story = new_story(project, plan.facts, plan.never, wanted, "ana")
    player = Player(replace(catalog_for(project), live={}), start, customer="ana", registry=project.registry,
                    project=project)  # fmt: skip
    last: Event | None = None
    for at, name in story.between(first_of(journey.start.on, project), start, None):
        last = parse_event(story.record(name, at), project.registry, now=at).event
        player.take(last)
    if last is None:
        return {}
    state, catalog = player.state, player.catalog
    event = next((one for one in state.events.values() if one.type in journey.start.on.types), last)
    subject = next(iter(subjects(state, event, journey.subject)), CUSTOMER)
    view = RunView(state, catalog, player.now, zone_of(state, catalog.shop), ids_of(state, subject), event)
    found = to_hold(journey.start.on.where, view, project)
    return next((one for one in found if not one.keys() & plan.facts.keys()), {})


def customer_for(journey: Journey, variants: Mapping[str, str]) -> str:
    """A customer whom the experiments put into these variants."""
    return customer_in([journey], variants)


def customer_in(journeys: Iterable[Journey], variants: Mapping[str, str]) -> str:
    """A customer whom the experiments of these journeys put into these variants."""
    steps = (step for journey in journeys for step in journey.steps)
    experiments = [step for step in steps if isinstance(step, Experiment) and step.name in variants]
    for number in range(2000):
        name = f"ana-{number}" if number else "ana"
        if all(_drawn(step, name) == variants[step.name] for step in experiments):
            return name
    return "ana"


def _drawn(step: Experiment, customer: str) -> str:
    total, edge, at = sum(one.weight for one in step.variants), 0.0, ids.bucket(step.name, customer)
    for one in step.variants:
        edge += one.weight / total
        if at < edge:
            return one.name
    return step.variants[-1].name


def let_pass(player: Player, until: datetime, journey_id: str | None = None) -> None:
    """Let time pass until no run (of one journey, or of any) is left, or until nothing more has a date."""
    for _ in range(MOST_TURNS):
        due = player.state.due_at
        if due is None or due > until or not any(journey_id in {None, run.journey} for run in player.runs):
            return
        player.to(due)


@dataclass(slots=True)
class _Teller:
    """Tells the story to the player, one event at a time."""

    project: Project
    journey: Journey
    plan: Plan
    story: Story
    player: Player
    until: datetime | None
    coming: list[tuple[datetime, str, Mapping[str, Any]]] = field(default_factory=list)
    records: list[dict[str, Any]] = field(default_factory=list)
    answered: set[tuple[str, str, int]] = field(default_factory=set)
    """(run, step, round) for which somebody decided already what comes."""

    def tell(self, start: datetime) -> Simulation:
        """The whole story."""
        end = self.until or start + LONGEST
        for record in self.story.earlier_orders(start):
            self._give(record)
        self.player.to(start)
        self._plan(first_of(self.journey.start.on, self.project), start, None)
        for name, after in self.plan.extra:
            self._plan(name, start if after is None else start + after, None, at_once=after is not None)
        for _ in range(MOST_TURNS):
            self._look()
            due = self.player.state.due_at if self._running() or self.coming else None
            told = min(self.coming, key=lambda one: one[0], default=None)
            if told is not None and (due is None or told[0] <= due):
                if told[0] > end:
                    break
                self.coming.remove(told)
                self._tell(*told)
            elif due is not None and due <= end and (self._running() or told is not None):
                self.player.to(due)
            else:
                break
        return Simulation(self.journey, self.player, start, self.player.now, self.records)

    def _running(self) -> bool:
        mine = [run for run in self.player.runs if run.journey == self.journey.id]
        if self.until is None and any(number > ENOUGH_ROUNDS for run in mine for number, _ in run.rounds.values()):
            return False
        return bool(mine)

    def _plan(
        self, event_type: str, since: datetime, before: datetime | None, more: Mapping[str, Any] | None = None,
        *, at_once: bool = False, by_itself: bool = False,
    ) -> None:  # fmt: skip
        times = self.story.between(event_type, since, before)
        if by_itself:
            times = times[-1:]
        if at_once and times:
            times = [(since, name) for _, name in times]
        for at, name in times:
            if not any(name == other for _, other, _ in self.coming):
                self.coming.append((at, name, (more or {}) if name == times[-1][1] else {}))

    def _tell(self, at: datetime, event_type: str, more: Mapping[str, Any]) -> None:
        self._give(self.story.record(event_type, at, more))

    def _give(self, record: dict[str, Any]) -> None:
        self.records.append(record)
        event = parse_event(record, self.project.registry, now=self.player.now).event
        self.player.take(event)

    # --- what comes next ----------------------------------------------------------------------------------------------
    def _look(self) -> None:
        """Decide for every run of the journey that has just come to stand somewhere what will happen there."""
        for run in self.player.runs:
            if run.journey != self.journey.id or run.step < 0:
                continue
            step = self.journey.steps[run.step]
            place = (run.run_id, step.id, sum(number for number, _ in run.rounds.values()))
            if place in self.answered or run.stand.kind not in {"event", "answer", "fact", "timer"}:
                continue
            self.answered.add(place)
            self._decide(run, step)

    def _decide(self, run: Run, step: AnyStep) -> None:
        now, before = self.player.now, run.stand.deadline or run.stand.due_at
        if self.plan.exit_at is not None and self.plan.exit_at[0] == step.id:
            self._plan(self.plan.exit_at[1], now, before)
            return
        choice = self.plan.choices.get(step.id, 0)
        if choice == TIMEOUT:
            return
        if isinstance(step, WaitFor) and run.stand.kind == "event":
            on = step.events[choice]
            name = first_of(on, self.project)
            for _ in range(max(step.times - run.stand.count, 1)):
                self._plan(name, now, before, self._fitting(run, on, name), by_itself=step.id in self.plan.alone)
        elif isinstance(step, Ask) and run.stand.kind == "answer":
            self._plan("survey.answered", now, before, self._answer(step, run))
        elif isinstance(step, WaitUntil) and run.stand.kind == "fact":
            self._fact(step.fact, now, before)

    def _fitting(self, run: Run, on: On, name: str) -> dict[str, Any]:
        """What the event has to tell for the wait's `where` to hold."""
        if on.where == ALWAYS or name not in self.project.registry.types:
            return {}
        trial = replace(self.story, told=dict(self.story.told)).record(name, self.player.now)
        event = parse_event(trial, self.project.registry, now=self.player.now).event
        catalog = self.player.catalog
        view = RunView(self.player.state, catalog, self.player.now, zone_of(self.player.state, catalog.shop), run.ids,
                       event, run)  # fmt: skip
        found = next(to_hold(on.where, view, self.project), {})
        mine = (f"event@{name}.", f"{self.project.registry.types[name].thing}.")
        return {path.removeprefix(one): value for path, value in found.items() for one in mine if path.startswith(one)}

    def _answer(self, step: Ask, run: Run) -> dict[str, Any]:
        survey = self.player.catalog.surveys[step.survey]
        told = {path.partition(".")[2]: value for path, value in self.plan.facts.items() if path.startswith("answer.")}
        answer: dict[str, Any] = {"survey": step.survey, **told}
        if survey.kind not in {"text", "choice"}:
            answer.setdefault("score", survey.high)
        about: dict[str, Any] = {f"{kind}_id": value for kind, value in run.ids.items() if isinstance(value, str)}
        if isinstance(lines := run.ids.get("line"), tuple):
            about["line_ids"] = [line.rpartition("/")[2] for line in lines]
        return {**about, **answer}

    def _fact(self, fact: Path, now: datetime, before: datetime | None) -> None:
        """An event that brings a fact nobody told yet."""
        name = ".".join(fact.parts)
        for kind in self.project.registry.types.values():
            if kind.thing == fact.root and fact.parts[0] in kind.fields and not kind.derived and not kind.once:
                self._plan(kind.name, now, before, {name: time_text(now + timedelta(days=2))})
                return
