"""`together` joins lines of one order."""

from __future__ import annotations

from postventa.journeys.known import Known
from postventa.journeys.tree import Tree

CODES = {"J225": "`together: order` joins the mails of one order's lines or parcels; an order's own run has only one."}


def check(tree: Tree, known: Known) -> None:
    """`together` needs a subject that belongs to an order."""
    for step in tree.walk():
        if step.values.get("together") and tree.subject and "order" not in known.parents(tree.subject):
            tree.say(step.node.key("together"), "J225", f"'together: order' with 'subject: {tree.subject}'",
                     "leave it out, or make the subject 'line'")  # fmt: skip
