"""An experiment belongs to one journey, or is the same in all of them."""

from __future__ import annotations

from collections.abc import Sequence

from postventa.journeys.known import Known
from postventa.journeys.tree import Step, Tree

CODES = {
    "J234": "A customer's variant is kept by the experiment's name. Two experiments of one name share it, so they need "
            "the same variants.",
}  # fmt: skip


def check(trees: Sequence[Tree], _known: Known) -> None:
    """Say where an experiment has other variants than one of the same name elsewhere."""
    seen: dict[str, tuple[Tree, Step]] = {}
    for tree in trees:
        for step in tree.walk():
            if step.verb != "experiment" or not isinstance(step.object, str):
                continue
            first_tree, first = seen.setdefault(step.object, (tree, step))
            if set(first.values.get("weights") or ()) != set(step.values.get("weights") or ()):
                tree.say(step.at("experiment"), "J234", f"another experiment '{step.object}' has other variants",
                         f"choose another name; the first is in {first_tree.file}, line {first.node.line}")  # fmt: skip
