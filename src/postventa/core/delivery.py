"""Events that follow from others: `order.delivered`, `order.returned`, and the line events.

A derived event occurred when the latest of those it rests on did, and happens once per order or line.
"""

from __future__ import annotations

from datetime import datetime

from postventa.core import schedule
from postventa.core.belonging import as_tuple, lines_of, order_of
from postventa.core.event import Event, Ids
from postventa.core.facts import FINAL_SHIPMENT, open_lines
from postventa.core.state import Thing
from postventa.core.turn import SOURCE, Turn
from postventa.core.values import as_time

DERIVING = frozenset({"order", "line", "shipment", "return", "refund", "exchange"})
"""The things from whose events others may follow."""


def derive(turn: Turn, event: Event) -> None:
    """Emit what follows from this event; each is then applied like any other, in the same call."""
    order = order_of(event.ids)
    if order is None or event.type.partition(".")[0] not in DERIVING:
        return
    match event.type:
        case "order.delivered":
            for line in open_lines(turn, order):
                _line_event(turn, order, line, "delivered", event.occurred_at)
        case "return.received":
            _lines_of_return(turn, order, event, "returned")
        case "refund.completed":
            for line in _lines_meant(turn, event, "refund") or lines_of(turn.state, order):
                _line_event(turn, order, line, "refunded", event.occurred_at)
        case "exchange.created":
            _lines_exchanged(turn, order, event.ids, event.occurred_at)
        case "line.returned":
            _order_returned(turn, order)
    if event.type.startswith("shipment."):
        _lines_of_parcel(turn, order, event)
    elif event.type.startswith("return."):
        _known_exchanges(turn, order, event)
    elif event.type.startswith("order."):
        _order_returned(turn, order)  # its lines may have been told only now
    if event.type.startswith(("shipment.", "order.", "line.", "return.")):
        settle_delivery(turn, order)


def _named_lines(ids: Ids) -> tuple[str, ...]:
    value = ids.get("line")
    return as_tuple(value) if value is not None else ()


def _lines_meant(turn: Turn, event: Event, kind: str) -> tuple[str, ...]:
    """The lines an event names, else those that an earlier event of the same return, refund or parcel named."""
    name = event.ids.get(kind)
    thing = turn.state.things.get((kind, name)) if isinstance(name, str) else None
    return _named_lines(event.ids) or (_named_lines(thing.ids) if thing else ())


def _lines_of_parcel(turn: Turn, order: str, event: Event) -> None:
    """A parcel that was delivered delivers its lines, whichever of its events named them."""
    name = event.ids.get("shipment")
    parcel = turn.state.things.get(("shipment", name)) if isinstance(name, str) else None
    if parcel is not None and parcel.facts.get("status") == "delivered":
        for line in _named_lines(parcel.ids):
            _line_event(turn, order, line, "delivered", parcel.stamps["status"])


def _known_exchanges(turn: Turn, order: str, event: Event) -> None:
    """Exchanges that were recorded before the return they rest on named its lines."""
    for (kind, _), thing in list(turn.state.things.items()):
        if kind == "exchange" and thing.ids.get("return") == event.ids.get("return") and "created_at" in thing.stamps:
            _lines_exchanged(turn, order, thing.ids, thing.stamps["created_at"])


def _line_event(turn: Turn, order: str, line: str, verb: str, at: datetime) -> None:
    thing = turn.state.things.get(("line", line))
    if thing is not None and f"line.{verb}" in thing.stamps:
        return
    _once(turn, ("line", line), f"line.{verb}", at)
    turn.emit(
        f"line.{verb}", f"{line}/{verb}", at, {"line_id": line.rpartition("/")[2]}, {"order": order, "line": (line,)}
    )


def _once(turn: Turn, ref: tuple[str, str], event_type: str, at: datetime) -> None:
    """Remember that a once-only event of this subject is known, so that it is not derived twice."""
    old = turn.state.things.get(ref) or Thing(ids={ref[0]: (ref[1],) if ref[0] == "line" else ref[1]})
    turn.state.things[ref] = Thing(old.facts, {**old.stamps, event_type: at}, old.ids)


def repeated(turn: Turn, event: Event) -> bool:
    """Whether this is a second event of a type that happens once per subject; if not, it is remembered as the first.
    An event of our own making was remembered when it was made."""
    kind = turn.catalog.kinds.get(event.type)
    if kind is None or not kind.once or event.source == SOURCE:
        return False
    value = event.ids.get(kind.thing)
    if value is None:
        return False
    refs = [(kind.thing, one) for one in as_tuple(value)]
    if all((thing := turn.state.things.get(ref)) is not None and event.type in thing.stamps for ref in refs):
        return True
    for ref in refs:
        _once(turn, ref, event.type, event.occurred_at)
    return False


def _lines_of_return(turn: Turn, order: str, event: Event, verb: str) -> None:
    named = _lines_meant(turn, event, "return")
    for line in named or lines_of(turn.state, order):
        _line_event(turn, order, line, verb, event.occurred_at)
    if not named and not lines_of(turn.state, order):
        _order_event(turn, order, "returned", event.occurred_at)


def _lines_exchanged(turn: Turn, order: str, exchange: Ids, at: datetime) -> None:
    """The lines given back in exchange: those of the return, never the new ones."""
    name = exchange.get("return")
    thing = turn.state.things.get(("return", name)) if isinstance(name, str) else None
    for line in _named_lines(thing.ids) if thing else ():
        _line_event(turn, order, line, "exchanged", at)


def _order_returned(turn: Turn, order: str) -> None:
    times: list[datetime] = []
    for line in lines_of(turn.state, order):
        thing = turn.state.things[("line", line)]
        if thing.facts.get("state") == "cancelled":
            continue
        returned = thing.stamps.get("line.returned")
        if returned is None:
            return
        times.append(returned)
    if times:
        _order_event(turn, order, "returned", max(times))


def _order_event(turn: Turn, order: str, verb: str, at: datetime) -> None:
    thing = turn.state.things.get(("order", order))
    if thing is not None and f"order.{verb}" in thing.stamps:
        return
    _once(turn, ("order", order), f"order.{verb}", at)
    turn.emit(f"order.{verb}", f"{order}/{verb}", at, {}, {"order": order})


# --- order.delivered -------------------------------------------------------------------------------------------------
def settle_delivery(turn: Turn, order: str) -> None:
    """Derive `order.delivered` once its parcels have arrived, or note when it may be derived."""
    thing = turn.state.things.get(("order", order))
    if thing is None or "order.delivered" in thing.stamps:
        turn.state.settling.pop(order, None)
        return
    shipments = [
        known for (kind, _), known in turn.state.things.items() if kind == "shipment" and order_of(known.ids) == order
    ]
    if not shipments:
        return
    lines = lines_of(turn.state, order)
    if lines and all("line" in one.ids for one in shipments):
        at = _all_lines_arrived(turn, order, shipments)
    else:
        at = _all_parcels_final(turn, order, thing, shipments)
    if at is not None:
        turn.state.settling.pop(order, None)
        _order_event(turn, order, "delivered", at)


def _all_lines_arrived(turn: Turn, order: str, shipments: list[Thing]) -> datetime | None:
    """When the last line arrived; None while one that is still wanted is under way, or when none arrived at all."""
    arrived: dict[str, datetime] = {}
    for one in shipments:
        if one.facts.get("status") == "delivered":
            for line in _named_lines(one.ids):
                arrived[line] = min(arrived.get(line, one.stamps["status"]), one.stamps["status"])
    if any(line not in arrived for line in open_lines(turn, order)):
        return None
    return max(arrived.values(), default=None)


def _all_parcels_final(turn: Turn, order: str, thing: Thing, shipments: list[Thing]) -> datetime | None:
    statuses = [str(one.facts.get("status")) for one in shipments]
    if "delivered" not in statuses or any(status not in FINAL_SHIPMENT for status in statuses):
        turn.state.settling.pop(order, None)
        return None
    latest = max(one.stamps["status"] for one in shipments)
    settled = schedule.add(latest, turn.catalog.shop.delivery_settles, turn.tz)
    if settled <= turn.now:
        return latest
    fulfilled = as_time(thing.facts.get("fulfilled_at"))
    if fulfilled is not None:
        return max(latest, fulfilled)
    turn.state.settling[order] = settled
    return None
