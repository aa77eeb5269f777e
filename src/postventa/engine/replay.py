"""Past events through the journeys on a virtual clock, in memory: what the backtest and a simulation run.

The clock steps to the next event or due time once nothing is pending: each message is claimed and handed over at the
instant at which it was decided, as the dispatcher does under a clock that is sped up. Who is meant is found first, for
all events; then customers are played one by one, for nothing ties one to another.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from postventa.core.advance import advance
from postventa.core.effect import Claimed, Effect, TraceEntry
from postventa.core.event import Claim, Event, Input, Receipt, Tick
from postventa.core.journey import Catalog, Send
from postventa.core.merge import merge
from postventa.core.state import CustomerState, OutboxRow
from postventa.core.values import time_text
from postventa.engine.identity import WAITING, Apply, Book, Merge, Refuse, Step, is_purchase
from postventa.engine.keys import Keys
from postventa.engine.release import as_if_always_live
from postventa.schemas.parse import Incoming

KEYS = Keys(b"replay")
"""Always the same, so that the same events give the same bytes on every machine."""

MOST_STEPS = 100_000
"""Steps of the clock without an event for one customer, after which something must be wrong."""


class Played(NamedTuple):
    """One customer at the end of the time that was played."""

    customer: str
    state: CustomerState
    trace: Sequence[TraceEntry]
    events: int


@dataclass(frozen=True, slots=True)
class Unused:
    """An event that moved nobody, and why."""

    event: Event
    reason: str


@dataclass(slots=True)
class Replay:
    """Give it events with `add`, then play them. `live_from` and `max_start_lateness` are ignored."""

    catalog: Catalog
    keys: Keys = KEYS
    waiting_room: timedelta = WAITING
    unused: list[Unused] = field(default_factory=list)
    first: datetime | None = None
    last: datetime | None = None
    _incomings: list[Incoming] = field(default_factory=list)
    _people: dict[str, list[tuple[datetime, Step]]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.catalog = as_if_always_live(self.catalog)

    def add(self, incoming: Incoming) -> None:
        """One event, in any order."""
        self._incomings.append(incoming)

    def know(self, customer: str, events: Sequence[tuple[datetime, Event]]) -> None:
        """The events of one customer who is known already, each with the `now` at which it took effect, in order."""
        if not events:
            return
        self._people[customer] = [(now, Apply(customer, event, None)) for now, event in events]
        self.first = min(self.first or events[0][0], events[0][0])
        self.last = max(self.last or events[-1][0], events[-1][0])

    def resolve(self) -> int:
        """Find whom every event means, in the order in which they were recorded; gives how many people there are."""
        incomings, self._incomings = self._incomings, []
        incomings.sort(key=_recorded)
        if incomings:
            self.first, self.last = instant(incomings[0].event), instant(incomings[-1].event)
        book = Book(self.keys)
        steps: list[tuple[datetime, Step]] = []
        for place, incoming in enumerate(incomings):
            now = instant(incoming.event)
            order = incoming.identity.order_id
            if order in book.waiting:
                self._expire(book, order, now)
            steps.extend((now, step) for step in book.steps(place, incoming, now))
        self._file(book, steps)
        return len(self._people)

    def _expire(self, book: Book, order: str, now: datetime) -> None:
        waited = book.waiting[order]
        for one in waited:
            if now - one.received_at > self.waiting_room:
                self.unused.append(Unused(one.event, f"order {order} did not come in time"))
        book.waiting[order] = [one for one in waited if now - one.received_at <= self.waiting_room]

    def _file(self, book: Book, steps: Iterable[tuple[datetime, Step]]) -> None:
        """Each step under the person it ends up with: customers who become one are played together."""
        for now, step in steps:
            if isinstance(step, Apply):
                self._people.setdefault(book.known(step.customer), []).append((now, step))
            elif isinstance(step, Merge):
                self._people.setdefault(book.known(step.into), []).append((now, step))
            elif isinstance(step, Refuse):
                self.unused.append(Unused(step.event, step.reason or "the customer was erased"))
        for order, waits in book.waiting.items():
            self.unused.extend(Unused(one.event, f"order {order} never came") for one in waits)

    def play(self, until: datetime | None = None, part: int = 0, parts: int = 1) -> Iterator[Played]:
        """Every customer, in order of their ids, up to and including `until` (default: the last event). With `parts`
        every so-manieth, from the one numbered `part` on: nothing ties one customer to another."""
        end = until or self.last
        if end is None:
            return
        for customer in sorted(self._people)[part::parts]:
            person = _Person(customer, self.catalog, self.keys)
            person.play(self._people.pop(customer), end)
            yield Played(customer, person.united(), person.trace, person.events)


def instant(event: Event) -> datetime:
    """The virtual `now` at which an event comes in: when it was recorded, else when it occurred."""
    return event.recorded_at or event.occurred_at


def _recorded(incoming: Incoming) -> tuple[datetime, str, str]:
    event = incoming.event
    return (event.recorded_at or event.occurred_at, event.source, event.id)


def onward(state: CustomerState, catalog: Catalog, now: datetime, end: datetime) -> Played:
    """One customer as it stands `now`, played up to `end` with nothing new coming in."""
    person = _Person(state.customer_id, catalog, KEYS, {state.customer_id: state})
    person.go_on(now, end)
    return Played(state.customer_id, person.united(), person.trace, 0)


# --- one person -------------------------------------------------------------------------------------------------------
@dataclass(slots=True)
class _Person:
    """One person: a single customer, or several that become one on the way."""

    name: str
    catalog: Catalog
    keys: Keys
    states: dict[str, CustomerState] = field(default_factory=dict)
    seen: dict[str, set[tuple[str, str]]] = field(default_factory=dict)
    trace: list[TraceEntry] = field(default_factory=list)
    events: int = 0
    erased: dict[str, tuple[datetime, frozenset[str]]] = field(default_factory=dict)
    """When a customer was erased, and the orders it had."""

    def play(self, steps: Sequence[tuple[datetime, Step]], end: datetime) -> None:
        """All of its steps up to `end`, then the time that is left."""
        place = 0
        while place < len(steps) and (now := steps[place][0]) <= end:
            for customer in list(self.states):
                self._step_clock(customer, now, inclusive=False)
            while place < len(steps) and steps[place][0] == now:
                self._take(steps[place][1], now)
                place += 1
            for customer in list(self.states):
                self._hand_over(customer, now)
        for customer in list(self.states):
            self._step_clock(customer, end, inclusive=True)

    def go_on(self, now: datetime, end: datetime) -> None:
        """From where its customers stand at `now`, with nothing new: what is in a dispatcher's hands leaves first."""
        for customer in list(self.states):
            for row in list(self.states[customer].outbox.values()):
                if row.state == "claimed":
                    self._advance(customer, Receipt(row.effect_id, "sent", now), now)
            self._hand_over(customer, now)
            self._step_clock(customer, end, inclusive=True)

    def united(self) -> CustomerState:
        """The person as one customer."""
        return self.states.get(self.name) or CustomerState(self.name)

    def _take(self, step: Step, now: datetime) -> None:
        if isinstance(step, Merge):
            old, into = self.states.pop(step.old, None), self.states.get(step.into) or CustomerState(step.into)
            if old is not None:
                self.states[step.into] = merge(into, old, now)
            self.seen.setdefault(step.into, set()).update(self.seen.pop(step.old, ()))
        elif isinstance(step, Apply):
            if self._erased(step.customer, step.event):
                return
            known = self.seen.setdefault(step.customer, set())
            if step.event.key in known:
                return
            known.add(step.event.key)
            self.events += 1
            self.states.setdefault(step.customer, CustomerState(step.customer))
            self._advance(step.customer, step.event, now)

    def _advance(self, customer: str, given: Input, now: datetime) -> tuple[Effect, ...]:
        before = self.states[customer]
        outcome = advance(before, given, now, self.catalog)
        self.states[customer] = outcome.state
        if outcome.state.erased and not before.erased:
            orders = frozenset(name for kind, name in before.things if kind == "order")
            assert isinstance(given, Event)
            at = min(given.occurred_at, now)
            self.erased[customer] = (at, orders | self.erased.get(customer, (now, frozenset()))[1])
        if outcome.trace:
            self.trace.extend(outcome.trace)
        return outcome.effects

    def _erased(self, customer: str, event: Event) -> bool:
        """As `identity.Book` decides it from the markers: who buys again after an erasure is somebody new."""
        if customer not in self.erased:
            return False
        at, orders = self.erased[customer]
        if event.occurred_at <= at or event.ids.get("order") in orders:
            return True
        if self.states[customer].erased:
            if not is_purchase(event):
                return True
            self.states[customer] = CustomerState(customer)
            self.seen[customer] = set()
        return False

    def _step_clock(self, customer: str, limit: datetime, *, inclusive: bool) -> None:
        """To each due time before `limit` (or at it), handing over at each what came of it."""
        for _ in range(MOST_STEPS):
            due = self.states[customer].due_at
            if due is None or due > limit or (due == limit and not inclusive):
                return
            self._advance(customer, Tick(), due)
            self._hand_over(customer, due)
        raise RecursionError(f"customer {customer!r}: the clock stepped {MOST_STEPS} times without an event")

    def _hand_over(self, customer: str, now: datetime) -> None:
        """Claim and hand over, in order of priority, age and effect id, until nothing is pending."""
        while self.states[customer].outbox:
            rows = [row for row in self.states[customer].outbox.values() if row.state == "pending"]
            if not rows:
                return
            rows.sort(key=self._order)
            ids = tuple(row.effect_id for row in rows)
            codes = {row.effect_id: code for row in rows if (code := self._code(customer, row)) is not None}
            effects = self._advance(customer, Claim(ids, {}, codes), now)
            for effect in effects:
                if isinstance(effect, Claimed):
                    self._advance(customer, Receipt(effect.effect_id, "sent", now), now)

    def _order(self, row: OutboxRow) -> tuple[int, datetime, str]:
        message = self.catalog.messages.get(row.message)
        return (message.priority if message else 100, row.created_at, row.effect_id)

    def _code(self, customer: str, row: OutboxRow) -> str | None:
        """A made-up code where the row's step gives a reward."""
        for run_id in row.run_ids:
            run = self.states[customer].runs.get(run_id)
            journey = self.catalog.journey_of(run.journey, run.version) if run else None
            for step in journey.steps if journey else ():
                if step.id == row.step_id and isinstance(step, Send) and step.reward:
                    reward = self.catalog.loyalty.rewards.get(step.reward)
                    return self.keys.code(reward.prefix if reward else "", row.effect_id)
        return None


# --- decisions --------------------------------------------------------------------------------------------------------
Decision = dict[str, Any]
"""One decision in its documented form (docs/backtest.md), its keys in that order."""


def decisions(played: Played) -> Iterator[Decision]:
    """What was decided about messages to one customer, as plain JSON."""
    runs = {one.run_id: one for one in played.trace if one.what == "start"}
    for one in played.trace:
        if one.decision is None:
            continue
        # A message whose run had ended when its receipt came still belongs to that run's journey.
        begun = one if one.journey else runs.get(one.run_id, one)
        kind, name = begun.subject or ("", "")
        yield {
            "at": time_text(one.at),
            "customer": played.customer,
            "subject": f"{kind}:{name or played.customer}",
            "journey": begun.journey,
            "version": begun.version,
            "step": one.step_id,
            "round": one.round,
            "message": one.message,
            "channel": one.channel,
            "variant": one.variant,
            "decision": one.decision,
            "reason": one.reason,
            "effect": one.effect_id,
        }


def in_order(found: Iterable[Decision]) -> list[Decision]:
    """Sorted by (at, customer, subject, journey, step, round); what is equal in these by the rest."""
    return sorted(found, key=_sort_key)


def _sort_key(one: Decision) -> tuple[Any, ...]:
    names = ("at", "customer", "subject", "journey", "step")
    rest = ("decision", "message", "reason", "effect")
    return (*(one[name] or "" for name in names), one["round"], *(one[name] or "" for name in rest))
