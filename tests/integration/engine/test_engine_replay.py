"""The virtual clock decides what the engine decides: same events, same instants, same decisions and effect ids."""

from __future__ import annotations

import random
from datetime import timedelta

import pytest
from engine_shop import SHOP, T0, event, live, paid, parcel, placed

from postventa.core.values import time_text
from postventa.engine.engine import Engine
from postventa.engine.replay import Replay, decisions
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


@pytest.mark.parametrize("seed", range(3))
async def test_the_virtual_clock_decides_what_the_engine_decides(engine: Engine, seed: int) -> None:
    events = a_shops_month(seed)
    await live(engine, events, END)
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
