"""One customer's history played again, to see what it does not tell: events that could have begun a journey.

Every row is played with the release that was live at its time, so that a condition is read as it was read then.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from postventa.core import conditions, view
from postventa.core.advance import advance
from postventa.core.belonging import ids_of, subjects
from postventa.core.condition import ALWAYS, AllOf, AnyOf, Condition, Not, Test
from postventa.core.effect import TraceEntry
from postventa.core.event import Event, Plain
from postventa.core.journey import Catalog, Journey
from postventa.core.state import CustomerState, Ref
from postventa.core.values import Missing
from postventa.core.view import RunView, zone_of
from postventa.store.base import HistoryRow
from postventa.store.codec import state_from_plain
from postventa.store.inputs import input_from_plain

Key = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Failed:
    """A condition that did not hold, and what was there instead (None: nothing was known)."""

    condition: Condition
    value: Plain = None


@dataclass(frozen=True, slots=True)
class Chance:
    """An event that could have begun a run of this journey for this subject, and did not: `failed` says why its
    `where` did not hold; `early` that it happened before the shop's `live_from`."""

    at: datetime
    release: str
    event: Event
    journey: Journey
    subject: Ref
    failed: tuple[Failed, ...] = ()
    early: bool = False


@dataclass(slots=True)
class Folded:
    """What the history gives when it is played again."""

    state: CustomerState
    trace: list[tuple[HistoryRow, TraceEntry]] = field(default_factory=list)
    chances: list[Chance] = field(default_factory=list)
    events: dict[Key, tuple[Event, datetime, str]] = field(default_factory=dict)
    """Every event, also those the engine made: itself, when it took effect, and the release of that time."""
    whole: bool = True
    """False where the beginning is gone (dropped by age, or before a merge)."""


def folded(
    customer: str, history: Sequence[HistoryRow], events: Mapping[Key, Event], catalogs: Mapping[str, Catalog]
) -> Folded:
    """Play it. A row that cannot be played (its event was dropped by age) is passed over."""
    found = Folded(CustomerState(customer), whole=not history or history[0].seq == 1)
    for row in history:
        if row.kind in {"snapshot", "merge"}:
            found.state = state_from_plain(row.payload)
            found.whole = False
            continue
        try:
            given = input_from_plain(row.kind, row.payload, events)
            outcome = advance(found.state, given, row.now, catalogs[row.release])
        except (KeyError, ValueError):
            found.whole = False
            continue
        before, found.state = found.state, outcome.state
        found.trace += [(row, entry) for entry in outcome.trace]
        fresh = [event for key, event in found.state.events.items() if key not in before.events]
        for event in sorted(fresh, key=lambda one: one.order_key):
            found.events[event.key] = (event, row.now, row.release)
            found.chances += _chances(found.state, event, row, catalogs[row.release], outcome.trace)
    return found


def _chances(
    state: CustomerState, event: Event, row: HistoryRow, catalog: Catalog, trace: Sequence[TraceEntry]
) -> list[Chance]:
    """The journeys that this event did not begin, although their `on` names it. Those begun or refused are told in the
    trace."""
    told = {(one.journey, one.subject) for one in trace if one.what in {"start", "refused"}}
    live_from = catalog.shop.live_from
    found = []
    for journey in catalog.starts.get(event.type, ()):
        for subject in subjects(state, event, journey.subject):
            if (journey.id, subject) in told:
                continue
            early = live_from is not None and event.occurred_at < live_from
            ids = ids_of(state, subject)
            see = RunView(state, catalog, row.now, zone_of(state, catalog.shop), ids, event)
            failed = () if early else tuple(failing(journey.start.on.where, see))
            if early or failed:
                found.append(Chance(row.now, row.release, event, journey, subject, failed, early))
    return found


def failing(asked: Condition, see: view.RunView) -> list[Failed]:
    """The parts of a condition because of which it does not hold; empty where it does."""
    if asked == ALWAYS or conditions.holds(asked, see):
        return []
    match asked:
        case AllOf(parts):
            return [one for part in parts for one in failing(part, see)]
        case AnyOf(parts):
            return [one for part in parts for one in failing(part, see)] or [Failed(asked)]
        case Test(path):
            value = see.lookup(path)
            return [Failed(asked, None if isinstance(value, Missing) else view.plain(value))]
        case Not():
            return [Failed(asked)]
