"""Journeys that start each other, again and again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from postventa.journeys.known import Known
from postventa.journeys.tree import Tree

CODES = {
    "J235": "A journey about a customer publishes an event that starts it again, directly or through others: the "
            "customer would never get out. `again: never` or `again: after 30 days` ends that.",
}  # fmt: skip


def check(trees: Sequence[Tree], _known: Known) -> None:
    """Warn at the `emit` that closes a circle. Runs about orders, lines … start once each and cannot go round."""
    circling = {tree.id: tree for tree in trees if tree.subject == "customer" and _always_again(tree)}
    starts = {name: set(tree.values.get("start_types", ())) for name, tree in circling.items()}
    leads = {
        name: {other for other, types in starts.items() if types & _emitted(tree)} for name, tree in circling.items()
    }
    for name, tree in circling.items():
        for step in tree.walk():
            started = {other for other, types in starts.items() if step.verb == "emit" and step.object in types}
            if any(_reaches(leads, other, name) for other in started):
                way = (
                    "this journey" if name in started else f"{', '.join(sorted(started))}, and through it this journey"
                )
                tree.say(step.at("emit"), "J235", f"'{step.object}' starts {way} again",
                         "write 'again: after 30 days' under 'start'", warning=True)  # fmt: skip


def _always_again(tree: Tree) -> bool:
    return (tree.values.get("again") or "always") == "always"


def _emitted(tree: Tree) -> set[str]:
    return {step.object for step in tree.walk() if step.verb == "emit" and isinstance(step.object, str)}


def _reaches(leads: Mapping[str, set[str]], start: str, goal: str) -> bool:
    """Whether a way of starts leads from one journey to another."""
    seen, ahead = set[str](), [start]
    while ahead:
        name = ahead.pop()
        if name == goal:
            return True
        if name not in seen:
            seen.add(name)
            ahead.extend(leads[name])
    return False
