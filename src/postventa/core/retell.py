"""Told anew: while nothing of a customer has left yet, an event that occurred before others already known has all of
them applied again, in the order in which they occurred.

So the order of recording decides nothing as long as nothing is irrevocable: the same events told in the same order
give the same state, whatever runs began, waited, skipped or ended meanwhile. It ends for a customer with the first
timer that fires and the first word of a dispatcher or an operator; from then on what is remembered beside each event
serves (see `endings` and `waiting`). What the world was asked for before is compared with what it is asked for now,
and only the difference goes out.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial

from postventa.core import facts
from postventa.core.effect import (
    Effect,
    EmitEvent,
    GoalReached,
    Outcome,
    PostPoints,
    RunEnded,
    SendMessage,
    TraceEntry,
    Undone,
    Withdraw,
)
from postventa.core.event import Event, Input, Tick
from postventa.core.ids import digest
from postventa.core.journey import Catalog
from postventa.core.quick import but
from postventa.core.state import CustomerState, Heard
from postventa.core.turn import Turn

FUTURE = timedelta(minutes=5)
"""An event this far ahead of now has a wrong clock: it counts as of now."""

SOON = timedelta(hours=1)
"""What an event is the first to say of the person (address, name, language, zone) counts for those recorded up to so
long before: that the payment's record came ahead of the order's, which has the address, is no reason to skip a mail."""

MOST = 64
"""Events that are ever told anew: each costs another call."""

REASON = "an event that occurred earlier came later"

Told = tuple[Event, datetime]
"""An event and the `now` at which it was recorded."""
Step = Callable[[CustomerState, Input, datetime], Outcome]
"""`advance`, with `now` as it is given."""


def _occurred(told: Told) -> datetime:
    event, at = told
    return at if event.occurred_at > at + FUTURE else event.occurred_at


def _place(catalog: Catalog, told: Told) -> tuple[datetime, int, str, str]:
    """Where it stands among the others. Of events of one instant words about the person go first, then the others in
    the order in which things happen to an order, a parcel, a return: that of the event types."""
    event, _ = told
    rank = -1 if event.type.startswith("customer.") else catalog.places.get(event.type, len(catalog.places))
    return (_occurred(told), rank, event.source, event.id)


def _told(state: CustomerState, key: tuple[str, str]) -> Told:
    """What was heard under this key; most events are among the remembered ones."""
    one = state.heard[key]
    return one.event or state.events[key], one.at


def needed(state: CustomerState, event: Event, now: datetime, catalog: Catalog) -> bool:
    """Whether what was applied already would be told otherwise with this event, and none of it has left yet.

    Where a timer is due and has not fired yet, it ends here as well: told anew, what it sends would stand in the story
    before as in the story after, and nobody would be asked for it.
    """
    heard = state.heard
    if not heard or event.key in heard or len(heard) >= MOST or event.type == "customer.erased":
        return False
    last = next(reversed(heard))
    if heard[last].release != catalog.release:
        return False
    earlier = _place(catalog, (event, now)) < _place(catalog, _told(state, last))
    if not earlier and not (_is_news(state, event) and any(now - one.at <= SOON for one in heard.values())):
        return False
    due = state.due_at
    return due is None or due > now


def _is_news(state: CustomerState, event: Event) -> bool:
    """Whether it says something of the person that nobody said before."""
    if "customer" not in event.data and not event.type.startswith("customer."):
        return False
    said = facts.about_the_person(event)
    return any(value is not None and field not in state.facts for field, value in said.items())


def hear(state: CustomerState, event: Event, release: str) -> None:
    """Note an event of a customer of whom nothing has left yet; with another release, or too many, that ends here."""
    assert state.now is not None
    if event.key in state.heard:
        return
    if len(state.heard) >= MOST or any(one.release != release for one in state.heard.values()):
        state.heard.clear()
        return
    known = state.events.get(event.key)
    state.heard[event.key] = Heard(state.now, release, None if known is not None else event)


def told_anew(state: CustomerState, event: Event, now: datetime, catalog: Catalog, step: Step) -> Outcome:
    """The outcome of an event that has to be told before others."""
    told, new = [_told(state, key) for key in state.heard], (event, now)
    before = _fold(state.customer_id, told, now, catalog, step)
    after = _fold(state.customer_id, sorted([*told, new], key=partial(_place, catalog)), now, catalog, step)
    _keep_debts(state, after, before, event.key)
    effects = _difference(before, after, state, event.key)
    return Outcome(after.state, tuple(effects), tuple(_explained(event, now, before, after)))


# --- a fold -----------------------------------------------------------------------------------------------------------
@dataclass(slots=True)
class _Story:
    """What a fold gave: the state, and what it asks of the world when all is said."""

    state: CustomerState
    trace: list[TraceEntry] = field(default_factory=list)
    rows: dict[str, SendMessage | EmitEvent] = field(default_factory=dict)
    postings: dict[str, PostPoints] = field(default_factory=dict)
    ends: dict[str, list[RunEnded | GoalReached]] = field(default_factory=dict)

    def add(self, outcome: Outcome) -> None:
        """What another call gave."""
        self.state = outcome.state
        self.trace.extend(outcome.trace)
        for effect in outcome.effects:
            match effect:
                case SendMessage() | EmitEvent():
                    self.rows[effect.effect_id] = effect
                case Withdraw():
                    self.rows.pop(effect.effect_id, None)
                case PostPoints():
                    self.postings[effect.posting_id] = effect
                case RunEnded() | GoalReached():
                    self.ends.setdefault(effect.run_id, []).append(effect)


def _fold(customer: str, told: Sequence[Told], now: datetime, catalog: Catalog, step: Step) -> _Story:
    """Each event as of the moment at which it was recorded; then time goes on to `now`."""
    story = _Story(CustomerState(customer))
    about = [(one, then) for one, then in told if facts.about_the_person(one)]
    for event, at in told:
        known = [one for one, then in about if then - at <= SOON]
        story.add(step(_acquainted(story.state, known, catalog, at), event, at))
    story.add(step(story.state, Tick(), now))
    return story


def _acquainted(state: CustomerState, events: Sequence[Event], catalog: Catalog, at: datetime) -> CustomerState:
    """What these events are the first to say of the person is known beforehand."""
    new = [event for event in events if _is_news(state, event)]
    if not new:
        return state
    turn = Turn(state.fork(), catalog, at)
    for event in new:
        said = facts.about_the_person(event)
        unknown = {field: value for field, value in said.items() if field not in turn.state.facts}
        facts.learn_customer(turn, unknown, event.occurred_at)
    return turn.state


# --- the difference ---------------------------------------------------------------------------------------------------
def _difference(before: _Story, after: _Story, state: CustomerState, key: tuple[str, str]) -> list[Effect]:
    """What to ask of the world, which has been asked for everything of the story before."""
    undone = [run for run in sorted(before.ends) if before.ends[run] != after.ends.get(run)]
    ended = {run: ends for run, ends in after.ends.items() if before.ends.get(run) != ends}
    rows = {name: row for name, row in after.rows.items() if before.rows.get(name) != row}
    gone = [name for name in before.rows if name not in after.rows or name in rows]
    effects: list[Effect] = [Undone(run) for run in undone]
    effects += [Withdraw(name, REASON) for name in gone]
    effects += rows.values()
    effects += [one for ends in ended.values() for one in ends]
    return effects + _postings(before.postings, after.postings, state, key)


def _postings(
    before: Mapping[str, PostPoints], after: Mapping[str, PostPoints], state: CustomerState, key: tuple[str, str]
) -> list[Effect]:
    """The ledger forgets nothing: what should not have been posted is posted back."""
    debts = {name for one in state.heard.values() for name in one.took_back}
    found: list[Effect] = []
    for name in sorted(before.keys() | after.keys()):
        old, new = before.get(name), after.get(name)
        points = (new.points if new else 0) - (old.points if old else 0)
        if new is not None and old is None and name not in debts:
            found.append(new)
        elif points and (one := new or old):
            found.append(but_points(one, digest("retold/1", *key, name), points))
    return found


def but_points(one: PostPoints, name: str, points: int) -> PostPoints:
    """The same posting of so many points, under another name."""
    return PostPoints(name, points, one.at, f"{one.reason}: {REASON}", one.order, one.run_id)


def _keep_debts(state: CustomerState, after: _Story, before: _Story, key: tuple[str, str]) -> None:
    """Which postings were taken back stays with the event that did it: their names are used up."""
    debts = {heard: one.took_back for heard, one in state.heard.items() if one.took_back}
    if lost := before.postings.keys() - after.postings.keys():
        debts[key] = tuple(sorted(lost))
    for heard, names in debts.items():
        if (one := after.state.heard.get(heard)) is not None:
            after.state.heard[heard] = but(one, took_back=names)


# --- in words ---------------------------------------------------------------------------------------------------------
def _explained(event: Event, now: datetime, before: _Story, after: _Story) -> Sequence[TraceEntry]:
    """What is new in the story. A run whose end was undone is told from its beginning."""
    told = Counter(before.trace)
    again = {run for run in before.ends if before.ends[run] != after.ends.get(run)}
    new = [TraceEntry(now, "retold", f"{event.type} occurred before what was known already: all told anew, in order")]
    runs = {one.run_id: one for one in before.trace if one.what == "start"}
    for run_id in sorted(before.state.runs.keys() - after.state.runs.keys() - after.ends.keys()):
        start = runs[run_id]
        new.append(but(start, at=now, what="undone", reason=f"this run did not begin: {REASON}"))
    for one in after.trace:
        if told[one] and one.run_id not in again:
            told[one] -= 1
        else:
            new.append(one)
    return new
