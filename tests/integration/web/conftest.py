"""A small shop behind both applications: the reference project, a real SQLite file, the real engine and dispatcher.

Time is a clock that the test moves; nothing is mocked and nothing listens on a port.
"""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import httpx
import pytest

from postventa.dispatch.dispatcher import Dispatcher
from postventa.dispatch.links import signed_links
from postventa.engine.due import sweep
from postventa.engine.engine import Engine, open_engine
from postventa.engine.meters import Meters
from postventa.errors import RecordError
from postventa.project import Project
from postventa.runtimes.outward import mailbox_channel
from postventa.runtimes.reception import Reception
from postventa.schemas.parse import Incoming, parse_many
from postventa.store.base import OutboxRecord, Pause
from postventa.store.sqlite import SqliteStore
from postventa.tokens import Tokens
from postventa.web.private import private_app
from postventa.web.public import public_app
from postventa.web.services import Answer, Headers, Services

ROOT = Path(__file__).resolve().parents[3]
PUBLIC = "https://shop.example"
START = datetime(2026, 3, 2, 9, tzinfo=UTC)


@dataclass
class Web:
    """The shop, its two apps, and the moves a test makes."""

    store: SqliteStore
    engine: Engine
    tokens: Tokens
    now: datetime = START
    public_url: str = PUBLIC
    surveys: Any = None
    """Others than the project's."""
    dispatcher: Dispatcher = field(init=False)
    services: Services = field(init=False)

    def __post_init__(self) -> None:
        channels = {"email": mailbox_channel(self.store.mailbox)}
        self.dispatcher = Dispatcher(self.engine, channels, lambda: self.now, self.links)
        self.services = self.make()

    def make(self, **changes: Any) -> Services:
        live = self.engine.releases._live
        assert live is not None
        fields = {
            "views": self.store.views, "mailbox": self.store.mailbox, "tokens": self.tokens, "now": lambda: self.now,
            "read": self.read, "ingest": self.ingest, "project": lambda: self.project(live.project),
            "catalog": lambda: live.catalog,
            "publish": self.publish, "pause": self.pause, "resume": self.resume, "public_url": self.public_url,
        }  # fmt: skip
        return Services(**{**fields, **changes})

    def project(self, live: Project) -> Project:
        return live if self.surveys is None else replace(live, surveys=self.surveys)

    def links(self, row: OutboxRecord, locale: str, now: datetime) -> Any:
        return signed_links(self.tokens, self.public_url)(row, locale, now)

    # --- what a runtime fills in
    def read(self, body: bytes, headers: Headers, topic: str | None) -> Sequence[Incoming | RecordError]:
        if topic is not None:
            raise RecordError("topic", topic, "a topic that an agent reads", "orders, shipments")
        assert self.engine.releases._live is not None
        registry = self.engine.releases._live.project.registry
        return list(
            parse_many(body, dict(headers).get("content-type", ""), registry=registry, headers=headers, now=self.now)
        )

    async def ingest(self, items: Sequence[Incoming | RecordError], source: str) -> Sequence[Answer]:
        reception = Reception(self.engine, lambda: self.now, lambda: None, Meters())
        return [Answer.of(one) for one in await reception.take([(one, source) for one in items])]

    async def publish(self, message: str, by: str) -> dict[str, Any]:
        release = await self.engine.releases.publish(Project.load(ROOT), self.now, by, message)
        return {"release": release.hash}

    async def pause(self, scope: str, reason: str, by: str) -> None:
        async with self.store.transaction() as tx:
            await tx.set_pause(Pause(scope, reason, self.now, by))

    async def resume(self, scope: str, by: str, skip_before: datetime | None) -> dict[str, Any]:
        async with self.store.transaction() as tx:
            return {"was_paused": await tx.clear_pause(scope)}

    # --- the moves of a test
    async def post(self, *events: dict[str, Any]) -> Sequence[Answer]:
        return await self.ingest(self.read(json.dumps(events).encode(), [], None), "test")

    async def pass_time(self, span: timedelta) -> None:
        """Move the clock from one due moment to the next, firing timers and sending what may leave."""
        end = self.now + span
        while (due := await self.store.views.next_due()) is not None and due <= end:
            self.now = max(self.now, due)
            while await sweep(self.engine, self.now):
                pass
            await self.dispatcher.drain()
        self.now = end

    async def order(self, number: int, name: str, locale: str = "es", **customer: Any) -> str:
        """An order that is placed, paid and delivered within a day; gives its customer's id."""
        who = {
            "customer_id": f"c-{number}",
            "email": f"{name.lower()}@example.com",
            "first_name": name,
            "locale": locale,
        }
        order = f"o-{number}"
        lines = [
            {"line_id": "1", "sku": "CAF-01", "name": "Cafetera italiana", "quantity": 1, "price": "39.90"},
            {"line_id": "2", "sku": "COC-01", "name": "Sartén de hierro", "quantity": 1, "price": "54.00"},
        ]
        bought = {"number": f"TC-{number}", "total": "98.80", "currency": "EUR", "lines": lines}
        parcel = {
            "shipment_id": f"s-{number}",
            "order_id": order,
            "carrier": "Correos",
            "tracking_url": "https://t.example/1",
        }
        await self.post(
            self.event(f"{order}-placed", "order.placed", 0, order_id=order, customer={**who, **customer}, **bought),
            self.event(f"{order}-paid", "order.paid", 1, order_id=order, total="98.80", currency="EUR"),
        )
        await self.dispatcher.drain()
        await self.pass_time(timedelta(hours=6))
        await self.post(self.event(f"{order}-shipped", "shipment.in_transit", 0, **parcel))
        await self.pass_time(timedelta(hours=18))
        await self.post(self.event(f"{order}-fulfilled", "order.fulfilled", -60, order_id=order))
        await self.post(self.event(f"{order}-delivered", "shipment.delivered", 0, **parcel))
        return f"c-{number}"

    def event(self, name: str, kind: str, seconds: int = 0, **data: Any) -> dict[str, Any]:
        at = (self.now + timedelta(seconds=seconds)).isoformat()
        return {"id": name, "source": "shop", "type": kind, "time": at, "data": data}

    async def mail(self, message: str, customer: str | None = None) -> dict[str, Any]:
        """The last mail of that message."""
        mails = await self.store.mailbox.mails(1000, customer)
        found = [one for one in mails if one["message"] == message]
        assert found, f"no {message} among {[one['message'] for one in mails]}"
        return found[0]

    async def link(self, message: str, kind: str, customer: str | None = None) -> str:
        """The path of a mail's personal link: "a", "u" or "p"."""
        html = (await self.mail(message, customer))["html"]
        found = re.search(rf"{re.escape(self.public_url)}(/{kind}/[\w-]+)", html)
        assert found, f"no /{kind}/ link in {message}"
        return found[1]

    async def answers(self, customer: str) -> list[dict[str, Any]]:
        events = await self.store.views.events(customer)
        return [dict(event.data) for event, _ in events if event.type == "survey.answered"]

    async def types(self, customer: str) -> list[str]:
        return [event.type for event, _ in await self.store.views.events(customer)]


@cache
def reference() -> Project:
    """The reference project, read once."""
    return Project.load(ROOT)


@pytest.fixture
async def web(tmp_path: Path) -> AsyncIterator[Web]:
    store = SqliteStore(tmp_path / "state.db")
    await store.open()
    engine = await open_engine(store, "a-secret-of-the-shop")
    await engine.releases.publish(reference(), START - timedelta(days=1), "tests", "the reference project")
    yield Web(store, engine, Tokens.parse("1:a-secret-of-the-shop"))
    await store.close()


def client(app: Any, host: str = "127.0.0.1", name: str = "localhost", **more: Any) -> httpx.AsyncClient:
    transport = httpx.ASGITransport(app=app, client=(host, 50000))
    return httpx.AsyncClient(transport=transport, base_url=f"http://{name}", **more)


@pytest.fixture
async def public(web: Web) -> AsyncIterator[httpx.AsyncClient]:
    async with client(public_app(web.services), "203.0.113.9", "shop.example") as browser:
        yield browser


@pytest.fixture
async def private(web: Web) -> AsyncIterator[httpx.AsyncClient]:
    async with client(private_app(web.services)) as browser:
        yield browser


@pytest.fixture
def connect() -> Any:
    """`connect(app, host, name)`: a client from that address under that host name."""
    return client
