"""A mail that the shop's own limits always stop is never written."""

from __future__ import annotations

from collections.abc import Sequence

from postventa.core.journey import Cap, Duration, IfBlocked
from postventa.journeys.flow import Flow, Way
from postventa.journeys.known import Known
from postventa.journeys.tree import Step, Tree
from postventa.source.durations import in_words

CODES = {
    "J240": "On every way here, this journey alone has already sent as many mails as `caps` in postventa.yaml allows, "
            "and the mail does not wait long enough (`if_blocked`) until one may leave: nobody would ever get it. "
            "Transactional mails do not count.",
}  # fmt: skip

_DAY = 86400
_AROUND = 2 * _DAY
"""What sending hours may add."""
_LOST = 1 << 40
"""Longer than any cap looks back."""

Sent = tuple[int, ...]
"""The seconds that have passed at most since each of the last mails, the newest first."""
_NONE: Sent = ()


def check(tree: Tree, known: Known) -> None:
    """Look at every mail of a class that counts."""
    caps = [cap for cap in known.caps if cap.channel in {None, "email"} and cap.count > 0]
    if not caps:
        return
    most = max(cap.count for cap in caps)

    def pass_on(way: Way, sent: Sent) -> Sent:
        mails = (0,) * _mails(way.step, known)
        return tuple(one for one in (_later(mails + sent, _longest(way))) if one < _LOST)[:most]

    arrived = Flow(tree).spread(_NONE, pass_on)
    for step in tree.walk():
        states = arrived.get(id(step), frozenset())
        cap = _stopped(step, states, caps) if _mails(step, known) else None
        if cap is not None:
            limit = f"{cap.count} in {in_words(cap.per)}"
            tree.say(step.at(step.verb), "J240",
                     f"nobody would get this mail: the limit is {limit}, and this journey reaches it before",
                     "wait longer before it, or raise 'caps' in postventa.yaml")  # fmt: skip


def _mails(step: Step, known: Known) -> int:
    """How many counting mails to the customer a step sends at once."""
    if step.verb == "ask":
        survey = known.surveys.get(step.object)
        name = survey.message if survey else None
    else:
        name = step.object if step.verb == "send" and step.values.get("to") in {None, "customer"} else None
    message = known.messages.get(name) if isinstance(name, str) else None
    return int(message is not None and message.klass != "transactional")


def _stopped(step: Step, states: frozenset[Sent], caps: Sequence[Cap]) -> Cap | None:
    """The cap that stops a mail whatever happened before it."""
    blocked = step.values.get("if_blocked") or IfBlocked()
    patience = _seconds(blocked.wait, most=True) if blocked.wait else 0
    for cap in caps:
        least = _seconds(cap.per, most=False)
        late = [len(sent) >= cap.count and sent[cap.count - 1] + patience + _AROUND < least for sent in states]
        if late and all(late):
            return cap
    return None


def _later(sent: Sent, by: int) -> Sent:
    return tuple(min(one + by, _LOST) for one in sent)


def _longest(way: Way) -> int:
    """The most time this way through a step may take."""
    step, get = way.step, way.step.values.get
    match step.verb:
        case "wait":
            extra = (_DAY if get("at") else 0) + (7 * _DAY if get("on_days") else 0)
            return _span(step.object) + extra + (_span(get("spread")) if get("spread") else 0)
        case "wait_for" | "ask":
            return _span(get("timeout"))
        case "wait_until":
            return _LOST
        case "send":
            blocked = get("if_blocked") or IfBlocked()
            return _AROUND + (_seconds(blocked.wait, most=True) if blocked.wait else 0)
        case "repeat":
            return _span(step.object) if isinstance(step.object, Duration) else 0
    return 0


def _span(value: object) -> int:
    return _seconds(value, most=True) if isinstance(value, Duration) else _LOST


def _seconds(span: Duration, *, most: bool) -> int:
    return (span.months * (31 if most else 28) + span.days) * _DAY + span.seconds
