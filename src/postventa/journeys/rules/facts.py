"""`set` writes facts of the customer or the run, and only those that are nobody else's."""

from __future__ import annotations

from postventa.journeys.known import Known
from postventa.journeys.tree import Tree

CODES = {
    "J229": "`set` writes `customer.*` and `run.*`. Orders, parcels and points belong to the events that tell them.",
}

_OURS = {"customer_id", "email", "consent", "orders", "owns", "points", "tier"}


def check(tree: Tree, _known: Known) -> None:
    """Look at every path that is written."""
    for use in tree.paths:
        if use.role != "written":
            continue
        if use.path.root not in {"customer", "run"}:
            tree.say(use.node, "J229", f"'{use.path}' cannot be set", "customer.<fact> or run.<fact>")
        elif use.path.root == "customer" and use.path.parts[0] in _OURS:
            tree.say(use.node, "J229", f"'{use.path}' is told by events, not set", "a fact of your own: customer.tags")
