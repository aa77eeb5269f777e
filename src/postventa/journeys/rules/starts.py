"""Words about starting again, and exits that end a run at its very start."""

from __future__ import annotations

from postventa.journeys.known import Known
from postventa.journeys.tree import Tree
from postventa.source.nodes import Mapping

CODES = {
    "J218": "A journey about an order, line, parcel … starts once for each, ever. Only `subject: customer` can be "
            "started again while it runs.",
    "J223": "The start event also ends the run: the journey would never do anything.",
}  # fmt: skip


def check(tree: Tree, _known: Known) -> None:
    """`while_running: restart` only for customers; no exit on the start event itself."""
    start = tree.root.get("start")
    if isinstance(start, Mapping) and tree.values.get("while_running") == "restart" and tree.subject != "customer":
        tree.say(start.key("while_running"), "J218", f"'while_running: restart' with 'subject: {tree.subject}'",
                 "leave it out, or make the subject 'customer'")  # fmt: skip
    starts = set(tree.values.get("start_types", ()))
    for name in tree.names:
        if name.kind == "event" and name.place.path == "exit_on" and name.name in starts and tree.subject != "customer":
            tree.say(name.node, "J223", f"'{name.name}' starts the run and ends it", "leave one of the two out")
