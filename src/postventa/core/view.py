"""What conditions, templates and `with:` can see of one customer from where a run stands."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

from postventa.core import conditions, schedule
from postventa.core.belonging import as_tuple, belongs, lines_of
from postventa.core.event import Event, Ids, Plain
from postventa.core.journey import Catalog, Fact, Path, Shop
from postventa.core.state import CustomerState, Ref, Run
from postventa.core.values import MISSING, Missing, number_text, time_text


def zone_of(state: CustomerState, shop: Shop) -> ZoneInfo:
    """The customer's zone, else the shop's."""
    return schedule.zone(state.facts.get("timezone"), shop.timezone)


def dig(value: Plain, parts: tuple[str, ...]) -> Plain | Missing:
    """Follow parts into nested mappings; null counts as missing."""
    for part in parts:
        if not isinstance(value, Mapping):
            return MISSING
        value = value.get(part)
        if value is None:
            return MISSING
    return value


def line_facts(state: CustomerState, catalog: Catalog, line: str) -> dict[str, Plain]:
    """Facts of one line, with its product under `product` and the product's category where it has none."""
    thing = state.things.get(("line", line))
    facts: dict[str, Plain] = dict(thing.facts) if thing else {}
    product = catalog.products.get(str(facts.get("sku", "")), {})
    facts["product"] = product
    if facts.get("category") is None and product.get("category") is not None:
        facts["category"] = product["category"]
    return facts


def thing_facts(state: CustomerState, catalog: Catalog, ref: Ref) -> dict[str, Plain]:
    """Facts of a thing; an order's with its `lines` as they stand now."""
    if ref[0] == "line":
        return line_facts(state, catalog, ref[1])
    thing = state.things.get(ref)
    facts: dict[str, Plain] = dict(thing.facts) if thing else {}
    if ref[0] == "order":
        facts["lines"] = [line_facts(state, catalog, line) for line in lines_of(state, ref[1])]
    return facts


@dataclass(slots=True)
class RunView:
    """The facts around a run (or around the event that may start one). A path's root is the run's own thing, one that
    its ids name, or that of the event at hand."""

    state: CustomerState
    catalog: Catalog
    now: datetime
    tz: ZoneInfo
    ids: Ids = field(default_factory=dict)
    event: Event | None = None
    """What `event.*` is: the start event, or the one being matched."""
    run: Run | None = None

    def lookup(self, path: Path) -> Plain | Missing:
        """The value at a path, or MISSING where it leads nowhere."""
        match path.root:
            case "customer":
                return self._customer(path.parts)
            case "event":
                return self._event(path)
            case "run":
                return dig(self.run.vars, path.parts) if self.run else MISSING
            case "answer":
                answer = self.answer(path.scope)
                return dig(answer.data, path.parts) if answer else MISSING
        ref = self.ref(path.root, path.scope)
        return MISSING if ref is None else self._thing(ref, path.parts)

    def ref(self, root: str, scope: str | None = None) -> Ref | None:
        """The one thing of that kind in sight: the run's own or one its ids name, else that of the event matched at
        the step `scope`, else the event's."""
        matched = self.run.matched.get(scope) if scope is not None and self.run is not None else None
        for ids in (self.ids, matched.ids if matched else {}, self.event.ids if self.event else {}):
            value = ids.get(root)
            if value is not None:
                return (root, as_tuple(value)[0])
        return None

    def answer(self, scope: str | None = None) -> Event | None:
        """The survey answer in sight: the one matched at the step `scope`, the one being matched, the newest of those
        this run matched, else the newest known."""
        at_step = self.run.matched.get(scope) if scope is not None and self.run is not None else None
        for one in (at_step, self.event):
            if one is not None and one.type == "survey.answered":
                return one
        matched = [one for one in self.run.matched.values() if one.type == "survey.answered"] if self.run else []
        known = matched or [
            one for one in self.state.events.values() if one.type == "survey.answered" and belongs(self.ids, one.ids)
        ]
        return max(known, key=lambda one: one.order_key, default=None)

    def _customer(self, parts: tuple[str, ...]) -> Plain | Missing:
        if parts == ("customer_id",):
            return self.state.customer_id
        return dig(self.state.facts, parts)

    def _event(self, path: Path) -> Plain | Missing:
        event = self.event
        if path.scope is not None and self.run is not None:
            event = self.run.matched.get(path.scope, self.event)
        if event is None:
            return MISSING
        if path.parts == ("type",):
            return event.type
        return dig(event.data, path.parts)

    def _thing(self, ref: Ref, parts: tuple[str, ...]) -> Plain | Missing:
        if ref[0] in ("order", "line") and parts[:1] in (("lines",), ("product",), ("category",)):
            return dig(thing_facts(self.state, self.catalog, ref), parts)
        thing = self.state.things.get(ref)
        return dig(thing.facts, parts) if thing else MISSING


def plain(value: object) -> Plain | Missing:
    """A computed value as plain JSON: a time as text, a number as decimal text."""
    if isinstance(value, datetime):
        return time_text(value)
    return number_text(value) if isinstance(value, Decimal) else value


def of_run(state: CustomerState, catalog: Catalog, now: datetime, run: Run, event: Event | None = None) -> RunView:
    """The view from a run; `event` is the one being matched, else its start event."""
    return RunView(state, catalog, now, zone_of(state, catalog.shop), run.ids, event or run.start, run)


def resolved(values: Mapping[str, Plain | Path | Fact], view: RunView) -> dict[str, Plain]:
    """`with:` as plain values; a path that leads nowhere is left out."""
    found: dict[str, Plain] = {}
    for key, value in values.items():
        got = value
        if isinstance(value, Path):
            got = view.lookup(value)
        elif isinstance(value, Fact):
            got = plain(conditions.fact_value(value, view))
        if not isinstance(got, Missing):
            found[key] = got
    return found
