"""Reading conditions: three-valued, because a missing value satisfies only `exists: false`.

`holds` is what the rest of the core asks; unknown counts as no.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal
from typing import Protocol
from zoneinfo import ZoneInfo

from postventa.core import schedule
from postventa.core.event import Plain
from postventa.core.journey import AllOf, AnyOf, Condition, Duration, Fact, Kind, Not, Path, Test
from postventa.core.values import MISSING, Missing, as_number, as_time


class View(Protocol):
    """What a condition can see: the facts around one run and one event."""

    now: datetime
    tz: ZoneInfo

    def lookup(self, path: Path) -> Plain | Missing:
        """The value at a path, or MISSING."""


def holds(condition: Condition, view: View) -> bool:
    """Whether the condition is certainly true."""
    return _truth(condition, view, None) is True


def value_of(path: Path, view: View) -> Plain | Missing:
    """The value at a path, as the view has it."""
    return view.lookup(path)


def fact_value(fact: Fact, view: View) -> Plain | Missing:
    """The value of a fact that may be moved by spans of time or a number."""
    value = view.lookup(fact.path)
    if isinstance(value, Missing):
        return value
    if fact.shifts:
        moment = as_time(value)
        return MISSING if moment is None else schedule.shifted(moment, fact.shifts, view.tz)
    if fact.add:
        number = as_number(value)
        return MISSING if number is None else number + fact.add
    return value


def _truth(condition: Condition, view: View, item: Plain) -> bool | None:
    match condition:
        case Test():
            return _test(condition, view, item)
        case AllOf(parts):
            return _all(_truth(part, view, item) for part in parts)
        case AnyOf(parts):
            found = _all(_not(_truth(part, view, item)) for part in parts)
            return _not(found) if parts else False
        case Not(part):
            return _not(_truth(part, view, item))


def _not(truth: bool | None) -> bool | None:
    return None if truth is None else not truth


def _all(truths: Iterable[bool | None]) -> bool | None:
    result: bool | None = True
    for truth in truths:
        if truth is False:
            return False
        if truth is None:
            result = None
    return result


def _test(test: Test, view: View, item: Plain) -> bool | None:
    value = _item_value(item, test.path.parts) if test.path.root == "item" else view.lookup(test.path)
    if test.op == "exists":
        return (not isinstance(value, Missing)) == bool(test.operand)
    if isinstance(value, Missing):
        return None
    if test.op in ("any", "none", "all"):
        return _over_list(test, value, view)
    operand = _operand(test.operand, view)
    if isinstance(operand, Missing):
        return None
    return _compare(test.op, test.path.kind, value, operand, view)


def _item_value(item: Plain, parts: tuple[str, ...]) -> Plain | Missing:
    for part in parts:
        if not isinstance(item, dict) or item.get(part) is None:
            return MISSING
        item = item[part]
    return item


def _over_list(test: Test, value: Plain, view: View) -> bool | None:
    if not isinstance(value, list | tuple) or not isinstance(test.operand, Test | AllOf | AnyOf | Not):
        return None
    truths = [_truth(test.operand, view, item) for item in value]
    if test.op == "all":
        return _all(truths)
    nobody = _all(_not(truth) for truth in truths)
    return nobody if test.op == "none" else _not(nobody)


def _operand(operand: object, view: View) -> Plain | Missing:
    if isinstance(operand, Fact):
        return fact_value(operand, view)
    if isinstance(operand, tuple):
        values = tuple(_operand(one, view) for one in operand)
        return MISSING if any(isinstance(one, Missing) for one in values) else values
    return operand


def _normal(value: Plain, kind: Kind) -> Plain:
    """The value as its kind compares it; None where it is not of that kind."""
    if kind == "number":
        return as_number(value)
    if kind == "time":
        return as_time(value)
    if kind == "any":
        number = as_number(value) if not isinstance(value, str) else None
        return value if number is None else number
    return value


def _compare(op: str, kind: Kind, value: Plain, operand: Plain, view: View) -> bool | None:
    if op == "within":
        moment = as_time(value)
        if moment is None or not isinstance(operand, Duration):
            return None
        return schedule.add(view.now, operand, view.tz, -1) <= moment <= view.now
    if op == "contains":
        return operand in value if isinstance(value, list | tuple | str) else None
    left = _normal(value, kind)
    if op in ("in", "between"):
        right = tuple(_normal(one, kind) for one in operand)
        return left in right if op == "in" else _ordered(left, right)
    single = _normal(operand, kind)
    if op in ("is", "is_not"):
        same: bool = left == single
        return same if op == "is" else not same
    return _less_or_more(op, left, single)


def _ordered(left: Plain, bounds: tuple[Plain, ...]) -> bool | None:
    low, high = bounds
    if not _comparable(left, low) or not _comparable(left, high):
        return None
    return bool(low <= left <= high)


def _comparable(left: Plain, right: Plain) -> bool:
    kinds = (datetime, Decimal, str)
    return any(isinstance(left, kind) and isinstance(right, kind) for kind in kinds)


def _less_or_more(op: str, left: Plain, right: Plain) -> bool | None:
    if not _comparable(left, right):
        return None
    match op:
        case "at_least":
            return bool(left >= right)
        case "at_most":
            return bool(left <= right)
        case "more_than" | "after":
            return bool(left > right)
        case "less_than" | "before":
            return bool(left < right)
    raise ValueError(f"unknown operator {op!r}")
