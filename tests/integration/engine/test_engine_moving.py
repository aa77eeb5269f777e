"""A release comes with people inside: who goes over, in which batches, what the history tells, and the way back."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta

import pytest
from engine_shop import T0, paid, placed, project

from postventa.engine import moving
from postventa.engine.batch import take
from postventa.engine.due import sweep
from postventa.engine.engine import Engine, open_engine
from postventa.engine.moving import Pass, carry_out, give
from postventa.engine.orders import Order, standing_orders
from postventa.engine.receipts import Settled, claim, settle
from postventa.engine.release import Releases
from postventa.engine.standing import lost, standing
from postventa.engine.verify import Verified, verify
from postventa.errors import ConfigError, PostventaError
from postventa.runtimes.mover import Mover

HOUR = timedelta(hours=1)
HEAD = b"journey: thanks\ntitle: T\nowner: a@shop.example\nsubject: order\nstart: {on: order.paid}\n"


def shop(steps: bytes, edits: bytes = b"follow"):
    return project(journeys__thanks=HEAD + b"edits: " + edits + b"\nsteps:\n" + steps)


LONGER = b"  - send: thanks\n  - wait: 7 days\n    id: pause\n  - send: tips\n"


async def people(engine: Engine, count: int = 5) -> None:
    """Each has had the first message and stands at the wait of two days, since an hour after T0."""
    for number in range(count):
        name = f"c-{number}"
        events = [placed(f"o-{number}", customer_id=name, email=f"{name}@example.com"), paid(f"o-{number}")]
        await take(engine, events, T0 + HOUR)
    await hand_over(engine, T0 + HOUR)


async def hand_over(engine: Engine, now: datetime) -> list[str]:
    sent = []
    while claimed := await claim(engine, now):
        await settle(engine, [Settled(one.record.effect_id, one.record.customer_id, "sent", now, one.attempt)
                              for one in claimed], now)  # fmt: skip
        sent += [f"{one.record.customer_id} {one.record.message}" for one in claimed]
    return sorted(sent)


async def move(engine: Engine, now: datetime) -> Pass:
    done = Pass()
    for order in await standing_orders(engine.store.views):
        done.add(await carry_out(engine, order, lambda: now))
    return done


async def no_difference(engine: Engine) -> None:
    told = Verified()
    assert [one async for one in verify(engine.store.views, Releases(engine.store), told)] == []
    assert told.customers


async def due(engine: Engine) -> set[str]:
    found = set()
    for customer in await engine.store.views.customer_ids():
        state = await engine.store.views.customer(customer)
        assert state is not None
        found |= {f"{run.stand.due_at:%d %H:%M}" for run in state.runs.values() if run.stand.due_at}
    return found


async def test_finish_moves_nobody(engine: Engine) -> None:
    await people(engine)
    await engine.releases.publish(shop(LONGER, b"finish"), T0 + 2 * HOUR)
    assert await standing_orders(engine.store.views) == []
    await sweep(engine, T0 + 50 * HOUR)
    assert len(await hand_over(engine, T0 + 50 * HOUR)) == 5


async def test_follow_and_retime_bring_everybody_over_and_nothing_is_sent_twice(engine: Engine, monkeypatch) -> None:
    monkeypatch.setattr(moving, "TOGETHER", 2)
    await people(engine)
    await engine.releases.publish(shop(LONGER), T0 + 2 * HOUR, "eva")
    assert (await move(engine, T0 + 2 * HOUR)).moved == 5
    assert await due(engine) == {"04 10:00"}
    await engine.releases.publish(shop(LONGER, b"retime"), T0 + 3 * HOUR)
    assert (await move(engine, T0 + 3 * HOUR)).moved == 5
    assert await due(engine) == {"09 10:00"}
    assert (await move(engine, T0 + 3 * HOUR)).moved == 0
    await sweep(engine, T0 + 200 * HOUR)
    assert await hand_over(engine, T0 + 200 * HOUR) == [f"c-{number} tips" for number in range(5)]
    audited = [one for one in await engine.store.views.audited() if one["what"] == "move people"]
    assert sorted(one["detail"]["moved"] for one in audited) == [1, 1, 2, 2, 2, 2]
    assert {one["who"] for one in audited} == {"eva", ""}
    await no_difference(engine)


async def test_a_process_that_dies_half_way_leaves_the_rest_to_the_next(engine: Engine, monkeypatch) -> None:
    monkeypatch.setattr(moving, "TOGETHER", 2)
    await people(engine)
    await engine.releases.publish(shop(LONGER, b"retime"), T0 + 2 * HOUR)

    def dies(moved: int) -> None:
        raise KeyboardInterrupt

    (order,) = await standing_orders(engine.store.views)
    with pytest.raises(KeyboardInterrupt):
        await carry_out(engine, order, lambda: T0 + 2 * HOUR, dies)
    assert len(await due(engine)) == 2
    again = await open_engine(engine.store, "a secret for tests")
    assert (await move(again, T0 + 3 * HOUR)).moved == 3
    assert await due(engine) == {"09 10:00"}
    await no_difference(engine)


async def test_the_way_back_is_the_way_there(engine: Engine) -> None:
    await people(engine)
    first = (await engine.releases.live()).hash
    before = await due(engine)
    await engine.releases.publish(shop(LONGER, b"retime"), T0 + 2 * HOUR)
    await move(engine, T0 + 2 * HOUR)
    assert await due(engine) != before
    await engine.releases.activate(first[:10], T0 + 3 * HOUR, "eva")  # its own file says finish
    assert (await engine.releases.live()).hash == first
    assert (await move(engine, T0 + 3 * HOUR)).moved == 5
    assert await due(engine) == before
    await sweep(engine, T0 + 50 * HOUR)
    assert len(await hand_over(engine, T0 + 50 * HOUR)) == 5
    await no_difference(engine)
    with pytest.raises(ConfigError, match="no release begins"):
        await engine.releases.activate("nothing", T0 + 4 * HOUR)


async def test_nobody_is_left_at_a_step_that_is_gone(engine: Engine) -> None:
    await people(engine)
    gone = shop(b"  - send: thanks\n")
    inside = await standing(engine.store.views, engine.releases)
    assert [(one.here.step, one.here.count) for one in lost(gone.journeys, inside)] == [("steps/1", 5)]
    with pytest.raises(PostventaError, match=r"people inside would stand nowhere \(5\)") as refused:
        await engine.releases.publish(gone, T0 + 2 * HOUR)
    assert "journeys/thanks.yaml" in str(refused.value)
    await engine.releases.publish(shop(b"  - send: thanks\n", b"finish"), T0 + 2 * HOUR)


async def test_an_operator_says_where_people_go(engine: Engine) -> None:
    await people(engine)
    version = (await engine.releases.live()).catalog.live["thanks"].version
    renamed = b"  - send: thanks\n  - send: arrived\n    id: hello\n  - wait: 3 days\n    id: rest\n  - send: tips\n"
    await engine.releases.publish(shop(renamed, b"finish"), T0 + 2 * HOUR)
    to = (await engine.releases.live()).catalog.live["thanks"].version
    order = Order("thanks", to, (version,), "retime", {"steps/1": "rest"}, "eva")
    with pytest.raises(PostventaError, match="no step is called 'nap'"):
        await give(engine, Order("thanks", to, (version,), "follow", {"steps/1": "nap"}), T0)
    await give(engine, order, T0 + 3 * HOUR)
    assert (await move(engine, T0 + 3 * HOUR)).moved == 5
    assert await due(engine) == {"05 10:00"}
    back = Order("thanks", version, (to,), "retime", {"rest": "steps/1"}, "eva")
    await give(engine, back, T0 + 4 * HOUR)
    assert [one.version for one in await standing_orders(engine.store.views)] == [version]
    again = await open_engine(engine.store, "a secret for tests")
    assert (await move(again, T0 + 4 * HOUR)).moved == 5
    assert await due(engine) == {"04 10:00"}
    await no_difference(engine)


async def test_a_message_may_go_with_its_step_where_everybody_goes_over(engine: Engine) -> None:
    await people(engine)
    files = {name: raw for name, raw in shop(b"  - send: thanks\n  - wait: 2 days\n    id: pause\n").files.items()
             if not name.startswith("templates/tips")}  # fmt: skip
    from postventa.project import Project

    finish = {**files, "journeys/thanks.yaml": files["journeys/thanks.yaml"].replace(b"follow", b"finish")}
    with pytest.raises(PostventaError, match="'tips' is still going to be sent"):
        await engine.releases.publish(Project.from_files(finish), T0 + 2 * HOUR)
    await engine.releases.publish(Project.from_files(files), T0 + 2 * HOUR)
    assert (await move(engine, T0 + 2 * HOUR)).moved == 5
    await sweep(engine, T0 + 50 * HOUR)
    assert await hand_over(engine, T0 + 50 * HOUR) == []
    await no_difference(engine)


async def test_a_process_that_has_not_heard_of_the_release_brings_people_over_and_nobody_back(engine: Engine) -> None:
    """Each worker has a mover; whichever comes first does it."""
    await people(engine)
    other = await open_engine(engine.store, "a secret for tests")
    await other.releases.live()
    ready, stop, came = asyncio.Event(), asyncio.Event(), asyncio.Event()
    ready.set()
    mover = Mover(other, lambda: T0 + 2 * HOUR, came.set, ready)
    running = asyncio.create_task(mover.run(stop))
    await engine.releases.publish(shop(LONGER, b"retime"), T0 + 2 * HOUR)
    mover.wake.set()
    await came.wait()
    assert await due(engine) == {"09 10:00"}
    await engine.releases.publish(shop(LONGER.replace(b"7 days", b"9 days"), b"retime"), T0 + 3 * HOUR)
    assert (await move(engine, T0 + 3 * HOUR)).moved == 5
    mover.wake.set()
    await asyncio.sleep(0)
    stop.set()
    mover.wake.set()
    await running
    assert await due(engine) == {"11 10:00"}
    await no_difference(engine)
