"""A batch of events: each takes effect once, for the right person, in the right order, whatever comes beside it."""

from __future__ import annotations

from datetime import timedelta

import pytest
from engine_shop import T0, event, paid, parcel, placed

from postventa.core.state import CustomerState
from postventa.engine import work as work_module
from postventa.engine.batch import take
from postventa.engine.due import expire_waiting, sweep
from postventa.engine.engine import Engine
from postventa.engine.receipts import Settled, claim, settle
from postventa.errors import StoreError
from postventa.schemas.parse import Incoming

HOUR = timedelta(hours=1)


async def statuses(engine: Engine, *incomings: Incoming, at: float = 2) -> list[str]:
    return [answer.status for answer in await take(engine, incomings, T0 + at * HOUR)]


async def customer(engine: Engine, name: str) -> CustomerState:
    found = await engine.store.views.customer(name)
    assert found is not None, f"no customer {name}"
    return found


async def test_each_event_takes_effect_once(engine: Engine) -> None:
    first, second = placed("o-1", customer_id="ana"), paid("o-1")
    answers = await take(engine, [first, second, second], T0 + HOUR)
    assert [one.status for one in answers] == ["accepted", "accepted", "duplicate"]
    assert [journey for journey, _ in answers[1].started] == ["thanks"]
    assert await statuses(engine, first, second) == ["duplicate", "duplicate"]
    assert len(await engine.store.views.history("ana")) == 2


async def test_an_event_of_an_unknown_order_waits_and_follows_it_in_order_of_occurrence(engine: Engine) -> None:
    late, early = parcel("delivered", "o-1", 30), parcel("in_transit", "o-1", 20)
    assert await statuses(engine, late, early, paid("o-1"), at=40) == ["waiting"] * 3
    assert await statuses(engine, late, at=41) == ["waiting"]
    assert await statuses(engine, placed("o-1", customer_id="ana"), at=41) == ["accepted"]
    applied = [row.payload["id"] for row in await engine.store.views.history("ana")]
    assert applied == ["o-1/placed", "o-1/paid", "o-1/in_transit", "o-1/delivered"]
    assert await engine.store.views.waiting() == []
    assert await statuses(engine, early, at=42) == ["duplicate"]


async def test_where_a_batch_ends_makes_no_difference_to_who_waits(engine: Engine) -> None:
    batch = [parcel("in_transit", "o-1", 20), paid("o-1"), placed("o-1", customer_id="ana")]
    assert await statuses(engine, *batch, at=40) == ["accepted"] * 3
    applied = [row.payload["id"] for row in await engine.store.views.history("ana")]
    assert applied == ["o-1/placed", "o-1/paid", "o-1/in_transit"]


async def test_what_waited_too_long_becomes_a_dead_letter(engine: Engine) -> None:
    await take(engine, [paid("o-1")], T0)
    assert await expire_waiting(engine, T0 + 72 * HOUR) == 0
    assert await expire_waiting(engine, T0 + 73 * HOUR) == 1
    (letter,) = await engine.store.views.dead_letters()
    assert letter.event_id == "o-1/paid"
    assert "o-1" in letter.reason


async def test_a_guest_is_the_same_person_under_every_spelling_of_the_address(engine: Engine) -> None:
    await statuses(engine, placed("o-1", email="Ana@Example.com"), placed("o-2", email="ana@example.com"))
    (guest,) = await engine.store.views.customer_ids()
    assert guest.startswith("guest:")
    assert "ana" not in guest
    assert {name for kind, name in (await customer(engine, guest)).things if kind == "order"} == {"o-1", "o-2"}


@pytest.mark.parametrize("together", [True, False])
async def test_a_guest_who_becomes_an_account_is_one_person(engine: Engine, together: bool) -> None:
    guest = [placed("o-1", email="ana@example.com"), paid("o-1")]
    account = [placed("o-2", 3, customer_id="ana", email="ana@example.com"), paid("o-2", 4)]
    again = [placed("o-1", email="ana@example.com")]
    if together:
        assert await statuses(engine, *guest, *account, *again) == ["accepted"] * 4 + ["duplicate"]
    else:
        for batch in (guest, account):
            assert await statuses(engine, *batch) == ["accepted"] * 2
        assert await statuses(engine, *again) == ["duplicate"]
    assert await engine.store.views.customer_ids() == ["ana"]
    ana = await customer(engine, "ana")
    assert {name for kind, name in ana.things if kind == "order"} == {"o-1", "o-2"}
    assert len(ana.runs) == 2
    assert {row.customer_id for row in await engine.store.views.messages()} == {"ana"}
    assert await statuses(engine, parcel("in_transit", "o-1", 5)) == ["accepted"]


async def test_two_accounts_are_united_by_word_and_the_old_id_goes_on_meaning_the_person(engine: Engine) -> None:
    await statuses(engine, placed("o-1", customer_id="old"), placed("o-2", customer_id="ana"))
    merged = event("customer.merged", "m-1", 2, into="ana", **{"from": "old"})
    assert await statuses(engine, merged, placed("o-3", 3, customer_id="old")) == ["accepted", "accepted"]
    assert await engine.store.views.customer_ids() == ["ana"]
    orders = {name for kind, name in (await customer(engine, "ana")).things if kind == "order"}
    assert orders == {"o-1", "o-2", "o-3"}


async def test_another_persons_word_about_an_order_stays_with_its_customer(engine: Engine) -> None:
    await statuses(engine, placed("o-1", customer_id="ana"), paid("o-1", customer={"customer_id": "friend"}))
    assert await engine.store.views.customer_ids() == ["ana"]


async def test_nothing_of_an_erased_person_is_stored_again(engine: Engine) -> None:
    await statuses(engine, placed("o-1", customer_id="ana", email="ana@example.com"), paid("o-1"))
    erased = event("customer.erased", "e-1", 3, customer_id="ana")
    assert await statuses(engine, erased, placed("o-9", 2.5, customer_id="ana"), at=4) == ["accepted", "erased"]
    for straggler in (parcel("delivered", "o-1", 5), placed("o-2", email="ANA@example.com"), paid("o-1", 6)):
        assert await statuses(engine, straggler, at=6) == ["erased"]
    assert await engine.store.views.customer_ids() == []
    assert await engine.store.views.waiting() == []
    assert await engine.store.views.messages() == []


@pytest.mark.parametrize("apart", [True, False])
async def test_an_erased_person_who_buys_again_is_somebody_new(engine: Engine, apart: bool) -> None:
    """From that purchase on; what was before stays unknown, whenever it comes, and even in the batch of the erasure."""
    await statuses(engine, placed("o-1", customer_id="ana", email="ana@example.com"), paid("o-1"))
    erased = event("customer.erased", "e-1", 3, customer_id="ana")
    back = placed("o-2", 5, customer_id="ana-2", email="ana@example.com")
    if apart:
        assert await statuses(engine, erased, at=4) == ["accepted"]
        assert await statuses(engine, event("customer.updated", "u-1", 4.5, customer_id="ana"), at=5) == ["erased"]
        assert await statuses(engine, back, paid("o-2", 6), at=6) == ["accepted", "accepted"]
    else:
        told = await statuses(engine, erased, back, paid("o-2", 6), at=8)
        assert told == ["accepted", "accepted", "accepted"]
    late = [placed("o-0", 2, customer_id="ana"), paid("o-1", 7), event("customer.updated", "u-2", 2, customer_id="ana")]
    assert await statuses(engine, *late, at=8) == ["erased"] * 3
    name = event("customer.updated", "u-3", 8, customer_id="ana-2", first_name="Ana")
    assert await statuses(engine, name, at=8) == ["accepted"]
    ana = await customer(engine, "ana-2")
    assert [name for kind, name in ana.things if kind == "order"] == ["o-2"]
    assert ana.facts["first_name"] == "Ana"
    (message,) = await claim(engine, T0 + 8 * HOUR)
    async with engine.store.transaction() as tx:
        await tx.intents({message.record.effect_id: message.attempt}, T0 + 8 * HOUR)
    sent = Settled(message.record.effect_id, "ana-2", "sent", T0 + 8 * HOUR, message.attempt)
    await settle(engine, [sent], T0 + 8 * HOUR)
    assert (await customer(engine, "ana-2")).runs, "thanked, and waiting for the tips"
    assert not (await customer(engine, "ana-2")).outbox


async def test_an_event_about_everybody_who_owns_a_product_is_refused_with_the_reason(engine: Engine) -> None:
    """Starts for owners come later; until then it must not look as if somebody had been told."""
    about = event("product.updated", "p-1", 1, sku="A")
    (answer,) = await take(engine, [about], T0 + 2 * HOUR)
    assert (answer.status, "audiences are not served yet" in answer.reason) == ("rejected", True)
    (letter,) = await engine.store.views.dead_letters()
    assert letter.event_id == "p-1"


async def test_one_bad_event_becomes_a_dead_letter_and_the_others_take_effect(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    good = work_module.advance

    def sometimes(state, given, now, catalog):  # type: ignore[no-untyped-def]
        if getattr(given, "id", "") == "o-2/paid":
            raise ValueError("this one cannot be")
        return good(state, given, now, catalog)

    monkeypatch.setattr(work_module, "advance", sometimes)
    batch = [placed("o-1", customer_id="ana"), placed("o-2", customer_id="ben"), paid("o-2"), paid("o-1")]
    assert await statuses(engine, *batch) == ["accepted", "accepted", "rejected", "accepted"]
    (letter,) = await engine.store.views.dead_letters()
    assert letter.event_id == "o-2/paid"
    assert "this one cannot be" in letter.reason
    assert len(await engine.store.views.history("ben")) == 1


async def test_a_bad_event_in_the_waiting_room_does_not_take_its_order_with_it(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    await statuses(engine, parcel("delivered", "o-1", 1), paid("o-1"))
    good = work_module.advance

    def sometimes(state, given, now, catalog):  # type: ignore[no-untyped-def]
        if getattr(given, "id", "") == "o-1/delivered":
            raise ValueError("this one cannot be")
        return good(state, given, now, catalog)

    monkeypatch.setattr(work_module, "advance", sometimes)
    assert await statuses(engine, placed("o-1", customer_id="ana")) == ["accepted"]
    assert [row.payload["id"] for row in await engine.store.views.history("ana")] == ["o-1/placed", "o-1/paid"]
    assert [letter.event_id for letter in await engine.store.views.dead_letters()] == ["o-1/delivered"]
    assert await engine.store.views.waiting() == []


async def test_a_store_that_fails_is_not_the_events_fault(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise StoreError("the disk is full")

    with monkeypatch.context() as patch:
        patch.setattr(work_module, "advance", full)
        with pytest.raises(StoreError):
            await statuses(engine, placed("o-1", customer_id="ana"))
    assert await engine.store.views.dead_letters() == []
    assert await statuses(engine, placed("o-1", customer_id="ana")) == ["accepted"]


async def test_now_never_goes_back_for_a_customer(engine: Engine) -> None:
    await take(engine, [placed("o-1", customer_id="ana")], T0 + 5 * HOUR)
    await take(engine, [paid("o-1")], T0 + 3 * HOUR)
    assert [row.now for row in await engine.store.views.history("ana")] == [T0 + 5 * HOUR] * 2


async def test_due_customers_move_and_others_do_not(engine: Engine) -> None:
    for name in ("ana", "ben"):
        shipped = event("shipment.in_transit", f"{name}/s", 0, order_id=name, shipment_id=name)
        await statuses(engine, placed(name, customer_id=name), shipped)
    assert await sweep(engine, T0 + 1000 * HOUR) == 0
    assert await statuses(engine, paid("ana")) == ["accepted"]
