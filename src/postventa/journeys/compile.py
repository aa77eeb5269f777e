"""From a checked tree to the core's program: steps in one row, every way on a number, conditions as data.

The version is a hash of what the file says, without comments, titles, the owner and the order of keys.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Literal

from postventa.core.journey import (
    ALWAYS,
    END,
    AllOf,
    AnyStep,
    Ask,
    Award,
    Branch,
    Condition,
    Duration,
    Emit,
    Exit,
    Experiment,
    Goal,
    Hold,
    IfBlocked,
    Journey,
    On,
    Release,
    Repeat,
    Send,
    SetFacts,
    Start,
    Survey,
    Variant,
    Wait,
    WaitFor,
    WaitUntil,
)
from postventa.journeys.conditions import paths_of
from postventa.journeys.tree import Block, Step, Tree
from postventa.journeys.words import LANGUAGE

_NOT_COUNTED = ("title", "owner")


def version_of(plain: Mapping[str, Any]) -> str:
    """The hash of a journey's meaning as its file writes it, in 20 hexadecimal digits."""
    counted = {key: value for key, value in plain.items() if key not in _NOT_COUNTED}
    text = json.dumps([LANGUAGE, counted], sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:20]


def compile_journey(tree: Tree, surveys: Mapping[str, Survey]) -> Journey:
    """The core's journey. The tree must have no errors."""
    values, steps = tree.values, tree.steps
    assert steps is not None, "a tree without errors has steps"
    flat = _Flat(surveys, tree.id)
    flat.number(steps, ())
    flat.link(steps, END)
    return Journey(
        id=tree.id,
        version=version_of(tree.root.plain()),
        title=values.get("title") or tree.id,
        file=tree.file,
        subject=tree.subject,
        start=Start(
            On(frozenset(values["start_types"]), values["start_where"]),
            values.get("again") or "always",
            values.get("while_running") or "ignore",
        ),
        steps=tuple(flat.built[index] for index in sorted(flat.built)),
        first=0 if steps.steps else END,
        exit_on=tuple(values.get("exit_on") or ()),
        goal=_goal(values),
        owner=values.get("owner") or "",
        edits=values.get("edits") or "finish",
    )


def _goal(values: Mapping[str, Any]) -> Goal | None:
    if "goal_types" not in values:
        return None
    on = On(frozenset(values["goal_types"]), values["goal_where"])
    return Goal(on, values["goal_within"], values.get("goal_then") or "go_on")


@dataclass(frozen=True, slots=True)
class _Way:
    """How one step is tied in: its fixed parts, and where each of its blocks begins."""

    common: Mapping[str, Any]
    target: Callable[[str], int]
    next: int


class _Flat:
    """Numbers steps from top to bottom, then ties every end to what comes next."""

    def __init__(self, surveys: Mapping[str, Survey], journey: str) -> None:
        self.surveys = surveys
        self.journey = journey
        self.indexes: dict[int, int] = {}
        self.repeats: dict[int, tuple[int, ...]] = {}
        self.built: dict[int, AnyStep] = {}

    def number(self, block: Block, repeats: tuple[int, ...]) -> None:
        for step in block.steps:
            index = self.indexes[id(step)] = len(self.indexes)
            self.repeats[id(step)] = repeats
            inner = (*repeats, index) if step.verb == "repeat" else repeats
            for below in step.blocks.values():
                self.number(below, inner)

    def link(self, block: Block, after: int) -> int:
        """Build the steps of a block that goes on at `after`; returns where the block begins."""
        following = [self.indexes[id(step)] for step in block.steps[1:]] + [after]
        for step, next_ in zip(block.steps, following, strict=True) if block.steps else ():
            self.build(step, END if step.verb == "exit" else next_)
        return self.indexes[id(block.steps[0])] if block.steps else after

    def build(self, step: Step, next_: int) -> None:
        index = self.indexes[id(step)]
        on = index if step.verb == "repeat" else next_
        starts = {slot: self.link(below, on) for slot, below in step.blocks.items()}
        common = {
            "index": index,
            "id": step.id,
            "path": step.path,
            "line": step.node.line,
            "next": next_,
            "repeats": self.repeats[id(step)],
        }
        way = _Way(common, lambda slot: starts.get(slot, next_), next_)
        if step.verb == "ask":
            self.built[index] = _ask(step, way, self.surveys[step.object])
        elif step.verb == "award":
            self.built[index] = _award(step, way, self.journey)
        else:
            self.built[index] = _BUILD[step.verb](step, way)


def _send(step: Step, way: _Way) -> Send:
    get = step.values.get
    return Send(
        **way.common,
        message=step.object,
        with_=_frozen(get("with")),
        choose_by=get("choose_by"),
        together=get("together"),
        reward=get("reward"),
        to=get("to") or "customer",
        channels=get("channel") or ("email",),
        if_blocked=get("if_blocked") or IfBlocked(),
        duplicates=get("duplicates"),
    )


def _wait(step: Step, way: _Way) -> Wait:
    get = step.values.get
    return Wait(
        **way.common, span=step.object, at=get("at"), on_days=get("on_days") or frozenset(), spread=get("spread")
    )


def _wait_until(step: Step, way: _Way) -> WaitUntil:
    get = step.values.get
    return WaitUntil(
        **way.common,
        fact=step.object,
        shifts=get("offset") or (),
        at=get("at"),
        if_past=get("if_past") or "go_on",
        timeout=get("timeout"),
        on_timeout=way.target("on_timeout"),
    )


def _wait_for(step: Step, way: _Way) -> WaitFor:
    """One target per event: events that share a target in the file may differ in `then`."""
    where = step.values.get("where", ALWAYS)
    events: list[On] = []
    targets: list[int] = []
    for on in step.object:
        by_name = [name for name in sorted(on.types) if f"then/{name}" in step.blocks]
        rest = on.types - set(by_name)
        parts = [(frozenset({name}), way.target(f"then/{name}")) for name in by_name]
        if rest:
            parts.append((rest, way.target("then")))
        for types, target in parts:
            events.append(On(types, _both(on.where, where)))
            targets.append(target)
    since = step.values.get("since") or ("here" if any(_reads_run(on.where) for on in events) else "start")
    return WaitFor(
        **way.common,
        events=tuple(events),
        then=tuple(targets),
        timeout=step.values.get("timeout"),
        on_timeout=way.target("on_timeout"),
        since=since,
        times=step.values.get("times") or 1,
    )


def _branch(step: Step, way: _Way) -> Branch:
    cases = tuple((when, way.target(f"when/{number}")) for number, when in enumerate(step.values["cases"]))
    return Branch(**way.common, cases=cases, otherwise=way.target("otherwise"))


def _experiment(step: Step, way: _Way) -> Experiment:
    variants = tuple(
        Variant(name, weight, way.target(f"variants/{name}")) for name, weight in step.values["weights"].items()
    )
    measure, size = step.values.get("measure") or "goal", step.values.get("size")
    return Experiment(**way.common, name=step.object, variants=variants, measure=measure, size=size)


def _ask(step: Step, way: _Way, survey: Survey) -> Ask:
    get = step.values.get
    return Ask(
        **way.common,
        survey=survey.id,
        message=survey.message,
        timeout=get("timeout") or Duration(days=7),
        remind_after=get("remind_after"),
        reminder=survey.reminder,
        then=way.target("then"),
        on_timeout=way.target("on_timeout"),
        if_blocked=get("if_blocked") or IfBlocked(),
        with_=_frozen(get("with")),
    )


def _award(step: Step, way: _Way, journey: str) -> Award:
    per: Literal["order", "line"] | Decimal = step.values.get("per") or "order"
    return Award(**way.common, points=step.object, reason=step.values.get("reason") or journey, per=per)


def _repeat(step: Step, way: _Way) -> Repeat:
    every = step.object if isinstance(step.object, Duration) else None
    get = step.values.get
    return Repeat(**way.common, body=way.target("steps"), every=every, at_most=get("at_most"), until=get("until"))


_BUILD: Mapping[str, Callable[[Step, _Way], AnyStep]] = {
    "send": _send,
    "wait": _wait,
    "wait_until": _wait_until,
    "wait_for": _wait_for,
    "branch": _branch,
    "experiment": _experiment,
    "set": lambda step, way: SetFacts(**way.common, values=_frozen(step.object)),
    "emit": lambda step, way: Emit(**way.common, event=step.object, with_=_frozen(step.values.get("with"))),
    "hold": lambda step, way: Hold(**way.common, what=step.object, at_most=step.values["at_most"]),
    "release": lambda step, way: Release(**way.common, what=step.object),
    "repeat": _repeat,
    "exit": lambda step, way: Exit(**way.common, reason=step.object),
}


def _both(one: Any, other: Any) -> Any:
    """Both conditions at once."""
    parts = [part for part in (one, other) if part != ALWAYS]
    return AllOf(tuple(parts)) if len(parts) == 2 else parts[0] if parts else ALWAYS


def _reads_run(where: Condition) -> bool:
    """A `where` that reads `run.*` looks only at what comes from here on."""
    return any(path.root == "run" for path in paths_of(where))


def _frozen(values: Any) -> Mapping[str, Any]:
    return dict(values or {})
