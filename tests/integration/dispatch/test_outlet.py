"""Events the engine made: posted signed and in order, at least once; kept quietly where nobody wants them."""

from __future__ import annotations

import json
import sqlite3

import pytest
from dispatch_shop import World, order, placed
from harness import hook, mail_server

from postventa.dispatch.outlet import Outlet
from postventa.errors import ChannelError
from postventa.store.sqlite import SqliteStore


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


async def test_one_that_is_refused_for_good_stays_visible_and_holds_up_nobody(world: World) -> None:
    async with hook() as far, mail_server() as mail:
        await world.take(placed("o1"), order("o1", "paid"))
        await world.dispatcher(mail.channel).drain()
        outlet = Outlet(world.engine.store, far.channel, lambda: world.now)  # type: ignore[arg-type]
        far.answer = "410 gone"
        assert await outlet.drain() == 1
        assert await outlet.drain() == 0
        assert outlet.published == 0
        assert (await world.engine.store.views.counts(world.now))["refused_events"] == 1
        ((state, detail),) = _settled(world)
        assert state == "refused"
        assert "410" in detail


async def test_without_an_outlet_they_are_done_at_once_and_say_so(world: World) -> None:
    async with mail_server() as mail:
        await world.take(placed("o1"), order("o1", "paid"))
        await world.dispatcher(mail.channel).drain()
    outlet = Outlet(world.engine.store, None, lambda: world.now)
    assert await outlet.drain() == 1
    async with world.engine.store.transaction() as tx:
        assert await tx.pending_events(10) == []
    assert _settled(world) == [("sent", "no outlet configured")]


def _settled(world: World) -> list[tuple[str, str]]:
    """(state, detail) of the events that are done with, as an operator would look them up."""
    store = world.engine.store
    assert isinstance(store, SqliteStore)
    with sqlite3.connect(store.path) as database:
        return database.execute("select state, detail from outbox where kind = 'event'").fetchall()
