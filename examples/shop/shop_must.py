"""What has to be true of any engine that runs this shop's journeys over this shop's events.

Derived from the plan alone, by reading the journeys as a person would. Where the language fixes the moment, the row
has it to the second; where an implementation may choose (which of three mails a cap holds back), the row leaves room.
`check.py` says what each kind of row means.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from shop_parcels import parcel_rows, return_rows
from shop_soft import soft_rows
from shop_story import NEAR, OPTIONAL, Row, from_, heard, never, send
from shop_things import Order, Person
from shop_time import stamp
from shop_winback import win_back_rows

ONCE = ["thank-you", "shipped", "delay-notice", "return-label", "return-reminder", "return-received", "refund-late",
        "tutorial", "care-tips"]  # fmt: skip


def must(people: list[Person], end: datetime) -> list[Row]:
    """All rows. `end` is when the last event occurred: nothing is demanded of a later time."""
    found: list[Row] = [
        {"kind": "at_most", "each": "subject", "message": name, "count": 1, "why": "once per thing"} for name in ONCE
    ]
    found.append(
        {
            "kind": "at_most",
            "each": "subject",
            "message": "satisfaction",
            "count": 2,
            "why": "asked once, reminded once",
        }
    )
    for person in people:
        found += _person_rows(person)
        rows = [row for order in person.orders for row in _order_rows(person, order)]
        rows += soft_rows(person, end)
        rows += win_back_rows(person, end)
        found += [row for row in rows if _claimable(person, row, end)]
    return found


def _claimable(person: Person, row: Row, end: datetime) -> bool:
    """Nothing is demanded after the last event; an erased person's mails may be gone from the record."""
    if row["kind"] not in {"send", "decided"}:
        return True
    latest = row["at"] if "at" in row else row["between"][1]
    return person.erased is None and latest < stamp(end - timedelta(hours=1))


def _person_rows(person: Person) -> Iterator[Row]:
    """Caps, objection, erasure: true of everything that concerns this person."""
    who = {"customers": person.accounts, "subjects": subjects(person.orders)}
    if person.kind != "merged":
        yield {"kind": "at_most", **who, "message": OPTIONAL, "count": 2, "per": "7 days", "why": "the shop's cap"}
    yield from _objection_rows(person, who)
    if person.withdrawn:
        why = "took back the consent to marketing"
        yield {"kind": "never", **who, "message": "win-back", "from": from_(person.withdrawn.known), "why": why}
    if not person.opted_in and not person.consented and not person.back_in:
        yield {"kind": "never", **who, "message": "win-back", "why": "never said yes to marketing"}
    if person.erased:
        yield {"kind": "never", **who, "from": from_(person.erased.known), "why": "erased"}


def _objection_rows(person: Person, who: Row) -> Iterator[Row]:
    """Silent until a newer yes. Until two accounts are known to be one, only the one that objected is silent."""
    if person.objected is None:
        return
    said = person.objected
    begins = said.known
    yes = [fact.at for fact in (person.consented, person.back_in) if fact and fact.at > said.at]
    row = {"kind": "never", "message": OPTIONAL, "why": "objected: nothing but transactional mail"}
    if person.merged and person.merged.known > begins:
        own = [order for order in person.orders if order.account == person.account]
        until = min([person.merged.known, *yes])
        yield {**row, "subjects": subjects(own), "from": from_(begins), "to": stamp(until)}
        begins = person.merged.known
    until_yes = {"to": stamp(min(yes))} if yes else {}
    if not yes or begins < min(yes):
        yield {**row, **who, "from": from_(begins), **until_yes}


def _told_as(person: Person) -> str | list[str]:
    return person.accounts if person.kind == "merged" else person.account


def subjects(orders: list[Order]) -> list[str]:
    """Every subject a journey may have that concerns these orders, but the person."""
    found = []
    for order in orders:
        found.append(f"order:{order.id}")
        lines = list(order.lines)
        if order.back:
            found.append(f"return:{order.back.id}")
            lines += [order.back.new_line] if order.back.new_line else []
        found += [f"line:{order.id}/{line.number}" for line in lines]
        found += [f"shipment:{parcel.id}" for parcel in order.parcels]
    return found


def _order_rows(person: Person, order: Order) -> Iterator[Row]:
    """The thank-you, which is exact, and what the life of the order forbids."""
    subject = f"order:{order.id}"
    if order.paid is None:
        yield never(subject, ["thank-you", "satisfaction"], None, "never paid")
    elif order.total < 15:
        yield never(subject, ["thank-you", "satisfaction"], None, "under 15 EUR the journey does not start")
    else:
        at = heard(order, order.paid)
        cancelled = heard(order, order.cancelled) if order.cancelled else None
        if cancelled is None or cancelled > at + NEAR:
            yield send(subject, "thank-you", at, at, "paid", order.account and _told_as(person))
        elif cancelled < at - NEAR:
            yield never(subject, "thank-you", None, "the cancellation was known before the payment")
    if order.cancelled:
        at = heard(order, order.cancelled)
        for name in [subject, *(f"line:{order.id}/{line.number}" for line in order.lines)]:
            yield never(name, OPTIONAL, at, "cancelled")
        for parcel in order.parcels:
            yield never(f"shipment:{parcel.id}", ["shipped", "delay-notice"], at, "cancelled")
    yield from parcel_rows(person, order)
    yield from return_rows(person, order)
