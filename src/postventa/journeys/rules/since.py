"""`since` names a step of this journey."""

from __future__ import annotations

from postventa.journeys.known import Known
from postventa.journeys.tree import Tree
from postventa.source.nearest import suggest

CODES = {"J211": "`since` takes start, here, or the id of a step of this journey."}


def check(tree: Tree, _known: Known) -> None:
    """Say which `since` names no step."""
    words = ["start", "here", *(step.id for step in tree.walk())]
    for name in tree.names:
        if name.kind == "since" and name.name not in words:
            tree.say(name.node, "J211", f"'since' names no step: '{name.name}'", suggest(name.name, words, "steps"))
