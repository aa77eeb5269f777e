"""What a template sees: the live facts around the run, what the run kept for it, and the links of this customer."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from postventa.core import view
from postventa.core.belonging import as_tuple
from postventa.core.journey import Catalog
from postventa.core.state import CustomerState, Ref, Run
from postventa.store.base import OutboxRecord

Links = Callable[[OutboxRecord, str, datetime], Mapping[str, Any]]
"""(row, locale, now) -> `unsubscribe` (also answers the one-click POST), `preferences` and `answer(score)`: addresses
for this customer alone. Empty where no public address is known."""


def no_links(row: OutboxRecord, locale: str, now: datetime) -> Mapping[str, Any]:
    """For engines without public pages: mails carry no personal links."""
    del row, locale, now
    return {}


def locale_of(state: CustomerState, catalog: Catalog) -> str:
    """The customer's language, else the shop's."""
    return str(state.facts.get("locale") or catalog.shop.locale)


def template_context(row: OutboxRecord, state: CustomerState, catalog: Catalog, now: datetime) -> dict[str, Any]:
    """Plain values for `MessageCatalog.render`, without links.

    `order`, `line`, `shipment`, … as they stand now; `lines` are the lines this mail is about: those of its runs for a
    mail that lines share, else the order's.
    """
    runs = _runs(row, state)
    lead = runs[0] if runs else None
    things = _things_in_sight(row, lead)
    context: dict[str, Any] = {kind: _thing(state, catalog, (kind, one)) for kind, one in things.items()}
    context["customer"] = _customer(state)
    context["lines"] = _lines(runs, state, catalog, context)
    context |= {key: row.context[key] for key in ("with", "event", "run") if key in row.context}
    if row.survey:
        context["survey"] = {"id": row.survey}
    if row.code:
        context["reward"] = {"name": row.reward, "code": row.code}
    if lead is not None and (answer := view.of_run(state, catalog, now, lead).answer()) is not None:
        context["answer"] = dict(answer.data)
    return context


def _runs(row: OutboxRecord, state: CustomerState) -> list[Run]:
    """The runs this mail is for, the leading one first. The core's own view knows lines that joined or left."""
    seen = state.outbox.get(row.effect_id)
    run_ids = seen.run_ids if seen else row.run_ids
    return [state.runs[one] for one in run_ids if one in state.runs]


def _things_in_sight(row: OutboxRecord, lead: Run | None) -> dict[str, str]:
    """Thing type -> id: what the run names, then what the event at hand names."""
    named: dict[str, Any] = dict(row.context.get("ids") or {})
    if lead is not None:
        named |= lead.ids
    if row.subject is not None:
        named[row.subject[0]] = row.subject[1]
    found = {kind: as_tuple(ids)[0] for kind, value in named.items() if (ids := _ids(value))}
    event: Mapping[str, Any] = row.context.get("event") or {}
    for key, value in event.items():
        if key.endswith("_id") and isinstance(value, str) and value:
            found.setdefault(key.removesuffix("_id"), value)
    found.pop("customer", None)
    return found


def _thing(state: CustomerState, catalog: Catalog, ref: Ref) -> dict[str, Any]:
    """A thing's facts with its own id; a line's is the one within its order."""
    kind, name = ref
    return {**view.thing_facts(state, catalog, ref), f"{kind}_id": name.rpartition("/")[2] if kind == "line" else name}


def _ids(value: Any) -> str | tuple[str, ...]:
    return value if isinstance(value, str) else tuple(value or ())


def _customer(state: CustomerState) -> dict[str, Any]:
    facts = {key: value for key, value in state.facts.items() if value is not None}
    return {"points": state.balance, **facts, "customer_id": state.customer_id}


def _lines(runs: list[Run], state: CustomerState, catalog: Catalog, context: Mapping[str, Any]) -> list[Any]:
    refs: list[Ref] = [run.subject for run in runs if run.subject[0] == "line"]
    if refs:
        return [_thing(state, catalog, ref) for ref in refs]
    order: Mapping[str, Any] = context.get("order") or {}
    return list(order.get("lines") or [])
