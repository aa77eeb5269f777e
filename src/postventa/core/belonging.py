"""Which events belong to which run, and what an event is about.

An event belongs to a run of the same customer when every other id that both carry is equal (lists of lines: share one).
"""

from __future__ import annotations

from postventa.core.event import Event, Ids
from postventa.core.state import CustomerState, Ref, Thing

CUSTOMER: Ref = ("customer", "")


def as_tuple(value: str | tuple[str, ...]) -> tuple[str, ...]:
    """One id or several, as a tuple."""
    return value if isinstance(value, tuple) else (value,)


def belongs(run: Ids, event: Ids) -> bool:
    """Whether no id that both carry differs."""
    for kind, value in event.items():
        mine = run.get(kind)
        if mine is None or mine == value:
            continue
        if isinstance(mine, str) and isinstance(value, str):
            return False
        if not set(as_tuple(mine)) & set(as_tuple(value)):
            return False
    return True


def about(event: Ids, subject: Ref) -> bool:
    """Whether the event names this very subject (every event of the customer is about a `customer` subject)."""
    kind, name = subject
    if kind == "customer":
        return True
    value = event.get(kind)
    return value is not None and name in as_tuple(value)


def order_of(ids: Ids) -> str | None:
    """The order these ids name, if they name one."""
    order = ids.get("order")
    return order if isinstance(order, str) else None


def lines_of(state: CustomerState, order: str) -> list[str]:
    """Line ids of an order, in the order in which they were told."""
    thing = state.things.get(("order", order))
    return list(thing.facts.get("line_ids", ())) if thing else []


def subjects(state: CustomerState, event: Event, kind: str) -> list[Ref]:
    """The subjects of this kind that an event can start a run for. An order's event is about all its lines."""
    if kind == "customer":
        return [CUSTOMER]
    value = event.ids.get(kind)
    if value is None and kind == "line":
        order = order_of(event.ids)
        return [("line", line) for line in lines_of(state, order)] if order else []
    return [(kind, name) for name in as_tuple(value)] if value is not None else []


def ids_of(state: CustomerState, subject: Ref) -> Ids:
    """The ids a run of this subject carries: its own and those that its thing names. A `customer` run carries none."""
    kind, name = subject
    if kind == "customer":
        return {}
    if kind == "order":
        return {"order": name}
    thing: Thing | None = state.things.get(subject)
    if kind == "line":
        order = order_of(thing.ids) if thing else None
        return {"order": order or name.rpartition("/")[0], "line": (name,)}
    return {**(thing.ids if thing else {}), kind: name}
