"""What the rows share: their shape, when the shop knew of a fact, and what an exit does to a planned mail."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from shop_things import Fact, Order, Person, Return
from shop_time import stamp

Row = dict[str, Any]

OPTIONAL = ["tutorial", "care-tips", "satisfaction", "points-balance", "win-back"]
"""The messages that are not transactional: they count toward the cap, and an objection stops them."""

NEAR = timedelta(minutes=5)
"""Two things closer than this are not claimed to come in a certain order."""

CATCH_UP = timedelta(hours=1)
"""A step reached later than this after the run's own time counts from now."""

PATIENCE = timedelta(days=3)
"""How long a blocked mail waits before it is skipped."""


ROOM = timedelta(days=4)
"""Patience and a night on top: by then a blocked mail is sent or skipped."""


@dataclass(order=True)
class Candidate:
    """A mail that may leave between `first` and `last`, before any cap. `ends`: when its run was over."""

    first: datetime
    order: int
    last: datetime = field(compare=False)
    message: str = field(compare=False)
    subject: str | None = field(compare=False)
    customer: str | None = field(compare=False)
    why: str = field(compare=False)
    ends: list[datetime] = field(compare=False, default_factory=list)
    sure: bool = field(compare=False, default=True)
    """False: whether it comes at all is open; it only counts as a rival."""
    follow: tuple[str, int, str | None, str] | None = field(compare=False, default=None)
    """What comes after it: (message, days, clock, why)."""


def send(
    subject: str | None, message: str, first: datetime, last: datetime, why: str, customer: str | list[str] | None
) -> Row:
    """This mail is handed over: at `first`, or between `first` and `last` where they differ."""
    row: Row = {"kind": "send", "subject": subject, "customer": customer, "message": message, "why": why}
    if first == last:
        row["at"] = stamp(first)
    else:
        row["between"] = [stamp(first), stamp(last)]
    return {key: value for key, value in row.items() if value is not None}


def never(subject: str, message: str | list[str], after: datetime | None, why: str) -> Row:
    """These messages are never handed over; not before `after` only, where it is given."""
    row: Row = {"kind": "never", "subject": subject, "message": message, "why": why}
    return row if after is None else {**row, "from": from_(after)}


def from_(at: datetime) -> str:
    """The second after: at the very same instant either may come first."""
    return stamp(at + timedelta(seconds=1))


def heard(order: Order, fact: Fact) -> datetime:
    """When the shop could act on a fact about an order: an event waits for its order's own."""
    return max(fact.known, order.placed.known)


def counted_from(reached: datetime, own: datetime) -> tuple[datetime, datetime]:
    """From when a wait counts that is reached at `reached` by something that happened at `own`: the first and the
    last moment a reader of the language could mean. One moment where the shop heard within the hour."""
    return (own, own) if reached - own <= CATCH_UP else (own, reached)


def arrival(order: Order, parcels: list[int]) -> Fact | None:
    """When these parcels had all come, and when that was known; None when a scan was lost."""
    facts = [order.parcels[index].delivered for index in parcels]
    if not facts or any(fact is None for fact in facts):
        return None
    there = [fact for fact in facts if fact]
    return Fact(max(fact.at for fact in there), max(heard(order, fact) for fact in there))


def line_back(order: Order, number: int) -> list[datetime]:
    """When a line's own story ended: returned, exchanged, its order cancelled or paid back."""
    found = [heard(order, fact) for fact in (order.cancelled, order.refunded) if fact]
    back = order.back
    if back and (back.lines is None or number in back.lines):
        if back.received:
            found.append(heard(order, back.received))
        if back.settled and back.new_line:
            found.append(heard(order, back.settled))
    return found


def order_over(order: Order) -> list[datetime]:
    """When an order's story ended: cancelled, paid back, or every line returned."""
    found = [heard(order, fact) for fact in (order.cancelled, order.refunded) if fact]
    if order.back and order.back.received and whole(order, order.back):
        found.append(heard(order, order.back.received))
    return found


def whole(order: Order, back: Return) -> bool:
    """True when a return is about every line."""
    return back.lines is None or len(back.lines) == len(order.lines)


def known_customer(person: Person, order: Order) -> str | None:
    """The customer id in the decisions, where it cannot be another one by then."""
    return order.account if person.kind == "account" else None
