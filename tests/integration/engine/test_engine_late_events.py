"""Events that come in another order than they occurred, one batch each, on every store: the same as in order."""

from __future__ import annotations

from datetime import timedelta

import pytest
from engine_shop import T0, event, paid, parcel, placed

from postventa.engine.batch import take
from postventa.engine.engine import Engine
from postventa.engine.verify import Verified, verify

NOW = T0 + timedelta(hours=6)


def life(name: str) -> dict[str, object]:
    """What happens to one order, by its first letters, in order."""
    return {
        "pl": placed(name, 0, customer_id=name, email=f"{name}@example.com"),
        "pa": paid(name, 1),
        "tr": parcel("in_transit", name, 2),
        "de": parcel("delivered", name, 3),
        "fu": event("order.fulfilled", f"{name}/fulfilled", 3.5, order_id=name),
        "ca": event("order.cancelled", f"{name}/cancelled", 4, order_id=name),
    }


async def told(engine: Engine, name: str) -> tuple[object, ...]:
    """What the store tells of one customer, without its name."""
    views = engine.store.views
    rows = {(one.journey, one.step_id, one.state) for one in await views.messages(name) if one.state != "cancelled"}
    ended = [one for one in await views.ended_runs() if one["customer_id"] == name]
    state = await views.customer(name)
    assert state is not None
    points = sum(int(one["points"]) for one in await views.postings(name))
    standing = {(run.journey, run.stand.kind, run.at) for run in state.runs.values()}
    return rows, sorted((one["journey"], one["outcome"]) for one in ended), standing, points, state.balance


@pytest.mark.parametrize("order", ["pl ca de pa fu tr", "pl de fu pa ca tr", "pl fu tr ca de pa", "pl tr de fu pa"])
async def test_late_events_on_a_store(engine: Engine, order: str) -> None:
    straight, late = life("ana"), life("ben")
    await take(engine, [straight[one] for one in straight if one in order.split()], NOW)
    for one in order.split():
        await take(engine, [late[one]], NOW)
    assert await told(engine, "ben") == await told(engine, "ana")
    views = engine.store.views
    assert [one async for one in verify(views, engine.releases, Verified())] == []
    kept = await views.customer("ben")
    assert kept is not None
    assert len(kept.heard) == len(order.split())
