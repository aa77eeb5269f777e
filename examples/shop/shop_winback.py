"""Rows about "we miss you": sixty days after the last paid order, unless the customer buys again; with consent only."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from shop_story import CATCH_UP, NEAR, PATIENCE, ROOM, Candidate, Row, from_, heard
from shop_things import Order, Person
from shop_time import add_days, next_window, stamp

DAYS = 60


def win_back_candidates(person: Person) -> Iterator[Candidate]:
    """The win-back mails that may leave. Surely where nothing about it is open."""
    for number, order in enumerate(person.orders):
        if order.paid is None:
            continue
        due = _due(person, order)
        first = next_window(due, person.clock)
        again = _bought_again(person, order)
        consent = _consent(person)
        if consent is None or consent > first + ROOM:
            continue
        if any(known < due - NEAR for _, known in again) and _plain(person, order):
            continue
        sure = (
            person.kind == "account"
            and _plain(person, order)
            and consent < first - NEAR
            and not any(known <= first + ROOM for _, known in again)
        )
        last = first if sure else first + timedelta(days=1)
        why = "sixty days without another order"
        yield Candidate(first, number, last, "win-back", None, person.account, why, [], sure)


def win_back_rows(person: Person, end: datetime) -> Iterator[Row]:
    """Who bought again in time is not missed."""
    if person.kind != "account":
        return
    possible = list(win_back_candidates(person))
    for order in person.orders:
        if order.paid is None or not _plain(person, order):
            continue
        due = _due(person, order)
        until = due + PATIENCE + timedelta(hours=12)
        if due > end or not any(known < due - NEAR for _, known in _bought_again(person, order)):
            continue
        if any(mail.first <= until and mail.last + ROOM >= due for mail in possible):
            continue
        why = f"bought again within sixty days of {order.id}"
        row = {"kind": "never", "customers": [person.account], "message": "win-back", "why": why}
        yield {**row, "from": from_(due - NEAR), "to": stamp(until)}


def _due(person: Person, order: Order) -> datetime:
    assert order.paid is not None
    own, known = order.paid.at, heard(order, order.paid)
    return add_days(own if known - own <= CATCH_UP else known, DAYS, person.clock)


def _bought_again(person: Person, order: Order) -> list[tuple[datetime, datetime]]:
    """(when, known) of every later order that was placed, and of every later payment."""
    assert order.paid is not None
    found = [(other.placed.at, other.placed.known) for other in person.orders]
    found += [(other.paid.at, heard(other, other.paid)) for other in person.orders if other.paid]
    return [(at, known) for at, known in found if at > order.paid.at]


def _plain(person: Person, order: Order) -> bool:
    """False where the order of things as heard is not the order in which they happened: too much to claim."""
    assert order.paid is not None
    known = heard(order, order.paid)
    later = [heard_at for _, heard_at in _bought_again(person, order)]
    return known - order.paid.at <= CATCH_UP and all(heard_at > known + NEAR for heard_at in later)


def _consent(person: Person) -> datetime | None:
    """Since when the shop knows of a yes to marketing."""
    if person.opted_in:
        return person.orders[0].placed.known
    fact = person.consented or person.back_in
    return fact.known if fact else None
