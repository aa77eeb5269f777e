"""A made-up customer's story: which events come before which, after how long, and what each of them tells.

`Story.leading_to` gives the events that have to happen for one to happen: a parcel is made, travels and arrives before
`order.delivered`. What somebody wants told otherwise stands in `Facts`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from postventa.core.event import Plain
from postventa.core.values import Missing, time_text
from postventa.errors import ConfigError
from postventa.project import Project
from postventa.schemas.registry import EventType, Registry
from postventa.testing.made_up import Samples, customer_of, data_of, lines_of, samples_of

Facts = Mapping[str, Any]
"""Path -> what events tell of it; MISSING: nothing. `event@<type>.<field>` is a field of one type of event."""

SOURCE = "made-up"
ORDER = "SIM-1"

_BEFORE: Mapping[str, str] = {
    "order.paid": "order.placed", "order.confirmed": "order.paid", "order.in_preparation": "order.paid",
    "order.fulfilled": "order.paid", "order.cancelled": "order.placed", "order.refunded": "order.paid",
    "order.refunded_partly": "order.paid", "shipment.created": "order.paid", "shipment.in_transit": "shipment.created",
    "shipment.delayed": "shipment.in_transit", "shipment.eta_changed": "shipment.in_transit",
    "shipment.exception": "shipment.in_transit", "shipment.out_for_delivery": "shipment.in_transit",
    "shipment.expired": "shipment.in_transit", "shipment.returned_to_sender": "shipment.in_transit",
    "shipment.delivered": "shipment.out_for_delivery", "shipment.attempt_failed": "shipment.out_for_delivery",
    "shipment.available_for_pickup": "shipment.out_for_delivery", "return.requested": "shipment.delivered",
    "exchange.created": "return.requested", "refund.scheduled": "order.paid", "refund.completed": "order.paid",
    "delivery.overdue": "order.paid", "withdrawal.declared": "order.paid", "warranty.registered": "shipment.delivered",
}  # fmt: skip
"""The event that has to have happened before."""

CAUSE: Mapping[str, str] = {
    "order.delivered": "shipment.delivered", "line.delivered": "shipment.delivered",
    "line.returned": "return.received", "order.returned": "return.received", "line.refunded": "refund.completed",
    "line.exchanged": "exchange.created",
}  # fmt: skip
"""Events that the engine tells itself, and what makes it do so."""

_AFTER: Mapping[str, timedelta] = {
    "order.placed": timedelta(), "order.paid": timedelta(minutes=5), "order.confirmed": timedelta(hours=1),
    "order.in_preparation": timedelta(hours=3), "order.fulfilled": timedelta(hours=8),
    "shipment.created": timedelta(hours=4), "shipment.in_transit": timedelta(hours=6),
    "shipment.out_for_delivery": timedelta(hours=34), "shipment.delivered": timedelta(hours=4),
    "shipment.available_for_pickup": timedelta(hours=6), "return.requested": timedelta(days=2),
    "return.received": timedelta(days=4), "refund.completed": timedelta(days=2), "survey.answered": timedelta(hours=26),
}  # fmt: skip
_USUALLY = timedelta(days=1)
_EARLIER = timedelta(days=45)
"""How long ago each order before this one was placed."""


@dataclass(slots=True)
class Story:
    """Makes the events of one customer, in the order in which they are asked for."""

    project: Project
    facts: Facts = field(default_factory=dict)
    never: frozenset[str] = frozenset()
    wanted: frozenset[str] = frozenset()
    """Paths the journey reads: they are told, also where a platform may leave them out."""
    customer: str = "ana"
    samples: Samples = field(default_factory=Samples)
    lines: tuple[str, ...] = ("1",)
    """The lines of the order."""
    told: dict[str, datetime] = field(default_factory=dict)
    """Type -> when it was told last."""
    _count: int = 0

    @property
    def registry(self) -> Registry:
        """The project's event types."""
        return self.project.registry

    def leading_to(self, event_type: str) -> list[str]:
        """The events to be told for this one to happen, itself (or what causes it) last. Empty where one of them never
        happens. ConfigError for an event that names nobody."""
        kind = self.registry.types.get(event_type)
        if kind is not None and kind.audience:
            says = f"{event_type} is about everybody who owns a product and names nobody: it cannot be made up"
            raise ConfigError(says, mend="simulate a journey that starts with an event of one customer")
        chain = [CAUSE.get(event_type, event_type)]
        while (before := self._before(chain[0])) is not None and before not in self.told and before not in chain:
            chain.insert(0, before)
        return [] if self.never & {*chain, event_type} else chain

    def _before(self, event_type: str) -> str | None:
        if event_type in _BEFORE:
            return _BEFORE[event_type]
        kind = self.registry.types.get(event_type)
        noun = event_type.partition(".")[0]
        first = next((name for name in self.registry.types if name.partition(".")[0] == noun), None)
        if first is not None and first != event_type and self.registry.types[first].once:
            return first
        needs_order = kind is not None and event_type != "order.placed" and any(
            ref.thing in {"order", "line"} for ref in kind.ids
        )  # fmt: skip
        return "order.placed" if needs_order else None

    def delay(self, event_type: str) -> timedelta:
        """How long after the one before it an event usually happens."""
        return _AFTER.get(event_type, _USUALLY)

    # --- the events ---------------------------------------------------------------------------------------------------
    def record(self, event_type: str, at: datetime, more: Mapping[str, Plain] | None = None) -> dict[str, Any]:
        """One event as a platform would publish it; `more` goes before everything else it tells."""
        kind = self.registry.types.get(event_type)
        if kind is None:
            near = self.registry.nearest_type(event_type)
            raise ConfigError(f"no event is called '{event_type}'", mend=f"did you mean '{near}'?" if near else None)
        self._count += 1
        self.told[event_type] = at
        data = {**self._ids(kind), **self._data(kind, at), **(more or {})}
        if self._count == 1:
            data["customer"] = self._customer()
        else:
            data["customer_id"] = self.customer
        return self._envelope(f"{event_type}/{self._count}", event_type, at, data)

    def earlier_orders(self, at: datetime) -> list[dict[str, Any]]:
        """The orders before this one, where the customer is to have ordered before."""
        records = []
        for number in range(self._orders_before(), 0, -1):
            then, order = at - number * _EARLIER, f"{ORDER}-before-{number}"
            for name, after in (("order.placed", 0), ("order.paid", 0), ("order.delivered", 2)):
                placed = then + after * _USUALLY
                data = {**self._data(self.registry.types[name], placed), "order_id": order, "number": order}
                self._count += 1
                data["customer"] = self._customer()
                records.append(self._envelope(f"{order}/{name}", name, placed, data))
        return records

    def begins(self, start: datetime) -> datetime:
        """When the first event of the story occurs."""
        return start - self._orders_before() * _EARLIER

    def _orders_before(self) -> int:
        count = self.facts.get("customer.orders.count")
        return max(int(count) - 1, 0) if isinstance(count, int | str) and str(count).isdigit() else 0

    def _envelope(self, name: str, event_type: str, at: datetime, data: Mapping[str, Any]) -> dict[str, Any]:
        return {"id": name, "source": SOURCE, "type": event_type, "time": time_text(at), "data": dict(data)}

    def _ids(self, kind: EventType) -> dict[str, Any]:
        """Its own thing's id, and the ids of things already spoken of."""
        spoken = {name.partition(".")[0] for name in self.told}
        found: dict[str, Any] = {}
        for ref in kind.ids:
            if ref.thing == "line":
                if ref.required or kind.thing == "return":
                    found[ref.field] = list(self.lines) if ref.many else self.lines[0]
            elif ref.required or ref.thing == kind.thing or ref.thing in spoken:
                found[ref.field] = ORDER if ref.thing == "order" else f"{ORDER}-{ref.thing}"
        return found

    def _data(self, kind: EventType, at: datetime) -> dict[str, Any]:
        known = self._facts_of(kind)
        opens = not any(name.startswith(f"{kind.thing}.") for name in self.told if name != kind.name)
        begins = (f"event@{kind.name}.", f"{kind.thing}.") if opens else (f"event@{kind.name}.",)
        told = {path.removeprefix(begin) for path in self.wanted for begin in begins if path.startswith(begin)}
        wanted = frozenset(name.partition(".")[0] for name in told) | known.keys()
        data = data_of(kind, at, self.samples, wanted, self.project, opens=opens)
        if "number" in data:
            data["number"] = ORDER
        if "lines" in data and kind.thing == "order":
            data["lines"] = self._lines(data["lines"])
            self.lines = tuple(str(line["line_id"]) for line in data["lines"]) or self.lines
        for name, value in known.items():
            if isinstance(value, Missing):
                data.pop(name, None)
            else:
                data[name] = value
        return data

    def _facts_of(self, kind: EventType) -> dict[str, Any]:
        """The facts that this event can tell."""
        found: dict[str, Any] = {}
        for path, value in self.facts.items():
            root, _, rest = path.partition(".")
            if root == kind.thing and root not in {"customer", "line"} and rest in kind.fields:
                found[rest] = value
        for path, value in self.facts.items():
            rest = path.removeprefix(f"event@{kind.name}.")
            if rest != path and rest in kind.fields:
                found[rest] = value
        return found

    def _lines(self, lines: Any) -> Any:
        mine = {path.partition(".")[2]: value for path, value in self.facts.items() if path.startswith("line.")}
        if not mine:
            return lines
        first = lines_of(self.project, str(mine["sku"]))[0] if "sku" in mine else dict(lines[0])
        told = {**first, **{key: value for key, value in mine.items() if "." not in key}}
        return [{key: value for key, value in told.items() if not isinstance(value, Missing)}]

    def _customer(self) -> dict[str, Any]:
        block = customer_of(self.project, self.samples, self.customer)
        for path, value in self.facts.items():
            root, _, name = path.partition(".")
            if root != "customer" or name.startswith("orders."):
                continue
            if name == "consent":
                value = {"marketing": value} if isinstance(value, bool) else value or []
            if isinstance(value, Missing):
                block.pop(name, None)
            else:
                block[name] = value
        return block

    # --- in time ------------------------------------------------------------------------------------------------------
    def between(self, event_type: str, since: datetime, until: datetime | None) -> list[tuple[datetime, str]]:
        """When each event that leads to this one happens, from `since` on; all before `until`, if need be hurried."""
        chain = self.leading_to(event_type)
        after: list[timedelta] = []
        for name in chain:
            after.append((after[-1] if after else timedelta()) + self.delay(name))
        if until is not None and after and since + after[-1] >= until:
            room = (until - since) / 2
            after = [timedelta(seconds=int(room.total_seconds() * (span / after[-1]))) for span in after]
        return [(since + span, name) for span, name in zip(after, chain, strict=True)]


def new_story(project: Project, facts: Facts, never: Iterable[str], wanted: Iterable[str], customer: str) -> Story:
    """A story that begins; the project's samples are read."""
    return Story(project, facts, frozenset(never), frozenset(wanted), customer, samples_of(project))
