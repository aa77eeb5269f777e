"""Customers in and out of every backend: what was saved is loaded, what failed is not, who is due comes in order."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from postventa.core.effect import GoalReached, PostPoints, RunEnded, TraceEntry, Undone
from postventa.core.event import Event
from postventa.core.state import (
    Consent,
    Counted,
    CustomerState,
    Ended,
    Heard,
    HoldUntil,
    Lot,
    Stand,
    Watch,
)


def full_state(make) -> dict:
    """Something in every field of a state."""
    event = make.event("e1", total="39.90")
    stand = Stand(
        "parked", make.noon, reason="boom", resume=Stand("held", make.noon, make.at(5), make.at(9), "x", "", 2)
    )
    run = replace(
        make.run(), stand=stand, vars={"n": 1}, matched={"s1": event}, marks={"s1": make.noon},
        rounds={"rep": (2, make.noon)}, variants={"exp": "b"}, queued=(event,),
    )  # fmt: skip
    return {
        "facts": {"email": "Ana@Example.com", "tags": ["vip"], "orders": {"count": 1}},
        "stamps": {"email": make.noon},
        "consents": {("email", "*"): Consent(True, make.noon, "shop"), ("*", "surveys"): Consent(False, make.noon)},
        "things": {("order", "o-1"): make.thing(number=1001, total="39.90"), ("line", "o-1/1"): make.thing(sku="A")},
        "events": {event.key: event, ("shop", "d"): Event("d", "shop", "x.y", make.noon, recorded_at=make.at(1))},
        "runs": {run.run_id: run, "r2": make.run("r2", due=None)},
        "ended": {("welcome", ("customer", "")): Ended(make.noon, "r0")},
        "watches": {"r0": Watch("welcome", "v0", ("customer", ""), make.noon, make.at(60))},
        "holds": {"r1": HoldUntil("marketing", make.noon, make.at(30))},
        "assignments": {"exp": "b"},
        "counted": {"e0": Counted(make.noon, "email")},
        "lots": {"p1": Lot("p1", 20, make.noon, make.at(10_000), "o-1"), "p2": Lot("p2", 5, make.noon)},
        "settling": {"o-1": make.at(20)},
        "outbox": {"eff": make.row("eff", slot="remind", state="withdrawn")},
        "verdicts": {("shop", "e1"): ("v1:exit/0", "v1:goal")},
        "heard": {
            ("shop", "z"): Heard(make.noon, "rel-1", make.event("z", total="1.00"), ("p1",)),
            ("shop", "e1"): Heard(make.at(1), "rel-1"),
        },
    }


async def test_a_state_comes_back_whole(store, make, save):
    parts = full_state(make)
    after = await save("c1", **{f"state_{name}": value for name, value in parts.items()})
    async with store.transaction() as tx:
        loaded = (await tx.lock_customers(["c1"]))["c1"]
        assert tx.seq_of("c1") == 1
    assert loaded == after
    assert [*loaded.heard] == [*after.heard]
    assert loaded.due_at == make.at(20)
    assert await store.views.customer("c1") == after


async def test_a_second_write_changes_and_removes_only_what_it_names(store, make, save):
    await save("c1", **{f"state_{name}": value for name, value in full_state(make).items()})
    moved = replace(make.run("r2"), step=7)
    event = make.event("e2", "order.paid")
    after = await save(
        "c1",
        minutes=1,
        state_runs={"r2": moved},
        state_things={("order", "o-1"): make.thing(number=1002)},
        state_events={event.key: event},
        state_outbox={},
        events=((event, make.at(1)),),
    )
    loaded = await store.views.customer("c1")
    assert loaded == after
    assert list(loaded.runs) == ["r2"]
    assert loaded.runs["r2"].step == 7
    assert list(loaded.things) == [("order", "o-1")]
    assert list(loaded.events) == [("shop", "e2")]


async def test_an_unknown_customer_is_made_and_an_unseen_one_is_none(store):
    async with store.transaction() as tx:
        assert await tx.lock_customers(["new", "new"]) == {"new": CustomerState("new")}
        assert tx.seq_of("new") == 0
    assert await store.views.customer_ids() == ["new"]
    assert await store.views.customer("nobody") is None


async def test_an_exception_takes_everything_back(store, make, save, rolled_back):
    before = await save(
        "c1", state_facts={"email": "a@x.es"}, state_runs={"r1": make.run()}, effects=(make.send("e1"),)
    )
    counts = await store.views.counts(make.noon)
    async with rolled_back() as tx:
        state = (await tx.lock_customers(["c1", "c2"]))["c1"]
        await tx.order_owners(["o-1"])
        await tx.set_order_owners({"o-1": "c1"})
        await tx.set_aliases({"alias": "c1"})
        await tx.fresh_events([("c1", "shop", "e9")])
        write = make.write(
            state, 2, 5, state_facts={"email": "b@x.es"}, state_runs={}, effects=(make.send("e2"),),
            events=((make.event("e9"), make.at(5)),), trace=((2, TraceEntry(make.noon, "start", "because")),),
        )  # fmt: skip
        await tx.save([write])
        await tx.set_claimed({"e1": None}, timedelta(seconds=30))
        await tx.set_positions({("orders", 0): 10})
        await tx.suppress("a@x.es", "bounced", make.noon)
        await tx.set_control("key", "value")
    assert await store.views.customer("c1") == before
    assert await store.views.counts(make.noon) == counts
    assert (await store.views.outbox_row("e1")).state == "pending"
    assert await store.views.outbox_row("e2") is None
    assert len(await store.views.history("c1")) == 1
    assert await store.views.trace("c1") == []
    assert await store.views.positions() == {}
    assert await store.views.control("key") is None
    assert await store.views.next_due() == make.at(60)
    async with store.transaction() as tx:
        assert await tx.order_owners(["o-1"]) == {"o-1": None}
        assert await tx.aliases(["alias"]) == {}
        assert await tx.suppressed(["a@x.es"]) == {}
        assert await tx.fresh_events([("c1", "shop", "e9")]) == {("c1", "shop", "e9")}
        assert await tx.due_customers(make.at(60), 10) == ["c1"]


async def test_an_event_is_fresh_once_per_customer(store):
    keys = [("c1", "shop", "b"), ("c1", "shop", "a"), ("c2", "shop", "a"), ("c1", "shop", "a")]
    async with store.transaction() as tx:
        assert await tx.fresh_events(keys) == set(keys)
        assert await tx.fresh_events([("c1", "shop", "a")]) == set()
    async with store.transaction() as tx:
        assert await tx.fresh_events([*keys, ("c1", "web", "a")]) == {("c1", "web", "a")}


async def test_two_transactions_do_not_lose_each_others_work(store, make):
    async def count_up() -> None:
        async with store.transaction() as tx:
            state = (await tx.lock_customers(["c1"]))["c1"]
            await asyncio.sleep(0)
            number = state.facts.get("n", 0) + 1
            await tx.save([make.write(state, tx.seq_of("c1") + 1, number, state_facts={"n": number})])

    await asyncio.gather(*(count_up() for _ in range(10)))
    assert (await store.views.customer("c1")).facts == {"n": 10}
    assert [row.seq for row in await store.views.history("c1")] == list(range(1, 11))


async def test_a_cancelled_task_leaves_nothing_and_frees_the_store(store, make, save):
    started = asyncio.Event()

    async def stuck() -> None:
        async with store.transaction() as tx:
            await tx.set_control("half", "done")
            started.set()
            await asyncio.sleep(3600)

    task = asyncio.create_task(stuck())
    await started.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await save("c1")
    assert await store.views.control("half") is None


async def test_the_latest_moment_is_that_of_whoever_was_moved_last(store, make, save):
    assert await store.views.latest() is None
    await save("c2", minutes=7)
    await save("c1", minutes=3)
    assert await store.views.latest() == make.at(7)


async def test_due_customers_come_oldest_first(store, make, save):
    for name, due in (("late", 30), ("early", 10), ("later", 60), ("never", None)):
        await save(name, state_runs={"r": make.run("r", due=due)})
    async with store.transaction() as tx:
        assert await tx.due_customers(make.at(9), 10) == []
        assert await tx.due_customers(make.at(30), 10) == ["early", "late"]
        two = await tx.due_customers(make.at(90), 2)
        assert two in (["early", "late"], ["early", "later"], ["late", "later"])
        assert await tx.due_customers(make.at(90), 10) == ["early", "late", "later"]
    assert await store.views.next_due() == make.at(10)
    await save("early", state_runs={})
    await save("late", state_runs={"r": make.run("r", due=90)})
    async with store.transaction() as tx:
        assert await tx.due_customers(make.at(90), 10) == ["later", "late"]


async def test_what_happened_can_be_read(store, make, save):
    event = make.event("e1", "order.placed", 1, total="10.00")
    entry = TraceEntry(
        make.noon, "send", "it was time", "r1", "thanks", "v1", ("order", "o-1"), "s", 12, 1, "m", "email"
    )
    effects = (
        PostPoints("p1", 10, make.noon, "bought", "o-1", "r1"),
        PostPoints("p1", 99, make.noon, "again"),
        GoalReached("r1", "thanks", "v1", make.at(2), ("shop", "e1"), "10.00"),
    )
    await save("c1", 1, events=((event, make.at(1)),), trace=((1, entry),), effects=effects)
    assert await store.views.events("c1") == [(event, make.at(1))]
    (row,) = await store.views.history("c1")
    assert (row.seq, row.kind, row.payload, row.release) == (1, "event", {"source": "shop", "id": "e1"}, "rel-1")
    (shown,) = await store.views.trace("c1")
    assert (shown["seq"], shown["subject"], shown["line"], shown["reason"]) == (1, ["order", "o-1"], 12, "it was time")
    (posting,) = await store.views.postings("c1")
    assert (posting["points"], posting["reason"], posting["order"]) == (10, "bought", "o-1")
    (goal,) = await store.views.goals("thanks")
    assert (goal["customer_id"], goal["event"], goal["value"]) == ("c1", ["shop", "e1"], "10.00")
    assert await store.views.goals("other") == []


async def test_ended_runs_stay_also_those_that_never_stood(store, make, save):
    await save("c1", state_runs={"r1": make.run()})
    trace = ((2, TraceEntry(make.noon, "start", "", "r2", "welcome", "v3", ("customer", ""))),)
    ended = (RunEnded("r1", "exited", "refunded", make.at(3)), RunEnded("r2", "completed", "done", make.at(4)))
    await save("c1", 4, state_runs={}, effects=ended, trace=trace)
    new, old = await store.views.ended_runs()
    assert (old["journey"], old["version"], old["subject"], old["outcome"]) == (
        "thanks",
        "v1",
        ["order", "o-1"],
        "exited",
    )
    assert (new["journey"], new["version"], new["subject"], new["reason"]) == (
        "welcome",
        "v3",
        ["customer", ""],
        "done",
    )
    assert [run["run_id"] for run in await store.views.ended_runs("welcome")] == ["r2"]


async def test_answers_are_kept_from_their_events(store, make, save):
    first = make.event("a1", "survey.answered", 1, survey="nps", score=9, text="¡Bien!", choices=["fast"])
    second = make.event("a2", "survey.answered", 2, survey="stars", score=4)
    await save("c1", 2, events=((first, make.at(2)), (second, make.at(2))))
    assert [one["survey"] for one in await store.views.answers()] == ["stars", "nps"]
    (answer,) = await store.views.answers("nps")
    assert (answer["score"], answer["text"], answer["choices"], answer["customer_id"]) == (9, "¡Bien!", ["fast"], "c1")


async def test_counts_tell_where_people_stand(store, make, save):
    parked = replace(make.run("r3", due=None), stand=Stand("parked", make.noon, reason="boom"))
    await save("c1", state_runs={"r1": make.run(due=10)}, effects=(make.send("e1"),))
    await save("c2", state_runs={"r1": make.run(due=90), "r3": parked})
    counts = await store.views.counts(make.at(10))
    assert counts["customers"] == 2
    assert counts["due"] == {"waiting": 2, "overdue": 1, "oldest": "2026-11-22T12:10:00.000000Z"}
    assert counts["parked"] == 1
    assert counts["messages"] == {"pending": 1}
    assert {"journey": "thanks", "version": "v1", "step": 1, "stand": "timer", "count": 2} in counts["runs"]


async def test_a_customer_is_found_by_whatever_a_person_has_at_hand(store, make, save):
    await save("c1", state_facts={"email": "Ana@Example.com"}, state_things={("order", "o-1"): make.thing(number=1001)})
    await save("c2", state_facts={"email": "b@example.com"}, state_things={("order", "o-2"): make.thing(number="A-7")})
    async with store.transaction() as tx:
        await tx.set_aliases({"guest-9": "c1"})
        await tx.order_owners(["o-1"])
        await tx.set_order_owners({"o-1": "c1"})
    for text in ("c1", "ana@example.COM", "guest-9", "o-1", "1001"):
        assert await store.views.find_customer(text) == ["c1"], text
    assert await store.views.find_customer("A-7") == ["c2"]
    assert await store.views.find_customer("nobody") == []
    assert await store.views.customer_ids("c1") == ["c2"]
    assert await store.views.customer_ids(limit=1) == ["c1"]


async def test_an_end_and_a_goal_that_were_undone_are_gone(store, make, save):
    goal = GoalReached("r1", "thanks", "v1", make.at(2), ("shop", "e1"), "10.00")
    await save("c1", state_runs={"r1": make.run()})
    await save("c1", 1, state_runs={}, effects=(RunEnded("r1", "exited", "cancelled", make.at(1)), goal))
    await save("c2", 1, effects=(replace(goal, run_id="r2"),))
    again = RunEnded("r1", "goal", "bought again", make.at(2))
    await save("c1", 2, effects=(RunEnded("r1", "exited", "again", make.at(2)), Undone("r1"), again))
    assert [(one["run_id"], one["outcome"]) for one in await store.views.ended_runs()] == [("r1", "goal")]
    assert [one["run_id"] for one in await store.views.goals()] == ["r2"]
