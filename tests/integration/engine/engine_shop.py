"""A small shop for the engine's tests: three journeys, three messages, and short ways to write its events."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

from postventa.core.event import ReceiptResult
from postventa.engine.batch import take
from postventa.engine.due import sweep
from postventa.engine.engine import Engine
from postventa.engine.receipts import Settled, claim, settle
from postventa.engine.replay import instant
from postventa.project import Project
from postventa.schemas.parse import Incoming, parse_event

Results = Callable[[int], ReceiptResult]
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


async def live(engine: Engine, events: Sequence[Incoming], end: datetime, result: Results = lambda _: "sent") -> None:
    """Everything until `end`, as a stepping clock does it: to the next event or due time once nothing is pending.
    `result`: how the hand-over of the n-th mail ends."""
    left = sorted(events, key=lambda one: (instant(one.event), one.event.source, one.event.id))
    numbers = count(1)
    while True:
        due = await engine.store.views.next_due()
        now = min((moment for moment in (due, instant(left[0].event) if left else None) if moment), default=end)
        if now >= end:
            return
        here = [one for one in left if instant(one.event) == now]
        left = left[len(here) :]
        await take(engine, here, now)
        while await sweep(engine, now):
            pass
        while claimed := await claim(engine, now):
            async with engine.store.transaction() as tx:
                await tx.intents({one.record.effect_id: one.attempt for one in claimed}, now)
            for one in claimed:
                row = one.record
                await settle(
                    engine, [Settled(row.effect_id, row.customer_id, result(next(numbers)), now, one.attempt)], now
                )
