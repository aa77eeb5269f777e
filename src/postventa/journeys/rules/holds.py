"""A `release` ends a hold of the same run."""

from __future__ import annotations

from postventa.journeys.known import Known
from postventa.journeys.tree import Tree

CODES = {"J231": "A hold belongs to its run, so only the same journey can end it early."}


def check(tree: Tree, _known: Known) -> None:
    """Say where a release has no hold."""
    holds = any(step.verb == "hold" for step in tree.walk())
    for step in tree.walk():
        if step.verb == "release" and not holds:
            tree.say(
                step.key, "J231", "nothing is held in this journey", "put 'hold: marketing' before it, or remove it"
            )
