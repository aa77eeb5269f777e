"""The dispatcher's side: what may leave, what may not any more, and how the run goes on afterwards."""

from __future__ import annotations

from datetime import timedelta

import pytest
from engine_shop import T0, event, paid, parcel, placed

from postventa.engine.batch import take
from postventa.engine.due import sweep
from postventa.engine.engine import Engine
from postventa.engine.receipts import ClaimedMessage, Settled, claim, settle

HOUR = timedelta(hours=1)


def sent(one: ClaimedMessage, result: str = "sent", **more: str) -> Settled:
    return Settled(one.record.effect_id, one.record.customer_id, result, T0 + HOUR, one.attempt, **more)  # type: ignore[arg-type]


async def intend(engine: Engine, *messages: ClaimedMessage) -> None:
    async with engine.store.transaction() as tx:
        await tx.intents({one.record.effect_id: one.attempt for one in messages}, T0 + HOUR)


async def begin(engine: Engine) -> None:
    await take(engine, [placed("o-1", customer_id="ana", email="ana@example.com"), paid("o-1")], T0 + HOUR)


async def test_a_message_leaves_once_and_its_run_goes_on(engine: Engine) -> None:
    await begin(engine)
    (message,) = await claim(engine, T0 + HOUR)
    assert (message.record.message, message.record.address, message.attempt) == ("thanks", "ana@example.com", 1)
    assert await claim(engine, T0 + HOUR) == []
    await intend(engine, message)
    await settle(engine, [sent(message)], T0 + HOUR)
    await settle(engine, [sent(message)], T0 + 2 * HOUR)
    row = await engine.store.views.outbox_row(message.record.effect_id)
    assert row is not None
    assert row.state == "sent"
    assert await sweep(engine, T0 + 48 * HOUR) == 0
    assert await sweep(engine, T0 + 49 * HOUR) == 1
    (tips,) = await claim(engine, T0 + 49 * HOUR)
    assert tips.record.message == "tips"


@pytest.mark.parametrize("address", ["Ana@Example.com", "ÁNA@Éxample.com"])
async def test_an_address_suppressed_in_other_letters_gets_nothing(engine: Engine, address: str) -> None:
    """Neither before the claim nor, when it comes between claim and intent, after it."""
    orders = [placed(name, customer_id="ana", email=address) for name in ("o-1", "o-2")]
    await take(engine, [*orders, paid("o-1")], T0 + HOUR)
    (message,) = await claim(engine, T0 + HOUR)
    async with engine.store.transaction() as tx:
        await tx.suppress(address.swapcase(), "bounced", T0 + HOUR)
    async with engine.store.transaction() as tx:
        assert await tx.intents({message.record.effect_id: message.attempt}, T0 + HOUR) == set()
    await take(engine, [paid("o-2")], T0 + HOUR)
    assert await claim(engine, T0 + HOUR) == []


async def test_what_an_operator_paused_is_not_claimed_and_not_lost(engine: Engine) -> None:
    await begin(engine)
    for scope in ("all", "journey:thanks", "channel:email"):
        assert await claim(engine, T0 + HOUR, paused=[scope]) == []
    assert len(await claim(engine, T0 + HOUR, paused=["journey:arrived"])) == 1


async def test_a_message_whose_run_exits_after_the_claim_does_not_leave(engine: Engine) -> None:
    await begin(engine)
    (message,) = await claim(engine, T0 + HOUR)
    await take(engine, [event("order.cancelled", "o-1/cancelled", 1, order_id="o-1")], T0 + HOUR)
    async with engine.store.transaction() as tx:
        assert await tx.intents({message.record.effect_id: message.attempt}, T0 + HOUR) == set()
    await settle(engine, [sent(message, "cancelled")], T0 + HOUR)
    ana = await engine.store.views.customer("ana")
    assert ana is not None
    assert (ana.runs, ana.outbox) == ({}, {})


async def test_an_address_that_bounced_gets_nothing_any_more(engine: Engine) -> None:
    await begin(engine)
    (message,) = await claim(engine, T0 + HOUR)
    await intend(engine, message)
    refused = sent(message, "refused", detail="no such box", bounced="Ana@Example.com")
    await settle(engine, [refused], T0 + HOUR)
    await take(engine, [placed("o-2", customer_id="ana"), paid("o-2")], T0 + 2 * HOUR)
    assert await claim(engine, T0 + 2 * HOUR) == []
    told = [row["reason"] for row in await engine.store.views.trace("ana") if row["decision"] == "skip"]
    assert any("bounced" in reason for reason in told), told


async def test_a_receipt_finds_the_person_after_a_merge_and_is_dropped_after_an_erasure(engine: Engine) -> None:
    await take(engine, [placed("o-1", email="ana@example.com"), paid("o-1")], T0 + HOUR)
    (message,) = await claim(engine, T0 + HOUR)
    await intend(engine, message)
    await take(engine, [placed("o-2", customer_id="ana", email="ana@example.com")], T0 + HOUR)
    await settle(engine, [sent(message)], T0 + HOUR)
    ana = await engine.store.views.customer("ana")
    assert ana is not None
    assert [run.stand.kind for run in ana.runs.values()] == ["timer"]
    await take(engine, [event("customer.erased", "e", 3, customer_id="ana")], T0 + 3 * HOUR)
    await settle(engine, [sent(message)], T0 + 3 * HOUR)
    assert await engine.store.views.customer_ids() == []


async def test_claimed_messages_come_back_with_their_next_attempt_when_the_dispatcher_died(engine: Engine) -> None:
    await begin(engine)
    (first,) = await claim(engine, T0 + HOUR, lease=timedelta(seconds=-1))
    (second,) = await claim(engine, T0 + HOUR)
    assert (first.attempt, second.attempt) == (1, 2)


async def test_points_and_a_delivery_mail(engine: Engine) -> None:
    await begin(engine)
    await take(engine, [parcel("delivered", "o-1", 2)], T0 + 3 * HOUR)
    assert [row["points"] for row in await engine.store.views.postings("ana")] == [10]
    assert {one.record.message for one in await claim(engine, T0 + 3 * HOUR)} == {"thanks", "arrived"}


@pytest.mark.parametrize("result", ["refused", "gave_up"])
async def test_a_dispatcher_that_slept_past_its_lease_does_not_end_what_another_holds(
    engine: Engine, result: str
) -> None:
    await begin(engine)
    (slow,) = await claim(engine, T0 + HOUR, lease=timedelta(seconds=-1))
    (other,) = await claim(engine, T0 + HOUR)
    await settle(engine, [sent(slow, result)], T0 + HOUR)
    ana = await engine.store.views.customer("ana")
    assert ana is not None
    assert [run.stand.kind for run in ana.runs.values()] == ["outbox"]
    await intend(engine, other)
    await settle(engine, [sent(other)], T0 + HOUR)
    told = [row["what"] for row in await engine.store.views.trace("ana") if row["decision"]]
    assert told == ["send"]
