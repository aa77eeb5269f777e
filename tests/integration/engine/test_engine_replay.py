"""The virtual clock decides what the engine decides: same events, same instants, same decisions and effect ids."""

from __future__ import annotations

import random
from datetime import datetime, timedelta

import pytest
from engine_shop import SHOP, T0, event, paid, parcel, placed

from postventa.core.values import time_text
from postventa.engine.batch import take
from postventa.engine.due import sweep
from postventa.engine.engine import Engine
from postventa.engine.receipts import Settled, claim, settle
from postventa.engine.replay import Replay, decisions, instant
from postventa.schemas.parse import Incoming

END = T0 + timedelta(days=40)


def a_shops_month(seed: int) -> list[Incoming]:
    """Orders of accounts and guests, late and doubled scans, cancellations, guests who get an account, a merge."""
    chance = random.Random(seed)
    events: list[Incoming] = []
    for number in range(40):
        name, at = f"o-{number}", chance.randrange(0, 400)
        who = {"email": f"p{number % 9}@example.com"}
        if chance.random() < 0.6:
            who["customer_id"] = f"c-{number % 9}"
        events += [placed(name, at, **who), paid(name, at + chance.randrange(0, 5))]
        scans = [parcel("in_transit", name, at + 20), parcel("delivered", name, at + chance.randrange(30, 90))]
        events += chance.choices(scans, k=3)
        if chance.random() < 0.3:
            events.append(event("order.cancelled", f"{name}/x", at + chance.randrange(1, 60), order_id=name))
    events.append(event("customer.merged", "m", 300, into="c-1", **{"from": "c-2"}))
    events.append(event("customer.unsubscribed", "u", 200, customer_id="c-3", channel="email"))
    return events


async def run_engine(engine: Engine, events: list[Incoming]) -> None:
    """As a stepping clock does it: to the next event or due time once nothing is pending."""
    left = sorted(events, key=lambda one: (instant(one.event), one.event.source, one.event.id))
    while True:
        due = await engine.store.views.next_due()
        now = min((moment for moment in (due, instant(left[0].event) if left else None) if moment), default=END)
        if now >= END:
            return
        here = [one for one in left if instant(one.event) == now]
        left = left[len(here) :]
        await take(engine, here, now)
        while await sweep(engine, now):
            pass
        await hand_over(engine, now)


async def hand_over(engine: Engine, now: datetime) -> None:
    while claimed := await claim(engine, now):
        async with engine.store.transaction() as tx:
            await tx.intents({one.record.effect_id: one.attempt for one in claimed}, now)
        for one in claimed:
            await settle(engine, [Settled(one.record.effect_id, one.record.customer_id, "sent", now, one.attempt)], now)


@pytest.mark.parametrize("seed", range(3))
async def test_the_virtual_clock_decides_what_the_engine_decides(engine: Engine, seed: int) -> None:
    events = a_shops_month(seed)
    await run_engine(engine, events)
    lived = set()
    for customer in await engine.store.views.customer_ids():
        for row in await engine.store.views.trace(customer, 10_000):
            if row["decision"] is not None:
                lived.add((row["at"][:19], customer, row["journey"], row["message"], row["decision"], row["effect_id"]))
    replay = Replay(SHOP.catalog(), keys=engine.keys)
    random.Random(seed).shuffle(events)
    for one in events:
        replay.add(one)
    replay.resolve()
    played = set()
    for person in replay.play(END - timedelta(microseconds=1)):
        for one in decisions(person):
            played.add(
                (one["at"][:19], one["customer"], one["journey"], one["message"], one["decision"], one["effect"])
            )
    assert played == lived
    kinds = {(message, decision) for _, _, _, message, decision, _ in lived}
    assert {("thanks", "send"), ("tips", "send"), ("arrived", "send"), ("tips", "skip")} <= kinds
    assert len(lived) > 60
    assert time_text(END)[:19] > max(one[0] for one in lived)
