"""An operator's acts on a real engine: what each does, what it refuses, and that the history still tells the state."""

from __future__ import annotations

import json
from datetime import timedelta

from engine_shop import T0, event, paid, placed

from postventa.agents.declare import Agent
from postventa.core.event import Event
from postventa.engine.batch import take
from postventa.engine.due import sweep
from postventa.engine.engine import Engine
from postventa.engine.operate import Operators
from postventa.engine.receipts import Settled, claim, settle
from postventa.engine.verify import Verified, verify
from postventa.store.base import DeadLetter

HOUR = timedelta(hours=1)
NOW = T0 + HOUR


async def in_doubt(engine: Engine) -> str:
    """A mail of which nobody knows whether it left; its run has gone on."""
    await take(engine, [placed("o-1", customer_id="ana", email="ana@example.com"), paid("o-1")], NOW)
    (message,) = await claim(engine, NOW)
    async with engine.store.transaction() as tx:
        await tx.intents({message.record.effect_id: message.attempt}, NOW)
    await settle(engine, [settled(message, "uncertain")], NOW)
    return message.record.effect_id


def settled(message, result: str) -> Settled:
    return Settled(message.record.effect_id, "ana", result, NOW, message.attempt)


async def holds(engine: Engine) -> None:
    """Folding the history gives what is stored."""
    assert [one async for one in verify(engine.store.views, engine.releases, Verified())] == []


async def audit(engine: Engine) -> list[str]:
    return [row["what"] for row in await engine.store.views.audited()]


# --- messages in doubt -----------------------------------------------------------------------------------------------
async def test_a_mail_in_doubt_leaves_again_as_the_same_message(engine: Engine, operators: Operators) -> None:
    effect = await in_doubt(engine)
    (done,) = await operators.resend([effect], "eva", "the log of the mail server has nothing")
    assert (done.id, done.ok) == (effect, True)
    (message,) = await claim(engine, NOW)
    assert (message.record.effect_id, message.attempt) == (effect, 2)
    async with engine.store.transaction() as tx:
        await tx.intents({effect: 2}, NOW)
    await settle(engine, [settled(message, "sent")], NOW)
    row = await engine.store.views.outbox_row(effect)
    assert row is not None
    assert row.state == "sent"
    ana = await engine.store.views.customer("ana")
    assert ana is not None
    assert [run.stand.kind for run in ana.runs.values()] == ["timer"]  # it waits its two days, as before
    assert "message resend" in await audit(engine)
    await holds(engine)


async def test_a_mail_in_doubt_does_not_leave_to_somebody_who_objected(engine: Engine, operators: Operators) -> None:
    await take(engine, [placed("o-1", customer_id="ana", email="ana@example.com"), paid("o-1")], NOW)
    (thanks,) = await claim(engine, NOW)
    async with engine.store.transaction() as tx:
        await tx.intents({thanks.record.effect_id: 1}, NOW)
    await settle(engine, [settled(thanks, "sent")], NOW)
    later = T0 + 50 * HOUR
    await sweep(engine, later)
    (tips,) = await claim(engine, later)
    async with engine.store.transaction() as tx:
        await tx.intents({tips.record.effect_id: 1}, later)
    await settle(engine, [settled(tips, "uncertain")], later)
    await take(engine, [event("customer.unsubscribed", "u", 50, customer_id="ana")], later)
    await operators.resend([tips.record.effect_id], "eva")
    assert await claim(engine, later) == []
    row = await engine.store.views.outbox_row(tips.record.effect_id)
    assert row is not None
    assert (row.state, "objected" in row.detail) == ("cancelled", True)
    await holds(engine)


async def test_a_mail_in_doubt_does_not_leave_for_an_order_that_was_called_off(
    engine: Engine, operators: Operators
) -> None:
    effect = await in_doubt(engine)
    await operators.resend([effect], "eva")
    await take(engine, [event("order.cancelled", "o-1/x", 1, order_id="o-1")], NOW)
    assert await claim(engine, NOW) == []
    await holds(engine)


async def test_a_dropped_mail_is_asked_about_no_more(engine: Engine, operators: Operators) -> None:
    effect = await in_doubt(engine)
    (done,) = await operators.drop([effect], "eva", "she has written to us")
    assert done.ok
    assert await engine.store.views.uncertain() == []
    assert await claim(engine, NOW) == []
    told = [row["reason"] for row in await engine.store.views.trace("ana") if row["what"] == "doubt"]
    assert told == ["left as it is by an operator: she has written to us (eva)"]
    (again,) = await operators.drop([effect], "eva")
    assert not again.ok
    await holds(engine)


# --- runs ------------------------------------------------------------------------------------------------------------
async def parked(engine: Engine) -> tuple[str, str]:
    """A run whose version the live release lacks: it fails when its receipt comes."""
    await take(engine, [placed("o-1", customer_id="ana", email="ana@example.com"), paid("o-1")], NOW)
    async with engine.store.transaction() as tx:
        state = (await tx.lock_customers(["ana"]))["ana"]
        assert state.runs
    (run,) = state.runs
    return "ana", run


async def test_a_run_ends_by_an_operators_word_with_what_it_had_on_its_way(
    engine: Engine, operators: Operators
) -> None:
    run = await parked(engine)
    (done,) = await operators.end([run], "eva", "the customer rang")
    assert done.ok
    assert await claim(engine, NOW) == []
    (ended,) = await engine.store.views.ended_runs()
    assert (ended["outcome"], ended["reason"]) == ("cancelled", "the customer rang (eva)")
    (again,) = await operators.end([run], "eva")
    assert (again.ok, again.how) == (False, "no such run is under way")
    await holds(engine)


async def test_a_run_that_is_not_parked_is_not_retried(engine: Engine, operators: Operators) -> None:
    run = await parked(engine)
    (done,) = await operators.retry([run], "eva")
    assert (done.ok, done.how) == (False, "the run is not parked")
    (nobody,) = await operators.retry([("nobody", "r")], "eva")
    assert not nobody.ok
    assert await engine.store.views.customer("nobody") is None


# --- dead letters ----------------------------------------------------------------------------------------------------
async def letter(engine: Engine, source: str, record: str) -> int:
    async with engine.store.transaction() as tx:
        await tx.put_dead_letters([DeadLetter(source, "it was refused", record, NOW)])
    number = (await engine.store.views.dead_letters(1))[0].id
    assert number is not None
    return number


POSTED = json.dumps({
    "id": "o-1/placed", "source": "shop", "type": "order.placed", "time": "2026-03-02T09:00:00Z",
    "data": {"order_id": "o-1", "total": "10.00", "currency": "EUR", "customer": {"customer_id": "ana"}},
})  # fmt: skip


async def test_a_mended_record_takes_effect_once_and_is_no_dead_letter_any_more(
    engine: Engine, operators: Operators
) -> None:
    number = await letter(engine, "http", POSTED)
    assert [(done.ok, done.how) for done in await operators.replay([number, number], "eva")] == [(True, "accepted")]
    assert await engine.store.views.dead_letters() == []
    assert await engine.store.views.customer("ana") is not None
    (again,) = await operators.replay([number], "eva")
    assert not again.ok
    twice = await letter(engine, "http", POSTED)
    assert [done.how for done in await operators.replay([twice], "eva")] == ["duplicate"]
    await holds(engine)


async def test_a_record_that_is_still_wrong_stays(engine: Engine, operators: Operators) -> None:
    wrong, large = await letter(engine, "http", '{"id": "x"}'), await letter(engine, "http", "{… (shortened)")
    told = await operators.replay([wrong, large], "eva")
    assert [done.ok for done in told] == [False, False]
    assert "too large to keep" in told[1].how
    assert len(await engine.store.views.dead_letters()) == 2
    assert "dead letter replayed" not in await audit(engine)


async def test_a_record_of_a_topic_is_read_by_its_agent(engine: Engine) -> None:
    agent = Agent("orders", "orders", ("order.placed",), lambda record: {**record, "type": "order.placed"})
    operators = Operators(engine, lambda: NOW, lambda: {"orders": agent})
    record = {name: value for name, value in json.loads(POSTED).items() if name != "type"}
    for source in ("orders/0/17", "http/orders"):
        number = await letter(engine, source, json.dumps(record))
        (done,) = await operators.replay([number], "eva")
        assert done.ok, done
    assert [one.id for one, _ in await engine.store.views.events("ana")] == ["o-1/placed"]


async def test_an_event_that_waited_too_long_is_taken_as_it_was(engine: Engine, operators: Operators) -> None:
    """A dead letter of a valid event keeps the event as the engine writes it, not as it came."""
    from postventa.engine.due import expire_waiting

    await take(engine, [paid("o-1", total="10.00", currency="EUR")], T0)
    assert await expire_waiting(engine, T0 + 80 * HOUR) == 1
    await take(engine, [placed("o-1", customer_id="ana", email="ana@example.com")], NOW)
    (waited,) = await engine.store.views.dead_letters()
    assert waited.id is not None
    (done,) = await operators.replay([waited.id], "eva")
    assert (done.ok, done.how) == (True, "accepted")
    kept: Event = (await engine.store.views.events("ana"))[-1][0]
    assert kept == paid("o-1", total="10.00", currency="EUR").event
    assert len(await claim(engine, NOW)) == 1
    await holds(engine)


async def test_a_discarded_record_leaves_its_reason_in_the_audit(engine: Engine, operators: Operators) -> None:
    number = await letter(engine, "orders/0/17", "not JSON")
    assert [done.ok for done in await operators.discard([number, 999_999], "eva", "a test of the platform")] == [
        True, False
    ]  # fmt: skip
    row = (await engine.store.views.audited())[0]
    assert (row["who"], row["what"]) == ("eva", "dead letter discarded")
    assert (row["detail"]["source"], row["detail"]["how"]) == ("orders/0/17", "a test of the platform")


# --- addresses -------------------------------------------------------------------------------------------------------
async def test_a_suppressed_address_gets_what_its_orders_need_and_nothing_else(
    engine: Engine, operators: Operators
) -> None:
    await operators.suppress("Ana@Example.com", "eva", "asked on the phone")
    await take(engine, [placed("o-1", customer_id="ana", email="ana@example.com"), paid("o-1")], NOW)
    (thanks,) = await claim(engine, NOW)
    assert thanks.record.klass == "transactional"
    async with engine.store.transaction() as tx:
        await tx.intents({thanks.record.effect_id: 1}, NOW)
    await settle(engine, [settled(thanks, "sent")], NOW)
    await sweep(engine, T0 + 50 * HOUR)
    assert await claim(engine, T0 + 50 * HOUR) == []
    again = await operators.suppress("ana@example.com", "eva", "again")
    assert again.how == "was suppressed already: asked on the phone"
