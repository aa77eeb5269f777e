"""Comparisons that make sense: the word works on that kind of fact."""

from __future__ import annotations

from postventa.journeys.known import Known
from postventa.journeys.tree import Tree
from postventa.journeys.words import CONDITION_WORDS

CODES = {"J207": "The word does not work on that kind of fact: `at_least` wants numbers, `before` times, `any` lists."}

_KIND = {"text": "a text", "number": "a number", "time": "a time", "bool": "true or false", "list": "a list"}


def check(tree: Tree, _known: Known) -> None:
    """Look at every comparison."""
    for test in tree.tests:
        kinds, kind = CONDITION_WORDS[test.op].kinds, test.path.kind
        if kind == "any":
            continue
        if kinds and kind not in kinds:
            better = [name for name, word in CONDITION_WORDS.items() if kind in word.kinds or not word.kinds]
            tree.say(test.word, "J207", f"'{test.op}' does not work on {_KIND[kind]} ('{test.path}')",
                     f"for {_KIND[kind]}: {', '.join(better)}")  # fmt: skip
        elif kind == "list" and test.op in {"is", "is_not", "in"}:
            tree.say(test.word, "J207", f"'{test.path}' is a list", f"{test.path}: {{contains: …}}")
