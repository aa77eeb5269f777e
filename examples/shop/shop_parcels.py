"""Rows about parcels and returns. All their mails are transactional: no cap, no window, every moment exact."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from shop_story import NEAR, Row, heard, known_customer, never, send
from shop_things import Order, Parcel, Person
from shop_time import add_days


def parcel_rows(person: Person, order: Order) -> Iterator[Row]:
    """`shipped` when it leaves; `delay-notice` ten days later, to the wall clock, unless it has come or turned back."""
    customer = known_customer(person, order)
    for parcel in order.parcels:
        subject = f"shipment:{parcel.id}"
        if parcel.in_transit is None and not parcel.scans:
            yield never(subject, ["shipped", "delay-notice"], None, "the carrier never said that it left")
        if parcel.in_transit is None:
            continue
        left = heard(order, parcel.in_transit)
        ends = _ends(order, parcel)
        if any(end < left - NEAR for end in ends):
            yield never(subject, ["shipped", "delay-notice"], None, "it was over before the shop heard that it left")
            continue
        if any(end <= left + NEAR for end in ends) or any(abs(scan.known - left) <= NEAR for _, scan in parcel.scans):
            continue
        yield send(subject, "shipped", left, left, "handed to the carrier", customer)
        due = add_days(left, 10, person.clock)
        if any(end < due - NEAR for end in ends):
            yield never(subject, "delay-notice", None, "it came, went back or was cancelled within ten days")
        elif all(end > due + NEAR for end in ends):
            yield send(subject, "delay-notice", due, due, "ten days without a word of its arrival", customer)


def _ends(order: Order, parcel: Parcel) -> list[datetime]:
    facts = (parcel.delivered, parcel.returned_to_sender, order.cancelled)
    return [heard(order, fact) for fact in facts if fact]


def return_rows(person: Person, order: Order) -> Iterator[Row]:
    """Label at once; reminder after 14 days; thanks on receipt; an apology when the money takes more than 7 days."""
    back = order.back
    if back is None:
        return
    subject, customer = f"return:{back.id}", known_customer(person, order)
    asked = heard(order, back.requested)
    yield send(subject, "return-label", asked, asked, "asked to send it back", customer)
    deadline = add_days(asked, 14, person.clock)
    if back.cancelled:
        messages = ["return-reminder", "return-received", "refund-late"]
        yield never(subject, messages, heard(order, back.cancelled), "keeps it after all")
        return
    received = heard(order, back.received) if back.received else None
    if received is None or received > deadline + NEAR:
        yield send(subject, "return-reminder", deadline, deadline, "two weeks and nothing has come", customer)
        yield never(subject, ["return-received", "refund-late"], None, "the journey ended with the reminder")
        return
    if received >= deadline - NEAR:
        return
    yield never(subject, "return-reminder", None, "it came within two weeks")
    yield send(subject, "return-received", received, received, "it is back", customer)
    late = add_days(received, 7, person.clock)
    settled = heard(order, back.settled) if back.settled else None
    if settled is None or settled > late + NEAR:
        yield send(subject, "refund-late", late, late, "a week and neither money nor exchange", customer)
    elif settled < late - NEAR:
        yield never(subject, "refund-late", None, "settled within a week")
