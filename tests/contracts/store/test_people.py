"""Whole persons in every backend: two become one, one is forgotten, old rows go without losing what a fold needs."""

from __future__ import annotations

import pytest

from postventa.core.effect import EmitEvent, GoalReached, PostPoints, RunEnded, TraceEntry
from postventa.core.event import Event
from postventa.store.base import CustomerWrite, DeadLetter, HistoryRow, WaitingEvent
from postventa.store.codec import state_from_plain, state_to_plain
from postventa.store.inputs import input_from_plain


async def live_a_little(make, save, customer_id: str, address: str, order: str) -> None:
    """A customer with a row in every table."""
    event = Event(f"{order}-e", "shop", "survey.answered", make.noon, {"email": address, "survey": "nps", "score": 9})
    await save(
        customer_id,
        state_facts={"email": address, "first_name": f"Name{order}"},
        state_runs={f"run-{order}": make.run(f"run-{order}")},
        state_things={("order", order): make.thing(number=order, street=f"Street{order}")},
        state_events={event.key: event},
        events=((event, make.noon),),
        effects=(
            make.send(f"m-{order}", to=address),
            EmitEvent(f"x-{order}", event),
            PostPoints(f"p-{order}", 5, make.noon, "bought"),
            GoalReached(f"run-{order}", "thanks", "v1", make.noon, event.key),
            RunEnded(f"old-{order}", "completed", "done", make.noon),
        ),
        trace=((1, TraceEntry(make.noon, "start", f"because of Name{order}", f"run-{order}", "thanks")),),
        release=f"rel-{order}",
    )


async def name_it(store, customer_id: str, order: str) -> None:
    async with store.transaction() as tx:
        await tx.set_aliases({f"alias-{order}": customer_id})
        await tx.order_owners([order])
        await tx.set_order_owners({order: customer_id})


# --- merge -----------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("merge_first", [True, False])
async def test_two_customers_become_one(store, make, save, merge_first):
    await live_a_little(make, save, "guest", "guest@x.es", "o-1")
    await live_a_little(make, save, "account", "account@x.es", "o-2")
    await name_it(store, "guest", "o-1")
    async with store.transaction() as tx:
        both = await tx.lock_customers(["guest", "account"])
        guest, account = both["guest"], both["account"]
        united = account.fork()
        united.now = make.at(1)
        united.runs.update(guest.runs)
        united.things.update(guest.things)
        united.events.update(guest.events)
        row = HistoryRow("account", 2, make.at(1), "merge", "rel-3", state_to_plain(united))
        write = CustomerWrite(account, united, (row,))
        if merge_first:
            await tx.merge("account", "guest")
        await tx.save([write])
        if not merge_first:
            await tx.merge("account", "guest")
    assert await store.views.customer_ids() == ["account"]
    assert await store.views.customer("account") == united
    assert await store.views.history("guest") == []
    assert [row.seq for row in await store.views.history("account")] == [1, 2]
    assert {event.id for event, _ in await store.views.events("account")} == {"o-1-e", "o-2-e"}
    assert {row.effect_id for row in await store.views.messages("account")} == {"m-o-1", "m-o-2"}
    assert len(await store.views.trace("account")) == 2
    assert {one["posting_id"] for one in await store.views.postings("account")} == {"p-o-1", "p-o-2"}
    for found in (await store.views.goals(), await store.views.ended_runs(), await store.views.answers()):
        assert {one["customer_id"] for one in found} == {"account"}
    assert await store.views.find_customer("alias-o-1") == await store.views.find_customer("o-1") == ["account"]
    assert await store.views.release_hashes_in_use() == {"rel-o-1", "rel-o-2"}
    async with store.transaction() as tx:
        assert await tx.fresh_events([("account", "shop", "o-1-e"), ("account", "shop", "new")]) == {
            ("account", "shop", "new")
        }
        assert await tx.due_customers(make.at(600), 10) == ["account"]


async def test_a_merge_is_rolled_back_whole(store, make, save, rolled_back):
    await live_a_little(make, save, "guest", "guest@x.es", "o-1")
    await live_a_little(make, save, "account", "account@x.es", "o-2")
    before = [await store.views.customer(name) for name in ("guest", "account")]
    async with rolled_back() as tx:
        await tx.lock_customers(["guest", "account"])
        await tx.merge("account", "guest")
    assert [await store.views.customer(name) for name in ("guest", "account")] == before
    assert [row.effect_id for row in await store.views.messages("guest")] == ["m-o-1"]
    assert len(await store.views.history("guest")) == 1
    assert len(await store.views.ended_runs()) == 2
    assert {one["customer_id"] for one in await store.views.goals()} == {"guest", "account"}


# --- erasure ---------------------------------------------------------------------------------------------------------
async def everywhere(store) -> str:
    """Whatever the views tell, as one text."""
    views = store.views
    told = [await views.find_customer(text) for text in ("ana@x.es", "c1", "o-77", "alias-o-77")]
    for customer_id in ("c1", "c2"):
        told += [
            await views.customer(customer_id), await views.history(customer_id), await views.events(customer_id),
            await views.trace(customer_id), await views.messages(customer_id), await views.postings(customer_id),
        ]  # fmt: skip
    told += [await views.messages(), await views.answers(), await views.goals(), await views.ended_runs()]
    told += [await views.dead_letters(), await views.waiting(), await store.mailbox.mails()]
    return repr(told)


async def make_traces(store, make, save) -> None:
    await live_a_little(make, save, "c1", "Ana@x.es", "o-77")
    await live_a_little(make, save, "c2", "ben@x.es", "o-2")
    await name_it(store, "c1", "o-77")
    await name_it(store, "c2", "o-2")
    letters = [
        DeadLetter("http", "bad", '{"email": "ANA@x.es"}', make.noon),
        DeadLetter("http", "bad", '{"order": "o-77"}', make.noon),
        DeadLetter("http", "bad", '{"order": "o-777", "email": "ben@x.es"}', make.noon),
    ]
    waiting = [
        WaitingEvent("o-9", Event("w1", "shop", "order.paid", make.noon, {"email": "ana@x.es"}), make.noon),
        WaitingEvent("o-8", Event("w2", "shop", "order.paid", make.noon, {"email": "ben@x.es"}), make.noon),
    ]
    async with store.transaction() as tx:
        await tx.put_dead_letters(letters)
        await tx.put_waiting(waiting)
        await tx.suppress("ana@x.es", "complained", make.noon)
        await tx.suppress("ben@x.es", "complained", make.noon)
        await tx.audit(make.noon, "eva", "looked", {"customer": "c1"})
    for customer_id, to, order in (("c1", "Ana@x.es", "o-77"), ("c2", "ben@x.es", "o-2"), ("", "ana@x.es", "preview")):
        mail = {"effect_id": f"m-{order}", "customer": customer_id, "to": to, "html": f"<p>Name{order}</p>"}
        await store.mailbox.put_mail(mail | {"at": "2026-11-22T12:00:00.000000Z"})


async def test_after_erasure_nothing_of_the_person_is_left_and_all_of_the_others(store, make, save):
    await make_traces(store, make, save)
    async with store.transaction() as tx:
        await tx.lock_customers(["c1"])
        await tx.erase("c1", ["marker-1"], make.noon)
    told = await everywhere(store)
    for word in ("ana@", "Ana@", "ANA@", "Nameo-77", "Streeto-77", "'c1'", "'o-77'", "alias-o-77", "m-o-77"):
        # "Ana@Example.com" is nobody's here: the builders' default address never reaches these rows
        assert word not in told, word
    for word in ("ben@x.es", "Nameo-2", "Streeto-2", "o-777"):
        assert word in told, word
    async with store.transaction() as tx:
        assert await tx.erased(["marker-1", "marker-2"]) == {"marker-1": make.noon}
        assert await tx.suppressed(["ANA@x.es", "BEN@x.es"]) == {"ben@x.es": "complained"}
        assert await tx.due_customers(make.at(600), 10) == ["c2"]
        await tx.settle("m-o-77", "sent", make.noon, "a receipt that came too late")
    assert await store.views.outbox_row("m-o-77") is None
    assert (await store.views.counts(make.noon))["erased"] == 1


async def test_an_erasure_is_rolled_back_whole(store, make, save, rolled_back):
    await make_traces(store, make, save)
    before = await everywhere(store)
    async with rolled_back() as tx:
        await tx.lock_customers(["c1"])
        await tx.erase("c1", ["marker-1"], make.noon)
    assert sorted(await everywhere(store)) == sorted(before)
    async with store.transaction() as tx:
        assert await tx.erased(["marker-1"]) == {}
        assert await tx.due_customers(make.at(600), 10) == ["c1", "c2"]


# --- retention -------------------------------------------------------------------------------------------------------
async def test_old_history_leaves_a_snapshot_from_which_a_fold_goes_on(store, make, save):
    remembered = make.event("kept", minutes=0)
    await save("c1", 0, events=((remembered, make.at(0)),), state_events={remembered.key: remembered})
    await save("c1", 1, events=((make.event("old"), make.at(1)),))
    state = await save("c1", 10, events=((make.event("young"), make.at(10)),), state_facts={"n": 3})
    assert await store.prune(["history", "events"], make.at(5)) == {"events": 1, "history": 2}
    history = await store.views.history("c1")
    assert [(row.seq, row.kind) for row in history] == [(3, "event"), (4, "snapshot")]
    assert state_from_plain(history[-1].payload) == state
    assert history[-1].now == make.at(10)
    assert {event.id for event, _ in await store.views.events("c1")} == {"kept", "young"}
    assert await store.views.customer("c1") == state
    async with store.transaction() as tx:
        await tx.lock_customers(["c1"])
        assert tx.seq_of("c1") == 4
    assert await store.prune(["history"], make.at(5)) == {"history": 0}
    assert [row.seq for row in await store.views.history("c1")] == [3, 4]


async def test_the_ids_of_dropped_events_still_tell_duplicates(store, make, save):
    async with store.transaction() as tx:
        await tx.fresh_events([("c1", "shop", "e1")])
    await save("c1", 0, events=((make.event("e1"), make.noon),))
    assert await store.prune(["events"], make.at(5)) == {"events": 1}
    assert await store.views.events("c1") == []
    (snapshot,) = [row for row in await store.views.history("c1") if row.kind == "snapshot"]
    assert snapshot.seq == 2
    async with store.transaction() as tx:
        assert await tx.fresh_events([("c1", "shop", "e1")]) == set()


async def test_what_history_keeps_can_be_made_again(store, make, save):
    event = make.event("e1", total="10.00")
    await save("c1", 0, events=((event, make.noon),))
    events = {event.key: event for event, _ in await store.views.events("c1")}
    (row,) = await store.views.history("c1")
    assert input_from_plain(row.kind, row.payload, events) == event


async def test_other_old_rows_go_and_what_must_stay_stays(store, make, save):
    await make_traces(store, make, save)
    await save("c3", 20, effects=(make.send("young", 20),))
    async with store.transaction() as tx:
        await tx.set_claimed({"m-o-77": None, "m-o-2": None}, make.at(1) - make.noon)
        await tx.settle("m-o-77", "sent", make.at(1))
        await tx.settle("m-o-2", "uncertain", make.at(1))
    dropped = await store.prune(["trace", "messages", "mails", "dead_letters", "audit"], make.at(5))
    assert dropped == {"audit": 1, "dead_letters": 3, "mails": 3, "messages": 1, "trace": 2}
    assert {row.effect_id for row in await store.views.messages()} == {"m-o-2", "young"}
    assert len(await store.views.postings("c1")) == len(await store.views.answers()) - 1 == 1
    assert len(await store.views.ended_runs()) == 2
    assert list((await store.views.customer("c1")).runs) == ["run-o-77"]


async def test_only_what_may_be_dropped_is_dropped(store, make):
    with pytest.raises(ValueError, match=r"postings, runs: never dropped by age; only audit, .*"):
        await store.prune(["runs", "postings", "trace"], make.noon)
