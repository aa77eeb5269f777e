"""A small shop for the engine's tests: three journeys, three messages, and short ways to write its events."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from postventa.project import Project
from postventa.schemas.parse import Incoming, parse_event

T0 = datetime(2026, 3, 2, 9, tzinfo=UTC)

_MESSAGE = """\
class: {klass}
subject: {{en: "About your order"}}
"""
FILES = {
    "postventa.yaml": b"shop: Test\nlocale: en\ntimezone: UTC\ncurrency: EUR\nlive_from: 2020-01-01T00:00:00Z\n"
    b"max_start_lateness: 3650 days\n",
    "journeys/thanks.yaml": b"""\
journey: thanks
title: Thanks
owner: a@shop.example
subject: order
start: {on: order.paid}
exit_on: [order.cancelled]
steps:
  - send: thanks
  - wait: 2 days
  - send: tips
""",
    "journeys/arrived.yaml": b"""\
journey: arrived
title: Arrived
owner: a@shop.example
subject: order
start: {on: order.delivered}
steps:
  - award: 10
  - send: arrived
""",
    "loyalty.yaml": b"earning: []\ntiers: []\nrewards: {}\n",
    "brand.yaml": b"name: Test\nsender: Test <a@shop.example>\npostal_address: Street 1\n",
}
for _name, _klass in (("thanks", "transactional"), ("tips", "soft_opt_in"), ("arrived", "transactional")):
    FILES[f"templates/{_name}/message.yaml"] = _MESSAGE.format(klass=_klass).encode()
    FILES[f"templates/{_name}/en.md"] = b"Hello.\n"


def project(**changed: bytes | None) -> Project:
    """The shop; files may be changed or (None) left out, `journeys__thanks` for journeys/thanks.yaml."""
    files = dict(FILES)
    for name, raw in changed.items():
        path = name.replace("__", "/") + ".yaml"
        if raw is None:
            files.pop(path)
        else:
            files[path] = raw
    return Project.from_files(files)


SHOP = project()


def event(type_: str, id_: str, at: datetime | float = 0, **data: Any) -> Incoming:
    """An event of source "shop"; `at` is a moment, or hours after T0."""
    moment = at if isinstance(at, datetime) else T0 + timedelta(hours=at)
    record = {"id": id_, "source": "shop", "type": type_, "time": moment.isoformat(), "data": data}
    return parse_event(record, SHOP.registry, now=T0)


def placed(order: str, at: float = 0, **customer: Any) -> Incoming:
    """An order with one line, of the customer described."""
    lines = [{"line_id": "1", "sku": "A", "quantity": 1, "price": "10.00"}]
    return event("order.placed", f"{order}/placed", at, order_id=order, total="10.00", currency="EUR", lines=lines,
                 customer=customer)  # fmt: skip


def paid(order: str, at: float = 1, **more: Any) -> Incoming:
    """Its payment, which names only the order."""
    return event("order.paid", f"{order}/paid", at, order_id=order, **more)


def parcel(verb: str, order: str, at: float) -> Incoming:
    """A scan of the order's only parcel."""
    return event(f"shipment.{verb}", f"{order}/{verb}", at, order_id=order, shipment_id=f"{order}-1")
