"""wait, wait_until and wait_for: every key, and what the clock does to them."""

# ruff: noqa: E501 - a journey in one line keeps the test in sight

from __future__ import annotations

from datetime import datetime

import pytest

from postventa.core.journey import Shop
from postventa.testing import Timeline, compiled, moment

START = "2026-03-02T10:00:00Z"  # a Monday


def walk(steps: str, *, shop: Shop | None = None, head: str = "", subject: str = "order") -> Timeline:
    """An order paid at START, on its way through these steps."""
    text = f"journey: j\nsubject: {subject}\nstart: {{on: order.paid}}\n{head}\nsteps:\n{steps}"
    line = Timeline(compiled(text, shop=shop), START)
    line.event("order.paid", order="o-1")
    return line


def times(line: Timeline) -> list[str]:
    return [one.at.isoformat()[:16] for one in line.sent]


def due(line: Timeline) -> str:
    at = line.run.stand.due_at
    assert at is not None
    return at.isoformat()[:16]


# --- wait ------------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("keys", "expected"),
    [
        ("3 days", "2026-03-05T10:00"),
        ("72 hours", "2026-03-05T10:00"),
        ("P1M", "2026-04-02T10:00"),
        ("1 day\n    at: '09:00'", "2026-03-04T09:00"),  # the next 9:00 at least a day after
        ("1 day\n    at: '10:00'", "2026-03-03T10:00"),
        ("5 days\n    on_days: [weekdays]", "2026-03-09T10:00"),  # Saturday becomes Monday
        ("1 day\n    at: '08:00'\n    on_days: [sunday]", "2026-03-08T08:00"),
    ],
)
def test_wait(keys: str, expected: str) -> None:
    line = walk(f"  - wait: {keys}\n  - send: hello\n")
    assert due(line) == expected
    line.to("+60 days")
    assert times(line) == [expected]


def test_a_day_is_of_the_calendar_and_hours_are_exact_over_a_clock_change() -> None:
    madrid = Shop(timezone="Europe/Madrid")
    for wait, expected in (("1 day", "2026-03-29T08:00"), ("24 hours", "2026-03-29T09:00")):
        line = Timeline(
            compiled(f"journey: j\nsubject: order\nstart: {{on: order.paid}}\nsteps:\n  - wait: {wait}\n  - send: x\n",
                     shop=madrid),
            "2026-03-28T09:00:00Z",
        )  # fmt: skip
        line.event("order.paid", order="o-1")
        assert due(line) == expected


def test_a_wait_with_spread_is_the_same_for_a_run_every_time_and_stays_inside() -> None:
    first, again = (walk("  - wait: 1 day\n    spread: 2 hours\n  - send: hello\n") for _ in range(2))
    assert due(first) == due(again)
    assert "2026-03-03T10:00" <= due(first) <= "2026-03-03T12:00"
    ids = [f"o-{number}" for number in range(40)]
    line = walk("  - wait: 1 day\n    spread: 2 hours\n  - send: hello\n")
    for order in ids:
        line.event("order.paid", order=order)
    spread = {run.stand.due_at for run in line.runs}
    assert len(spread) > 30
    assert all(moment("2026-03-03T10:00:00Z") <= at <= moment("2026-03-03T12:00:00Z") for at in spread if at)


def test_waits_count_from_the_hand_over_of_the_message_before_them() -> None:
    line = walk("  - send: first\n  - wait: 1 day\n  - send: second\n")
    line.hands_over = False
    line.sent.clear()
    other = Timeline(line.catalog, START, hands_over=False)
    other.event("order.paid", order="o-1")
    assert other.run.stand.kind == "outbox"
    (effect,) = other.claim()
    other.sleep("+5 hours").receipt(effect, at="-1 hour")
    assert due(other) == "2026-03-03T14:00"


# --- at and catch_up -------------------------------------------------------------------------------------------------
def test_within_catch_up_a_late_timer_keeps_its_own_time() -> None:
    line = walk("  - wait: 1 day\n  - wait: 1 day\n  - send: hello\n")
    line.sleep("2026-03-03T11:00:00Z").tick()
    assert due(line) == "2026-03-04T10:00"


def test_after_an_outage_the_rest_is_delayed() -> None:
    line = walk("  - wait: 1 day\n  - wait: 1 day\n  - send: hello\n")
    line.sleep("2026-03-03T11:00:01Z").tick()
    assert due(line) == "2026-03-04T11:00"


def test_a_late_event_delays_the_rest() -> None:
    line = walk(
        "  - wait_for: order.fulfilled\n    timeout: 30 days\n    on_timeout: go_on\n  - wait: 1 hour\n  - send: hello\n"
    )
    line.sleep("+2 days").event("order.fulfilled", order="o-1", at="-5 hours")
    assert line.run.at == line.now
    assert line.names == []


def test_a_long_outage_never_sends_in_one_second_what_a_wait_separates() -> None:
    line = walk("  - wait: 1 day\n  - send: a\n  - wait: 1 hour\n  - send: b\n  - wait: 2 hours\n  - send: c\n")
    line.sleep("+30 days").tick()
    line.to("+30 days")
    assert line.names == ["a", "b", "c"]
    assert [(two.at - one.at).total_seconds() for one, two in zip(line.sent, line.sent[1:], strict=False)] == [
        3600,
        7200,
    ]


def test_at_never_goes_back() -> None:
    line = walk(
        "  - wait: 1 day\n  - wait_for: order.fulfilled\n    timeout: 30 days\n    on_timeout: go_on\n  - wait: 1 day\n  - send: x\n"
    )
    line.event("order.fulfilled", order="o-1", at="+0 days")
    line.to("+1 day")
    assert line.run.at == moment("2026-03-03T10:00:00Z")


# --- wait_until ------------------------------------------------------------------------------------------------------
UNTIL = "  - wait_until: order.promised_at\n    offset: '{offset}'\n    if_past: {past}\n    timeout: 10 days\n    on_timeout: [{{exit: no-date}}]\n  - send: hello\n"


def until(offset: str = "-2 days", past: str = "go_on") -> Timeline:
    return walk(UNTIL.format(offset=offset, past=past))


def test_wait_until_with_an_offset_read_from_left_to_right() -> None:
    line = until("3 years - 30 days")
    line.event("order.fulfilled", order="o-1", promised_at="2026-03-31T08:00:00Z")
    assert due(line) == "2029-03-01T08:00"


def test_a_fact_not_known_yet_is_waited_for_and_timeout_counts_only_while_it_is_unknown() -> None:
    line = until()
    assert (line.run.stand.kind, due(line)) == ("fact", "2026-03-12T10:00")
    line.event("order.confirmed", order="o-1", promised_at="2026-04-30T10:00:00Z")
    assert (line.run.stand.kind, due(line)) == ("timer", "2026-04-28T10:00")
    line.to("+90 days")
    assert times(line) == ["2026-04-28T10:00"]


def test_a_fact_that_never_comes_times_out() -> None:
    line = until().to("+11 days")
    assert (line.names, line.why("exit")) == ([], ["no-date"])


def test_a_fact_that_changes_moves_the_wait() -> None:
    line = until()
    line.event("order.confirmed", order="o-1", promised_at="2026-03-20T10:00:00Z")
    line.to("+1 day").event("order.in_preparation", order="o-1", promised_at="2026-03-25T10:00:00Z")
    assert due(line) == "2026-03-23T10:00"
    line.event("order.fulfilled", order="o-1", at="-2 days", promised_at="2026-03-11T10:00:00Z")
    assert due(line) == "2026-03-23T10:00"  # an older word about the fact changes nothing


@pytest.mark.parametrize(("past", "names", "outcome"), [("go_on", ["hello"], "completed"), ("exit", [], "exited")])
def test_if_past_for_a_fact_known_on_arrival(past: str, names: list[str], outcome: str) -> None:
    text = "journey: j\nsubject: order\nstart: {on: order.paid}\nsteps:\n" + UNTIL.format(offset="-2 days", past=past)
    line = Timeline(compiled(text), START)
    line.event("order.paid", order="o-1", promised_at="2026-03-01T10:00:00Z")
    assert line.names == names
    assert line.outcome_of(outcome) == 1  # type: ignore[arg-type]


@pytest.mark.parametrize(("past", "names", "outcome"), [("go_on", ["hello"], "completed"), ("exit", [], "exited")])
def test_if_past_for_a_fact_that_becomes_past_while_waiting(past: str, names: list[str], outcome: str) -> None:
    line = until(past=past)
    line.to("+3 days").event("order.confirmed", order="o-1", promised_at="2026-03-01T10:00:00Z")
    assert line.names == names
    assert line.outcome_of(outcome) == 1  # type: ignore[arg-type]


def test_wait_until_at_a_local_time() -> None:
    line = walk(
        "  - wait_until: order.promised_at\n    at: '09:30'\n    timeout: 1 day\n    on_timeout: go_on\n  - send: x\n"
    )
    line.event("order.confirmed", order="o-1", promised_at="2026-03-10T10:00:00Z")
    assert due(line) == "2026-03-11T09:30"


def test_a_fact_set_by_another_journey_is_heard() -> None:
    waits = "journey: a\nsubject: customer\nstart: {on: order.paid}\nsteps:\n  - wait_until: customer.birthday\n    timeout: 90 days\n    on_timeout: go_on\n  - send: happy\n"
    sets = "journey: b\nsubject: order\nstart: {on: order.paid}\nsteps:\n  - wait: 2 days\n  - set: {customer.birthday: '2026-03-20'}\n"
    line = Timeline(compiled(waits, sets), START)
    line.event("order.paid", order="o-1")
    line.to("+30 days")
    assert times(line) == ["2026-03-20T00:00"]


# --- wait_for --------------------------------------------------------------------------------------------------------
FOR = "  - wait_for: {event}\n    timeout: 5 days\n    on_timeout: [{{exit: late}}]\n{more}  - send: hello\n"


def wait_for(event: str = "order.fulfilled", more: str = "") -> Timeline:
    return walk(FOR.format(event=event, more=more))


def test_wait_for_an_event_and_its_timeout() -> None:
    line = wait_for().to("+2 days")
    line.event("order.fulfilled", order="o-1")
    assert times(line) == ["2026-03-04T10:00"]
    assert wait_for().to("+6 days").why("exit") == ["late"]


def test_an_event_at_the_deadline_wins_however_late_the_scheduler_is() -> None:
    line = wait_for().sleep("+9 days")
    line.event("order.fulfilled", order="o-1", at="2026-03-07T10:00:00Z")
    assert line.names == ["hello"]


def test_an_event_after_the_deadline_comes_too_late_however_late_the_scheduler_is() -> None:
    line = wait_for().sleep("+9 days")
    line.event("order.fulfilled", order="o-1", at="2026-03-07T10:00:01Z")
    assert line.why("exit") == ["late"]


def test_an_event_recorded_before_the_run_began_matches_if_it_occurred_at_or_after_the_start() -> None:
    text = "journey: j\nsubject: order\nstart: {on: order.paid}\nsteps:\n" + FOR.format(
        event="order.fulfilled", more=""
    )
    for earlier, names in (("-1 second", []), ("+0 days", ["hello"])):
        line = Timeline(compiled(text), START)
        line.event("order.fulfilled", order="o-1", at=earlier)
        line.event("order.paid", order="o-1")
        assert line.names == names


def test_the_start_event_itself_never_matches() -> None:
    line = wait_for("[order.paid, order.fulfilled]")
    assert line.run.stand.kind == "event"


def test_another_orders_event_does_not_match() -> None:
    line = wait_for()
    line.event("order.fulfilled", order="o-2")
    assert line.names == []


def test_first_is_by_occurred_at_then_source_then_id() -> None:
    more = "    then:\n      order.fulfilled: [{send: fulfilled}]\n      order.confirmed: [{send: confirmed}]\n"
    text = "journey: j\nsubject: order\nstart: {on: order.paid}\nsteps:\n  - wait: 3 days\n"
    text += FOR.format(event="[order.fulfilled, order.confirmed]", more=more)
    for first in ("order.fulfilled", "order.confirmed"):
        second = {"order.fulfilled": "order.confirmed", "order.confirmed": "order.fulfilled"}[first]
        line = Timeline(compiled(text), START)
        line.event("order.paid", order="o-1")
        line.to("+2 days").event(second, order="o-1")
        line.event(first, order="o-1", at="-1 day")
        line.to("+2 days")
        assert line.names == [first.split(".")[1], "hello"]


def test_since_here_and_since_a_step() -> None:
    for since, names in (("here", []), ("start", ["hello"]), ("mark", ["hello"])):
        steps = "  - wait: 1 day\n    id: mark\n  - wait: 1 day\n" + FOR.format(
            event="ticket.replied", more=f"    since: {since}\n"
        )
        line = walk(steps)
        line.to("+12 hours").event("ticket.replied", order="o-1", ticket="t-1")
        line.to("+2 days")
        assert line.names == names, since
    steps = "  - wait: 1 day\n  - wait: 1 day\n    id: mark\n" + FOR.format(
        event="ticket.replied", more="    since: mark\n"
    )
    line = walk(steps)
    line.to("+12 hours").event("ticket.replied", order="o-1", ticket="t-1")
    line.to("+2 days")
    assert line.names == []


def test_times_counts_what_is_remembered_and_what_comes() -> None:
    line = walk("  - wait: 1 day\n" + FOR.format(event="ticket.replied", more="    times: 3\n"))
    line.event("ticket.replied", order="o-1", ticket="t-1")
    line.to("+2 days").event("ticket.replied", order="o-1", ticket="t-1")
    assert line.names == []
    line.to("+1 day").event("ticket.replied", order="o-1", ticket="t-1")
    assert line.names == ["hello"]
    assert line.sent[0].at == moment("2026-03-05T10:00:00Z")


def test_where_is_read_when_the_event_is_applied() -> None:
    """A remembered event keeps the answer of its own moment; one that comes later is read against the facts then."""
    more = "    where: {order.total: {at_least: 30}}\n"
    line = walk("  - wait: 1 day\n" + FOR.format(event="ticket.replied", more=more))
    line.event("order.confirmed", order="o-1", total="20.00")
    line.event("ticket.replied", order="o-1", ticket="t-1")
    line.event("order.in_preparation", order="o-1", total="40.00", at="+1 second")
    line.to("+2 days")
    assert line.names == []
    line.event("ticket.replied", order="o-1", ticket="t-1")
    assert line.names == ["hello"]


def test_where_about_the_runs_own_thing_reads_the_same_whether_remembered_or_not() -> None:
    """A ticket without an order id belongs to the run; `order.total` is that of the run's order."""
    text = "journey: j\nsubject: order\nstart: {on: order.paid}\nsteps:\n"
    text += FOR.format(event="ticket.opened", more="    where: {order.total: {at_least: 30}}\n")
    live, remembered = Timeline(compiled(text), START), Timeline(compiled(text), START)
    live.event("order.paid", order="o-1", total="50.00")
    live.event("ticket.opened", ticket="t-1", at="+1 minute")
    remembered.event("customer.updated", first_name="Ana")
    remembered.event("ticket.opened", ticket="t-1", at="+1 minute")
    remembered.event("order.paid", order="o-1", total="50.00")
    assert (live.names, remembered.names) == (["hello"], ["hello"])


def test_a_where_that_names_the_runs_own_facts_looks_only_ahead() -> None:
    steps = "  - set: {run.wanted: refund}\n  - wait: 1 day\n" + FOR.format(
        event="ticket.replied", more="    where: {run.wanted: refund}\n"
    )
    line = walk(steps)
    line.event("ticket.replied", order="o-1", ticket="t-1")
    line.to("+1 day")
    assert line.run.stand.kind == "event"
    line.event("ticket.replied", order="o-1", ticket="t-1", at="+1 second")
    assert line.names == ["hello"]


def test_a_list_with_then_per_event() -> None:
    more = "    then:\n      order.fulfilled: [{send: yes}]\n      order.confirmed: go_on\n"
    for event, names in (("order.fulfilled", ["yes", "hello"]), ("order.confirmed", ["hello"])):
        line = wait_for("[order.fulfilled, order.confirmed]", more)
        line.event(event, order="o-1")
        assert line.names == names


def test_a_timeout_that_is_a_fact_moves_with_it() -> None:
    line = walk(
        "  - wait_for: order.fulfilled\n    timeout: {path: order.promised_at, plus: 1 day}\n    on_timeout: [{send: late}]\n  - send: hello\n"
    )
    assert line.run.stand.due_at is None
    line.event("order.confirmed", order="o-1", promised_at="2026-03-10T10:00:00Z")
    assert due(line) == "2026-03-11T10:00"
    line.event("order.in_preparation", order="o-1", promised_at="2026-03-15T10:00:00Z", at="+1 second")
    assert due(line) == "2026-03-16T10:00"
    line.to("+30 days")
    assert (times(line), line.names) == (["2026-03-16T10:00"] * 2, ["late", "hello"])


def test_a_timeout_that_is_a_fact_already_past() -> None:
    line = Timeline(
        compiled(
            "journey: j\nsubject: order\nstart: {on: order.paid}\nsteps:\n  - wait_for: order.fulfilled\n    timeout: {path: order.promised_at}\n    on_timeout: [{send: late}]\n"
        ),
        START,
    )
    line.event("order.paid", order="o-1", promised_at="2026-03-01T10:00:00Z")
    assert line.names == ["late"]


def test_an_event_made_after_a_deadline_in_a_late_look_does_not_match() -> None:
    """Run a emits at its (late) turn; run b's deadline had passed by then: it times out."""
    emits = "journey: a\nsubject: order\nstart: {on: order.paid}\nsteps:\n  - wait: 1 day\n  - emit: delivery.overdue\n"
    waits = "journey: b\nsubject: order\nstart: {on: order.paid}\nsteps:\n  - wait_for: delivery.overdue\n    timeout: 2 days\n    on_timeout: [{exit: late}]\n  - send: hello\n"
    line = Timeline(compiled(emits, waits), START)
    line.event("order.paid", order="o-1")
    line.sleep("+9 days").tick()
    assert line.names == []
    assert "late" in line.why("exit")


def test_an_event_from_the_future_counts_as_of_now() -> None:
    line = wait_for()
    line.event("order.fulfilled", order="o-1", at="+3 hours")
    assert line.names == ["hello"]
    assert line.why("clock")
    assert max(event.occurred_at for event in line.state.events.values()) == line.now


def test_a_clock_that_is_slightly_fast_is_taken_as_it_is() -> None:
    line = wait_for()
    line.event("order.fulfilled", order="o-1", at="+4 minutes")
    assert line.why("clock") == []
    assert isinstance(line.state.events["shop", "order.fulfilled/2"].occurred_at, datetime)


def test_timers_due_before_an_event_occurred_fire_before_it() -> None:
    """Day 1 earned points; the exit came on day 2; both are looked at on day 3."""
    line = walk("  - wait: 1 day\n  - award: 5\n    reason: r\n  - wait: 9 days\n", head="exit_on: ticket.opened")
    line.sleep("+3 days").event("ticket.opened", order="o-1", ticket="t-1", at="-1 day")
    assert (line.state.balance, line.runs) == (5, [])
    other = walk("  - wait: 2 days\n  - award: 5\n    reason: r\n  - wait: 9 days\n", head="exit_on: ticket.opened")
    other.sleep("+3 days").event("ticket.opened", order="o-1", ticket="t-1", at="-1 day")
    assert (other.state.balance, other.runs) == (0, [])  # at the same moment the event wins
