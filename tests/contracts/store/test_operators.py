"""What operators see and do: dead letters taken out, messages in doubt sent again, parked runs, gauges, the audit."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from postventa.core.state import Stand
from postventa.store.base import DeadLetter

MINUTE = timedelta(minutes=1)


async def in_doubt(store, make, save) -> None:
    await save("c1", effects=(make.send("e1"),))
    async with store.transaction() as tx:
        await tx.set_claimed({"e1": None}, MINUTE)
        await tx.intents({"e1": 1}, make.at(1))
        await tx.settle("e1", "uncertain", make.at(1), "no answer", 1)


async def test_dead_letters_are_taken_out_by_id_and_only_once(store, make):
    letters = [DeadLetter("http", f"reason {number}", "{\x00", make.at(number), event_id="e") for number in range(3)]
    async with store.transaction() as tx:
        await tx.put_dead_letters(letters)
    third, second, first = await store.views.dead_letters()
    assert await store.views.dead_letter(second.id) == second
    async with store.transaction() as tx:
        assert await tx.take_dead_letters([third.id, first.id, 999_999]) == [first, third]
        assert await tx.take_dead_letters([first.id]) == []
        assert await tx.take_dead_letters([]) == []
    assert await store.views.dead_letters() == [second]
    assert await store.views.dead_letter(first.id) is None


async def test_dead_letters_come_back_with_a_rollback(store, make, rolled_back):
    async with store.transaction() as tx:
        await tx.put_dead_letters([DeadLetter("http", "why", "{}", make.noon)])
    (letter,) = await store.views.dead_letters()
    async with rolled_back() as tx:
        assert len(await tx.take_dead_letters([letter.id])) == 1
    assert await store.views.dead_letters() == [letter]


async def test_a_message_in_doubt_leaves_again_as_its_next_attempt(store, make, save):
    await in_doubt(store, make, save)
    (row,) = await store.views.uncertain()
    assert (row.effect_id, row.detail, row.attempt) == ("e1", "no answer", 1)
    async with store.transaction() as tx:
        assert await tx.resend("e1")
        assert not await tx.resend("e1")
        assert not await tx.resend("nothing")
    assert await store.views.uncertain() == []
    again = await store.views.outbox_row("e1")
    assert (again.state, again.next_try_at, again.first_try_at, again.settled_at) == ("pending", None, None, None)
    async with store.transaction() as tx:
        assert [one.effect_id for one in await tx.claimable(make.at(2), 10, ())] == ["e1"]
        assert await tx.set_claimed({"e1": None}, MINUTE) == {"e1": 2}


async def test_a_late_receipt_of_the_first_attempt_still_ends_a_message_that_was_to_leave_again(store, make, save):
    await in_doubt(store, make, save)
    async with store.transaction() as tx:
        await tx.resend("e1")
        assert await tx.settle("e1", "sent", make.at(3), "250 late", 1)
    assert (await store.views.outbox_row("e1")).state == "sent"


async def test_parked_runs_tell_whose_they_are_and_why_they_stand(store, make, save):
    parked = make.run("r2", due=None)
    parked = replace(parked, stand=Stand("parked", make.at(3), reason="KeyError: 'name'", resume=parked.stand))
    await save("c2", state_runs={"r1": make.run("r1"), "r2": parked})
    await save("c1", state_runs={"r3": replace(parked, run_id="r3")})
    first, second = await store.views.parked()
    assert first["customer_id"] == "c1"
    assert second == {
        "customer_id": "c2", "run_id": "r2", "journey": "thanks", "version": "v1", "subject": ["order", "o-1"],
        "since": "2026-11-22T12:03:00.000000Z", "reason": "KeyError: 'name'",
    }  # fmt: skip
    assert await store.views.parked(1) == [first]


async def test_gauges_count_what_is_under_way(store, make, save):
    await in_doubt(store, make, save)
    await save("c2", state_runs={"r1": make.run("r1", due=-5)}, effects=(make.send("e2", 1), make.send("e3", 2)))
    await save("c3", state_runs={"r1": make.run("r1", due=30)}, effects=(make.send("e4"),))
    await save("c4", state_runs={"r1": make.run("r1", due=90)})
    await save("c5", state_runs={"r1": replace(make.run("r1"), stand=Stand("parked", make.noon))})
    async with store.transaction() as tx:
        await tx.set_claimed({"e4": None}, MINUTE)
        await tx.put_dead_letters([DeadLetter("http", "why", "{}", make.noon)])
    found = await store.views.gauges(make.at(10))
    assert {(row["kind"], row["state"]): row["count"] for row in found.pop("outbox")} == {
        ("message", "pending"): 2, ("message", "claimed"): 1, ("message", "sending"): 0, ("message", "uncertain"): 1,
        ("event", "pending"): 0,
    }  # fmt: skip
    assert found == {
        "due_soon": 1, "overdue": 1, "oldest_due": "2026-11-22T11:55:00.000000Z",
        "oldest_pending": "2026-11-22T12:01:00.000000Z", "waiting": 0, "dead_letters": 1, "parked": 1,
    }  # fmt: skip


async def test_a_retry_that_waits_for_its_time_is_not_late(store, make, save):
    await save("c1", effects=(make.send("e1"),))
    async with store.transaction() as tx:
        await tx.set_claimed({"e1": None}, MINUTE)
        await tx.retry_later("e1", make.at(30), "451 later", 1)
    assert (await store.views.gauges(make.at(10)))["oldest_pending"] is None
    assert (await store.views.gauges(make.at(30)))["oldest_pending"] == "2026-11-22T12:00:00.000000Z"


async def test_the_audit_is_kept_newest_first(store, make):
    async with store.transaction() as tx:
        await tx.audit(make.noon, "eva", "pause", {"scope": "all"})
        await tx.audit(make.at(1), "bob", "resume", {"scope": "all", "skipped": 3})
    second, first = await store.views.audited()
    assert (first["who"], first["what"], first["detail"]) == ("eva", "pause", {"scope": "all"})
    assert second == {
        "at": "2026-11-22T12:01:00.000000Z", "who": "bob", "what": "resume", "detail": {"scope": "all", "skipped": 3}
    }  # fmt: skip
    assert await store.views.audited(1) == [second]


async def test_one_at_a_time_until_it_leaves_however_it_leaves(store):
    async with store.alone("out") as first:
        async with store.alone("out") as second, store.alone("other") as other:
            assert (first, second, other) == (True, False, True)
        async with store.transaction() as tx:
            await tx.set_control("key", "written meanwhile")
    with pytest.raises(ZeroDivisionError):  # noqa: PT012
        async with store.alone("out") as mine:
            assert mine
            raise ZeroDivisionError
    async with store.alone("out") as mine:
        assert mine
    assert await store.views.control("key") == "written meanwhile"
