"""A tutorial, a survey or a review request comes after the delivery, on every way."""

from __future__ import annotations

from typing import Literal

from postventa.core.journey import AllOf, Condition, Fact, Path, Test
from postventa.journeys.flow import Flow, Way
from postventa.journeys.known import Known
from postventa.journeys.tree import Step, Tree

CODES = {
    "J241": "There is a way to this step on which nothing was delivered. A guide or a question about something that "
            "has not arrived is the worst mail of all. Start on a `*.delivered`, or wait for one and leave on its "
            "timeout. A survey may also be asked when the promised day is over.",
}  # fmt: skip

_EARLY = frozenset({"order", "line", "shipment", "delivery", "exchange"})
"""Journeys that start on these begin before anything arrived."""
_ARRIVED = frozenset({
    "order.delivered", "line.delivered", "shipment.delivered", "vehicle.delivered", "order.returned", "line.returned",
    "line.exchanged", "return.received", "return.closed", "review.submitted", "ticket.closed", "claim.resolved",
    "service.completed", "visit.completed",
})  # fmt: skip
"""Who gets one of these has, or had, the goods in hand."""
_PROMISED = frozenset({"promised_at", "eta"})
_NEEDS = ("tutorial", "survey", "review")

Arrived = Literal["yes", "promised", "no"]
"""Whether it was delivered; "promised": not, but the promised day is over."""


def check(tree: Tree, known: Known) -> None:
    """Look at every send and ask of such a message."""
    if known.kinds is None:
        return
    needing = [(step, kind) for step in tree.walk() if (kind := _kind(step, known))]
    starts = tree.values.get("start_types") or ()
    if not needing or not starts or not any(name.split(".")[0] in _EARLY for name in starts):
        return
    sure = all(name in _ARRIVED for name in starts) or _says(tree.values.get("start_where"))
    begun: Arrived = "yes" if sure else "no"
    arrived = Flow(tree).spread(begun, _pass)
    for step, kind in needing:
        states = arrived.get(id(step), frozenset())
        if "no" in states or ("promised" in states and kind != "survey"):
            article = "a" if kind != "survey" or step.verb == "send" else "the"
            tree.say(step.at(step.verb), "J241", f"{article} {kind} can be reached without a delivery",
                     "put 'wait_for: order.delivered' before it, with '- exit: …' in its 'on_timeout'")  # fmt: skip


def _kind(step: Step, known: Known) -> str:
    if step.verb == "ask":
        return "survey" if step.object in known.surveys else ""
    if step.verb != "send" or not isinstance(step.object, str):
        return ""
    kind = (known.kinds or {}).get(step.object, "notice")
    words = step.object.split("-")
    return kind if kind in _NEEDS else next((one for one in _NEEDS if kind == "notice" and one in words), "")


def _pass(way: Way, arrived: Arrived) -> Arrived:
    step = way.step
    if way.types and all(name in _ARRIVED for name in way.types):
        return "yes"
    if step.verb == "branch" and way.slot.startswith("when/"):
        cases = step.values.get("cases") or []
        number = int(way.slot.removeprefix("when/"))
        return "yes" if number < len(cases) and _says(cases[number]) else arrived
    if step.verb == "wait_until" and way.slot == "" and isinstance(step.object, Path):
        return _at_last(step.object, arrived)
    if step.verb == "wait_for" and way.slot == "on_timeout" and isinstance(step.values.get("timeout"), Fact):
        return _at_last(step.values["timeout"].path, arrived)
    return arrived


def _at_last(path: Path, arrived: Arrived) -> Arrived:
    """What is known when the time of a fact has come."""
    if path.parts[-1] == "delivered_at":
        return "yes"
    return "promised" if path.parts[-1] in _PROMISED and arrived == "no" else arrived


def _says(condition: Condition | None) -> bool:
    """Whether a condition holds only for what was delivered."""
    if isinstance(condition, AllOf):
        return any(map(_says, condition.parts))
    if not isinstance(condition, Test):
        return False
    path, last = condition.path, condition.path.parts[-1]
    if last == "delivered_at":
        return condition.op != "exists" or condition.operand is True
    return path.root in {"line", "shipment"} and last in {"state", "status"} and condition.operand == "delivered"
