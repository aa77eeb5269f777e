"""A shop of three messages on a real SQLite file, its dispatcher, and a real mail server on the other side."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from postventa.channels.base import Channel
from postventa.dispatch.dispatcher import Dispatcher
from postventa.dispatch.links import signed_links
from postventa.engine.batch import Answer, take
from postventa.engine.due import sweep
from postventa.engine.engine import Engine
from postventa.project import Project
from postventa.schemas.parse import parse_event
from postventa.store.base import OutboxRecord
from postventa.tokens import Tokens

sys.path.insert(0, str(Path(__file__).parents[2] / "contracts" / "channels"))

T0 = datetime(2026, 3, 2, 9, tzinfo=UTC)
TOKENS = Tokens.parse("test:0123456789abcdef0123456789abcdef")
FILES = {
    "postventa.yaml": b"shop: Test\nlocale: en\ntimezone: UTC\nlive_from: 2020-01-01T00:00:00Z\n"
    b"caps: [{emails: 1, per: 7 days}]\n",
    "brand.yaml": b"name: Test\nsender: Shop <shop@example.com>\npostal_address: Street 1, Town\n",
    "journeys/thanks.yaml": b"journey: thanks\ntitle: Thanks\nowner: a@shop.example\nsubject: order\n"
    b"start: {on: order.paid}\nexit_on: [order.cancelled]\nsteps: [{send: thanks}]\n",
    "journeys/tips.yaml": b"journey: tips\ntitle: Tips\nowner: a@shop.example\nsubject: order\n"
    b"start: {on: order.fulfilled}\nexit_on: [order.cancelled]\nsteps: [{send: tips}]\n",
    "journeys/broken.yaml": b"journey: broken\ntitle: Broken\nowner: a@shop.example\nsubject: order\n"
    b"start: {on: order.confirmed}\nsteps: [{send: broken}]\n",
    "templates/thanks/message.yaml": b"class: transactional\nsubject: {en: Thank you}\n",
    "templates/thanks/en.md": b"# Thank you\n\nOrder {{ order.order_id }}, {{ order.total }}.\n",
    "templates/tips/message.yaml": b"class: soft_opt_in\nsubject: {en: Tips}\n",
    "templates/tips/en.md": b"# Tips\n\nFor {{ lines[0].name }}, {{ customer.first_name | default('you') }}.\n",
    "templates/broken/message.yaml": b"class: transactional\nsubject: {en: Broken}\n",
    "templates/broken/en.md": b"# Broken\n\nHello\n\nYour {{ order.tracking_url }}.\n",
}
SHOP = Project.from_files(FILES)


@dataclass
class World:
    """The engine, its dispatcher, and a clock that is moved by hand."""

    engine: Engine
    now: datetime = T0
    dispatchers: list[Dispatcher] = field(default_factory=list)

    def dispatcher(self, channel: Channel, **options: Any) -> Dispatcher:
        links = signed_links(TOKENS, "https://shop.example.com")
        one = Dispatcher(self.engine, {"email": channel}, lambda: self.now, links, **options)
        self.dispatchers.append(one)
        return one

    async def take(self, *records: dict[str, Any]) -> list[Answer]:
        return await take(self.engine, [parse_event(one, SHOP.registry, now=self.now) for one in records], self.now)

    async def later(self, span: timedelta) -> None:
        self.now += span
        while await sweep(self.engine, self.now):
            pass

    async def rows(self) -> dict[str, OutboxRecord]:
        """Message name -> its row (the newest)."""
        found = [row for row in await self.engine.store.views.messages() if row.kind == "message"]
        return {row.message or "": row for row in reversed(found)}

    async def reasons(self, customer: str) -> Sequence[str]:
        return [row["reason"] for row in await self.engine.store.views.trace(customer)]


def order(name: str, kind: str, **data: Any) -> dict[str, Any]:
    return {"id": f"{name}/{kind}", "source": "shop", "type": f"order.{kind}", "time": T0.isoformat(),
            "data": {"order_id": name, **data}}  # fmt: skip


def placed(name: str, customer: str = "ana") -> dict[str, Any]:
    person = {"customer_id": customer, "email": f"{customer}@example.com", "locale": "en"}
    lines = [{"line_id": "1", "name": "Moka pot", "quantity": 1, "price": "39.90"}]
    return order(name, "placed", customer=person, lines=lines, total="39.90", currency="EUR")
