"""The rest of the contract: waiting room, dead letters, positions, suppression, releases, control, local mailbox."""

from __future__ import annotations

from postventa.core.event import Event
from postventa.store.base import DeadLetter, Release, WaitingEvent


def waiting(make, id_: str, order: str, minutes: float, received: float) -> WaitingEvent:
    data = {"note": "ñ", "nested": {"list": [1, 2.5, None, True]}}
    event = Event(id_, "shop", "order.paid", make.at(minutes), data, {"order": order}, make.at(received))
    return WaitingEvent(order, event, make.at(received))


async def test_owners_are_unknown_until_they_are_set(store):
    async with store.transaction() as tx:
        assert await tx.order_owners(["o-2", "o-1", "o-2"]) == {"o-1": None, "o-2": None}
        await tx.set_order_owners({"o-1": "c1"})
    async with store.transaction() as tx:
        assert await tx.order_owners(["o-1", "o-2", "o-3"]) == {"o-1": "c1", "o-2": None, "o-3": None}
        assert await tx.order_owners([]) == {}


async def test_aliases_lead_to_the_last_customer_set(store):
    async with store.transaction() as tx:
        await tx.set_aliases({"a": "c1", "b": "c1"})
        await tx.set_aliases({"a": "c2"})
        assert await tx.aliases(["a", "b", "c"]) == {"a": "c2", "b": "c1"}


async def test_waiting_events_follow_their_order_in_order(store, make):
    late, early = waiting(make, "b", "o-1", 5, 1), waiting(make, "a", "o-1", 2, 3)
    same = waiting(make, "c", "o-1", 5, 2)
    other = waiting(make, "z", "o-2", 0, 0)
    async with store.transaction() as tx:
        await tx.put_waiting([late, early, same, other])
        await tx.put_waiting([waiting(make, "a", "o-7", 2, 9)])
    assert [one.event.id for one in await store.views.waiting()] == ["z", "b", "c", "a"]
    async with store.transaction() as tx:
        assert await tx.take_waiting(["o-1", "o-9"]) == [early, late, same]
        assert await tx.take_waiting(["o-1"]) == []
        assert await tx.expire_waiting(make.at(0)) == []
        assert await tx.expire_waiting(make.at(1)) == [other]
    assert await store.views.waiting() == []


async def test_taken_waiting_events_come_back_with_a_rollback(store, make, rolled_back):
    async with store.transaction() as tx:
        await tx.put_waiting([waiting(make, "a", "o-1", 0, 0)])
    async with rolled_back() as tx:
        assert len(await tx.take_waiting(["o-1"])) == 1
    assert len(await store.views.waiting()) == 1


async def test_dead_letters_are_numbered_and_newest_first(store, make):
    letters = [
        DeadLetter("http", "no id", '{"type": "x"}', make.at(0), "id"),
        DeadLetter("orders/0/17", "not JSON", "{\x00broken", make.at(1), event_id="e1"),
    ]
    async with store.transaction() as tx:
        await tx.put_dead_letters(letters)
    second, first = await store.views.dead_letters()
    assert (first.reason, first.field, first.record) == ("no id", "id", '{"type": "x"}')
    assert (second.source, second.event_id, second.at) == ("orders/0/17", "e1", make.at(1))
    assert second.id > first.id
    assert await store.views.dead_letters(1) == [second]


async def test_positions_never_go_back_but_to_the_beginning(store):
    async with store.transaction() as tx:
        await tx.set_positions({("orders", 0): 10, ("orders", 1): 5, ("orders", 2): 5})
        await tx.set_positions({("orders", 0): 7, ("orders", 1): 0, ("orders", 2): 8})
    assert await store.views.positions() == {("orders", 0): 10, ("orders", 1): 0, ("orders", 2): 8}
    async with store.transaction() as tx:
        await tx.set_positions({("orders", 1): 3})
    assert (await store.views.positions())["orders", 1] == 3


async def test_a_suppressed_address_stays_so_in_any_case_of_letters(store, make):
    async with store.transaction() as tx:
        await tx.suppress("Ana@Example.com", "bounced", make.noon)
        await tx.suppress("ana@example.com", "complained", make.at(1))
        assert await tx.suppressed(["ANA@example.com", "b@x.es"]) == {"ana@example.com": "bounced"}


async def test_a_release_comes_back_byte_for_byte(store, make):
    files = {"journeys/a.yaml": "título: ñ\r\n".encode(), "logo.png": bytes(range(256)), "empty": b"", "nul": b"\0"}
    first = Release("hash-1", files, make.noon, "eva", "first")
    second = Release("hash-2", {"a": b"1"}, make.at(1))
    assert await store.views.live_release() is None
    async with store.transaction() as tx:
        await tx.put_release(first)
        await tx.put_release(second)
    assert await store.views.release("hash-1") == first
    assert await store.views.live_release() == second
    assert await store.views.release("other") is None
    rows = await store.views.releases()
    assert [(row["hash"], row["live"], row["by"]) for row in rows] == [("hash-2", True, ""), ("hash-1", False, "eva")]
    async with store.transaction() as tx:
        await tx.put_release(Release("hash-1", files, make.at(9), "bob", "again"))
    assert await store.views.live_release() == first


async def test_a_release_is_in_use_as_long_as_a_run_stands_that_began_under_it(store, make, save):
    async with store.transaction() as tx:
        await tx.put_release(Release("live", {}, make.noon))
    await save("c1", state_runs={"r1": make.run()}, release="old")
    await save("c1", 1, state_runs={"r1": make.run(step=2)}, release="live")
    assert await store.views.release_hashes_in_use() == {"live", "old"}
    await save("c1", 2, state_runs={}, release="live")
    assert await store.views.release_hashes_in_use() == {"live"}


async def test_control_values(store):
    async with store.transaction() as tx:
        await tx.set_control("heartbeat", "1")
        await tx.set_control("heartbeat", "2")
    assert await store.views.control("heartbeat") == "2"
    assert await store.views.control("nothing") is None


async def test_the_mailbox_keeps_mails_as_they_were(store, make):
    mail = {
        "effect_id": "e1",
        "customer": "c1",
        "to": "a@x.es",
        "at": "2026-11-22T12:00:00.000000Z",
        "subject": "¡Hola!",
    }
    mail |= {"html": "<p>ñ</p>", "text": "ñ", "headers": {"Message-ID": "<e1@shop>"}}
    await store.mailbox.put_mail(mail)
    await store.mailbox.put_mail(mail | {"text": "again"})
    await store.mailbox.put_mail({"effect_id": "e2", "customer": "c2"})
    assert [one["effect_id"] for one in await store.mailbox.mails()] == ["e2", "e1", "e1"]
    assert [one["text"] for one in await store.mailbox.mails(customer="c1")] == ["again", "ñ"]
    assert len(await store.mailbox.mails(limit=1)) == 1
    assert await store.mailbox.mail("e1") == mail | {"text": "again"}
    assert await store.mailbox.mail("other") is None


async def test_who_is_inside_which_version(store, make, save):
    await save("c1", state_runs={"r1": make.run("r1")}, release="one")
    await save("c2", state_runs={"r1": make.run("r1"), "r2": make.run("r2").but(version="v-other")}, release="one")
    await save("c3", state_runs={"r1": make.run("r1").but(version="v-other")}, release="one")
    journey, version = make.run().journey, make.run().version
    assert await store.views.versions_in_use() == {(journey, version), (journey, "v-other")}
    assert await store.views.customers_inside(journey, {"v-other"}, "", 10) == ["c2", "c3"]
    assert await store.views.customers_inside(journey, {"v-other", version}, "c1", 1) == ["c2"]
    assert await store.views.customers_inside("another", {version}, "", 10) == []
