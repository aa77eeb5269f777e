"""A made-up customer and order, for previews and for looking at mails: everything a template may ask for is there."""

from __future__ import annotations

from typing import Any


def sample_context(locale: str = "es") -> dict[str, Any]:
    """A context as `MessageCatalog.render` takes it. The same on every call; times in early 2026."""
    lines = [
        _line("1", "CAF-01", "Cafetera italiana Nerea", "coffee", 1, "39.90"),
        _line("2", "CAF-03", "Café de Honduras 500 g", "coffee", 2, "9.50"),
    ]
    order = {
        "order_id": "10248",
        "number": "TC-10248",
        "placed_at": "2026-03-10T17:42:00Z",
        "paid_at": "2026-03-10T17:42:30Z",
        "promised_at": "2026-03-12T18:00:00Z",
        "delivered_at": "2026-03-12T11:05:00Z",
        "total": "62.80",
        "currency": "EUR",
        "lines": lines,
    }
    return {
        "order": order,
        "lines": lines[:1],
        "line": lines[0],
        "customer": _customer(locale),
        "shipment": _shipment(),
        "event": {"type": "order.paid", "time": order["paid_at"], "data": {}},
        "run": {},
        "answer": {"score": 5, "text": ""},
        "reward": {"code": "CLARA-7Q4M", "title": "10 %", "expires_at": "2026-04-30T21:59:00Z"},
        "links": {
            "unsubscribe": "https://tiendaclara.example/m/u/kX9v",
            "preferences": "https://tiendaclara.example/m/p/kX9v",
            "answer": lambda score: f"https://tiendaclara.example/m/a/kX9v?score={score}",
        },
    }


def _customer(locale: str) -> dict[str, Any]:
    return {
        "customer_id": "ana",
        "email": "ana@example.com",
        "first_name": "Ana",
        "locale": locale,
        "timezone": "Europe/Madrid",
        "country": "ES",
        "points": 1250,
        "tier": "Roble",
        "orders": {"count": 2, "spent": "104.30"},
        "tags": [],
    }


def _shipment() -> dict[str, Any]:
    return {
        "shipment_id": "s-1",
        "order_id": "10248",
        "carrier": "Correos Express",
        "tracking_url": "https://track.example.com/PQ4F1",
        "eta": "2026-03-12T18:00:00Z",
        "status": "in_transit",
    }


def _line(line_id: str, sku: str, name: str, category: str, quantity: int, price: str) -> dict[str, Any]:
    return {
        "line_id": line_id,
        "sku": sku,
        "name": name,
        "category": category,
        "quantity": quantity,
        "price": price,
        "state": "delivered",
        "product": {
            "name": name,
            "category": category,
            "url": f"https://tiendaclara.example/p/{sku}",
            "tutorial_url": f"https://tiendaclara.example/aprender/{sku}",
            "manual_url": f"https://tiendaclara.example/manual/{sku}.pdf",
            "warranty_months": 36,
        },
    }
