"""`edits: follow` and `retime`: what they need."""

from __future__ import annotations

from postventa.journeys.known import Known
from postventa.journeys.tree import Tree

CODES = {
    "J230": "People are found again in a changed file by step ids; `wait`, `branch`, `repeat` have none of their own.",
}

_WITHOUT = ("wait", "wait_until", "branch", "repeat")


def check(tree: Tree, _known: Known) -> None:
    """Only for files that say `follow` or `retime`."""
    edits = tree.values.get("edits")
    if edits not in {"follow", "retime"}:
        return
    for number, step in enumerate(tree.walk(), 1):
        if step.verb in _WITHOUT and not step.explicit:
            tree.say(
                step.key, "J230", f"'edits: {edits}' needs an id here", f"id: {step.verb.replace('_', '-')}-{number}"
            )
