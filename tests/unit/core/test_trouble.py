"""Runs that fail, people who are forgotten, and two who turn out to be one."""

# ruff: noqa: E501 - a journey in one line keeps the test in sight

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from postventa.core.effect import Erase, Withdraw
from postventa.core.event import Command
from postventa.core.journey import Shop
from postventa.core.merge import merge
from postventa.testing import Timeline, compiled

START = "2026-03-02T10:00:00Z"


def journey(
    steps: str, *, name: str = "j", subject: str = "order", start: str = "on: order.paid", head: str = ""
) -> str:
    return f"journey: {name}\nsubject: {subject}\nstart: {{{start}}}\n{head}\nsteps:\n{steps}"


WAITS = "  - wait: 30 days\n  - send: hello\n"


def line_of(steps: str = WAITS, *more: str, shop: Shop | None = None, **keys: Any) -> Timeline:
    return Timeline(compiled(journey(steps, **keys), *more, shop=shop), START)


LINES = [{"line_id": "1", "sku": "a", "category": "coffee"}, {"line_id": "2", "sku": "b", "category": "tea"}]


# --- parked ----------------------------------------------------------------------------------------------------------
def broken(steps: str, *more: str, gone: str = "lost") -> Timeline:
    catalog = compiled(journey(steps, head="exit_on: order.cancelled"), *more)
    rest = {name: one for name, one in catalog.messages.items() if name != gone}
    return Timeline(replace(catalog, messages=rest), START)


def mend(line: Timeline) -> None:
    line.catalog = replace(
        line.catalog, messages={**line.catalog.messages, "lost": replace(line.catalog.messages["after"], name="lost")}
    )
    line.give(Command("retry_run", line.run_of("j").run_id))


def test_a_failing_run_is_parked_and_the_others_go_on() -> None:
    line = broken("  - set: {run.x: 1}\n  - wait: 1 day\n  - award: 5\n    reason: r\n  - send: lost\n  - send: after\n",
                  journey("  - wait: 1 day\n  - send: fine\n", name="other"))  # fmt: skip
    line.event("order.paid", order="o-1")
    line.to("+2 days")
    run = line.run
    assert (run.stand.kind, run.stand.due_at, line.names) == ("parked", None, ["fine"])
    assert "message 'lost'" in run.stand.reason
    assert line.state.balance == 0  # as before: nothing of the failed move is left
    mend(line)
    assert (line.names, line.state.balance) == (["fine", "lost", "after"], 5)


def test_events_queue_for_a_parked_run_in_order() -> None:
    line = broken(
        "  - wait: 1 day\n  - send: lost\n  - wait_for: ticket.replied\n    times: 2\n    since: here\n    timeout: 9 days\n    on_timeout: go_on\n  - send: after\n"
    )
    line.event("order.paid", order="o-1")
    line.to("+2 days")
    for _ in range(2):
        line.event("ticket.replied", order="o-1", ticket="t-1")
    line.event("ticket.replied", order="o-2", ticket="t-2")
    assert len(line.run.queued) == 2


def test_an_exit_in_the_queue_ends_the_run_at_retry_before_anything_leaves() -> None:
    line = broken("  - wait: 1 day\n  - send: lost\n  - send: after\n")
    line.event("order.paid", order="o-1")
    line.to("+2 days").event("order.cancelled", order="o-1")
    mend(line)
    assert (line.names, line.runs, line.state.outbox) == ([], [], {})


def test_the_event_that_failed_is_tried_again() -> None:
    line = broken(
        "  - wait_for: ticket.replied\n    timeout: 9 days\n    on_timeout: [{send: late}]\n  - send: lost\n  - send: after\n"
    )
    line.event("order.paid", order="o-1")
    line.event("ticket.replied", order="o-1", ticket="t-1")
    assert line.run.stand.kind == "parked"
    mend(line)
    assert line.names == ["lost", "after"]


def test_a_retry_that_fails_again_can_be_retried() -> None:
    line = broken("  - wait: 1 day\n  - send: lost\n  - send: after\n")
    line.event("order.paid", order="o-1")
    line.to("+2 days")
    for _ in range(3):
        line.give(Command("retry_run", line.run.run_id))
    assert line.run.stand.resume is not None
    assert line.run.stand.resume.kind == "timer"
    mend(line)
    assert line.names == ["lost", "after"]


def test_a_run_parked_with_its_mail_on_the_way_goes_on_after_the_receipt() -> None:
    steps = "  - ask: happy\n    timeout: 7 days\n    then: [{send: lost}]\n    on_timeout: go_on\n  - send: after\n"
    line = broken(steps)
    line.hands_over = False
    line.event("order.paid", order="o-1")
    line.event("survey.answered", order="o-1", survey="happy", score=3, at="+1 second")
    assert line.run.stand.kind == "parked"
    for effect in line.claim():
        line.receipt(effect)
    line.hands_over = True
    mend(line)
    line.to("+30 days")
    assert (line.names[-2:], line.runs) == (["lost", "after"], [])


def test_an_operator_ends_a_run() -> None:
    line = broken("  - wait: 1 day\n  - send: lost\n  - send: after\n")
    line.event("order.paid", order="o-1")
    line.to("+2 days")
    line.give(Command("end_run", line.run.run_id, "hopeless"))
    assert (line.runs, line.outcome_of("cancelled"), line.why("exit")) == ([], 1, ["hopeless"])
    line.give(Command("end_run", "nobody"))
    line.give(Command("retry_run", "nobody"))
    assert len(line.why("refused")) == 2


def test_a_run_whose_version_is_gone_is_parked() -> None:
    line = line_of(head="exit_on: order.cancelled")
    line.event("order.paid", order="o-1")
    line.catalog = replace(line.catalog, live={}, versions={})
    line.to("+31 days")
    assert line.run.stand.kind == "parked"


def test_claims_go_on_when_a_version_is_gone() -> None:
    line = Timeline(compiled(journey("  - send: hello\n")), START, hands_over=False)
    line.event("order.paid", order="o-1")
    line.catalog = replace(line.catalog, live={}, versions={})
    line.claim()
    assert line.state.now == line.now


# --- erasure and merge -----------------------------------------------------------------------------------------------
def test_erasure_leaves_nothing() -> None:
    line = Timeline(compiled(journey("  - send: hello\n")), START, hands_over=False)
    line.event("order.paid", order="o-1", total="5.00")
    (effect,) = line.claim()
    line.event("customer.erased", at="+1 second")
    assert [one.effect_id for one in line.of(Withdraw)] == [effect]
    assert (len(line.of(Erase)), line.state.erased, line.runs, line.state.facts, line.state.events) == (
        1,
        True,
        [],
        {},
        {},
    )
    before = line.state
    line.event("order.paid", order="o-2")
    line.receipt(effect, "sent", at="-1 second")
    assert replace(line.state, now=before.now) == before
    assert line.outcomes[-2][2].effects == ()


def united(*words: tuple[str, str], into: tuple[tuple[str, str], ...] = ()) -> Timeline:
    """A customer into whom another with these (event, offset) words was merged."""
    catalog = compiled(journey("  - send: hello\n", start="on: order.confirmed"), messages={"hello": "marketing"})
    old, new = Timeline(catalog, START, customer="guest"), Timeline(catalog, START)
    for line, said in ((old, words), (new, into)):
        line.event("order.paid", order=f"o-{line.customer}", total="10.00")
        for name, at in said:
            line.event(name, at=at)
    new.state = merge(new.state, old.state, new.now)
    return new


@pytest.mark.parametrize(
    ("old", "new", "allowed"),
    [
        ((("customer.unsubscribed", "-2 days"),), (("customer.consented", "-1 day"),), False),
        ((("customer.consented", "-2 days"),), (("customer.unsubscribed", "-3 days"),), False),
        ((("customer.consented", "-2 days"),), (), True),
        ((("customer.unsubscribed", "-3 days"), ("customer.consented", "-2 days")), (), True),
    ],
)
def test_a_merge_unites_consent_strictly(old: Any, new: Any, allowed: bool) -> None:
    line = united(*old, into=new)
    line.event("order.confirmed", order="o-9")
    assert (line.names == ["hello"]) is allowed


def test_an_objection_of_all_purposes_survives_a_merge_with_a_narrower_consent() -> None:
    line = united(("customer.unsubscribed", "-2 days"))
    other = Timeline(line.catalog, START, customer="x")
    other.event("customer.consented", purpose="marketing", channel="email", at="-1 day")
    for into, old in ((line.state, other.state), (other.state, line.state)):
        both = Timeline(line.catalog, START)
        both.state = merge(into, old, line.now)
        both.event("order.confirmed", order="o-9")
        assert both.names == []


def test_a_merge_moves_everything_and_changes_neither() -> None:
    catalog = compiled(journey(WAITS))
    old, new = Timeline(catalog, START, customer="guest"), Timeline(catalog, START)
    old.event("order.paid", order="o-1", total="10.00", customer={"first_name": "Ana"})
    new.event("order.paid", order="o-2", total="5.50", customer={"first_name": "Eva"}, at="-1 hour")
    before = (old.state.fork(), new.state.fork())
    one = merge(new.state, old.state, new.now)
    assert (old.state, new.state) == before
    assert len(one.runs) == 2
    assert one.facts["orders"] == {
        "count": 2,
        "first_at": "2026-03-02T09:00:00Z",
        "last_at": "2026-03-02T10:00:00Z",
        "spent": "15.50",
    }
    assert one.facts["first_name"] == "Ana"
    assert set(one.runs) == set(old.state.runs) | set(new.state.runs)


def test_a_merge_of_two_that_know_the_same_order_counts_it_once() -> None:
    catalog = compiled(journey(WAITS))
    old, new = Timeline(catalog, START, customer="guest"), Timeline(catalog, START)
    old.event("order.paid", order="o-1", total="10.00")
    new.event("order.placed", order="o-1", total="10.00", promised_at="2026-04-01T00:00:00Z", lines=LINES)
    one = merge(new.state, old.state, new.now)
    assert one.facts["orders"]["count"] == 1
    assert {"paid_at", "placed_at", "promised_at"} <= set(one.things["order", "o-1"].facts)


def test_a_failure_right_after_a_hand_over_is_tried_again_at_its_own_step() -> None:
    line = broken("  - send: after\n  - send: lost\n  - wait: 1 day\n")
    line.event("order.paid", order="o-1")
    assert (line.names, line.run.stand.kind) == (["after"], "parked")
    mend(line)
    assert line.names == ["after", "lost"]
    assert line.to("+2 days").runs == []
