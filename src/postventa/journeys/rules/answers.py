"""What only the awaited event brings is not used on the way on which it never came."""

from __future__ import annotations

from collections.abc import Mapping

from postventa.journeys.flow import Flow, Way
from postventa.journeys.known import Known
from postventa.journeys.tree import PathUse, Step, Tree

CODES = {
    "J237": "`on_timeout` goes on to this step, and what the step reads comes only with the event that was waited for: "
            "on that way it is missing. Move the step into the `then`, leave in the `on_timeout`, or say what happens "
            "with `exists`.",
}  # fmt: skip

Waiting = frozenset[tuple[str, int]]
"""Facts that a wait ended without (`answer`, `order.delivered_at`), each with the line of that wait."""

_NOTHING: Waiting = frozenset()


def check(tree: Tree, _known: Known) -> None:
    """Look at every fact that a step reads."""
    lacking = missing_at(tree)
    steps = {step.path: step for step in tree.walk()}
    asked = {(use.place.path, str(use.path)) for use in tree.paths if use.guarded}
    tested = {(test.place.path, str(test.path)) for test in tree.tests if test.op == "exists"}
    for use in tree.paths:
        step = steps.get(use.place.path)
        if step is None or use.role == "written" or (use.place.path, str(use.path)) in asked | tested:
            continue
        if use.role == "waited" and "timeout" in step.node and step.verb == "wait_until":
            continue
        line = _line(use, lacking.get(id(step), {}))
        if line is not None and (use.place.scope is None or use.path.root != "answer"):
            tree.say(use.node, "J237",
                     f"'{use.path}' comes with what line {line} waits for, and its 'on_timeout' goes on without it",
                     "put '- exit: …' into that 'on_timeout', or move this step into its 'then'")  # fmt: skip


def missing_at(tree: Tree) -> Mapping[int, Mapping[str, int]]:
    """By `id(step)`: the facts that one way there surely lacks, with the line of the wait that ended without them."""
    states = Flow(tree).spread(_NOTHING, _pass)
    return {key: {fact: line for state in found for fact, line in sorted(state)} for key, found in states.items()}


def _line(use: PathUse, lacking: Mapping[str, int]) -> int | None:
    return lacking.get("answer" if use.path.root == "answer" else str(use.path))


def _pass(way: Way, state: Waiting) -> Waiting:
    step = way.step
    if step.verb not in {"ask", "wait_for"}:
        return state
    if way.slot == "on_timeout":
        return state | {(fact, step.node.line) for fact in _brought(step)}
    come = {fact for name in way.types for fact in _facts(name)} if len(way.types) == 1 else set()
    return frozenset(entry for entry in state if entry[0] not in come)


def _brought(step: Step) -> set[str]:
    types = {"survey.answered"} if step.verb == "ask" else {name for on in step.object or () for name in on.types}
    return {fact for name in types for fact in _facts(name)}


def _facts(event: str) -> tuple[str, ...]:
    thing, _, verb = event.partition(".")
    return ("answer",) if event == "survey.answered" else (f"{thing}.{verb}_at",)
