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


async def lived_and_played(engine: Engine, events: list[Incoming]) -> tuple[set[tuple[str, ...]], set[tuple[str, ...]]]:
    """The decisions of the engine, and those of the replay of the same events."""
    await live(engine, events, END)
    lived = set()
    for customer in await engine.store.views.customer_ids():
        for row in await engine.store.views.trace(customer, 10_000):
            if row["decision"] is not None:
                lived.add((row["at"][:19], customer, row["journey"], row["message"], row["decision"], row["effect_id"]))
    replay = Replay(SHOP.catalog(), keys=engine.keys)
    for one in events:
        replay.add(one)
    replay.resolve()
    played = set()
    for person in replay.play(END - timedelta(microseconds=1)):
        for one in decisions(person):
            played.add(
                (one["at"][:19], one["customer"], one["journey"], one["message"], one["decision"], one["effect"])
            )
    return lived, played


@pytest.mark.parametrize("seed", range(3))
async def test_the_virtual_clock_decides_what_the_engine_decides(engine: Engine, seed: int) -> None:
    events = a_shops_month(seed)
    random.Random(seed).shuffle(events)
    lived, played = await lived_and_played(engine, events)
    assert played == lived
    kinds = {(message, decision) for _, _, _, message, decision, _ in lived}
    assert {("thanks", "send"), ("tips", "send"), ("arrived", "send"), ("tips", "skip")} <= kinds
    assert len(lived) > 60
    assert time_text(END)[:19] > max(one[0] for one in lived)


async def test_who_was_erased_and_buys_again_is_somebody_new_in_both(engine: Engine) -> None:
    events = [
        placed("o-1", 0, customer_id="ana", email="ana@example.com"), paid("o-1", 1),
        event("customer.erased", "e", 100, customer_id="ana"),
        event("customer.updated", "u", 101, customer_id="ana"), parcel("delivered", "o-1", 102),
        placed("o-2", 120, customer_id="ana", email="ana@example.com"), paid("o-2", 121),
        event("order.cancelled", "x", 122, order_id="o-1"), paid("o-1", 123),
    ]  # fmt: skip
    lived, played = await lived_and_played(engine, events)
    erased = time_text(T0 + timedelta(hours=100))
    assert {one for one in played if one[0] > erased} == lived
    assert sorted(one[3] for one in lived) == ["thanks", "tips"]
