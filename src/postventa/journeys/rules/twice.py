"""No two journeys with one id."""

from __future__ import annotations

from collections.abc import Sequence

from postventa.journeys.known import Known
from postventa.journeys.tree import Tree

CODES = {"J233": "Two files in different folders have the same name; a journey's id is its file's name."}


def check(trees: Sequence[Tree], _known: Known) -> None:
    """Say which file comes second."""
    seen: dict[str, Tree] = {}
    for tree in trees:
        first = seen.setdefault(tree.id, tree)
        if first is not tree:
            tree.say(tree.root.get("journey"), "J233", f"a second journey '{tree.id}'", f"the first is {first.file}")
