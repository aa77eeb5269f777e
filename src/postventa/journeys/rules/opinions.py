"""Everybody is asked for a review, not only the happy ones."""

from __future__ import annotations

from postventa.journeys.conditions import paths_of
from postventa.journeys.flow import Flow
from postventa.journeys.known import Known
from postventa.journeys.tree import Step, Tree

CODES = {
    "J239": "Whether somebody is asked for a review depends on the score. Platforms and the law (Directive 2005/29/EC, "
            "Annex I, 23b and 23c) forbid reviews that were picked: ask everybody, or nobody.",
}  # fmt: skip


def check(tree: Tree, known: Known) -> None:
    """Warn at a review request that not every score leads to."""
    requests = [step for step in tree.walk() if step.verb == "send" and _asks_for_review(step, known)]
    if not requests:
        return
    flow = Flow(tree)
    by_score = _reads_score(tree.values.get("start_where"))
    for step in requests:
        line = _picks(tree, flow, step)
        if line or by_score:
            where = f"line {line}" if line else "the start"
            tree.say(step.at("send"), "J239", f"{where} lets only some scores get the review request '{step.object}'",
                     "ask before the branch, or in each of its cases", warning=True)  # fmt: skip


def _picks(tree: Tree, flow: Flow, request: Step) -> int:
    """The line of a branch on the score of which not every way leads to the request; 0 where there is none."""
    for branch in tree.walk():
        cases = branch.values.get("cases") or [] if branch.verb == "branch" else []
        if any(map(_reads_score, cases)):
            leads = {id(request) in flow.reached(way) for way in flow.ways[id(branch)]}
            if leads == {True, False}:
                return branch.node.line
    return 0


def _reads_score(condition: object) -> bool:
    return condition is not None and any(path.parts[-1:] == ("score",) for path in paths_of(condition))  # type: ignore[arg-type]


def _asks_for_review(step: Step, known: Known) -> bool:
    name = str(step.object or "")
    kind = (known.kinds or {}).get(name, "notice")
    return kind == "review" or (kind == "notice" and "review" in name.split("-"))
