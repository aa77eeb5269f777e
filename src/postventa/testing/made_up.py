"""Sensible values for made-up events: from the project's own samples where it has them, else by the field's kind.

Everything is the same on every call: a simulation tells the same story twice.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from postventa.core.event import Plain
from postventa.core.values import as_time, time_text
from postventa.project import Project
from postventa.schemas.registry import EventType, Field

SAMPLES = "samples/events.jsonl"
_MOST_LINES = 5000

_SOON = timedelta(days=2)
_BY_NAME: Mapping[str, Plain] = {
    "number": "SIM-1", "total": "62.80", "price": "39.90", "amount": "62.80", "quantity": 1,
    "carrier": "Correos Express", "tracking_number": "PQ4F1", "tracking_url": "https://track.example.com/PQ4F1",
    "pickup_point": "C. Mayor 4",
    "score": 5, "seller": "Tienda", "label_url": "https://track.example.com/label", "rating": 5,
}  # fmt: skip
_BY_TYPE: Mapping[str, Plain] = {
    "text": "sample", "id": "sample-1", "email": "ana@example.com", "number": 1, "whole": 1, "money": "39.90",
    "bool": True, "date": "1990-05-04", "any": "sample",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Samples:
    """The project's sample events: the first of each type, and the first customer."""

    events: Mapping[str, tuple[datetime, Mapping[str, Any]]] = field(default_factory=dict)
    """Type -> (when it occurred, its data)."""
    customer: Mapping[str, Any] = field(default_factory=dict)


def samples_of(project: Project) -> Samples:
    """What `samples/events.jsonl` has; nothing where there is no such file. Lines that are no events do not count."""
    file = project.root / SAMPLES if project.root is not None else None
    if file is None or not file.is_file():
        return Samples()
    events: dict[str, tuple[datetime, Mapping[str, Any]]] = {}
    customer: Mapping[str, Any] = {}
    for line in file.read_text(encoding="utf-8", errors="replace").splitlines()[:_MOST_LINES]:
        try:
            record = json.loads(line)
            name, at, data = str(record["type"]), as_time(record["time"]), record["data"]
        except (ValueError, LookupError, TypeError):
            continue
        if at is not None and isinstance(data, Mapping):
            events.setdefault(name, (at, data))
            if not customer and isinstance(data.get("customer"), Mapping):
                customer = data["customer"]
    return Samples(events, customer)


def data_of(
    kind: EventType, at: datetime, samples: Samples, wanted: frozenset[str], project: Project, *, opens: bool
) -> dict[str, Any]:
    """What an event of this type tells at `at`: the sample's own data, moved to that time, and every field that is
    required or `wanted`; the event that `opens` its thing has those too that nearly always are there. Without ids and
    without the customer."""
    taken: dict[str, Any] = {}
    if kind.name in samples.events:
        then, told = samples.events[kind.name]
        taken = {key: moved(value, at - then) for key, value in told.items() if key in kind.fields}
    own = {ref.field for ref in kind.ids} | {"customer", "customer_id"}
    least = ("always", "usual") if opens else ("always",)
    for name, one in kind.fields.items():
        if name not in taken and not one.computed and (one.presence in least or name in wanted):
            taken[name] = value_of(name, one, at, project)
    return {key: value for key, value in taken.items() if key not in own and value is not None}


def moved(value: Plain, by: timedelta) -> Plain:
    """A time in a sample, moved with its event; other values as they are."""
    if isinstance(value, str) and len(value) >= len("2026-03-02T09:00Z") and value[4:5] == "-" and "T" in value:
        moment = as_time(value)
        return value if moment is None else time_text(moment + by)
    return value


def value_of(name: str, one: Field, at: datetime, project: Project) -> Plain:
    """One field's value."""
    if one.choices:
        return one.choices[0]
    if name == "lines":
        return lines_of(project)
    if one.type == "time":
        return time_text(at + _SOON)
    if one.type == "currency":
        return project.settings.currency
    if one.type == "country":
        return project.settings.country or "ES"
    if one.type in {"list", "consent"}:
        return None
    if one.type == "object":
        return {key: value_of(key, inner, at, project) for key, inner in one.fields.items() if inner.required} or None
    return _BY_NAME.get(name, _BY_TYPE.get(one.type, name))


def lines_of(project: Project, sku: str | None = None) -> list[dict[str, Any]]:
    """The lines of a made-up order: the wanted article, else the first of products.csv, else something plain."""
    product = project.products.get(sku or next(iter(project.products), ""), {})
    line = {"line_id": "1", "sku": sku or product.get("sku") or "A-1", "name": product.get("name") or "Sample article"}
    return [{**line, "quantity": 1, "price": "39.90"}]


def customer_of(project: Project, samples: Samples, name: str) -> dict[str, Any]:
    """The sample customer: somebody of this shop's language, country and zone who agreed to offers."""
    settings = project.settings
    first = str(samples.customer.get("first_name") or "Ana")
    block: dict[str, Any] = {
        "customer_id": name, "email": f"{name}@example.com", "first_name": first, "locale": settings.locale,
        "timezone": settings.timezone, "consent": {"marketing": True},
    }  # fmt: skip
    if settings.country:
        block["country"] = settings.country
    return block
