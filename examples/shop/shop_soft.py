"""Rows about the mails a cap may hold back: tutorial, tips, survey and its reminder, points.

A person's candidates are taken in the order of their time. One that has at most one rival within the seven days before
it cannot be capped, whatever the engine does: its moment is claimed exactly. Any other may be moved or skipped; of it
is only claimed that it is decided in the end, unless it is known which two mails hold it back and until when.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from shop_story import (
    NEAR,
    PATIENCE,
    ROOM,
    Candidate,
    Row,
    arrival,
    counted_from,
    heard,
    known_customer,
    line_back,
    never,
    order_over,
    send,
)
from shop_things import Line, Order, Person
from shop_time import add_days, next_clock, next_window, stamp
from shop_winback import win_back_candidates

WEEK = timedelta(days=7)
CLOCK_CHANGE = timedelta(hours=1)
"""A week on the wall may be an hour longer or shorter than one by the stopwatch; nothing rests on which is meant."""


@dataclass
class Spell:
    """When a mail that was looked at may have left; `fixed` when it certainly did at that moment."""

    first: datetime
    last: datetime
    fixed: bool


def soft_rows(person: Person, end: datetime) -> Iterator[Row]:
    """All rows about one person's mails under the cap."""
    waiting = [*_candidates(person), *win_back_candidates(person)]
    for mail in waiting:
        if mail.subject and mail.ends:
            messages = sorted({mail.message, mail.follow[0]} if mail.follow else {mail.message})
            yield never(mail.subject, messages, min(mail.ends), "its order, line or question was settled by then")
    heapq.heapify(waiting)
    spells: list[Spell] = []
    while waiting:
        candidate = heapq.heappop(waiting)
        if candidate.first > end + ROOM:
            return
        yield from _judge(person, candidate, spells, waiting)


def _judge(person: Person, mail: Candidate, spells: list[Spell], waiting: list[Candidate]) -> Iterator[Row]:
    """The rows of one candidate; notes when it may have left, and what follows from it."""
    if any(end < mail.first - NEAR for end in mail.ends):
        return
    open_until = mail.last + ROOM
    doubtful = [end for end in [*mail.ends, *_silences(person)] if end <= open_until]
    since = mail.first - WEEK - CLOCK_CHANGE - NEAR
    rivals = [spell for spell in spells if spell.last >= since]
    ahead = sum(other.first <= mail.last + NEAR for other in waiting)
    free = len(rivals) + ahead <= 1
    sure = mail.sure and person.kind != "merged" and mail.last - mail.first < timedelta(days=2)
    if free and sure and not any(end <= mail.last + NEAR for end in doubtful):
        yield send(mail.subject, mail.message, mail.first, mail.last, mail.why, mail.customer)
        spell = Spell(mail.first, mail.last, mail.first == mail.last)
    else:
        spell = Spell(mail.first, open_until, fixed=False)
        if sure and not doubtful and mail.subject:
            yield from _held(person, mail, rivals, ahead)
    spells.append(spell)
    if mail.follow:
        heapq.heappush(waiting, _follower(person, mail, spell))


def _held(person: Person, mail: Candidate, rivals: list[Spell], ahead: int) -> Iterator[Row]:
    """A mail the cap may hold: when it may leave if that is certain, else that it is decided."""
    last = mail.last + PATIENCE
    fixed = sorted(spell.first for spell in rivals)
    if mail.first == mail.last and not ahead and len(rivals) == 2 and all(spell.fixed for spell in rivals):
        freed = next_window(fixed[0] + WEEK - CLOCK_CHANGE, person.clock)
        if mail.first + NEAR < freed < last - timedelta(hours=12):
            yield send(
                mail.subject, mail.message, freed, last, f"{mail.why}; two mails in a week held it", mail.customer
            )
            return
    between = [stamp(mail.first), stamp(last + timedelta(hours=12))]
    row = {"kind": "decided", "subject": mail.subject, "message": mail.message, "between": between}
    yield {**row, "why": f"{mail.why}; the cap may hold it, but not for ever"}


def _follower(person: Person, mail: Candidate, spell: Spell) -> Candidate:
    """What comes so many days after a mail, counted from when that left."""
    assert mail.follow is not None
    message, days, clock, why = mail.follow
    first, last = (add_days(at, days, person.clock) for at in (spell.first, spell.last))
    if clock:
        first, last = (next_clock(at, clock, person.clock) for at in (first, last))
    first, last = (next_window(at, person.clock) for at in (first, last))
    sure = mail.sure and (spell.fixed or first == last)
    return Candidate(first, mail.order, last, message, mail.subject, mail.customer, why, mail.ends, sure)


def _silences(person: Person) -> list[datetime]:
    """From when on it is not claimed that an optional mail is sent."""
    return [fact.known for fact in (person.objected, person.withdrawn, person.erased) if fact]


def _candidates(person: Person) -> Iterator[Candidate]:
    """Everything the journeys under the cap begin for one person."""
    for number, order in enumerate(person.orders):
        if order.paid and order.total >= 15:
            yield from _survey(person, order, number)
        for line in order.lines:
            yield from _tutorial(person, order, line, number)
        if order.back and order.back.new_line:
            yield from _tutorial(person, order, order.back.new_line, number)
    yield from _points(person)


def _survey(person: Person, order: Order, number: int) -> Iterator[Candidate]:
    """Two days after everything came, at 18:00; a reminder three days later; neither once it is answered."""
    assert order.paid is not None
    begun = heard(order, order.paid)
    sent = {line.parcel for line in order.lines}
    came = arrival(order, sorted(sent)) if order.parcels else None
    subject, customer = f"order:{order.id}", known_customer(person, order)
    deadline = add_days(begun, 21, person.clock)
    if came is None or came.known > deadline + NEAR:
        return
    reached = max(begun, came.known)
    first, last = (_after(at, 2, "18:00", person.clock) for at in counted_from(reached, max(begun, came.at)))
    ends = order_over(order) + ([heard(order, order.answered)] if order.answered else [])
    reminder = ("satisfaction", 3, None, "three days and no answer")
    yield Candidate(
        first, number, max(first, last), "satisfaction", subject, customer, "two days after everything came", ends,
        came.known < deadline - NEAR, reminder,
    )  # fmt: skip


def _tutorial(person: Person, order: Order, line: Line, number: int) -> Iterator[Candidate]:
    """The day after the line came, at 10:00; tips five days later, at 18:30."""
    if not line.product.tutorial or not order.parcels:
        return
    named = order.parcels[line.parcel].names_lines
    came = arrival(order, [line.parcel] if named else sorted({line.parcel for line in order.lines}))
    if came is None:
        return
    subject, customer = f"line:{order.id}/{line.number}", known_customer(person, order)
    first, last = (_after(at, 1, "10:00", person.clock) for at in counted_from(came.known, came.at))
    tips = ("care-tips", 5, "18:30", "five days after the tutorial")
    ends = line_back(order, line.number)
    yield Candidate(first, number, last, "tutorial", subject, customer, "the day after it came", ends, True, tips)


def _points(person: Person) -> Iterator[Candidate]:
    """When the second paid order is known that still stands, in the next window; only once per person."""
    paid = sorted((heard(order, order.paid), number) for number, order in enumerate(person.orders) if order.paid)
    gone = [heard(order, order.cancelled) for order in person.orders if order.paid and order.cancelled]
    for index, (at, number) in enumerate(paid):
        if index + 1 - sum(end < at for end in gone) != 2:
            continue
        first = next_window(at, person.clock)
        sure = person.kind == "account" and all(abs(end - at) > NEAR for end in gone)
        why = "the second order that was paid and still stands"
        yield Candidate(first, number, first, "points-balance", None, person.account, why, [], sure)
        if person.kind != "merged":
            return


def _after(at: datetime, days: int, clock: str, zone: str) -> datetime:
    return next_clock(add_days(at, days, zone), clock, zone)
