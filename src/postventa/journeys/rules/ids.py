"""Every step has a name of its own."""

from __future__ import annotations

from postventa.journeys.known import Known
from postventa.journeys.tree import Step, Tree

CODES = {
    "J210": "Two steps have the same id. Ids name what a run has done; give one its own: `id: second-reminder`.",
}


def check(tree: Tree, _known: Known) -> None:
    """Say which id stands twice, and where it stood first."""
    seen: dict[str, Step] = {}
    for step in tree.walk():
        first = seen.setdefault(step.id, step)
        if first is not step:
            place = step.at("id") if step.explicit else step.key
            tree.say(place, "J210", f"a second step with the id '{step.id}'",
                     f"add 'id: …' to one of them; the first is in line {first.node.line}")  # fmt: skip
