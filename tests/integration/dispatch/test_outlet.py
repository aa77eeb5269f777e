"""Events the engine made: posted signed and in order, at least once; kept quietly where nobody wants them."""

from __future__ import annotations

import json

import pytest
from dispatch_shop import World, order, placed
from harness import hook, mail_server

from postventa.dispatch.outlet import Outlet
from postventa.errors import ChannelError


async def _events(world: World) -> list[str]:
    rows = await world.engine.store.views.messages()
    return [row.state for row in rows if row.kind == "event"]


async def test_events_are_posted_with_ids_that_stay(world: World) -> None:
    async with hook() as far, mail_server() as mail:
        await world.take(placed("o1"), order("o1", "paid"))
        await world.dispatcher(mail.channel).drain()
        outlet = Outlet(world.engine.store, far.channel, lambda: world.now)  # type: ignore[arg-type]
        far.answer = "503 busy"
        with pytest.raises(ChannelError):
            await outlet.drain()
        far.answer = "204 ok"
        assert await outlet.drain() == 1
        assert await outlet.drain() == 0
        headers, body = far.requests[0]
        told = json.loads(body)
        assert headers["webhook-id"] == f"{told['source']}/{told['id']}"
        assert headers["webhook-signature"].startswith("v1,")
        assert (told["type"], told["subject"]) == ("message.sent", "ana")


async def test_without_an_outlet_they_are_done_at_once(world: World) -> None:
    async with mail_server() as mail:
        await world.take(placed("o1"), order("o1", "paid"))
        await world.dispatcher(mail.channel).drain()
    outlet = Outlet(world.engine.store, None, lambda: world.now)
    assert await outlet.drain() == 1
    async with world.engine.store.transaction() as tx:
        assert await tx.pending_events(10) == []
