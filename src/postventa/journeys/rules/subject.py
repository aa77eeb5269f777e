"""What one run is about, and whether the events that start it say so."""

from __future__ import annotations

from postventa.journeys.known import Known
from postventa.journeys.tree import Tree
from postventa.source.nearest import suggest

CODES = {
    "J221": "A journey's subject is a thing with an id: customer, order, line, shipment … or one of schemas/events/.",
    "J222": "The start event does not name the subject, so nobody knows which run to start.",
}


def check(tree: Tree, known: Known) -> None:
    """The subject exists, and every start event names it."""
    subject = tree.subject
    subjects = known.registry.subjects()
    if not subject:
        return
    if subject not in subjects:
        tree.say(tree.root.get("subject"), "J221", f"'{subject}' is not a thing a run can be about",
                 suggest(subject, subjects, "things", 24))  # fmt: skip
        return
    if subject == "customer":
        return
    for name in tree.names:
        if name.kind == "event" and name.place.path == "start" and not known.names_surely(name.name, subject):
            tree.say(name.node, "J222", f"'{name.name}' does not say which {subject} it is about",
                     "another event, or another subject")  # fmt: skip
