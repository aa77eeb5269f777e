"""From the outbox to a real mail server: what arrives, what does not, and what the store says of it."""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.smtp import AuthResult
from dispatch_shop import SHOP, T0, World, order, placed
from harness import MailServer, mail_server

from postventa.channels.base import CommitIntent, Envelope, Receipt
from postventa.dispatch.dispatcher import Dispatcher
from postventa.engine.engine import open_engine
from postventa.engine.receipts import Settled, claim, settle
from postventa.errors import ChannelError
from postventa.runtimes import operate
from postventa.store.sqlite import SqliteStore

DAY = timedelta(days=1)


async def test_a_mail_arrives_with_its_facts_links_and_id(world: World) -> None:
    async with mail_server() as far:
        await world.take(placed("o1"), order("o1", "paid"), order("o1", "fulfilled"))
        assert await world.dispatcher(far.channel).drain() == 2
        rows, mails = await world.rows(), [raw.decode() for raw in far.contents]
        assert {row.state for row in rows.values()} == {"sent"}
        assert sorted(far.received) == sorted(f"<{row.effect_id}@example.com>" for row in rows.values())
        thanks, tips = sorted(mails, key=lambda mail: "Moka pot" in mail)
        assert "Order o1" in thanks
        assert "List-Unsubscribe: <https://shop.example.com/u/" in tips
        assert "List-Unsubscribe" not in thanks, "a transactional mail cannot be stopped"
        assert "handed over" in await world.reasons("ana")
        assert not (await world.engine.store.views.customer("ana")).runs  # type: ignore[union-attr]


class CancelsAtRcpt(MailServer):
    """While the server thinks about the recipient, the order is cancelled."""

    world: World

    async def handle_RCPT(self, server: Any, session: Any, envelope: Any, address: str, options: Any) -> str:  # noqa: N802
        await self.world.take(order("o1", "cancelled"))
        return await super().handle_RCPT(server, session, envelope, address, options)


async def test_what_is_withdrawn_before_the_intent_does_not_leave(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("harness.MailServer", CancelsAtRcpt)
    CancelsAtRcpt.world = world
    async with mail_server() as far:
        await world.take(placed("o1"), order("o1", "paid"))
        await world.dispatcher(far.channel).drain()
        assert far.received == []
        assert (await world.rows())["thanks"].state == "cancelled"
        assert not (await world.engine.store.views.customer("ana")).outbox  # type: ignore[union-attr]


async def test_not_now_is_tried_again_and_then_sent(world: World) -> None:
    async with mail_server() as far:
        far.cut_rcpt = 1
        await world.take(placed("o1"), order("o1", "paid"))
        dispatcher = world.dispatcher(far.channel)
        assert await dispatcher.drain() == 1
        row = (await world.rows())["thanks"]
        assert row.state == "pending"
        assert "failed before" in row.detail
        assert row.next_try_at
        assert row.next_try_at > world.now
        await world.later(timedelta(minutes=1))
        assert await dispatcher.drain() == 1
        assert (await world.rows())["thanks"].state == "sent"
        assert len(far.received) == 1


async def test_an_address_that_does_not_exist_is_never_tried_again(world: World) -> None:
    async with mail_server() as far:
        await world.take(placed("o1", "nobody"), order("o1", "paid"))
        dispatcher = world.dispatcher(far.channel)
        await dispatcher.drain()
        assert (await world.rows())["thanks"].state == "refused"
        await world.take(placed("o2", "nobody"), order("o2", "paid"))
        await dispatcher.drain()
        assert far.received == []
        assert any("bounced" in reason for reason in await world.reasons("nobody"))


async def test_in_doubt_allow_sends_again_under_the_same_id_and_avoid_waits(world: World) -> None:
    async with mail_server(connections=1) as far:
        far.swallow = 2
        await world.take(placed("o1"), order("o1", "paid"), order("o1", "fulfilled"))
        await world.dispatcher(far.channel).drain()
        rows = await world.rows()
        assert rows["thanks"].state == "sent"
        assert rows["tips"].state == "uncertain"
        assert far.received.count(f"<{rows['thanks'].effect_id}@example.com>") == 2
        assert far.received.count(f"<{rows['tips'].effect_id}@example.com>") == 1


async def test_a_server_that_never_answers_gets_a_mail_ever_more_seldom_and_not_for_ever(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with mail_server(connections=1) as far:
        far.swallow = 99
        await world.take(placed("o1"), order("o1", "paid"))
        dispatcher, arrived = world.dispatcher(far.channel), []
        for _ in range(4):
            await dispatcher.drain()
            arrived.append(len(far.received))
            await world.later(timedelta(seconds=10))
        assert arrived == [2, 3, 3, 4], "once more at once, then after 10 s, then after 20"
        monkeypatch.setattr("postventa.dispatch.retry.GIVE_UP_AFTER", timedelta(0))
        await world.later(timedelta(hours=1))
        await dispatcher.drain()
        assert (await world.rows())["thanks"].state == "uncertain"


async def test_a_late_receipt_turns_uncertain_into_sent(world: World) -> None:
    async with mail_server() as far:
        far.swallow = 1
        await operate.pause(world.engine.store, "journey:thanks", "only the other", "test", T0)
        await world.take(placed("o1"), order("o1", "paid"), order("o1", "fulfilled"))
        await world.dispatcher(far.channel).drain()
        row = (await world.rows())["tips"]
        assert row.state == "uncertain"
        await settle(world.engine, [Settled(row.effect_id, "ana", "sent", T0, row.attempt, "250 late")], world.now)
        assert (await world.rows())["tips"].state == "sent"


@pytest.mark.parametrize(("kind", "then"), [("paid", "sent"), ("fulfilled", "uncertain")])
async def test_what_a_dead_process_left_sending_is_in_doubt(world: World, kind: str, then: str) -> None:
    committed = asyncio.Event()

    class Dies:
        name, real = "email", True

        async def deliver(self, envelope: Envelope, commit_intent: CommitIntent) -> Receipt:
            assert await commit_intent()
            committed.set()
            await asyncio.Event().wait()
            raise AssertionError

        async def check(self) -> str:
            return ""

        async def close(self) -> None: ...

    await world.take(placed("o1"), order("o1", "paid"), order("o1", kind))
    async with mail_server() as far:
        if kind == "fulfilled":
            await operate.pause(world.engine.store, "journey:thanks", "only the other", "test", T0)
        dead = world.dispatcher(Dies())
        running = asyncio.create_task(dead.drain())
        name = "thanks" if kind == "paid" else "tips"
        await committed.wait()
        for task in {running, *dead._tasks}:
            task.cancel()
        await asyncio.gather(running, *dead._tasks, return_exceptions=True)
        world.dispatchers.clear()
        alive = world.dispatcher(far.channel)
        assert await alive.recover() == 1
        await alive.drain()
        assert (await world.rows())[name].state == then


async def test_a_message_is_given_up_after_a_day_of_trying(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "old.db", clock=lambda: datetime.now(UTC) - timedelta(hours=25))
    await store.open()
    engine = await open_engine(store, "a secret for tests")
    await engine.releases.publish(SHOP, T0)
    world = World(engine)
    async with mail_server() as far:
        await world.take(placed("o1", "greylisted"), order("o1", "paid"))
        dispatcher = world.dispatcher(far.channel)
        await dispatcher.drain()
        assert (await world.rows())["thanks"].state == "pending"
        await world.later(timedelta(minutes=1))
        await dispatcher.drain()
        row = (await world.rows())["thanks"]
        assert row.state == "gave_up"
        assert row.detail.startswith("tried for 24 hours")
    await store.close()


async def test_a_template_that_fails_is_told_with_its_line_and_the_rest_goes_on(world: World) -> None:
    async with mail_server() as far:
        await world.take(placed("o1"), order("o1", "confirmed"), order("o1", "paid"))
        await world.dispatcher(far.channel).drain()
        rows = await world.rows()
        assert rows["broken"].state == "gave_up"
        assert "templates/broken/en.md:5: 'order.tracking_url' is missing" in rows["broken"].detail
        assert rows["thanks"].state == "sent"
        assert not (await world.engine.store.views.customer("ana")).runs, "its run went on"  # type: ignore[union-attr]


@pytest.mark.parametrize("scope", ["all", "journey:thanks", "channel:email"])
async def test_what_is_paused_stays_and_leaves_after_the_resume(world: World, scope: str) -> None:
    async with mail_server() as far:
        await operate.pause(world.engine.store, scope, "a wrong price", "test", T0)
        await world.take(placed("o1"), order("o1", "paid"))
        dispatcher = world.dispatcher(far.channel)
        assert await dispatcher.drain() == 0
        assert (await world.rows())["thanks"].state == "pending"
        await operate.resume(world.engine, scope, "test", world.now)
        await dispatcher.drain()
        assert len(far.received) == 1


async def test_resume_can_leave_out_what_is_too_old(world: World) -> None:
    async with mail_server() as far:
        await operate.pause(world.engine.store, "all", "restored", "test", T0)
        await world.take(placed("o1"), order("o1", "paid"))
        await world.later(DAY)
        await world.take(placed("o2", "bea"), order("o2", "paid"))
        done = await operate.resume(world.engine, "all", "test", world.now, skip_before=world.now)
        assert done == {"was_paused": True, "skipped": 1}
        await world.dispatcher(far.channel).drain()
        assert len(far.received) == 1
        assert not (await world.engine.store.views.customer("ana")).runs  # type: ignore[union-attr]


async def test_many_dispatchers_one_customer_a_cap_of_one(world: World) -> None:
    """Six messages that may all leave, six dispatchers at once, and a cap that lets one through."""
    async with mail_server() as far:
        for name in "abcdef":
            await world.take(placed(name), order(name, "paid"))
        await world.take(*(order(name, "fulfilled") for name in "abcdef"))
        waiting = [row for row in await world.engine.store.views.messages() if row.kind == "message"]
        assert len([row for row in waiting if row.message == "tips"]) == 6
        dispatchers = [world.dispatcher(far.channel) for _ in range(6)]
        await asyncio.gather(*(one.drain() for one in dispatchers))
        sent = [row for row in await world.engine.store.views.messages() if row.state == "sent"]
        assert len([row for row in sent if row.message == "tips"]) == 1
        assert len([row for row in sent if row.message == "thanks"]) == 6, "transactional mail is not counted"
        assert len(far.received) == 7


async def test_a_refused_login_rests_the_channel_and_keeps_the_mail(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    def nobody(*_: Any) -> AuthResult:
        return AuthResult(success=False, handled=False)

    server = {"authenticator": nobody, "auth_require_tls": False}
    async with mail_server(server, username="shop", password="wrong") as far:
        for number in range(20):
            await world.take(placed(f"o{number}", f"c{number}"), order(f"o{number}", "paid"))
        dispatcher = world.dispatcher(far.channel, pool=4)
        assert await dispatcher.drain() == 4, "the first four found out, the others are not even tried"
        rows = [row for row in await world.engine.store.views.messages() if row.kind == "message"]
        assert {row.state for row in rows} == {"pending"}
        assert sum(row.attempt for row in rows) == 4
        assert "refused the login of 'shop'" in caplog.text
        assert "nothing is lost" in caplog.text


async def test_a_database_held_when_the_engine_starts_is_waited_for(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """What the last stop left in doubt is read as soon as the other program lets go; until then nothing is sent."""
    monkeypatch.setattr("postventa.dispatch.dispatcher.LOOK_AGAIN", 0.01)
    async with mail_server() as far:
        await world.take(placed("o1"), order("o1", "paid"))
        (left,) = await claim(world.engine, world.now)
        async with world.engine.store.transaction() as tx:
            await tx.intents({left.record.effect_id: left.attempt}, world.now)
        world.engine.store.patience = 0  # type: ignore[attr-defined]
        with contextlib.closing(sqlite3.connect(tmp_path / "state.db", isolation_level=None)) as holder:
            holder.execute("begin immediate")
            dispatcher, stop = world.dispatcher(far.channel), asyncio.Event()
            running = asyncio.create_task(dispatcher.run(stop))
            while "what the last stop left cannot be read" not in caplog.text and not running.done():  # noqa: ASYNC110
                await asyncio.sleep(0.01)
            assert not running.done(), "the dispatcher ended instead of waiting"
            assert far.received == []
        while not far.received:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
        stop.set()
        dispatcher.wake.set()
        await running
        assert far.received == [f"<{left.record.effect_id}@example.com>"]
        assert "in doubt after the last stop" in caplog.text


async def test_a_full_pool_hands_over_everything(world: World) -> None:
    async with mail_server(connections=2) as far:
        for number in range(30):
            await world.take(placed(f"o{number}", f"c{number}"), order(f"o{number}", "paid"))
        assert await world.dispatcher(far.channel, pool=3).drain() == 30
        assert len(set(far.received)) == 30


async def shops_of(world: World, count: int) -> None:
    """So many customers, each with a mail that may leave."""
    for number in range(count):
        await world.take(placed(f"o{number}", f"c{number}"), order(f"o{number}", "paid"))


async def states_of(world: World) -> Counter[str]:
    return Counter(row.state for row in await world.engine.store.views.messages() if row.kind == "message")


class Waits:
    """A channel whose intents are asked for only when the test says so; what left stands in `left`."""

    name, real = "email", True

    def __init__(self) -> None:
        self.go = asyncio.Event()
        self.left: list[str] = []
        self.asked = 0
        self.broken = False

    async def deliver(self, envelope: Envelope, commit_intent: CommitIntent) -> Receipt:
        self.asked += 1
        await self.go.wait()
        if self.broken:
            raise ChannelError("nobody there", phase="connect")
        if not await commit_intent():
            return Receipt("withdrawn")
        self.left.append(envelope.effect_id)
        return Receipt("sent")

    async def check(self) -> str:
        return ""

    async def close(self) -> None: ...


async def claimed_ahead(world: World, channel: Waits) -> Dispatcher:
    """A dispatcher that was quick just now: twenty mails are claimed, for its two hands."""
    dispatcher = world.dispatcher(channel, pool=2)
    for _ in range(40):
        dispatcher._ahead.sent(asyncio.get_running_loop().time())
    await shops_of(world, 20)
    assert await dispatcher._round() == 20
    return dispatcher


@pytest.mark.parametrize("scope", ["all", "journey:thanks", "channel:email"])
async def test_what_was_claimed_ahead_does_not_leave_after_a_pause(world: World, scope: str) -> None:
    channel = Waits()
    dispatcher = await claimed_ahead(world, channel)
    assert await states_of(world) == {"claimed": 20}
    await operate.pause(world.engine.store, scope, "a wrong price", "test", T0)
    channel.go.set()
    await dispatcher.finish()
    assert channel.left == []
    assert await states_of(world) == {"pending": 20}
    assert await dispatcher.drain() == 0
    await operate.resume(world.engine, scope, "test", world.now)
    await dispatcher.drain()
    assert len(set(channel.left)) == len(channel.left) == 20
    rows = [row for row in await world.engine.store.views.messages() if row.kind == "message"]
    assert {(row.state, row.first_try_at) for row in rows} == {("sent", None)}, "nothing was tried before"


async def test_what_was_claimed_ahead_is_given_back_when_the_channel_fails(world: World) -> None:
    channel = Waits()
    dispatcher = await claimed_ahead(world, channel)
    channel.broken = True
    channel.go.set()
    await dispatcher.finish()
    assert channel.asked <= 2, "its two hands found out, the others are not tried"
    rows = [row for row in await world.engine.store.views.messages() if row.kind == "message"]
    assert [row.state for row in rows] == ["pending"] * 20
    assert len([row for row in rows if row.first_try_at is None]) == 20 - channel.asked


async def test_what_waited_past_its_lease_is_claimed_again_before_it_leaves(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    channel = Waits()
    monkeypatch.setattr("postventa.dispatch.dispatcher.LEASE", timedelta(0))
    dispatcher = await claimed_ahead(world, channel)
    monkeypatch.undo()
    channel.go.set()
    await dispatcher.finish()
    assert channel.left == []
    await dispatcher.drain()
    assert len(channel.left) == 20
    assert await states_of(world) == {"sent": 20}
