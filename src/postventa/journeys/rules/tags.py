"""A tag that is looked for is given by somebody."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from postventa.journeys.known import Known
from postventa.journeys.tree import TestUse, Tree
from postventa.source.nearest import did_you_mean

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
            if str(test.path) != "customer.tags":
                continue
            for tag in _tags(test):
                if tag not in given:
                    help_ = did_you_mean(tag, sorted(given)) or f"add 'tags: [{tag}]' to postventa.yaml"
                    tree.say(test.node, "J236", f"unknown tag '{tag}'", help_)


def _tags(test: TestUse) -> Iterator[str]:
    """The texts a test compares tags with, those inside `any`, `none` and `all` too."""
    ahead: list[Any] = [test.operand]
    while ahead:
        one = ahead.pop(0)
        if isinstance(one, str):
            yield one
        elif isinstance(one, tuple):
            ahead += one
        elif hasattr(one, "parts") and not hasattr(one, "root"):
            ahead += one.parts
        elif hasattr(one, "operand"):
            ahead.append(one.operand)
