"""Which facts would make a condition hold: found by trying the values that the condition itself names, and those beside
them, with the core's own reading of it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import combinations, product
from typing import Any
from zoneinfo import ZoneInfo

from postventa.core import conditions
from postventa.core.condition import AllOf, AnyOf, Condition, Duration, Fact, Not, Path, Test
from postventa.core.values import MISSING, Missing, as_number, as_time, number_text, time_text
from postventa.core.view import RunView, dig
from postventa.journeys.conditions import operands_of, read_by, tests_of
from postventa.project import Project
from postventa.schemas.registry import Field

MOST_TRIES = 4000
MOST_AT_ONCE = 3
"""Facts changed together. Conditions that need more are rare, and the tries would grow beyond reason."""
_MOST_ARTICLES = 200
_DAY = timedelta(days=1)

SETTABLE = frozenset({"customer.orders.count"})
"""Facts the engine works out, and which a story can bring about all the same."""

SKU = "line.sku"


@dataclass(slots=True)
class Guess:
    """What a run sees, with some facts told otherwise."""

    base: RunView
    project: Project
    changed: Mapping[str, Any] = field(default_factory=dict)

    now: datetime = field(init=False)
    tz: ZoneInfo = field(init=False)

    def __post_init__(self) -> None:
        self.now, self.tz = self.base.now, self.base.tz

    def lookup(self, path: Path) -> Any:
        """The changed fact, else what the run really sees."""
        name = fact_name(path, self.base)
        if name in self.changed:
            return self.changed[name]
        if path.root == "order" and path.parts == ("lines",) and any(one.startswith("line.") for one in self.changed):
            known = self.base.lookup(path)
            return [self._line(known[0] if isinstance(known, list) and known else {})]
        if path.root == "line" and SKU in self.changed:
            found = dig(self._line({}), path.parts)
            return self.base.lookup(path) if isinstance(found, Missing) else found
        return self.base.lookup(path)

    def _line(self, known: Mapping[str, Any]) -> dict[str, Any]:
        """The order's one line, with what is told otherwise of it."""
        told = {name.removeprefix("line."): one for name, one in self.changed.items() if name.startswith("line.")}
        line = {**known, **told}
        if SKU in self.changed:
            article = dict(self.project.products.get(str(self.changed[SKU]), {}))
            line = {
                **line,
                "name": article.get("name"),
                "category": article.get("category"),
                "product": article,
                **told,
            }
        return line


def fact_name(path: Path, view: RunView) -> str:
    """A path as a story's facts name it: an event's field with the event's type."""
    if path.root != "event":
        return str(path)
    event = view.run.matched.get(path.scope) if path.scope is not None and view.run is not None else None
    event = event or view.event
    return f"event@{event.type}.{'.'.join(path.parts)}" if event is not None else str(path)


Change = dict[str, Any]


def ways(wanted: Callable[[Guess], bool], tests: list[Test], view: RunView, project: Project) -> Iterator[Change]:
    """Changes of facts after which `wanted` is true, the smallest first; the empty change where it is true already."""
    if wanted(Guess(view, project)):
        yield {}
        return
    choices: dict[str, list[Any]] = {}
    for test in tests:
        for path in read_by(test):
            for name, values in _values(path, test, view, project):
                choices.setdefault(name, []).extend(one for one in values if one not in choices[name])
    choices = {name: values for name, values in choices.items() if values}
    tries = 0
    for size in range(1, MOST_AT_ONCE + 1):
        for names in combinations(choices, size):
            for picked in product(*(choices[name] for name in names)):
                tries += 1
                if tries > MOST_TRIES:
                    return
                changed = dict(zip(names, picked, strict=True))
                if wanted(Guess(view, project, changed)):
                    yield changed


def to_hold(condition: Condition, view: RunView, project: Project) -> Iterator[dict[str, Any]]:
    """Changes after which the condition holds."""
    return ways(lambda guess: conditions.holds(condition, guess), list(tests_of(condition)), view, project)


def _values(path: Path, test: Test, view: RunView, project: Project) -> Iterator[tuple[str, list[Any]]]:
    """(name, values worth trying) of the facts one comparison can turn on."""
    if path.parts[:1] == ("lines",):
        return
    if path.root == "item":
        path = Path("line", path.parts, path.kind)
    if path.root == "line":
        yield SKU, list(project.products)[:_MOST_ARTICLES]
    name = fact_name(path, view)
    known = _field(name, path, project)
    if name not in SETTABLE and (known is None or known.computed or path.parts[0] in {"orders", "product"}):
        return
    if name == "answer.score":
        yield name, list(range(11))
        return
    found = [value for operand in _operands(test, view) for value in _around(operand, test, known)]
    if test.op == "exists":
        found = [MISSING, *([] if known is None else [_some(known, view.now)])]
    yield name, found


def _field(name: str, path: Path, project: Project) -> Field | None:
    if name.startswith("event@"):
        return project.registry.event_field([name.removeprefix("event@").rpartition(".")[0]], path.parts) or (
            project.registry.event_field([".".join(name.removeprefix("event@").split(".")[:2])], path.parts)
        )
    return project.registry.field(path.root, path.parts)


def _operands(test: Test, view: RunView) -> list[Any]:
    found = [conditions.fact_value(one, view) if isinstance(one, Fact) else one for one in operands_of(test)]
    return [one for one in found if not isinstance(one, Missing | AllOf | AnyOf | Not | Test)]


def _around(operand: Any, test: Test, known: Field | None) -> list[Any]:
    """The value a comparison names, and its neighbours on both sides."""
    if isinstance(operand, Duration):
        return []
    if test.path.kind == "time" and (moment := as_time(operand)) is not None:
        return [time_text(moment + shift) for shift in (_DAY, -_DAY, timedelta())]
    number = as_number(operand) if not isinstance(operand, str) or test.path.kind == "number" else None
    if number is not None:
        return [_number(number + by, known) for by in (0, 1, -1) if number + by >= 0]
    if isinstance(operand, bool):
        return [operand, not operand]
    if test.op == "contains" and test.path.kind == "list":
        return [[operand], []]
    return [operand, f"not-{operand}"] if isinstance(operand, str) and len(operand) > 2 else [operand, "XX"]


def _number(value: Decimal, known: Field | None) -> Any:
    return number_text(value) if known is not None and known.type == "money" else int(value)


def _some(known: Field, now: datetime) -> Any:
    """Any value of this kind."""
    if known.choices:
        return known.choices[0]
    plain: dict[str, Any] = {
        "time": time_text(now + 2 * _DAY), "date": "1990-05-04", "bool": True, "whole": 1, "number": 1,
        "money": "10.00", "email": "ana@example.com", "country": "ES", "currency": "EUR", "list": ["sample"],
    }  # fmt: skip
    return plain.get(known.type, "sample")
