"""A tag that is looked for is given by somebody."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from postventa.journeys.known import Known
from postventa.journeys.tree import TestUse, Tree
from postventa.source.nearest import did_you_mean
from postventa.source.nodes import Node, Scalar
from postventa.source.nodes import Sequence as Many

CODES = {
    "J236": "No journey gives customers this tag, and `tags` in postventa.yaml does not list it as one the shop's "
            "platform gives: the condition would hold for nobody.",
}  # fmt: skip


def check(trees: Sequence[Tree], known: Known) -> None:
    """Look at every comparison with `customer.tags`."""
    if known.tags is None:
        return
    given = set(known.tags)
    for tree in trees:
        for step in tree.walk():
            written = step.object.get("customer.tags") if step.verb == "set" and isinstance(step.object, dict) else None
            given |= {one for one in (written if isinstance(written, list) else [written]) if isinstance(one, str)}
    for tree in trees:
        for test in tree.tests:
            for node in _tags(test):
                if (tag := node.text) not in given:
                    help_ = did_you_mean(tag, sorted(given)) or f"add 'tags: [{tag}]' to postventa.yaml"
                    tree.say(node, "J236", f"unknown tag '{tag}'", help_)


def _tags(test: TestUse) -> Iterator[Scalar]:
    """The texts a test compares tags with, one by one; those inside `any`, `none` and `all` are tests of their own."""
    if str(test.of or test.path) == "customer.tags":
        written: tuple[Node, ...] = test.node.items if isinstance(test.node, Many) else (test.node,)
        yield from (one for one in written if isinstance(one, Scalar) and isinstance(one.value, str))
