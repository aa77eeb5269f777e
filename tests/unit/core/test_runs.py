"""How runs begin, belong, exit and reach goals."""

# ruff: noqa: E501 - a journey in one line keeps the test in sight

from __future__ import annotations

from typing import Any

import pytest

from postventa.core.belonging import belongs
from postventa.core.effect import GoalReached, Withdraw
from postventa.core.journey import Duration, Shop
from postventa.testing import Timeline, compiled, moment

START = "2026-03-02T10:00:00Z"


def journey(
    steps: str, *, name: str = "j", subject: str = "order", start: str = "on: order.paid", head: str = ""
) -> str:
    return f"journey: {name}\nsubject: {subject}\nstart: {{{start}}}\n{head}\nsteps:\n{steps}"


WAITS = "  - wait: 30 days\n  - send: hello\n"


def line_of(steps: str = WAITS, *more: str, shop: Shop | None = None, **keys: Any) -> Timeline:
    return Timeline(compiled(journey(steps, **keys), *more, shop=shop), START)


LINES = [{"line_id": "1", "sku": "a", "category": "coffee"}, {"line_id": "2", "sku": "b", "category": "tea"}]


# --- starts ----------------------------------------------------------------------------------------------------------
def test_a_start_reads_its_where() -> None:
    line = line_of(start="on: order.paid, where: {order.total: {at_least: 30}, customer.country: [ES, PT]}")
    line.event("order.paid", order="o-1", total="29.99", customer={"country": "ES"})
    line.event("order.paid", order="o-2", total="30.00")
    line.event("order.paid", order="o-3", total="99.00", customer={"country": "FR"}, at="+1 second")
    assert [run.subject[1] for run in line.runs] == ["o-2"]


def test_a_subject_starts_a_journey_once_ever() -> None:
    line = line_of(start="on: [order.paid, order.confirmed]")
    line.event("order.paid", order="o-1")
    line.event("order.confirmed", order="o-1")
    assert len(line.runs) == 1
    line.to("+60 days").event("order.confirmed", event_id="again", order="o-1")
    assert line.runs == []


def test_a_subject_that_has_ended_does_not_start_again() -> None:
    line = line_of("  - send: hello\n", start="on: ticket.replied", subject="ticket")
    for _ in range(3):
        line.to(moment(START)).event("ticket.replied", ticket="t-1")
    line.event("ticket.replied", ticket="t-2")
    assert [one.subject for one in line.sent] == ["t-1", "t-2"]
    assert line.why("refused") == ["this subject has already started this journey"] * 2


@pytest.mark.parametrize(
    ("again", "expected"),
    [("always", ["o-1", "o-2", "o-3"]), ("never", ["o-1"]), ("after 30 days", ["o-1", "o-3"])],
)
def test_again_for_the_same_customer(again: str, expected: list[str]) -> None:
    line = line_of("  - wait: 1 day\n  - send: hello\n", start=f"on: order.paid, again: {again}")
    line.event("order.paid", order="o-1")
    line.to("+10 days").event("order.paid", order="o-2")
    line.to("+25 days").event("order.paid", order="o-3")
    line.to("+9 days")
    assert [one.subject for one in line.sent] == expected


@pytest.mark.parametrize(("word", "started"), [("ignore", START), ("restart", "2026-03-12T10:00:00Z")])
def test_while_running(word: str, started: str) -> None:
    line = line_of(subject="customer", start=f"on: order.paid, while_running: {word}")
    line.event("order.paid", order="o-1")
    line.to("+10 days").event("order.paid", order="o-2")
    assert line.run.start.occurred_at == moment(started)
    line.to("+60 days")
    assert line.outcome_of("restarted") == (word == "restart")
    assert len(line.sent) == 1


def test_restart_only_by_an_event_after_the_runs_own_start() -> None:
    line = line_of(subject="customer", start="on: order.paid, while_running: restart")
    line.event("order.paid", order="o-1")
    line.event("order.paid", order="o-0", at="-1 hour")
    assert line.run.start.id == "order.paid/1"


def test_a_start_is_refused_when_its_exit_is_known() -> None:
    for at, runs in (("+0 days", 0), ("-1 second", 1)):
        line = line_of(head="exit_on: order.cancelled")
        line.event("ticket.opened", ticket="t-1")
        line.claim()  # from here on nothing is told anew
        line.event("order.cancelled", order="o-1", at=at)
        line.event("order.paid", order="o-1")
        assert len(line.runs) == runs
        assert line.why("refused") == ([] if runs else ["order.cancelled is already known"])


def test_a_start_begins_and_ends_at_once_when_its_exit_is_known_and_nothing_has_left() -> None:
    line = line_of("  - send: hello\n", head="exit_on: order.cancelled")
    line.event("order.cancelled", order="o-1")
    line.event("order.paid", order="o-1", at="-1 minute")
    assert (line.names, line.runs, line.outcome_of("exited")) == ([], [], 1)
    assert line.why("retold") == ["order.paid occurred before what was known already: all told anew, in order"]


def test_what_is_overdue_leaves_also_when_an_event_of_before_comes_first() -> None:
    line = line_of("  - wait: 1 hour\n  - send: hello\n")
    line.event("order.paid", order="o-1")
    line.sleep("+2 hours")
    line.event("order.placed", order="o-1", at="-3 hours")
    assert (line.names, line.runs) == (["hello"], [])


def test_an_exit_known_of_another_order_refuses_nothing() -> None:
    line = line_of(head="exit_on: order.cancelled")
    line.event("order.cancelled", order="o-2")
    line.event("order.paid", order="o-1")
    assert len(line.runs) == 1


def test_a_start_too_late_is_recorded() -> None:
    line = line_of()
    line.event("order.paid", order="o-1", at="-49 hours")
    assert "too late" in line.why("refused")[0]
    line.event("order.paid", order="o-2", at="-47 hours")
    assert len(line.runs) == 1


def test_before_live_from_nothing_starts_but_facts_count() -> None:
    line = line_of(shop=Shop(live_from=moment(START)))
    line.event("order.paid", order="o-1", at="-1 second", total="5.00")
    assert (line.runs, line.state.facts["orders"]["count"]) == ([], 1)
    line.event("order.paid", order="o-2")
    assert len(line.runs) == 1


def test_a_line_subject_has_one_run_per_line() -> None:
    line = line_of(subject="line", start="on: order.paid, where: {line.category: coffee}")
    line.event("order.paid", order="o-1", lines=LINES)
    assert [run.subject for run in line.runs] == [("line", "o-1/1")]


def test_starts_see_the_facts_after_the_event() -> None:
    line = line_of(subject="customer", start="on: order.paid, where: {customer.orders.count: 2}")
    line.event("order.paid", order="o-1")
    assert line.runs == []
    line.event("order.paid", order="o-2")
    assert len(line.runs) == 1


# --- exits -----------------------------------------------------------------------------------------------------------
def test_an_exit_beats_a_wait() -> None:
    line = line_of(
        "  - wait_for: order.cancelled\n    timeout: 9 days\n    on_timeout: go_on\n  - send: hello\n",
        head="exit_on: order.cancelled",
    )
    line.event("order.paid", order="o-1")
    line.event("order.cancelled", order="o-1")
    assert (line.names, line.outcome_of("exited")) == ([], 1)


def test_an_exit_with_where() -> None:
    line = line_of(head="exit_on: [{event: order.refunded_partly, where: {event.amount: {more_than: 10}}}]")
    line.event("order.paid", order="o-1")
    line.event("order.refunded_partly", order="o-1", amount="10.00")
    assert len(line.runs) == 1
    line.event("order.refunded_partly", order="o-1", amount="10.01")
    assert line.runs == []


def test_an_event_from_before_the_start_is_no_exit() -> None:
    line = line_of(head="exit_on: ticket.opened")
    line.event("order.paid", order="o-1")
    line.event("ticket.opened", order="o-1", ticket="t-1", at="-1 second")
    assert len(line.runs) == 1


# --- belonging -------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("run", "event", "expected"),
    [
        ({"order": "o-1"}, {"order": "o-1", "shipment": "s-1"}, True),
        ({"order": "o-1"}, {"order": "o-2"}, False),
        ({"order": "o-1", "line": ("o-1/1",)}, {"order": "o-1"}, True),
        ({"order": "o-1", "line": ("o-1/1",)}, {"order": "o-1", "return": "r", "line": ("o-1/2",)}, False),
        ({"order": "o-1", "line": ("o-1/1",)}, {"order": "o-1", "line": ("o-1/2", "o-1/1")}, True),
        ({"order": "o-1", "shipment": "s-1"}, {"order": "o-1", "shipment": "s-2"}, False),
        ({"order": "o-1"}, {}, True),
        ({}, {"order": "o-9"}, True),
    ],
)  # fmt: skip
def test_belonging(run: dict[str, Any], event: dict[str, Any], expected: bool) -> None:
    assert belongs(run, event) is expected


def test_a_cancelled_order_reaches_lines_and_shipments_a_return_only_its_line() -> None:
    head = "exit_on: [order.cancelled, return.requested, customer.unsubscribed]"
    lines = journey(WAITS, name="l", subject="line", head=head)
    shipments = journey(
        WAITS,
        name="s",
        subject="shipment",
        start="on: shipment.in_transit",
        head="exit_on: [order.cancelled, customer.unsubscribed]",
    )
    line = Timeline(compiled(lines, shipments), START)
    line.event("order.paid", order="o-1", lines=LINES)
    line.event("shipment.in_transit", order="o-1", shipment="s-1", line_ids=["1"])
    line.event("return.requested", order="o-1", **{"return": "r-1"}, line_ids=["2"])
    assert sorted(run.subject[1] for run in line.runs) == ["o-1/1", "s-1"]
    line.event("order.cancelled", order="o-1")
    assert line.runs == []
    line.event("order.paid", order="o-2", lines=LINES)
    line.event("customer.unsubscribed")
    assert line.runs == []


# --- goals -----------------------------------------------------------------------------------------------------------
GOAL = "goal: {on: order.placed, within: 10 days, then: %s}"


def test_a_goal_is_about_another_subject_after_the_start_and_within() -> None:
    line = line_of(head=GOAL % "go_on")
    line.event("order.paid", order="o-1", total="5.00")
    line.event("order.placed", order="o-1", at="+1 second")
    line.event("order.placed", order="o-0", at="-1 second")
    assert line.of(GoalReached) == []
    line.to("+2 days").event("order.placed", order="o-2", total="9.90")
    (reached,) = line.of(GoalReached)
    assert (reached.value, reached.at, len(line.runs)) == ("9.90", line.now, 1)
    line.event("order.placed", order="o-3")
    assert len(line.of(GoalReached)) == 1


def test_a_goal_after_within_is_none_even_when_recorded_in_time() -> None:
    line = line_of(head=GOAL % "go_on")
    line.event("order.paid", order="o-1")
    line.to("+11 days").event("order.placed", order="o-2")
    line.event("order.placed", order="o-3", at="-1 day")
    assert [reached.event[1] for reached in line.of(GoalReached)] == ["order.placed/3"]


def test_a_goal_is_watched_after_the_run_has_ended() -> None:
    line = line_of("  - send: hello\n", head=GOAL % "exit")
    line.event("order.paid", order="o-1")
    assert line.runs == []
    line.to("+2 days").event("order.placed", order="o-2")
    assert len(line.of(GoalReached)) == 1


def test_then_exit_ends_the_run_and_withdraws_its_mail() -> None:
    line = Timeline(compiled(journey("  - send: hello\n", head=GOAL % "exit")), START, hands_over=False)
    line.event("order.paid", order="o-1")
    line.event("order.placed", order="o-2", at="+1 second")
    assert (line.outcome_of("goal"), len(line.of(Withdraw)), line.runs) == (1, 1, [])


def test_a_goal_known_before_the_start_was_recorded_counts() -> None:
    line = line_of(head=GOAL % "exit")
    line.event("order.placed", order="o-2")
    line.event("order.paid", order="o-1", at="-1 hour")
    assert (len(line.of(GoalReached)), line.runs) == (1, [])


def test_the_goal_of_a_customer_run_is_any_later_one() -> None:
    line = line_of(subject="customer", head=GOAL % "go_on")
    line.event("order.paid", order="o-1")
    line.event("order.placed", order="o-1", at="+1 second")
    assert len(line.of(GoalReached)) == 1


# --- repetition ------------------------------------------------------------------------------------------------------
def test_once_only_types_have_a_natural_key_others_do_not() -> None:
    line = line_of(
        "  - wait_for: ticket.replied\n    times: 2\n    timeout: 9 days\n    on_timeout: go_on\n  - send: hello\n"
    )
    line.event("order.paid", order="o-1", total="5.00")
    line.event("order.paid", order="o-1", total="9.00", source="other", at="+1 second")
    assert line.state.things["order", "o-1"].facts["total"] == "5.00"
    assert line.why("repeated") == ["order.paid of this subject was known already"]
    line.event("ticket.replied", order="o-1", ticket="t-1")
    line.event("ticket.replied", order="o-1", ticket="t-1")
    assert line.names == ["hello"]


def test_the_same_event_twice_counts_once() -> None:
    line = line_of(
        "  - wait_for: ticket.replied\n    times: 2\n    timeout: 9 days\n    on_timeout: go_on\n  - send: hello\n"
    )
    line.event("order.paid", order="o-1")
    for _ in range(3):
        line.event("ticket.replied", event_id="same", order="o-1", ticket="t-1")
    assert line.names == []


def test_old_events_are_forgotten_unless_a_run_may_need_them() -> None:
    line = line_of(
        "  - wait: 300 days\n  - wait_for: order.fulfilled\n    timeout: 1 day\n    on_timeout: [{send: no}]\n  - send: yes\n"
    )
    line.event("order.paid", order="o-1")
    line.event("order.fulfilled", order="o-1")
    for number in range(10):
        line.event("ticket.replied", order="o-2", ticket=f"t-{number}")
    line.to("+200 days").event("customer.updated", first_name="Eva")
    assert len(line.state.events) == 3
    line.to("+200 days")
    assert line.names == ["yes"]


def test_a_late_start_after_an_outage_keeps_max_lateness_as_a_setting() -> None:
    line = line_of(shop=Shop(max_start_lateness=Duration(days=10)))
    line.event("order.paid", order="o-1", at="-9 days")
    assert len(line.runs) == 1


def test_a_journey_published_after_an_event_reads_the_facts_of_now_about_it() -> None:
    """Of a remembered event only journeys known when it came have an answer that was kept; another is asked now."""
    text = "journey: j\nsubject: order\nstart: {on: order.paid}\nsteps:\n  - wait_for: ticket.replied\n"
    text += (
        "    where: {order.total: {at_least: %s}}\n    timeout: 9 days\n    on_timeout: [{exit: late}]\n  - send: x\n"
    )
    for least, expected in ((30, ["x"]), (200, [])):
        line = Timeline(compiled(text % 100), START)
        line.event("order.confirmed", order="o-1", total="40.00")
        line.event("ticket.replied", order="o-1", ticket="t-1", at="+1 minute")
        line.catalog = compiled(text % least)
        line.event("order.paid", order="o-1", at=START)
        assert line.names == expected
