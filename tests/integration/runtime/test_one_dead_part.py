"""One part that ends takes the whole engine down in order, with exit code 70 and the reason in the log."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine
from datetime import UTC, datetime
from typing import Any

import pytest

from postventa.channels.mailbox import MailboxChannel
from postventa.dispatch.dispatcher import Dispatcher
from postventa.dispatch.links import signed_links
from postventa.dispatch.outlet import Outlet
from postventa.engine.engine import open_engine
from postventa.errors import RecordError, StoreBusy
from postventa.project import Project
from postventa.runtimes.clock import SystemClock
from postventa.runtimes.embedded import Embedded
from postventa.store.memory import MemoryStore
from postventa.tokens import Tokens

SHOP = Project.from_files({
    "postventa.yaml": b"shop: Test\nlocale: en\ntimezone: UTC\n",
    "brand.yaml": b"name: Test\nsender: Shop <shop@example.com>\npostal_address: Street 1, Town\n",
})  # fmt: skip
TOKENS = Tokens.parse("test:0123456789abcdef0123456789abcdef")


async def engine_with(part: Callable[[asyncio.Event], Coroutine[Any, Any, None]]) -> Embedded:
    store = MemoryStore()
    await store.open()
    engine = await open_engine(store, "a secret for tests")
    await engine.releases.publish(SHOP, datetime.now(UTC))
    clock = SystemClock()
    links = signed_links(TOKENS, "https://shop.example.com")
    dispatcher = Dispatcher(engine, {"email": MailboxChannel(store.mailbox)}, clock.now, links)
    return Embedded(engine, clock, dispatcher, Outlet(store, None, clock.now), extra=(("watch", part),))


async def test_a_part_that_fails_ends_the_engine_with_70(caplog: pytest.LogCaptureFixture) -> None:
    async def fails(stop: asyncio.Event) -> None:
        await asyncio.sleep(0)
        raise ZeroDivisionError("the disk has no name")

    engine = await engine_with(fails)
    async with asyncio.timeout(30):
        assert await engine.run() == 70
    told = [one.getMessage() for one in caplog.records if one.levelno == logging.CRITICAL]
    assert told == ["the part 'watch' stopped: the disk has no name"]
    with pytest.raises(StoreBusy, match="stopping"):
        await engine.submit([RecordError("/type", "order.payed", "an event type")], "test")


async def test_a_part_that_ends_by_itself_does_too(caplog: pytest.LogCaptureFixture) -> None:
    async def ends(stop: asyncio.Event) -> None:
        await asyncio.sleep(0)

    engine = await engine_with(ends)
    async with asyncio.timeout(30):
        assert await engine.run() == 70
    assert "the part 'watch' ended by itself" in caplog.text


async def test_being_stopped_is_no_failure() -> None:
    async def stays(stop: asyncio.Event) -> None:
        await stop.wait()

    engine = await engine_with(stays)
    engine.started = engine.stop.set
    async with asyncio.timeout(30):
        assert await engine.run() == 0
