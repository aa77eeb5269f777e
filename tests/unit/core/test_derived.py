"""Derived events: order.delivered in all its rules, order.returned, and the line events."""

from __future__ import annotations

from typing import Any

import pytest

from postventa.core.journey import Duration, Shop
from postventa.testing import Timeline, compiled, moment

START = "2026-03-02T10:00:00Z"
NOTHING = "journey: j\nsubject: order\nstart: {on: order.placed}\nsteps:\n  - wait: 1 day\n"


def order(*lines: str, shop: Shop | None = None, paid: bool = True) -> Timeline:
    line = Timeline(compiled(NOTHING, shop=shop), START)
    rows = [{"line_id": one, "sku": f"s{one}"} for one in lines]
    line.event("order.placed", order="o-1", **({"lines": rows} if rows else {}))
    return line


def parcel(line: Timeline, name: str, verb: str, *lines: str, after: str = "+1 hour") -> None:
    data: dict[str, Any] = {"line_ids": list(lines)} if lines else {}
    line.to(after).event(f"shipment.{verb}", order="o-1", shipment=name, **data)


def told(line: Timeline, kind: str) -> list[tuple[str, str]]:
    return [(one.id, f"{one.occurred_at:%H:%M}") for one in line.told(kind)]


def test_order_delivered_when_every_line_is_in_a_delivered_parcel() -> None:
    line = order("1", "2")
    parcel(line, "s-1", "delivered", "1")
    assert told(line, "order.delivered") == []
    parcel(line, "s-2", "delivered", "2")
    assert told(line, "order.delivered") == [("o-1/delivered", "12:00")]
    assert told(line, "line.delivered") == [("o-1/1/delivered", "11:00"), ("o-1/2/delivered", "12:00")]
    assert line.told("order.delivered")[0].source == "postventa"
    assert line.state.things["order", "o-1"].facts["delivered_at"] == "2026-03-02T12:00:00Z"


def test_a_later_shipment_does_not_undo_it_and_it_happens_once() -> None:
    line = order("1")
    parcel(line, "s-1", "delivered", "1")
    parcel(line, "s-2", "in_transit", "1")
    parcel(line, "s-2", "delivered", "1")
    assert len(told(line, "order.delivered")) == len(told(line, "line.delivered")) == 1


def test_a_returned_line_is_not_waited_for() -> None:
    line = order("1", "2")
    parcel(line, "s-1", "delivered", "1")
    line.event("return.received", order="o-1", **{"return": "r-1"}, line_ids=["2"], at="+1 hour")
    assert len(told(line, "order.delivered")) == 1


def test_a_cancelled_line_is_not_waited_for() -> None:
    line = order("1", "2")
    parcel(line, "s-1", "delivered", "1")
    line.to("+1 hour").event("order.refunded_partly", order="o-1", lines=[{"line_id": "2", "state": "cancelled"}])
    assert len(told(line, "order.delivered")) == 1


@pytest.mark.parametrize("final", ["returned_to_sender", "expired"])
def test_parcels_without_lines_must_all_be_final(final: str) -> None:
    line = order("1", "2")
    parcel(line, "s-1", "in_transit")
    parcel(line, "s-2", "in_transit")
    parcel(line, "s-1", "delivered")
    assert told(line, "order.delivered") == []
    parcel(line, "s-2", final)
    assert told(line, "order.delivered") == [("o-1/delivered", "14:00")]
    assert len(told(line, "line.delivered")) == 2  # without line ids, with the order


def test_no_parcel_delivered_is_no_delivery() -> None:
    line = order("1")
    parcel(line, "s-1", "returned_to_sender")
    assert told(line, "order.delivered") == []


def test_delivery_settles_or_the_order_is_fulfilled() -> None:
    shop = Shop(delivery_settles=Duration(days=2))
    line = order("1", shop=shop)
    parcel(line, "s-1", "delivered")
    assert told(line, "order.delivered") == []
    line.to("+3 days")
    assert [event.occurred_at for event in line.told("order.delivered")] == [moment("2026-03-02T11:00:00Z")]
    other = order("1", shop=shop)
    parcel(other, "s-1", "delivered")
    other.to("+1 hour").event("order.fulfilled", order="o-1")
    assert told(other, "order.delivered") == [("o-1/delivered", "12:00")]
    third = order("1", shop=shop)
    parcel(third, "s-1", "delivered")
    parcel(third, "s-2", "in_transit")
    assert third.to("+9 days").told("order.delivered") == []


def test_a_platforms_own_delivery_takes_its_place() -> None:
    line = order("1", "2")
    line.event("order.delivered", order="o-1", at="+1 minute")
    parcel(line, "s-1", "delivered", "1", "2")
    assert told(line, "order.delivered") == []
    assert len(told(line, "line.delivered")) == 2


def test_status_only_moves_forward() -> None:
    line = order("1")
    parcel(line, "s-1", "delivered", "1")
    parcel(line, "s-1", "out_for_delivery", "1")
    assert line.state.things["shipment", "s-1"].facts["status"] == "delivered"


def test_lines_named_by_an_earlier_event_of_the_parcel_count() -> None:
    """The carrier's scan names no lines, the label did: the lines of a split parcel are delivered with it."""
    line = order("1", "2")
    parcel(line, "s-1", "created", "1")
    parcel(line, "s-2", "created", "2")
    parcel(line, "s-1", "delivered")
    assert told(line, "line.delivered") == [("o-1/1/delivered", "13:00")]
    late = order("1", "2")
    parcel(late, "s-1", "delivered")
    late.event("shipment.created", order="o-1", shipment="s-1", line_ids=["1"], at="-5 minutes")
    assert ("o-1/1/delivered", "11:00") in told(late, "line.delivered")


def test_line_returned_and_order_returned() -> None:
    line = order("1", "2")
    line.event("return.received", order="o-1", **{"return": "r-1"}, line_ids=["1"], at="+1 hour")
    assert (told(line, "line.returned"), told(line, "order.returned")) == ([("o-1/1/returned", "10:00")], [])
    line.to("+2 hours").event("return.received", order="o-1", **{"return": "r-2"}, line_ids=["2"])
    assert told(line, "order.returned") == [("o-1/returned", "12:00")]


def test_a_return_without_lines_concerns_the_whole_order_unless_its_request_named_them() -> None:
    line = order("1", "2")
    line.event("return.received", order="o-1", **{"return": "r-1"})
    assert len(told(line, "line.returned")) == 2
    named = order("1", "2")
    named.event("return.requested", order="o-1", **{"return": "r-1"}, line_ids=["2"])
    named.event("return.received", order="o-1", **{"return": "r-1"})
    assert told(named, "line.returned") == [("o-1/2/returned", "10:00")]


def test_line_refunded() -> None:
    line = order("1", "2")
    line.event("refund.completed", order="o-1", refund="f-1", line_ids=["2"], amount="5.00")
    assert told(line, "line.refunded") == [("o-1/2/refunded", "10:00")]
    whole = order("1", "2")
    whole.event("refund.completed", order="o-1", refund="f-1", amount="5.00")
    assert len(told(whole, "line.refunded")) == 2


def test_a_refund_whose_plan_named_its_lines() -> None:
    line = order("1", "2")
    line.event("refund.scheduled", order="o-1", refund="f-1", line_ids=["2"])
    line.event("refund.completed", order="o-1", refund="f-1")
    assert told(line, "line.refunded") == [("o-1/2/refunded", "10:00")]


@pytest.mark.parametrize("return_first", [True, False])
def test_line_exchanged_in_either_order_and_the_new_lines_join(return_first: bool) -> None:
    line = order("1", "2")
    asked = line.made("return.requested", order="o-1", **{"return": "r-1"}, line_ids=["2"])
    made = line.made("exchange.created", order="o-1", exchange="x-1", **{"return": "r-1"},
                     lines=[{"line_id": "3", "sku": "s3"}], at="+1 minute")  # fmt: skip
    for event in (asked, made) if return_first else (made, asked):
        line.give(event)
    assert told(line, "line.exchanged") == [("o-1/2/exchanged", "10:01")]
    assert line.state.things["order", "o-1"].facts["line_ids"] == ["o-1/1", "o-1/2", "o-1/3"]


def test_counters_of_the_customer() -> None:
    line = Timeline(compiled(NOTHING), START)
    line.event("order.paid", order="o-1", total="10.00")
    line.event("order.paid", order="o-2", total="5.50", at="+1 minute")
    assert line.state.facts["orders"] == {
        "count": 2,
        "first_at": "2026-03-02T10:00:00Z",
        "last_at": "2026-03-02T10:01:00Z",
        "spent": "15.50",
    }
    line.event("order.cancelled", order="o-2", at="+2 minutes")
    line.event("refund.completed", order="o-1", refund="f-1", amount="4.00", at="+2 minutes")
    assert line.state.facts["orders"] == {
        "count": 1,
        "first_at": "2026-03-02T10:00:00Z",
        "last_at": "2026-03-02T10:00:00Z",
        "spent": "6.00",
    }


def test_facts_are_newest_wins_per_field() -> None:
    line = Timeline(compiled(NOTHING), START)
    line.event("customer.updated", first_name="Ana", locale="es")
    line.event("customer.updated", first_name="Old", country="ES", at="-1 day")
    assert (line.state.facts["first_name"], line.state.facts["country"], line.state.facts["locale"]) == (
        "Ana",
        "ES",
        "es",
    )


def test_a_return_recorded_before_the_order_told_its_lines() -> None:
    line = Timeline(compiled(NOTHING), START)
    line.event("return.received", order="o-1", **{"return": "r-1"}, line_ids=["1", "2"], at="+0 days")
    line.event(
        "order.placed", order="o-1", at="-1 hour", lines=[{"line_id": "1", "sku": "a"}, {"line_id": "2", "sku": "b"}]
    )
    assert told(line, "order.returned") == [("o-1/returned", "10:00")]
