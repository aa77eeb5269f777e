"""Fast time, interrupted: a run that died anywhere goes on where it was, and decides what one in one go decides."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import sqlite3
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import pytest

from postventa.cli.serving import Options, clock_of
from postventa.dispatch.dispatcher import Dispatcher
from postventa.dispatch.links import signed_links
from postventa.dispatch.outlet import Outlet
from postventa.engine.engine import open_engine
from postventa.project import Project
from postventa.runtimes.demo import demo_events
from postventa.runtimes.embedded import Embedded
from postventa.runtimes.feed import Fed, feed_of
from postventa.runtimes.outward import mailbox_channel
from postventa.store.base import Store
from postventa.store.memory import MemoryStore
from postventa.store.sqlite import SqliteStore
from postventa.tokens import Tokens

sys.path.insert(0, str(Path(__file__).parents[2] / "acceptance" / "run"))

from sped_up import ROOT, decided

SHOP = Project.load(ROOT)
T0 = datetime(2026, 3, 2, 8, tzinfo=UTC)
TOKENS = Tokens.parse("test:0123456789abcdef0123456789abcdef")


def events() -> list[Fed]:
    """Some of the demo's orders: returned, late, in two parcels."""
    some = {f"TC-{10200 + number}" for number in (0, 3, 7, 12)}
    return [
        one for one in feed_of(demo_events(T0), SHOP.registry, T0) if (one.incoming.identity.order_id or "") in some
    ]


class Killed(BaseException):
    """Nothing more happens in the process."""


class Life:
    """One start of the engine on a store, as `postventa run --speed max --events FILE --until events` makes it."""

    def __init__(self, store: Store, feed: Sequence[Fed]) -> None:
        self.store, self.feed = store, feed
        self.began: datetime | None = None

    async def run(self) -> None:
        engine = await open_engine(self.store, "a secret for tests")
        await engine.releases.publish(SHOP, T0)
        clock = await clock_of(Options(ROOT, speed="max"), self.store, self.feed, T0)
        self.began = clock.now()
        links = signed_links(TOKENS, "https://shop.example.com")
        dispatcher = Dispatcher(engine, {"email": mailbox_channel(self.store.mailbox)}, clock.now, links)
        outlet = Outlet(self.store, None, clock.now)
        embedded = Embedded(engine, clock, dispatcher, outlet, feed=self.feed, until=self.feed[-1].at)
        assert embedded.stepper is not None
        take = embedded.stepper.submit

        async def watched(group: Sequence[Fed]) -> None:
            self.before(group)
            await take(group)
            await self.after(clock.now())

        embedded.stepper.submit = watched
        await embedded.stepper.run(embedded.stop)

    def before(self, group: Sequence[Fed]) -> None:
        """Called before the events of a moment are taken in."""

    async def after(self, now: datetime) -> None:
        """Called after they are, before anything they lead to leaves."""


class Dies(Life):
    """From `moment` on, as soon as a mail is waiting to leave."""

    def __init__(self, store: Store, feed: Sequence[Fed], moment: datetime) -> None:
        super().__init__(store, feed)
        self.moment = moment

    async def after(self, now: datetime) -> None:
        if now >= self.moment and await self.store.views.outbox_busy():
            raise Killed


@pytest.mark.parametrize("share", [0.0, 0.4, 0.8])
async def test_a_run_that_was_killed_goes_on_where_it_was(share: float) -> None:
    straight, store, feed = MemoryStore(), MemoryStore(), events()
    await straight.open()
    await Life(straight, feed).run()
    await store.open()
    moment = feed[int(len(feed) * share)].at
    with pytest.raises(Killed):
        await Dies(store, feed, moment).run()
    again = Life(store, feed)
    await again.run()
    assert again.began is not None
    assert again.began >= moment, "time already lived is not lived again"
    assert await decided(store) == await decided(straight)


async def test_a_database_held_for_a_while_loses_no_event_of_the_file(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    store, feed = SqliteStore(tmp_path / "state.db"), events()[:12]
    await store.open()
    store.patience = 0
    holder = sqlite3.connect(tmp_path / "state.db", isolation_level=None)
    waits = iter(["begin immediate"])

    class Held(Life):
        def before(self, group: Sequence[Fed]) -> None:
            for word in waits:
                holder.execute(word)

    async def let_go() -> None:
        while "trying again" not in caplog.text:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
        holder.execute("rollback")

    with caplog.at_level(logging.ERROR), contextlib.closing(holder):
        async with asyncio.timeout(60):
            await asyncio.gather(Held(store, feed).run(), let_go())
    known = {one.id for name in await store.views.customer_ids() for one, _ in await store.views.events(name)}
    assert known == {fed.incoming.event.id for fed in feed}
    await store.close()
