"""Two journeys that write to the same people within an hour."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from postventa.core.journey import AllOf, Condition, Duration, Fact, LocalTime, Path, Shift, Test
from postventa.journeys.flow import Flow, Way
from postventa.journeys.known import Known
from postventa.journeys.tree import Step, Tree

CODES = {
    "J242": "Another journey sends the same people a mail within the same hour. Put a wait before one of them, join "
            "them in one mail, or let their `where` divide the customers. Transactional mails are not counted.",
}  # fmt: skip

_HOUR = 3600


@dataclass(frozen=True, slots=True)
class _Moment:
    """How long after what (an event, or a fact's time). `anchors` is empty where nobody can say."""

    anchors: frozenset[str]
    months: int = 0
    days: int = 0
    seconds: int = 0
    clock: LocalTime | None = None

    def later(self, span: Duration, at: LocalTime | None = None) -> _Moment:
        """After a wait."""
        moved = replace(self, months=self.months + span.months, days=self.days + span.days)
        if at is not None:
            return replace(moved, seconds=span.seconds, clock=at)
        return replace(moved, seconds=self.seconds + span.seconds)

    def near(self, other: _Moment) -> bool:
        """Whether both are within an hour of each other."""
        if self.months != other.months or (self.clock is None) != (other.clock is None):
            return False
        return abs(self.second - other.second) < _HOUR

    @property
    def second(self) -> int:
        """Seconds after the anchor, or on the clock of the day."""
        clock = self.clock.hour * _HOUR + self.clock.minute * 60 if self.clock else 0
        return self.days * 24 * _HOUR + self.seconds + clock


_NOBODY_KNOWS = _Moment(frozenset())


class _Mail(NamedTuple):
    tree: Tree
    step: Step
    moment: _Moment


def check(trees: Sequence[Tree], known: Known) -> None:
    """Warn at the second mail, and name the first."""
    by_anchor: dict[str, list[_Mail]] = defaultdict(list)
    for mail in (mail for tree in trees for mail in _mails(tree, known)):
        for anchor in sorted(mail.moment.anchors):
            by_anchor[anchor].append(mail)
    told: dict[int, tuple[_Mail, dict[str, _Mail]]] = {}
    for mails in by_anchor.values():
        for number, mail in enumerate(mails):
            for first in mails[:number]:
                if (
                    first.tree.id != mail.tree.id
                    and first.moment.near(mail.moment)
                    and not _apart(first.tree, mail.tree)
                ):
                    told.setdefault(id(mail.step), (mail, {}))[1].setdefault(first.tree.id, first)
    for mail, others in told.values():
        first = next(iter(others.values()))
        more = f" and {len(others) - 1} more" if len(others) > 1 else ""
        who = f"'{first.tree.id}' (line {first.step.node.line}){more}"
        mail.tree.say(mail.step.at(mail.step.verb), "J242", f"{who} writes to the same people within the hour",
                      "wait before one of them, or let their 'where' divide the customers", warning=True)  # fmt: skip


def _mails(tree: Tree, known: Known) -> Iterator[_Mail]:
    starts = frozenset(tree.values.get("start_types") or ())
    if not starts:
        return
    for key, moments in Flow(tree).spread(_Moment(starts), _pass).items():
        step = next(step for step in tree.walk() if id(step) == key)
        if _counts(step, known):
            yield from (_Mail(tree, step, moment) for moment in sorted(moments, key=repr) if moment.anchors)


def _counts(step: Step, known: Known) -> bool:
    survey = known.surveys.get(step.object) if step.verb == "ask" else None
    name = survey.message if survey else step.object if step.verb == "send" else None
    message = known.messages.get(name) if isinstance(name, str) else None
    return message is not None and message.klass != "transactional" and step.values.get("to") in {None, "customer"}


def _pass(way: Way, moment: _Moment) -> _Moment:
    step, get = way.step, way.step.values.get
    match step.verb, way.slot:
        case "wait", _:
            unknown = get("on_days") or get("spread") or not isinstance(step.object, Duration)
            return _NOBODY_KNOWS if unknown else moment.later(step.object, get("at"))
        case "wait_until", "" if isinstance(step.object, Path):
            return _after_fact(step.object, get("offset") or (), get("at"))
        case "wait_for", "on_timeout":
            timeout = get("timeout")
            if isinstance(timeout, Fact):
                return _after_fact(timeout.path, timeout.shifts, None)
            return moment.later(timeout) if isinstance(timeout, Duration) else _NOBODY_KNOWS
        case "wait_for", _:
            return _Moment(frozenset(way.types))
        case "ask", "on_timeout":
            timeout = get("timeout")
            return moment.later(timeout) if isinstance(timeout, Duration) else _NOBODY_KNOWS
        case "ask" | "wait_until", _:
            return _NOBODY_KNOWS
        case "repeat", _ if way.slot != "steps" or way.back:
            return _NOBODY_KNOWS
    return moment if not way.back else _NOBODY_KNOWS


def _after_fact(path: Path, shifts: Sequence[Shift], at: LocalTime | None) -> _Moment:
    months, days, seconds = (
        sum(sign * getattr(span, part) for sign, span in shifts) for part in ("months", "days", "seconds")
    )
    return _Moment(frozenset({str(path)}), months, days, seconds, at)


def _apart(one: Tree, other: Tree) -> bool:
    """Whether nobody can start both: the same fact would have to have two values."""
    tests = {str(test.path): test for test in _tests(one.values.get("start_where"))}
    return any(
        (mine := tests.get(str(theirs.path))) is not None and _exclude(mine, theirs)
        for theirs in _tests(other.values.get("start_where"))
    )


def _tests(condition: Condition | None) -> list[Test]:
    if isinstance(condition, AllOf):
        return [test for part in condition.parts for test in _tests(part)]
    return [condition] if isinstance(condition, Test) else []


def _exclude(one: Test, other: Test) -> bool:
    values, others = _values(one), _values(other)
    if values is not None and others is not None:
        return values.isdisjoint(others)
    if {one.op, other.op} == {"is", "is_not"}:
        return one.operand == other.operand
    if one.op == other.op == "exists":
        return one.operand != other.operand
    (low, high), (others_low, others_high) = _bounds(one), _bounds(other)
    return low > others_high or others_low > high


def _values(test: Test) -> set[object] | None:
    if test.op == "is":
        return {test.operand} if isinstance(test.operand, str | int | float | bool) else None
    return set(test.operand) if test.op == "in" and isinstance(test.operand, tuple) else None


def _bounds(test: Test) -> tuple[float, float]:
    """The lowest and highest number that passes."""
    operand = test.operand
    if isinstance(operand, tuple) and test.op == "between" and all(isinstance(one, int | float) for one in operand):
        return float(operand[0]), float(operand[1])
    if not isinstance(operand, int | float) or isinstance(operand, bool):
        return float("-inf"), float("inf")
    number = float(operand)
    match test.op:
        case "is":
            return number, number
        case "at_least":
            return number, float("inf")
        case "more_than":
            return number + 1e-9, float("inf")
        case "at_most":
            return float("-inf"), number
        case "less_than":
            return float("-inf"), number - 1e-9
    return float("-inf"), float("inf")
