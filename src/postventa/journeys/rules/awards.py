"""Points for an order need an order."""

from __future__ import annotations

from postventa.journeys.known import Known
from postventa.journeys.tree import Tree

CODES = {"J228": "Points per line or per amount need a run that is about an order or a line."}


def check(tree: Tree, known: Known) -> None:
    """Look at every `per`."""
    for step in tree.walk():
        per = step.values.get("per")
        if step.verb != "award" or per is None or not tree.subject or tree.subject == "order":
            continue
        if "order" not in known.parents(tree.subject):
            tree.say(step.at("per"), "J228", f"'per: {step.at('per').plain()}' in a journey about a {tree.subject}",
                     "leave it out, or make the subject 'order'")  # fmt: skip
