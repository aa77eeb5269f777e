"""The data of times and conditions: what compiled journeys are written in. `schedule` and `conditions` read them."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from postventa.core.event import Plain


# --- time ------------------------------------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class Duration:
    """Months and days are calendar spans on the local clock; seconds exact. "3 days" is days, "72 hours" seconds."""

    months: int = 0
    days: int = 0
    seconds: int = 0


Shift = tuple[Literal[1, -1], Duration]
"""A signed span; a tuple of shifts is applied from left to right: `3 years - 30 days`."""


@dataclass(frozen=True, slots=True)
class LocalTime:
    """A time of day on the local clock."""

    hour: int
    minute: int = 0


@dataclass(frozen=True, slots=True)
class Window:
    """Sending is allowed from `opens` to `closes` (may cross midnight) on `days` (0 = Monday; empty = every day)."""

    opens: LocalTime
    closes: LocalTime
    days: frozenset[int] = frozenset()


# --- conditions ------------------------------------------------------------------------------------------------------
Kind = Literal["text", "number", "time", "bool", "list", "any"]


@dataclass(frozen=True, slots=True)
class Path:
    """`order.total` is root "order", parts ("total",). For root "event", `scope` is the id of the step whose match is
    meant; None is the start event. `kind` says how values of the path compare."""

    root: str
    parts: tuple[str, ...]
    kind: Kind = "any"
    scope: str | None = None

    def __str__(self) -> str:
        return ".".join((self.root, *self.parts))


@dataclass(frozen=True, slots=True)
class Fact:
    """An operand that is itself a fact, perhaps moved: `{path: order.promised_at, plus: 2 days}`."""

    path: Path
    shifts: tuple[Shift, ...] = ()
    add: Decimal = Decimal(0)


Operand = Plain | Fact | tuple["Plain | Fact", ...]

Op = Literal[
    "is", "is_not", "in", "at_least", "at_most", "more_than", "less_than", "between", "contains", "exists",
    "before", "after", "within", "any", "none", "all",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Test:
    """`path op operand`. For `any`, `none`, `all` the operand is a Condition read against each item (root "item").
    `within` takes a Duration: the time lies at most that long before now."""

    path: Path
    op: Op
    operand: Operand | Condition


@dataclass(frozen=True, slots=True)
class AllOf:
    """Every part holds; with no part, always."""

    parts: tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class AnyOf:
    """At least one part holds."""

    parts: tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class Not:
    """The part does not hold."""

    part: Condition


Condition = Test | AllOf | AnyOf | Not
ALWAYS = AllOf(())


def reads_facts(condition: Condition) -> bool:
    """Whether it reads anything beside the event itself, so that its answer can change after the event."""
    if isinstance(condition, AllOf | AnyOf):
        return any(map(reads_facts, condition.parts))
    if isinstance(condition, Not):
        return reads_facts(condition.part)
    operands = condition.operand if isinstance(condition.operand, tuple) else (condition.operand,)
    facts = (one for one in operands if isinstance(one, Fact))
    return condition.path.root not in ("event", "item") or any(fact.path.root != "event" for fact in facts)


def roots(condition: Condition) -> frozenset[str]:
    """The things whose facts it reads: "order", "customer", "event", …"""
    if isinstance(condition, AllOf | AnyOf):
        return frozenset().union(*map(roots, condition.parts))
    if isinstance(condition, Not):
        return roots(condition.part)
    operands = condition.operand if isinstance(condition.operand, tuple) else (condition.operand,)
    found = {condition.path.root, *(one.path.root for one in operands if isinstance(one, Fact))}
    inner = (roots(one) for one in operands if isinstance(one, Test | AllOf | AnyOf | Not))
    return frozenset(found).union(*inner) - {"item"}


@dataclass(frozen=True, slots=True)
class On:
    """An event of one of these types for which `where` holds."""

    types: frozenset[str]
    where: Condition = ALWAYS
