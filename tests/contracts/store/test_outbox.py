"""The outbox in every backend: who may leave in what order, and that a message leaves once whatever comes between."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from postventa.core.effect import EmitEvent, PutBack, Withdraw
from postventa.store.base import Pause

MINUTE = timedelta(minutes=1)
RUN_OUT = timedelta(seconds=-1)
"""A lease of the past: run out as soon as it is given, on whichever clock the backend uses."""


async def claim(store, *effect_ids, lease=MINUTE, codes=()) -> dict[str, int]:
    async with store.transaction() as tx:
        return await tx.set_claimed(dict.fromkeys(effect_ids) | dict(codes), lease)


async def intend(store, make, minutes=1, **attempts) -> set[str]:
    async with store.transaction() as tx:
        return await tx.intents(attempts, make.at(minutes))


async def claimable(store, make, minutes=0, limit=100, paused=()) -> list[str]:
    async with store.transaction() as tx:
        return [row.effect_id for row in await tx.claimable(make.at(minutes), limit, paused)]


async def state_of(store, effect_id) -> str:
    return (await store.views.outbox_row(effect_id)).state


async def test_a_message_keeps_all_it_was_given(store, make, save):
    sent = make.send("e1", 3, priority=7, survey="nps", reward="ten", choose="red", round=2)
    await save("c1", effects=(sent,))
    row = await store.views.outbox_row("e1")
    assert (row.state, row.attempt, row.customer_id, row.kind) == ("pending", 0, "c1", "message")
    assert (row.address, row.klass, row.channel, row.priority) == ("Ana@Example.com", "soft_opt_in", "email", 7)
    assert (row.subject, row.run_ids, row.step_id, row.round) == (("order", "o-1"), ("r1",), "send-1", 2)
    assert (row.survey, row.reward, row.choose, row.context) == ("nps", "ten", "red", {"with": {"name": "Ana"}})
    assert row.created_at == make.at(3)
    assert await store.views.outbox_row("other") is None


async def test_rows_come_by_customer_in_order_of_priority_age_and_id(store, make, save):
    await save(
        "c1", effects=(make.send("b", 2), make.send("a", 2), make.send("old", 1), make.send("vip", 3, priority=1))
    )
    await save("c2", effects=(make.send("c", 1),))
    assert await claimable(store, make) == ["vip", "old", "a", "b", "c"]
    assert await claimable(store, make, limit=1) == ["vip", "old", "a", "b"]


async def test_a_pause_holds_its_journey_or_channel_and_nothing_else(store, make, save):
    await save("c1", effects=(make.send("a"), make.send("b", journey="other"), make.send("c", channel="sms")))
    assert await claimable(store, make, paused=["journey:thanks"]) == ["b"]
    assert await claimable(store, make, paused=["channel:email"]) == ["c"]
    assert await claimable(store, make, paused=["all"]) == []
    assert await claimable(store, make, paused=["journey:nothing"]) == ["a", "b", "c"]


async def test_an_address_suppressed_between_claim_and_intent_gets_nothing(store, make, save):
    """But what an order needs, unless nothing can be delivered there at all."""
    order = {"klass": "transactional"}
    for name, address in (("a", "complained@x.es"), ("b", "Bounced@x.es"), ("c", "other@x.es")):
        await save(name, effects=(make.send(f"{name}1", to=address), make.send(f"{name}2", to=address, **order)))
    await claim(store, "a1", "a2", "b1", "b2", "c1", "c2")
    async with store.transaction() as tx:
        await tx.suppress("complained@x.es", "complained", make.noon)
        await tx.suppress("bounced@x.es", "bounced", make.noon)
    assert await intend(store, make, a1=1, a2=1, b1=1, b2=1, c1=1, c2=1) == {"a2", "c1", "c2"}
    assert await state_of(store, "a1") == "claimed"  # its lease ends, and the next claim says why it does not leave


async def test_a_claim_its_intent_and_its_receipt(store, make, save):
    await save("c1", effects=(make.send("e1"),))
    assert await claim(store, "e1", codes={"e1": "CODE-1"}) == {"e1": 1}
    assert await claimable(store, make) == []
    assert await store.views.outbox_busy() == 1
    row = await store.views.outbox_row("e1")
    assert (row.state, row.code) == ("claimed", "CODE-1")
    assert row.lease_until is not None
    assert await intend(store, make, e1=1) == {"e1"}
    row = await store.views.outbox_row("e1")
    assert (row.state, row.intent_at, row.lease_until) == ("sending", make.at(1), None)
    async with store.transaction() as tx:
        await tx.settle("e1", "sent", make.at(2), "250 ok")
    row = await store.views.outbox_row("e1")
    assert (row.state, row.settled_at, row.detail) == ("sent", make.at(2), "250 ok")
    assert await store.views.outbox_busy() == 0


async def test_an_intent_of_another_attempt_moves_nothing(store, make, save):
    await save("c1", effects=(make.send("e1"), make.send("e2")))
    await claim(store, "e1", "e2")
    assert await intend(store, make, e1=2, e2=1, unknown=1) == {"e2"}
    assert await state_of(store, "e1") == "claimed"
    assert await intend(store, make, e2=1) == set()


@pytest.mark.parametrize("scope", ["all", "journey:thanks", "channel:email"])
async def test_a_pause_that_comes_after_the_claim_stops_the_intent(store, make, save, scope):
    await save("c1", effects=(make.send("a"), make.send("b", journey="other", channel="sms")))
    await claim(store, "a", "b")
    async with store.transaction() as tx:
        await tx.set_pause(Pause(scope, "wrong price", make.noon, "eva"))
    assert await intend(store, make, a=1, b=1) == ({"b"} if scope != "all" else set())
    assert await state_of(store, "a") == "claimed"
    async with store.transaction() as tx:
        await tx.clear_pause(scope)
    assert "a" in await intend(store, make, a=1, b=1)


async def test_what_nobody_tried_to_hand_over_is_given_back_as_if_never_claimed(store, make, save):
    await save("c1", effects=(make.send("e1"), make.send("e2"), make.send("e3"), make.send("e4")))
    await claim(store, "e1", "e2", "e3")
    await intend(store, make, e3=1)
    async with store.transaction() as tx:
        await tx.give_back({"e1": 1, "e2": 9, "e3": 1, "e4": 0, "gone": 1}, "the channel rests")
    states = [await state_of(store, name) for name in ("e1", "e2", "e3", "e4")]
    assert states == ["pending", "claimed", "sending", "pending"]
    row = await store.views.outbox_row("e1")
    assert (row.detail, row.lease_until, row.first_try_at) == ("the channel rests", None, None)
    assert await claimable(store, make) == ["e1", "e4"]
    assert await claim(store, "e1") == {"e1": 2}


async def test_a_lease_that_ran_out_gives_the_row_to_another_and_the_first_cannot_send(store, make, save):
    await save("c1", effects=(make.send("e1"),))
    assert await claim(store, "e1", lease=RUN_OUT) == {"e1": 1}
    assert await claimable(store, make) == ["e1"]
    assert await claim(store, "e1") == {"e1": 2}
    assert await intend(store, make, e1=1) == set()
    async with store.transaction() as tx:
        await tx.retry_later("e1", make.at(5), "the first one wakes up", attempt=1)
        assert not await tx.settle("e1", "gave_up", make.at(5), "and gives up", attempt=1)
    assert await state_of(store, "e1") == "claimed"
    assert await intend(store, make, e1=2) == {"e1"}


async def test_many_dispatchers_claim_a_row_once(store, make, save):
    await save("c1", effects=(make.send("e1"),))

    async def dispatch() -> dict[str, int]:
        async with store.transaction() as tx:
            rows = await tx.claimable(make.noon, 10, ())
            return await tx.set_claimed({row.effect_id: None for row in rows}, MINUTE)

    claims = await asyncio.gather(*(dispatch() for _ in range(8)))
    assert [one for one in claims if one] == [{"e1": 1}]


async def test_a_retry_waits_for_its_time_and_remembers_the_first(store, make, save):
    await save("c1", effects=(make.send("e1"),))
    await claim(store, "e1")
    async with store.transaction() as tx:
        await tx.retry_later("e1", make.at(10), "451 later", attempt=1)
    first = await store.views.outbox_row("e1")
    assert (first.state, first.detail, first.next_try_at) == ("pending", "451 later", make.at(10))
    assert first.first_try_at is not None
    assert await claimable(store, make, 9) == []
    assert await store.views.outbox_busy() == 0
    assert await claimable(store, make, 10) == ["e1"]
    await claim(store, "e1")
    async with store.transaction() as tx:
        await tx.retry_later("e1", make.at(20), "451 again")
    assert (await store.views.outbox_row("e1")).first_try_at == first.first_try_at


async def test_a_withdrawn_row_cannot_be_sent_and_comes_back_when_sent_again(store, make, save):
    await save("c1", effects=(make.send("e1"),))
    await claim(store, "e1")
    await save("c1", 2, effects=(Withdraw("e1", "the order was refunded"),))
    row = await store.views.outbox_row("e1")
    assert (row.state, row.detail, row.settled_at) == ("cancelled", "the order was refunded", make.at(2))
    assert await intend(store, make, e1=1) == set()
    await save("c1", 3, effects=(make.send("e1", 3, message="second"),))
    row = await store.views.outbox_row("e1")
    assert (row.state, row.message, row.detail, row.settled_at) == ("pending", "second", "", None)
    assert await claim(store, "e1") == {"e1": 2}


async def test_what_left_is_never_put_again_nor_withdrawn(store, make, save):
    await save("c1", effects=(make.send("e1"),))
    await claim(store, "e1")
    await intend(store, make, e1=1)
    await save("c1", 2, effects=(Withdraw("e1", "too late"),))
    await save("c1", 3, effects=(make.send("e1", message="twice"),))
    row = await store.views.outbox_row("e1")
    assert (row.state, row.message) == ("sending", "thank-you")


async def test_several_moves_of_one_effect_in_one_write(store, make, save):
    await save("c1", effects=(make.send("a"), Withdraw("a", "no"), make.send("b"), Withdraw("b", "no"), make.send("b")))
    assert (await state_of(store, "a"), await state_of(store, "b")) == ("cancelled", "pending")
    await save("c1", 1, effects=(Withdraw("b", "held"), make.send("b", 1, message="new")))
    row = await store.views.outbox_row("b")
    assert (row.state, row.message) == ("pending", "new")


async def test_a_row_put_back_fails_its_attempt_and_is_claimed_anew_with_its_new_runs(store, make, save):
    row = make.row("e1", run_ids=("r1", "r2"))
    await save("c1", effects=(make.send("e1", run_ids=("r1", "r2")),), state_outbox={"e1": row})
    await claim(store, "e1")
    await save("c1", 1, effects=(PutBack("e1", "r2 left"),), state_outbox={"e1": replace(row, run_ids=("r1",))})
    assert await intend(store, make, e1=1) == set()
    known = await store.views.outbox_row("e1")
    assert (known.state, known.detail, known.run_ids) == ("pending", "r2 left", ("r1",))
    assert await claim(store, "e1") == {"e1": 2}


async def test_doubt_and_a_late_receipt(store, make, save):
    await save("c1", effects=(make.send("e1"), make.send("e2")))
    await claim(store, "e1", "e2")
    await intend(store, make, e1=1, e2=1)
    async with store.transaction() as tx:
        assert await tx.in_doubt(timedelta(hours=1), 10) == []
        assert {row.effect_id for row in await tx.in_doubt(RUN_OUT, 10)} == {"e1", "e2"}
        assert len(await tx.in_doubt(RUN_OUT, 1)) == 1
        await tx.settle("e1", "uncertain", make.at(5), "no answer")
        await tx.retry_later("e2", make.at(5), "sent again: duplicates are allowed")
    assert (await store.views.counts(make.noon))["uncertain"] == 1
    assert await state_of(store, "e2") == "pending"
    async with store.transaction() as tx:
        assert await tx.settle("e1", "sent", make.at(6), "late", attempt=1)
        assert await tx.settle("e1", "refused", make.at(7), "too late", attempt=1)
        assert await tx.settle("gone", "sent", make.at(7), attempt=1)
    assert await state_of(store, "e1") == "sent"


async def test_ends_of_several_at_once_are_heard_as_one_by_one(store, make, save):
    await save("c1", effects=tuple(make.send(name) for name in ("a", "b", "c", "d")))
    await claim(store, "a", "b", "c")
    await intend(store, make, a=1, b=1)
    async with store.transaction() as tx:
        await tx.settle("b", "uncertain", make.at(2), "no answer")
        heard = await tx.settle_all([
            ("a", "sent", make.at(3), "250 ok", 1),
            ("b", "sent", make.at(4), "", 1),
            ("c", "sent", make.at(5), "another attempt's", 7),
            ("d", "gave_up", make.at(6), "anybody's word", None),
            ("gone", "sent", make.at(7), "", 1),
        ])  # fmt: skip
    assert heard == {"a", "b", "d", "gone"}
    found = [await store.views.outbox_row(name) for name in ("a", "b", "c", "d")]
    assert [(row.state, row.detail) for row in found] == [
        ("sent", "250 ok"), ("sent", "no answer"), ("claimed", ""), ("gave_up", "anybody's word"),
    ]  # fmt: skip
    assert [row.settled_at for row in found] == [make.at(3), make.at(4), None, make.at(6)]
    async with store.transaction() as tx:
        assert await tx.settle_all([("a", "refused", make.at(8), "too late", 1)]) == {"a"}
        assert await tx.settle_all([]) == set()
    assert await state_of(store, "a") == "sent"


async def test_events_to_publish_come_in_the_order_they_were_saved(store, make, save):
    for number in (3, 1, 2):
        event = make.event(f"x{number}", "order.delivered")
        await save("c1", number, effects=(EmitEvent(f"eff{number}", event), EmitEvent(f"eff{number}", event)))
    async with store.transaction() as tx:
        rows = await tx.pending_events(10)
        assert [row.event.id for row in rows] == ["x3", "x1", "x2"]
        assert rows[0].event == make.event("x3", "order.delivered")
        assert await tx.claimable(make.at(9), 10, ()) == []
        await tx.published(["eff3", "eff1"], make.at(4))
    async with store.transaction() as tx:
        assert [row.effect_id for row in await tx.pending_events(10)] == ["eff2"]
        await tx.published(["eff2"], make.at(5), "refused", "410: gone")
        await tx.published(["eff1"], make.at(5), "refused", "settled before: nothing changes")
    assert await store.views.messages() == []
    assert (await store.views.counts(make.at(6)))["refused_events"] == 1


async def test_skipping_after_a_long_stop(store, make, save):
    await save("c1", effects=(make.send("old", 0), make.send("new", 10), make.send("claimed", 0)))
    await claim(store, "claimed")
    async with store.transaction() as tx:
        assert await tx.skip_before(make.at(5)) == 1
    assert [await state_of(store, name) for name in ("old", "new", "claimed")] == ["cancelled", "pending", "claimed"]


async def test_messages_can_be_looked_through(store, make, save):
    await save("c1", effects=(make.send("e1", 1), make.send("e2", 2)))
    await save("c2", effects=(make.send("e3", 3),))
    assert [row.effect_id for row in await store.views.messages()] == ["e3", "e2", "e1"]
    assert [row.effect_id for row in await store.views.messages("c1")] == ["e2", "e1"]
    assert [row.effect_id for row in await store.views.messages(limit=1)] == ["e3"]


async def test_codes_are_given_once(store):
    async with store.transaction() as tx:
        assert await tx.load_codes("file", ["A", "B", "A"]) == 2
        assert await tx.load_codes("file", ["B"]) == 0
        assert await tx.take_code("file", "e1", "GEN-1") == "A"
        assert await tx.take_code("file", "e1", "GEN-1") == "A"
        assert await tx.take_code("file", "e2", "GEN-2") == "B"
        assert await tx.take_code("file", "e3", "GEN-3") is None
        assert await tx.take_code("generated", "e4", "GEN-4") == "GEN-4"
        assert await tx.take_code("generated", "e4", "GEN-5") == "GEN-4"


async def test_pauses_stand_until_they_are_cleared(store, make):
    async with store.transaction() as tx:
        await tx.set_pause(Pause("all", "wrong price", make.noon, "eva"))
        await tx.set_pause(Pause("journey:thanks", "typo", make.noon))
        await tx.set_pause(Pause("all", "still wrong", make.at(1), "eva"))
    assert await store.views.pauses() == [
        Pause("all", "still wrong", make.at(1), "eva"),
        Pause("journey:thanks", "typo", make.noon),
    ]
    async with store.transaction() as tx:
        assert await tx.clear_pause("all") is True
        assert await tx.clear_pause("all") is False
    assert [pause.scope for pause in await store.views.pauses()] == ["journey:thanks"]
