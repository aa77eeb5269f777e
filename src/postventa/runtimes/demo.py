"""Sample customers for `postventa run --demo`: some sixty made-up people of a small shop, the same ones every time.

Their orders go the way orders go: most arrive, some are late, cancelled, sent back, or never delivered; some people
answer the survey, some come back, one objects. Nothing here is a real person or address.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random
from typing import Any

Event = dict[str, Any]

_SPANISH = """
    Ana Bruno Carmen Diego Elena Fermín Gloria Hugo Inés Javier Kira Lucía Mateo Nuria Óscar Paula Quique Rosa Sergio
    Teresa Ulises Vera Wanda Ximena Yago Zoe Alba Bernat Clara Dolores Emilio Fátima Gael Helena Iker Julia Karim Lola
    Marc Noa Olga Pablo Rita Samuel Tania Urko Valeria Yolanda"""
_ENGLISH = "Adam Beth Colin Daisy Edward Fiona George Hannah Ian Jane"
_NAMES = f"{_SPANISH} {_ENGLISH}".split()
_ENGLISH_FROM = _NAMES.index("Adam")
_GOODS = (
    ("CAF-01", "Cafetera italiana Nerea", "39.90"),
    ("CAF-02", "Molinillo de café Alba", "54.00"),
    ("CAF-03", "Café de Honduras 500 g", "9.50"),
    ("COC-01", "Sartén de hierro 26 cm", "62.00"),
    ("COC-02", "Olla de barro 3 l", "45.00"),
    ("LUZ-01", "Lámpara de mesa Faro", "89.00"),
    ("TEX-01", "Manta de lana Sierra", "74.50"),
    ("PLA-01", "Monstera en maceta", "28.00"),
)
_FATES = ("arrives",) * 7 + ("late", "cancelled", "returned", "lost")
_PLACED_WITHIN = timedelta(days=6)


@dataclass(slots=True)
class _Order:
    """One order while its story is told."""

    id: str
    customer: Mapping[str, Any]
    placed: datetime
    rng: Random

    def event(self, kind: str, at: datetime, **facts: Any) -> Event:
        name = f"{self.id}/{kind}/{facts['shipment_id']}" if "shipment_id" in facts else f"{self.id}/{kind}"
        data = {"order_id": self.id, **facts}
        return {"id": name, "source": "demo", "type": kind, "time": _stamp(at), "data": data}


def demo_events(start: datetime) -> list[Event]:
    """Every event of the sample customers, `start` being the morning of the first day; sorted as they are heard of."""
    rng = Random("postventa demo")
    events: list[Event] = []
    for number, name in enumerate(_NAMES):
        customer = _customer(number, name)
        placed = start + _PLACED_WITHIN * (number / len(_NAMES)) + timedelta(minutes=rng.randrange(5, 90))
        orders = 2 if rng.random() < 0.35 else 1
        for turn in range(orders):
            order = _Order(f"TC-{10200 + number}{'b' if turn else ''}", customer, placed, rng)
            fate = "arrives" if turn else rng.choice(_FATES)
            events += _story(order, fate)
            placed += timedelta(days=rng.randrange(9, 16), hours=rng.randrange(1, 9))
        if number == 7:
            said = {"customer": {"email": customer["email"]}, "channel": "email", "purpose": "*"}
            events.append(_event("no-more", "customer.unsubscribed", start + timedelta(days=4), said))
    return sorted(events, key=lambda event: (event["time"], event["source"], event["id"]))


def _customer(number: int, name: str) -> dict[str, Any]:
    english = number >= _ENGLISH_FROM
    address = f"{_plain(name)}@example.com"
    # Two of three tick the box for offers. The others said nothing, which is no objection: they still get a survey.
    said = [{"channel": "email", "purpose": "marketing", "given": True, "source": "checkout"}] if number % 3 else []
    return {
        "customer_id": f"c-{number + 1:03}",
        "email": address,
        "first_name": name,
        "locale": "en" if english else "es",
        "country": "GB" if english else "ES",
        "timezone": "Europe/London" if english else "Europe/Madrid",
        "consent": said,
    }


def _story(order: _Order, fate: str) -> Iterator[Event]:
    """One order from the basket to its end."""
    rng, placed = order.rng, order.placed
    goods = rng.sample(_GOODS, k=rng.choice((1, 1, 1, 2, 2, 3)))
    lines = [
        {"line_id": str(index), "sku": sku, "name": name, "quantity": 1, "price": price}
        for index, (sku, name, price) in enumerate(goods, 1)
    ]
    total = f"{sum(float(price) for _, _, price in goods) + 4.9:.2f}"
    promised = placed + timedelta(days=2)
    bought: dict[str, Any] = {
        "number": order.id, "customer": dict(order.customer), "total": total, "currency": "EUR",
        "lines": lines, "promised_at": _stamp(promised),
    }  # fmt: skip
    yield order.event("order.placed", placed, **bought)
    paid = placed + timedelta(minutes=rng.randrange(1, 20))
    yield order.event("order.paid", paid, total=total, currency="EUR")
    if fate == "cancelled":
        yield order.event("order.cancelled", paid + timedelta(hours=rng.randrange(2, 9)), reason="changed their mind")
        return
    delivered = yield from _parcel(order, fate, paid, promised)
    if delivered is None:
        return
    if fate == "returned":
        yield from _return(order, delivered, total)
    elif rng.random() < 0.6:
        score = rng.choice((5, 5, 5, 4, 4, 3, 2))
        answered = delivered + timedelta(days=6, hours=rng.randrange(1, 30))
        yield order.event("survey.answered", answered, survey="satisfaction", score=score)


def _parcel(order: _Order, fate: str, paid: datetime, promised: datetime) -> Generator[Event, None, datetime | None]:
    rng, parcel = order.rng, f"{order.id}-1"
    about = {"shipment_id": parcel, "carrier": "Correos Express", "tracking_url": f"https://track.example.com/{parcel}"}
    eta = promised + timedelta(days=3) if fate == "late" else promised
    packed = paid + timedelta(hours=rng.randrange(2, 10))
    yield order.event("shipment.created", packed, **about, eta=_stamp(promised))
    moving = packed + timedelta(hours=rng.randrange(1, 8))
    yield order.event("shipment.in_transit", moving, **about)
    if fate == "late":
        yield order.event("shipment.delayed", moving + timedelta(hours=12), **about, eta=_stamp(eta), reason="weather")
    if fate == "lost":
        return None
    arrives = max(eta - timedelta(hours=rng.randrange(1, 8)), moving + timedelta(hours=14))
    yield order.event("shipment.out_for_delivery", arrives - timedelta(hours=3), **about)
    yield order.event("shipment.delivered", arrives, **about)
    return arrives


def _return(order: _Order, delivered: datetime, total: str) -> Iterator[Event]:
    about = {"return_id": f"{order.id}-r", "wants": "refund", "reason": "not what was expected"}
    asked = delivered + timedelta(days=2)
    yield order.event("return.requested", asked, **about)
    yield order.event("return.received", asked + timedelta(days=4), **about)
    refund = {"refund_id": f"{order.id}-m", "return_id": about["return_id"], "amount": total, "full": True}
    yield order.event("refund.completed", asked + timedelta(days=6), **refund)
    yield order.event("order.refunded", asked + timedelta(days=6), amount=total)


def _event(name: str, kind: str, at: datetime, data: Mapping[str, Any]) -> Event:
    return {"id": f"demo/{name}", "source": "demo", "type": kind, "time": _stamp(at), "data": dict(data)}


def _stamp(at: datetime) -> str:
    return at.isoformat(timespec="seconds").replace("+00:00", "Z")


def _plain(name: str) -> str:
    """The local part of an address: small letters without accents."""
    return name.lower().translate(str.maketrans("áéíóúñç", "aeiounc"))
