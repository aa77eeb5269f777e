"""Somebody tells the events that a journey waits for."""

from __future__ import annotations

from collections.abc import Sequence

from postventa.journeys.known import Known
from postventa.journeys.tree import Tree

CODES = {
    "J243": "No agent in agents/ brings this event from a topic, no journey emits it, and postventa does not tell it "
            "itself. It would come only if the shop posts it to /v1/events.",
}  # fmt: skip

_OWN = frozenset({"survey.answered", "customer.consented", "customer.unsubscribed", "message.bounced",
                  "message.complained", "message.clicked"})  # fmt: skip
"""Told by the public pages and the mail server's answers."""


def check(trees: Sequence[Tree], known: Known) -> None:
    """Warn at every start and `wait_for` that would wait in vain. Silent where the project has no agents."""
    if known.brought is None:
        return
    types = known.registry.types
    told = set(known.brought) | _OWN | {name for name, one in types.items() if one.derived}
    for tree in trees:
        told |= {str(step.object) for step in tree.walk() if step.verb == "emit"}
    for tree in trees:
        for name in tree.names:
            awaited = name.place.path == "start" or name.place.path.startswith("steps")
            if name.kind == "event" and awaited and name.name in types and name.name not in told:
                tree.say(name.node, "J243", f"nothing brings '{name.name}'",
                         "add it to an agent's schema in agents/, or post it to /v1/events", warning=True)  # fmt: skip
