"""Tells the plan as events, the way platforms and carriers do: late, twice, and in the wrong order."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from random import Random
from typing import Any

from shop_things import COUNTRY, Fact, Line, Order, Parcel, Person, Return
from shop_time import stamp

Event = dict[str, Any]


def tell(people: list[Person], seed: int) -> list[Event]:
    """All events in the order in which the shop hears of them: (`recordedtime` or `time`, source, id)."""
    rng = Random(seed + 1)
    found: list[Event] = []
    for person in people:
        for event in _person(person):
            found.append(event)
            if rng.random() < 0.03:  # delivered twice, word for word
                heard = datetime.fromisoformat(event.get("recordedtime", event["time"]))
                found.append({**event, "recordedtime": stamp(heard + timedelta(seconds=rng.randrange(1, 200_000)))})
            if event["type"] == "order.paid" and rng.random() < 0.02:  # told again by another system
                found.append({**event, "id": event["id"] + "-again", "source": "bank"})
    found.sort(key=lambda event: (event.get("recordedtime", event["time"]), event["source"], event["id"]))
    return found


def _person(person: Person) -> Iterator[Event]:
    for order in person.orders:
        yield from _order(person, order)
    account = {"customer_id": person.account}
    who: dict[str, Any] = account if person.kind in {"account", "merged"} else {"email": person.email}
    if person.joined:
        facts = {**account, "email": person.email, "first_name": person.first_name}
        yield _event(f"{person.account}-joined", "shop", "customer.updated", person.joined, {"customer": facts})
    if person.merged:
        data = {"from": person.second_account, "into": person.account}
        yield _event(f"{person.account}-merged", "crm", "customer.merged", person.merged, data)
    for name, kind, fact, purpose in (
        ("yes", "customer.consented", person.consented, "marketing"),
        ("no-marketing", "customer.unsubscribed", person.withdrawn, "marketing"),
        ("objection", "customer.unsubscribed", person.objected, "*"),
        ("yes-again", "customer.consented", person.back_in, "marketing"),
    ):
        if fact:
            said = {
                "customer": who,
                "channel": "email",
                "purpose": purpose,
                "at": stamp(fact.at),
                "source": "preferences",
            }
            yield _event(f"{person.account}-{name}", "shop", kind, fact, said)
    if person.erased:
        yield _event(f"{person.account}-erased", "crm", "customer.erased", person.erased, {"customer": account})


def _order(person: Person, order: Order) -> Iterator[Event]:
    about = {"order_id": order.id}
    customer: dict[str, Any] = {
        "email": order.email,
        "first_name": person.first_name,
        "locale": person.locale,
        "country": COUNTRY[person.clock],
    }
    if order.account:
        customer["customer_id"] = order.account
    if person.zone:
        customer["timezone"] = person.zone
    if person.opted_in and order is person.orders[0]:
        said = {
            "channel": "email",
            "purpose": "marketing",
            "given": True,
            "at": stamp(order.placed.at),
            "source": "checkout",
        }
        customer["consent"] = [said]
    facts = {"total": f"{order.total:.2f}", "currency": "EUR"}
    bought = {**about, "customer": customer, **facts, "lines": [_line(line) for line in order.lines]}
    yield _event(f"{order.id}-placed", "shop", "order.placed", order.placed, bought)
    if order.paid:
        yield _event(f"{order.id}-paid", "shop", "order.paid", order.paid, {**about, **facts})
    for index, parcel in enumerate(order.parcels):
        extra = [order.back.new_line] if order.back and order.back.new_line else []
        inside = [str(line.number) for line in order.lines + extra if line.parcel == index]
        yield from _parcel(order, parcel, inside)
    if order.back:
        yield from _return(order, order.back)
    if order.answered:
        answer = {**about, "survey": "satisfaction", "score": order.score}
        yield _event(f"{order.id}-answered", "survey", "survey.answered", order.answered, answer)
    if order.cancelled:
        yield _event(f"{order.id}-cancelled", "shop", "order.cancelled", order.cancelled, about)
    if order.refunded:
        yield _event(f"{order.id}-refunded", "shop", "order.refunded", order.refunded, about)


def _parcel(order: Order, parcel: Parcel, inside: list[str]) -> Iterator[Event]:
    data: dict[str, Any] = {"order_id": order.id, "shipment_id": parcel.id, "carrier": "Correos"}
    if parcel.names_lines:
        data["line_ids"] = inside
    told = [
        ("shipment.created", parcel.created),
        ("shipment.in_transit", parcel.in_transit),
        ("shipment.delivered", parcel.delivered),
        ("shipment.returned_to_sender", parcel.returned_to_sender),
        *parcel.scans,
    ]
    for number, (kind, fact) in enumerate(told):
        if fact:
            yield _event(f"{parcel.id}-{number}", "carrier", kind, fact, data)


def _return(order: Order, back: Return) -> Iterator[Event]:
    data: dict[str, Any] = {"order_id": order.id, "return_id": back.id}
    if back.lines:
        data["line_ids"] = [str(number) for number in back.lines]
    asked = {**data, "wants": back.wants, "reason": "size"}
    yield _event(f"{back.id}-requested", "shop", "return.requested", back.requested, asked)
    if back.cancelled:
        yield _event(f"{back.id}-cancelled", "shop", "return.cancelled", back.cancelled, data)
    if back.received:
        yield _event(f"{back.id}-received", "warehouse", "return.received", back.received, data)
    if back.settled and back.new_line:
        new = {**data, "exchange_id": f"x-{order.id}", "lines": [_line(back.new_line)]}
        yield _event(f"x-{order.id}", "shop", "exchange.created", back.settled, new)
    elif back.settled:
        lines = [line for line in order.lines if back.lines is None or line.number in back.lines]
        amount = f"{sum(line.price for line in lines):.2f}"
        paid_back = {
            **data,
            "refund_id": f"f-{order.id}",
            "amount": amount,
            "currency": "EUR",
            "full": back.lines is None,
        }
        yield _event(f"f-{order.id}", "bank", "refund.completed", back.settled, paid_back)


def _line(line: Line) -> dict[str, Any]:
    product = line.product
    return {
        "line_id": str(line.number),
        "sku": product.sku,
        "name": product.name,
        "category": product.category,
        "quantity": 1,
        "price": f"{line.price:.2f}",
    }


def _event(name: str, source: str, kind: str, fact: Fact, data: dict[str, Any]) -> Event:
    event = {"id": name, "source": source, "type": kind, "time": stamp(fact.at), "data": data}
    if fact.known != fact.at:
        event["recordedtime"] = stamp(fact.known)
    return event
