"""A score is compared with numbers of its survey's scale."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from postventa.core.journey import Survey
from postventa.journeys.known import Known
from postventa.journeys.tree import TestUse, Tree

CODES = {
    "J238": "The survey's scale (surveys/<survey>.yaml) does not have this score: the comparison would hold for "
            "nobody, or for everybody. `choice` and `text` surveys have no score at all.",
}  # fmt: skip


def check(tree: Tree, known: Known) -> None:
    """Look at every comparison of `answer.score`, and of the score an event carries."""
    for test in tree.tests:
        if str(test.path) not in {"answer.score", "event.score"} or test.op == "exists":
            continue
        surveys = _surveys(tree, test, known)
        if surveys and all(survey.kind in {"choice", "text"} for survey in surveys):
            tree.say(test.word, "J238", f"the survey '{surveys[0].id}' has no score", "answer.choices, or answer.text")
            continue
        scaled = [survey for survey in surveys if survey.kind not in {"choice", "text"}]
        wrong = next((one for one in _numbers(test.operand) if scaled and _outside(one, test.op, scaled)), None)
        if wrong is not None:
            scales = ", ".join(f"{survey.id} from {survey.low} to {survey.high}" for survey in scaled)
            tree.say(test.node, "J238", f"no answer has a score {_said(test.op)} {wrong:g}", f"the scale of {scales}")


def _surveys(tree: Tree, test: TestUse, known: Known) -> list[Survey]:
    """The surveys this score may belong to: the one named beside it, the one just asked, those of this journey."""
    named = [one.operand for one in tree.tests if one.place == test.place and one.path.parts == ("survey",)]
    asks = [step for step in tree.walk() if step.verb == "ask"]
    just = [step.object for step in asks if step.id == test.place.scope]
    names = [name for name in named if isinstance(name, str)] or just or [step.object for step in asks]
    return [known.surveys[name] for name in dict.fromkeys(names) if name in known.surveys]


def _numbers(operand: Any) -> Iterator[float]:
    for one in operand if isinstance(operand, tuple) else (operand,):
        if isinstance(one, int | float) and not isinstance(one, bool):
            yield one


def _outside(score: float, op: str, surveys: list[Survey]) -> bool:
    low, high = min(one.low for one in surveys), max(one.high for one in surveys)
    return not low <= score <= high or (op == "more_than" and score == high) or (op == "less_than" and score == low)


def _said(op: str) -> str:
    words = {"at_least": "of at least", "at_most": "of at most", "more_than": "above", "less_than": "below"}
    return words.get(op, "of")
