"""A repetition takes time or comes to an end."""

from __future__ import annotations

from postventa.journeys.known import Known
from postventa.journeys.tree import Step, Tree

CODES = {"J232": "`repeat: round` begins the next round at once. Without an end or a wait inside it would never rest."}

_TAKES_TIME = {"wait", "wait_until", "wait_for", "ask"}


def check(tree: Tree, _known: Known) -> None:
    """Look at every `repeat: round`."""
    for step in tree.walk():
        if step.verb == "repeat" and step.object == "round" and not step.node.entries.keys() & {"at_most", "until"}:
            tree.say(step.key, "J232", "'repeat: round' without an end", "add 'at_most: 3' or 'until: …'")
        elif step.verb == "repeat" and step.object == "round" and "at_most" not in step.node and not _rests(step):
            tree.say(step.key, "J232", "a round that takes no time, without 'at_most'", "add 'at_most: 3', or a wait")


def _rests(step: Step) -> bool:
    """Whether each round waits for something on its straight way."""
    body = step.blocks.get("steps")
    return body is not None and any(inner.verb in _TAKES_TIME for inner in body.steps)
