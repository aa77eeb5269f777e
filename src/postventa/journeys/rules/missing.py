"""Facts that may be missing where a condition relies on them."""

from __future__ import annotations

from postventa.core.journey import Path
from postventa.journeys.known import Known
from postventa.journeys.tree import Tree

CODES = {
    "J216": "The fact may be missing, and a missing value satisfies only `exists: false`: the condition is then not "
            "true, and neither is its opposite. Say `exists: true` beside it if that is meant.",
    "J220": "The fact may stay unknown, and then the run waits for ever. `timeout` and `on_timeout` end that.",
}  # fmt: skip


def check(tree: Tree, known: Known) -> None:
    """Warn where a value can be missing and nothing says what then."""
    sure = {str(use.path) for use in tree.paths if use.guarded and use.place.path == "start"}
    asked = {str(test.path) for test in tree.tests if test.op == "exists"}
    for use in tree.paths:
        path = str(use.path)
        if use.role == "tested" and not use.guarded and path not in sure | asked and _may_miss(use.path, known):
            tree.say(use.node, "J216", f"'{path}' may be missing", f"add '{path}: {{exists: true}}' if that is meant",
                     warning=True)  # fmt: skip
    for step in tree.walk():
        fact = step.object if step.verb == "wait_until" and "timeout" not in step.node else None
        if fact is not None and str(fact) not in sure and _may_miss(fact, known):
            tree.say(step.at("wait_until"), "J220", f"'{fact}' may stay unknown: the run would wait for ever",
                     "add 'timeout: 30 days' and 'on_timeout: …'", warning=True)  # fmt: skip


def _may_miss(path: Path, known: Known) -> bool:
    """Whether the path exists, and not every order (parcel …) has it. What an event or a run carries is not known."""
    if path.root in {"event", "run", "answer"} or known.registry.path_kind(path.root, path.parts) is None:
        return False
    return known.registry.can_be_missing(path.root, path.parts)
