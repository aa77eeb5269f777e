"""What an event changes in what we know: facts of things and of the customer, newest `occurred_at` wins per field.

An event of type `<thing>.<verb>` carries facts of that thing: its data fields other than ids and the `customer` block,
and `<verb>_at`. The result does not depend on the order in which events were recorded.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal

from postventa.core.belonging import as_tuple, lines_of, order_of
from postventa.core.event import Event, Ids, Plain
from postventa.core.state import Consent, CustomerState, Ref, Thing
from postventa.core.turn import Turn
from postventa.core.values import as_number, as_time, number_text, time_text

NOT_FACTS = frozenset({"customer", "lines", "line_ids", "consent"})

SHIPMENT_RANK = {
    "created": 0, "in_transit": 1, "exception": 1, "out_for_delivery": 2, "attempt_failed": 2,
    "available_for_pickup": 3, "returned_to_sender": 4, "expired": 4, "exception_closed": 4, "delivered": 5,
}  # fmt: skip
"""Status only moves forward; of two with the same rank the newer scan counts."""

FINAL_SHIPMENT = frozenset({"delivered", "returned_to_sender", "expired", "exception_closed"})
NEUTRAL = frozenset({"delayed", "eta_changed"})
STATES = frozenset({"ticket", "claim", "dispute", "subscription", "service", "project", "return", "refund"})


def apply(turn: Turn, event: Event) -> None:
    """Write the facts an event carries into the state."""
    thing, _, verb = event.type.partition(".")
    _person(turn, event)
    if thing == "customer":
        _word(turn, event, verb)
    else:
        _thing_event(turn, event, thing, verb)
        if isinstance(lines := event.data.get("lines"), list):
            _lines(turn, event, lines)
    if thing in ("order", "refund", "line"):
        turn.state.facts["orders"] = order_counters(turn.state)
    if thing == "exchange":
        _exchange(turn, event)


# --- newest wins -----------------------------------------------------------------------------------------------------
def _newest(facts: dict[str, Plain], stamps: dict[str, datetime], field: str, value: Plain, at: datetime) -> bool:
    """Set a field unless a newer event set it; of two at one instant the greater text wins, whatever came first."""
    known = stamps.get(field)
    if known is not None and (known > at or (known == at and str(facts.get(field)) >= str(value))):
        return False
    facts[field] = value
    stamps[field] = at
    return True


def learn(turn: Turn, ref: Ref, values: Mapping[str, Plain], at: datetime, ids: Ids) -> None:
    """Merge values and ids into a thing."""
    old = turn.state.things.get(ref)
    if old is None:
        facts = {field: value for field, value in values.items() if value is not None}
        turn.state.things[ref] = Thing(facts, dict.fromkeys(facts, at), dict(ids))
        return
    facts, stamps = dict(old.facts), dict(old.stamps)
    for field, value in values.items():
        if value is None:
            continue
        if field in stamps:
            _newest(facts, stamps, field, value, at)
        else:
            facts[field], stamps[field] = value, at
    turn.state.things[ref] = Thing(facts, stamps, merged_ids(old.ids, ids))


def merged_ids(old: Ids, new: Ids) -> Ids:
    """The ids of both; the old ones where they differ, lines of both."""
    if new.items() <= old.items():
        return old
    merged = dict(old)
    for kind, value in new.items():
        known = merged.get(kind)
        if isinstance(known, tuple) and isinstance(value, tuple):
            merged[kind] = known + tuple(one for one in value if one not in known)
        else:
            merged.setdefault(kind, value)
    return merged


def learn_customer(turn: Turn, values: Mapping[str, Plain], at: datetime) -> None:
    """Merge values into the customer's facts."""
    for field, value in values.items():
        if value is not None and _newest(turn.state.facts, turn.state.stamps, field, value, at) and field == "timezone":
            turn.forget_zone()


# --- the customer ----------------------------------------------------------------------------------------------------
def about_the_person(event: Event) -> Mapping[str, Plain]:
    """What an event says of who the customer is: its `customer` block, and the data of the customer's own events; but
    for words of consent, which have their own time."""
    block = event.data.get("customer")
    said = {key: value for key, value in block.items() if key not in _NOT_SAID} if isinstance(block, dict) else {}
    thing, _, verb = event.type.partition(".")
    if thing == "customer" and verb not in ("consented", "unsubscribed", "merged"):
        said |= {key: value for key, value in event.data.items() if key not in _NOT_SAID and key not in NOT_FACTS}
    return said


_NOT_SAID = frozenset({"consent", "customer_id"})


def _person(turn: Turn, event: Event) -> None:
    if said := about_the_person(event):
        learn_customer(turn, said, event.occurred_at)
    block = event.data.get("customer")
    if isinstance(block, dict) and "consent" in block:
        _consent_block(turn, event, block["consent"])


def _word(turn: Turn, event: Event, verb: str) -> None:
    data = event.data
    if verb in ("consented", "unsubscribed"):
        at = as_time(data.get("at")) or event.occurred_at
        key = (str(data.get("channel") or "*"), str(data.get("purpose") or "*"))
        _consent(turn, key, Consent(verb == "consented", at, str(data.get("source") or event.source)))
    elif verb != "merged":
        _consent_block(turn, event, data.get("consent"))


def _consent_block(turn: Turn, event: Event, block: Plain) -> None:
    """`consent: {marketing: true}`, `{email: {marketing: false}}` or a list of entries with both named."""
    if isinstance(block, list):
        entries = [one for one in block if isinstance(one, dict)]
        for one in entries:
            key = (str(one.get("channel") or "*"), str(one.get("purpose") or "*"))
            at = as_time(one.get("at")) or event.occurred_at
            _consent(turn, key, Consent(bool(one.get("given")), at, str(one.get("source") or event.source)))
    elif isinstance(block, dict):
        for name, value in block.items():
            if isinstance(value, bool):
                _consent(turn, ("*", name), Consent(value, event.occurred_at, event.source))
            elif isinstance(value, dict):
                for purpose, given in value.items():
                    if isinstance(given, bool):
                        _consent(turn, (name, purpose), Consent(given, event.occurred_at, event.source))


def _consent(turn: Turn, key: tuple[str, str], new: Consent) -> None:
    """Newest wins; at the same instant an objection wins."""
    old = turn.state.consents.get(key)
    if old is None or new.at > old.at or (new.at == old.at and not new.given):
        turn.state.consents[key] = new


# --- things ----------------------------------------------------------------------------------------------------------
def _thing_event(turn: Turn, event: Event, thing: str, verb: str) -> None:
    kind = turn.catalog.kinds.get(event.type)
    thing = kind.thing if kind else thing
    name = event.ids.get(thing)
    if name is None:
        return
    values = {
        key: value
        for key, value in event.data.items()
        if key not in NOT_FACTS and not (key.endswith("_id") and key.removesuffix("_id") in event.ids)
    }
    values.setdefault(f"{verb}_at", time_text(event.occurred_at))
    if thing in STATES or thing not in ("order", "line", "shipment"):
        values.setdefault("state", verb)
    values.pop("status", None) if thing == "shipment" else None
    for one in as_tuple(name):
        learn(turn, (thing, one), values, event.occurred_at, event.ids)
        if thing == "shipment":
            closed = verb == "exception" and event.data.get("closed") is True
            _shipment_status(turn, one, "exception_closed" if closed else verb, event.occurred_at)


def _shipment_status(turn: Turn, shipment: str, verb: str, at: datetime) -> None:
    rank = SHIPMENT_RANK.get(verb)
    if rank is None or verb in NEUTRAL:
        return
    old = turn.state.things[("shipment", shipment)]
    known = SHIPMENT_RANK.get(str(old.facts.get("status")), -1)
    if rank > known or (rank == known and at > old.stamps.get("status", at)):
        facts, stamps = {**old.facts, "status": verb}, {**old.stamps, "status": at}
        turn.state.things[("shipment", shipment)] = Thing(facts, stamps, old.ids)


def _lines(turn: Turn, event: Event, lines: list[Plain]) -> None:
    order = order_of(event.ids)
    if order is None:
        return
    told = [line for line in lines if isinstance(line, dict) and line.get("line_id") is not None]
    for line in told:
        line_id = f"{order}/{line['line_id']}"
        learn(turn, ("line", line_id), line, event.occurred_at, {"order": order, "line": (line_id,)})
    _join_lines(turn, order, [f"{order}/{line['line_id']}" for line in told])


def _join_lines(turn: Turn, order: str, ids: list[str]) -> None:
    """Note which lines an order has, in a stable order whatever was told first."""
    old = turn.state.things.get(("order", order)) or Thing(ids={"order": order})
    known = list(old.facts.get("line_ids", ()))
    merged = sorted({*known, *ids}, key=lambda one: (len(one), one))
    if merged != known:
        turn.state.things[("order", order)] = Thing({**old.facts, "line_ids": merged}, old.stamps, old.ids)


def _exchange(turn: Turn, event: Event) -> None:
    """The lines of an exchange join the order of its return."""
    order = order_of(event.ids)
    name = event.ids.get("return")
    if order is None and isinstance(name, str) and (given_back := turn.state.things.get(("return", name))):
        order = order_of(given_back.ids)
    lines = event.data.get("lines")
    if order and isinstance(lines, list) and order_of(event.ids) is None:
        _lines(turn, Event(event.id, event.source, event.type, event.occurred_at, event.data, {"order": order}), lines)


# --- counters --------------------------------------------------------------------------------------------------------
def order_counters(state: CustomerState) -> dict[str, Plain]:
    """customer.orders{count, first_at, last_at, spent}: paid orders not cancelled; spent is net of refunds."""
    count, spent = 0, Decimal(0)
    times: list[str] = []
    for (kind, _), thing in state.things.items():
        if kind != "order" or "paid_at" not in thing.facts or "cancelled_at" in thing.facts:
            continue
        count += 1
        times.append(str(thing.facts["paid_at"]))
        spent += (as_number(thing.facts.get("total")) or Decimal(0)) - _refunded(state, thing)
    orders: dict[str, Plain] = {"count": count}
    if times:
        orders |= {"first_at": min(times), "last_at": max(times), "spent": number_text(spent)}
    return orders


def _refunded(state: CustomerState, order: Thing) -> Decimal:
    """What was given back of an order: all of it when `order.refunded`, else the sum of its completed refunds."""
    if "refunded_at" in order.facts:
        return as_number(order.facts.get("total")) or Decimal(0)
    name = order_of(order.ids)
    parts = (
        as_number(thing.facts.get("amount"))
        for (kind, _), thing in state.things.items()
        if kind == "refund" and order_of(thing.ids) == name and "completed_at" in thing.facts
    )
    return sum((part for part in parts if part is not None), Decimal(0))


def open_lines(turn: Turn, order: str) -> list[str]:
    """Lines of an order that were neither cancelled, returned nor exchanged away."""
    gone = ("cancelled", "returned", "exchanged")
    found = []
    for line in lines_of(turn.state, order):
        thing = turn.state.things.get(("line", line))
        if thing and thing.facts.get("state") not in gone and not thing.facts.keys() & {"returned_at", "exchanged_at"}:
            found.append(line)
    return found
