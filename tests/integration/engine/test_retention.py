"""Old rows go once a day, only those the settings name, and the history still explains the store afterwards."""

from __future__ import annotations

from datetime import timedelta

from engine_shop import FILES, T0, paid, placed, project
from test_engine_verify import hand_over, verified

from postventa.engine.batch import take
from postventa.engine.due import sweep
from postventa.engine.engine import Engine
from postventa.runtimes.retention import if_due

DAY = timedelta(days=1)
SHORT = FILES["postventa.yaml"] + b"retention: {trace: 10 days, history: 20 days}\n"


async def _two_orders(engine: Engine) -> None:
    await engine.releases.publish(project(postventa=SHORT), T0)
    await take(engine, [placed("o1", customer_id="ana", email="ana@example.com"), paid("o1")], T0 + DAY)
    await hand_over(engine, 24)
    await sweep(engine, T0 + 15 * DAY)
    await hand_over(engine, 15 * 24)


async def test_what_is_older_than_its_setting_goes_and_the_rest_explains_the_store(engine: Engine) -> None:
    await _two_orders(engine)
    views = engine.store.views
    before = len(await views.trace("ana"))
    dropped = await if_due(engine, T0 + 22 * DAY)
    assert dropped is not None
    assert set(dropped) == {"trace", "history"}
    assert dropped["trace"] > 0
    assert dropped["history"] > 0
    left = await views.trace("ana")
    assert len(left) == before - dropped["trace"] > 0
    assert len(await views.messages("ana")) > 0, "messages are not named: they stay"
    differences, told = await verified(engine)
    assert (differences, told.shortened) == ([], 1)


async def test_events_may_go_before_the_history_that_names_them(engine: Engine) -> None:
    await engine.releases.publish(project(postventa=FILES["postventa.yaml"] + b"retention: {events: 30 days}\n"), T0)
    for number in range(10):
        await take(engine, [placed(f"o{number}", customer_id="ana", email="ana@example.com")], T0 + DAY)
    await take(engine, [placed("late", 400 * 24, customer_id="ana")], T0 + 400 * DAY)
    dropped = await if_due(engine, T0 + 440 * DAY)
    assert dropped is not None
    assert dropped["events"] >= 10, "all but those the customer's state still remembers"
    differences, told = await verified(engine)
    assert (differences, told.shortened) == ([], 1)


async def test_it_is_done_once_a_day(engine: Engine) -> None:
    await _two_orders(engine)
    assert await if_due(engine, T0 + 22 * DAY)
    assert await if_due(engine, T0 + 22 * DAY + timedelta(hours=23)) is None
    assert await if_due(engine, T0 + 23 * DAY) == {"trace": 0, "history": 0}


async def test_without_the_setting_nothing_is_dropped(engine: Engine) -> None:
    await take(engine, [placed("o1", customer_id="ana", email="ana@example.com"), paid("o1")], T0 + DAY)
    assert await if_due(engine, T0 + 4000 * DAY) == {}
    assert await engine.store.views.trace("ana")
