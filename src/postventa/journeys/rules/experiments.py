"""An experiment compares something, and has something to compare it by."""

from __future__ import annotations

from postventa.journeys.known import Known
from postventa.journeys.tree import Tree

CODES = {
    "J226": "An experiment needs two variants or more, and a weight above 0 in one of them.",
    "J227": "`measure: goal` without a goal in the journey: nothing would be measured.",
}


def check(tree: Tree, _known: Known) -> None:
    """Look at every experiment."""
    for step in tree.walk():
        if step.verb != "experiment":
            continue
        weights = step.values.get("weights") or {}
        if weights and (len(weights) < 2 or not sum(weights.values())):
            found = "one variant" if len(weights) < 2 else "no variant with a weight"
            tree.say(
                step.at("variants"), "J226", f"an experiment with {found}", "two variants or more, weights above 0"
            )
        if (step.values.get("measure") or "goal") == "goal" and "goal" not in tree.root:
            tree.say(step.node.key("measure") if "measure" in step.node else step.key, "J227",
                     "the experiment is measured by a goal, and the journey has none",
                     "add a 'goal:' to the journey, or 'measure: order.placed'",
                     lacks=f"{tree.file} goal")  # fmt: skip
