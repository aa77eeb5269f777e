"""What a journey brought: entered, sent, skipped and why, goals with their value, experiments with their odds.

Counted from what the store keeps, never from counters of its own: a fold of the history gives the same. The unit of an
experiment is the customer, from the first time one met it in this journey; only a goal reached after that counts, by a
run that met it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Literal, NamedTuple

from postventa.core.journey import Catalog, Experiment, Journey
from postventa.core.values import as_number
from postventa.engine.odds import ratio_mismatch, two_shares, wilson
from postventa.store.base import Views

MISMATCH = 0.001
"""Below this chance the sizes of the variants are no accident."""
SURE = 0.05
"""A winner is named when a difference as large would come by chance less often than this."""

Verdict = Literal["empty", "mismatch", "no_size", "too_early", "winner", "no_difference"]


@dataclass(slots=True)
class MessageFigures:
    """One message of a journey: how many are in which state, and skipped for which reasons."""

    message: str
    states: dict[str, int] = field(default_factory=dict)
    skipped: dict[str, int] = field(default_factory=dict)

    @property
    def sent(self) -> int:
        """Handed over for certain."""
        return self.states.get("sent", 0)


class GoalFigures(NamedTuple):
    """Goals reached: by runs, by customers, and the sum of `order.total` where the goal's event has one."""

    reached: int = 0
    customers: int = 0
    total: Decimal = Decimal()
    valued: int = 0
    """How many of them have a value."""


NOTHING = GoalFigures()


class VariantFigures(NamedTuple):
    """One variant: its customers beside those its weight promises, how many reached what is measured, the interval."""

    name: str
    people: int
    expected: float
    reached: int
    low: float
    high: float
    total: Decimal

    @property
    def rate(self) -> float:
        """The share that reached it."""
        return self.reached / self.people if self.people else 0.0


class ExperimentFigures(NamedTuple):
    """One experiment, and what may be said of it. `size`: customers it was planned for, None where nobody said."""

    name: str
    measure: str
    size: int | None
    variants: tuple[VariantFigures, ...]
    mismatch: float
    """How likely sizes as uneven as these are by chance."""
    verdict: Verdict
    winner: str = ""
    chance: float = 1.0
    """How likely the winner's lead over the next best is by chance, made stricter by the number of variants."""

    @property
    def people(self) -> int:
        """Customers in all variants."""
        return sum(one.people for one in self.variants)


@dataclass(slots=True)
class Results:
    """What one journey brought so far."""

    journey: str
    title: str = ""
    entered: int = 0
    inside: int = 0
    ended: dict[str, int] = field(default_factory=dict)
    """By outcome, and the reason of an exit: `exited: order.cancelled`."""
    refused: dict[str, int] = field(default_factory=dict)
    """Starts that were refused, by reason."""
    messages: list[MessageFigures] = field(default_factory=list)
    goal: str = ""
    """The events of the goal; empty where the journey has none."""
    goals: GoalFigures = NOTHING
    experiments: list[ExperimentFigures] = field(default_factory=list)
    currency: str = ""


async def results(views: Views, catalog: Catalog, journey: str) -> Results | None:
    """What this journey brought; None where nobody knows it."""
    found = catalog.live.get(journey) or _older(catalog, journey)
    figures = await views.figures(journey)
    if found is None and not figures["entered"]:
        return None
    goals = await views.goals(journey)
    return Results(
        journey,
        found.title if found else "",
        figures["entered"],
        figures["inside"],
        dict(_ends(figures["ended"])),
        {one["reason"]: one["count"] for one in _most(figures["refused"])},
        _messages(figures),
        " or ".join(sorted(found.goal.on.types)) if found and found.goal else "",
        _goals(goals),
        [one async for one in _experiments(views, catalog, journey, figures["exposed"], goals)],
        catalog.shop.currency,
    )


def _older(catalog: Catalog, journey: str) -> Journey | None:
    return next((one for (name, _), one in catalog.versions.items() if name == journey), None)


def _most(rows: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    return sorted(rows, key=lambda one: (-one["count"], str(one.get("reason"))))


def _ends(rows: Iterable[Mapping[str, Any]]) -> Iterator[tuple[str, int]]:
    counts: Counter[str] = Counter()
    for one in rows:
        completed = one["outcome"] == "completed" or not one["reason"]
        counts[one["outcome"] if completed else f"{one['outcome']}: {one['reason']}"] += one["count"]
    return iter(counts.most_common())


def _messages(figures: Mapping[str, Any]) -> list[MessageFigures]:
    found: dict[str, MessageFigures] = {}
    for one in figures["messages"]:
        name = str(one["message"] or "")
        found.setdefault(name, MessageFigures(name)).states[one["state"]] = one["count"]
    for one in _most(figures["skipped"]):
        name = str(one["message"] or "")
        skipped, reason = found.setdefault(name, MessageFigures(name)).skipped, brief(one["reason"])
        skipped[reason] = skipped.get(reason, 0) + one["count"]
    return [found[name] for name in sorted(found)]


def brief(reason: str) -> str:
    """A reason without what a mail server said: `refused`, `gave_up`; any other without the time in it."""
    first = reason.partition(": ")[0]
    return first if first in {"refused", "gave_up"} else reason.partition(": on ")[0]


def _goals(rows: Sequence[Mapping[str, Any]]) -> GoalFigures:
    values = [value for one in rows if (value := as_number(one["value"])) is not None]
    return GoalFigures(len(rows), len({one["customer_id"] for one in rows}), sum(values, Decimal()), len(values))


# --- experiments ------------------------------------------------------------------------------------------------------
class _Met(NamedTuple):
    """A customer who met an experiment: the variant, when, and in which version of the journey."""

    variant: str
    at: str
    version: str


async def _experiments(
    views: Views,
    catalog: Catalog,
    journey: str,
    exposed: Sequence[Mapping[str, Any]],
    goals: Sequence[Mapping[str, Any]],
) -> AsyncIterator[ExperimentFigures]:
    steps = _steps(catalog, journey)
    for name in sorted({one["experiment"] for one in exposed} | {step.name for _, step in steps}):
        here = [(version, step) for version, step in steps if step.name == name]
        mine = [one for one in exposed if one["experiment"] == name]
        people: dict[str, _Met] = {}
        for one in mine:
            people.setdefault(one["customer_id"], _Met(one["variant"], one["at"], one["version"]))
        measure = here[0][1].measure if here else "goal"
        if measure == "goal":
            runs = {one["run_id"] for one in mine}
            after = [(one["customer_id"], one["at"], one["value"]) for one in goals if one["run_id"] in runs]
        else:
            after = [(who, at, None) for who, at in await views.occurrences(measure)]
        reached = {who: value for who, at, value in _summed(after, people)}
        yield judged(name, measure, here[0][1].size if here else None, _variants(people, reached, here))


def _steps(catalog: Catalog, journey: str) -> list[tuple[str, Experiment]]:
    """(version, experiment) of every version that is known, the live one first."""
    live = catalog.live.get(journey)
    rest = [one for (name, _), one in sorted(catalog.versions.items()) if name == journey and one is not live]
    journeys = [*([live] if live else []), *rest]
    return [(one.version, step) for one in journeys for step in one.steps if isinstance(step, Experiment)]


def _summed(
    after: Iterable[tuple[str, str, str | None]], people: Mapping[str, _Met]
) -> Iterator[tuple[str, str, Decimal]]:
    """(customer, time, value so far) of everything that was reached at or after the experiment was met."""
    totals: dict[str, Decimal] = {}
    for who, at, value in after:
        met = people.get(who)
        if met is not None and at >= met.at:
            totals[who] = totals.get(who, Decimal()) + (as_number(value) or Decimal())
            yield who, at, totals[who]


def _variants(
    people: Mapping[str, _Met], reached: Mapping[str, Decimal], here: Sequence[tuple[str, Experiment]]
) -> tuple[VariantFigures, ...]:
    expected = _expected(people.values(), here)
    counts = Counter(met.variant for met in people.values())
    hits = Counter(people[who].variant for who in reached)
    totals: dict[str, Decimal] = {}
    for who, value in reached.items():
        variant = people[who].variant
        totals[variant] = totals.get(variant, Decimal()) + value
    return tuple(
        VariantFigures(name, counts[name], expected.get(name, float(counts[name])), hits[name],
                       *wilson(hits[name], counts[name]), totals.get(name, Decimal()))
        for name in sorted(counts.keys() | expected.keys())
    )  # fmt: skip


def _expected(met: Iterable[_Met], here: Sequence[tuple[str, Experiment]]) -> dict[str, float]:
    """How many customers each variant should have: by the weights of the version in which each met the experiment."""
    versions = Counter(one.version for one in met)
    known = dict(reversed(here))
    expected = {variant.name: 0.0 for variant in here[0][1].variants} if here else {}
    for version, count in versions.items():
        step = known.get(version) or (here[0][1] if here else None)
        total = sum(one.weight for one in step.variants) if step else 0
        for one in step.variants if step and total else ():
            expected[one.name] = expected.get(one.name, 0.0) + count * one.weight / total
    return expected


def judged(name: str, measure: str, size: int | None, variants: tuple[VariantFigures, ...]) -> ExperimentFigures:
    """An experiment with what may be said of it: nothing before the planned size, nothing from a broken split."""
    people = sum(one.people for one in variants)
    mismatch = ratio_mismatch([one.people for one in variants], [one.expected for one in variants])
    told = ExperimentFigures(name, measure, size, variants, mismatch, "empty")
    if not people:
        return told
    if mismatch < MISMATCH:
        return told._replace(verdict="mismatch")
    if size is None or people < size:
        return told._replace(verdict="no_size" if size is None else "too_early")
    best, *others = sorted((one for one in variants if one.people), key=lambda one: (-one.rate, one.name))
    # compared with each of the others, so the bar is raised by their number (Bonferroni)
    chances = [two_shares(best.reached, best.people, one.reached, one.people) * len(others) for one in others]
    chance = min(max(chances, default=1.0), 1.0)
    if chance < SURE:
        return told._replace(verdict="winner", winner=best.name, chance=chance)
    return told._replace(verdict="no_difference", chance=chance)
