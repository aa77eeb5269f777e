"""The history explains the store, through every kind of row; and a store that was tampered with is told apart."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from engine_shop import T0, event, paid, parcel, placed, project

from postventa.engine.batch import take
from postventa.engine.due import sweep
from postventa.engine.engine import Engine
from postventa.engine.receipts import Settled, claim, settle
from postventa.engine.release import Releases
from postventa.engine.verify import Difference, Verified, verify
from postventa.store.base import CustomerWrite

HOUR = timedelta(hours=1)


async def verified(engine: Engine) -> tuple[list[Difference], Verified]:
    told = Verified()
    fresh = Releases(engine.store)
    return [one async for one in verify(engine.store.views, fresh, told)], told


async def hand_over(engine: Engine, hours: float) -> int:
    now, count = T0 + hours * HOUR, 0
    while messages := await claim(engine, now):
        async with engine.store.transaction() as tx:
            await tx.intents({one.record.effect_id: one.attempt for one in messages}, now)
        ends = [Settled(one.record.effect_id, one.record.customer_id, "sent", now, one.attempt) for one in messages]
        await settle(engine, ends, now)
        count += len(messages)
    return count


async def a_busy_week(engine: Engine) -> None:
    for name in ("ana", "ben", "eva"):
        born = placed(name, customer_id=name, email=f"{name}@example.com")
        await take(engine, [born, paid(name), parcel("in_transit", name, 2)], T0 + 2 * HOUR)
    await take(engine, [placed("o-g", email="guest@example.com"), paid("o-g")], T0 + 2 * HOUR)
    assert await hand_over(engine, 2) == 4
    await take(engine, [event("order.cancelled", "ben/x", 5, order_id="ben")], T0 + 5 * HOUR)
    await take(engine, [parcel("delivered", "ana", 30)], T0 + 31 * HOUR)
    await take(engine, [placed("o-h", 32, customer_id="gus", email="guest@example.com")], T0 + 32 * HOUR)
    await take(engine, [event("customer.erased", "e", 33, customer_id="eva")], T0 + 33 * HOUR)
    assert await hand_over(engine, 33) == 1
    assert await sweep(engine, T0 + 60 * HOUR) == 2
    assert await hand_over(engine, 60) == 2


async def test_the_history_gives_what_the_store_holds(engine: Engine) -> None:
    await a_busy_week(engine)
    differences, told = await verified(engine)
    assert differences == []
    assert (told.customers, told.erased > 0, told.shortened) == (3, True, 1)
    assert told.rows > 15


async def test_a_run_that_began_under_an_older_release_is_folded_under_it(engine: Engine) -> None:
    await take(engine, [placed("o-1", customer_id="ana", email="a@example.com"), paid("o-1")], T0 + 2 * HOUR)
    await hand_over(engine, 2)
    shorter = b"journey: thanks\ntitle: T\nowner: a@shop.example\nsubject: order\nstart: {on: order.paid}\n"
    await engine.releases.publish(project(journeys__thanks=shorter + b"steps: [{send: arrived}]\n"), T0 + 3 * HOUR)
    await take(engine, [placed("o-2", 4, customer_id="ana"), paid("o-2", 4)], T0 + 4 * HOUR)
    await sweep(engine, T0 + 60 * HOUR)
    assert await hand_over(engine, 60) == 2
    sent = {row.message for row in await engine.store.views.messages("ana")}
    assert sent == {"thanks", "tips", "arrived"}
    assert (await verified(engine))[0] == []


async def test_a_run_that_was_changed_behind_the_engines_back_is_found(engine: Engine) -> None:
    await a_busy_week(engine)
    async with engine.store.transaction() as tx:
        ana = (await tx.lock_customers(["ana"]))["ana"]
        changed = ana.fork()
        changed.facts = {**ana.facts, "first_name": "Eve"}
        changed.lots = {name: replace(lot, points=lot.points + 1) for name, lot in ana.lots.items()}
        await tx.save([CustomerWrite(ana, changed)])
    found = (await verified(engine))[0]
    assert {one.customer for one in found} == {"ana"}
    assert {one.what.split(":")[0] for one in found} == {"facts", "lots"}


async def test_a_message_nobody_decided_is_found(engine: Engine) -> None:
    await a_busy_week(engine)
    async with engine.store.transaction() as tx:
        old = (await tx.lock_customers(["ben"]))["ben"]
        seq = tx.seq_of("ben")
    assert seq > 0
    async with engine.store.transaction() as tx:
        await tx.lock_customers(["ben", "ana"])
        rows = await engine.store.views.messages("ana", 100)
        assert rows
        from postventa.core.effect import SendMessage

        false = SendMessage("f" * 32, ("r",), "thanks", "v", ("order", "ben"), "send:thanks", 1, "thanks",
                            "transactional", 1, "email", "x@example.com", "allow", T0)  # fmt: skip
        await tx.save([CustomerWrite(old, old, effects=(false,))])
    found = (await verified(engine))[0]
    assert [(one.customer, one.history) for one in found] == [("ben", "never decided")]
