"""Made-up customers whose orders come in now: the events of the durable path."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

KINDS = ("order.placed", "order.paid", "shipment.in_transit")


def bodies(rounds: range, customers: int) -> Iterator[list[bytes]]:
    """Per round three requests of one event for each of so many new customers: placed, paid, under way. The events of
    one customer never share a batch, so every batch loads and saves as many customers as it has events."""
    for number in rounds:
        now = datetime.now(UTC)  # what occurred before the release went live starts nothing
        yield [
            b"".join(_line(kind, f"{number}-{one}", now + timedelta(milliseconds=place)) for one in range(customers))
            for place, kind in enumerate(KINDS)
        ]


def _line(kind: str, one: str, at: datetime) -> bytes:
    event = {
        "specversion": "1.0",
        "id": f"{kind}/{one}",
        "source": "bench/shop",
        "type": kind,
        "time": at.isoformat().replace("+00:00", "Z"),
        "data": _data(kind, one),
    }
    return json.dumps(event, separators=(",", ":")).encode() + b"\n"


def _data(kind: str, one: str) -> dict[str, object]:
    order = {"order_id": f"o-{one}"}
    if kind == "shipment.in_transit":
        return {**order, "shipment_id": f"s-{one}", "carrier": "Correos", "line_ids": ["1", "2"]}
    person = {"customer_id": f"c-{one}", "email": f"c-{one}@example.com", "first_name": "Ana", "locale": "es"}
    if kind == "order.paid":
        return {**order, "customer": person, "total": "59.80", "currency": "EUR"}
    lines = [
        {"line_id": number, "sku": sku, "name": sku, "quantity": 1, "price": "29.90"}
        for number, sku in (("1", "CAF-01"), ("2", "CAF-03"))
    ]
    return {**order, "customer": person, "total": "59.80", "currency": "EUR", "lines": lines}
