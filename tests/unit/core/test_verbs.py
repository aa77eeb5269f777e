"""branch, experiment, ask, award, set, emit, repeat and exit: each key of each verb."""

# ruff: noqa: E501 - a journey in one line keeps the test in sight

from __future__ import annotations

from dataclasses import replace

import pytest

from postventa.core.effect import PostPoints, Withdraw
from postventa.core.journey import Duration, Loyalty, Shop, Survey, Tier
from postventa.testing import Timeline, compiled, moment

START = "2026-03-02T10:00:00Z"


def journey(steps: str, *, name: str = "j", subject: str = "order", on: str = "order.paid", head: str = "") -> str:
    return f"journey: {name}\nsubject: {subject}\nstart: {{on: {on}}}\n{head}\nsteps:\n{steps}"


def paid(steps: str, *more: str, head: str = "", **options: object) -> Timeline:
    line = Timeline(compiled(journey(steps, head=head), *more, **options), START)  # type: ignore[arg-type]
    line.event(
        "order.paid", order="o-1", total="65.00", lines=[{"line_id": "1", "sku": "a"}, {"line_id": "2", "sku": "b"}]
    )
    return line


def days(line: Timeline) -> list[str]:
    return [f"{one.at:%m-%d} {one.message}" for one in line.sent]


# --- branch, exit ----------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("limits", "expected"), [((60, 10), "first"), ((70, 60), "second"), ((90, 80), "third")]
)  # fmt: skip
def test_branch_takes_the_first_that_holds_and_goes_on_below(limits: tuple[int, int], expected: str) -> None:
    steps = "  - branch:\n"
    for limit, name in zip(limits, ("first", "second"), strict=True):
        steps += f"      - when: {{order.total: {{at_least: {limit}}}}}\n        then: [{{send: {name}}}]\n"
    steps += "      - otherwise: [{send: third}]\n  - send: after\n"
    assert paid(steps).names == [expected, "after"]


def test_exit_ends_the_run_with_its_reason() -> None:
    line = paid("  - wait: 1 day\n  - exit: enough\n").to("+2 days")
    assert (line.why("exit"), line.outcome_of("exited"), line.runs) == (["enough"], 1, [])


# --- experiment ------------------------------------------------------------------------------------------------------
SPLIT = "  - experiment: colours\n    measure: order.placed\n    variants:\n      red: {{weight: {red}, then: [{{send: red}}]}}\n      blue: {{weight: {blue}, then: [{{send: blue}}]}}\n"


def test_an_experiment_is_sticky_and_new_weights_move_nobody() -> None:
    line = paid(SPLIT.format(red=100, blue=1))
    drawn = line.names[0]
    other = {"red": (1, 100), "blue": (100, 1)}[drawn]
    line.catalog = compiled(journey(SPLIT.format(red=other[0], blue=other[1])))
    line.event("order.paid", order="o-2")
    assert line.names == [drawn, drawn]
    assert line.state.assignments == {"colours": drawn}


def test_an_experiment_draws_by_weight() -> None:
    catalog = compiled(journey(SPLIT.format(red=30, blue=70)))
    drawn = []
    for number in range(300):
        line = Timeline(catalog, START, customer=f"c-{number}")
        line.event("order.paid", order="o-1")
        drawn += line.names
    assert 60 <= drawn.count("red") <= 120


# --- ask -------------------------------------------------------------------------------------------------------------
ASK = "  - ask: happy\n    timeout: 7 days\n    remind_after: 3 days\n    then: [{send: thanks}]\n    on_timeout: [{send: pity}]\n"


def answer(line: Timeline, *, order: str = "o-1", score: int = 5, at: str | None = None, survey: str = "happy") -> None:
    line.event("survey.answered", order=order, survey=survey, score=score, at=at)


def test_ask_mail_reminder_timeout() -> None:
    line = paid(ASK).to("+20 days")
    assert days(line) == ["03-02 happy", "03-05 happy", "03-09 pity"]
    assert len({one.effect_id for one in line.sent}) == 3


def test_an_answer_moves_on_and_stops_the_reminder() -> None:
    line = paid(ASK).to("+1 day")
    answer(line)
    line.to("+20 days")
    assert days(line) == ["03-02 happy", "03-03 thanks"]


def test_the_reminder_may_be_another_message() -> None:
    surveys = {"happy": Survey("happy", "csat", "ask-happy", 1, 5, reminder="remind-happy")}
    assert paid(ASK, surveys=surveys).to("+4 days").names == ["ask-happy", "remind-happy"]


def test_an_answer_already_known_counts_without_asking() -> None:
    line = Timeline(compiled(journey(ASK)), START)
    answer(line, at="-3 days")
    line.event("order.paid", order="o-1")
    assert line.names == ["thanks"]


def test_an_answer_about_another_order_or_survey_does_not_count() -> None:
    line = paid(ASK).to("+1 day")
    answer(line, order="o-2")
    answer(line, survey="other")
    assert line.run.stand.kind == "answer"


def test_a_late_answer_moves_nobody() -> None:
    line = paid(ASK + "  - wait: 30 days\n").to("+8 days")
    answer(line)
    assert (line.names[-1], line.run.stand.kind) == ("pity", "timer")
    assert any(event.type == "survey.answered" for event in line.state.events.values())


def test_an_answer_at_the_deadline_wins() -> None:
    line = paid(ASK).to("+4 days").sleep("+10 days")
    answer(line, at="2026-03-09T10:00:00Z")
    assert line.names[-1] == "thanks"


def test_a_survey_whose_mail_is_skipped_times_out_at_once_without_reminder() -> None:
    line = paid(ASK, messages={"happy": "marketing"}).to("+20 days")
    assert days(line) == ["03-02 pity"]
    refused = Timeline(compiled(journey(ASK)), START, hands_over=False)
    refused.event("order.paid", order="o-1")
    (effect,) = refused.claim()
    refused.receipt(effect, "refused")
    assert [row.message for row in refused.pending()] == ["pity"]


def test_an_answer_before_the_hand_over_withdraws_the_mail() -> None:
    for claims in (False, True):
        line = Timeline(compiled(journey(ASK)), START, hands_over=False)
        line.event("order.paid", order="o-1")
        if claims:
            line.claim()
        answer(line, at="+1 second")
        assert len(line.of(Withdraw)) == 1
        assert [row.message for row in line.pending()] == ["thanks"]


def test_the_timeout_withdraws_a_reminder_on_its_way() -> None:
    line = paid(ASK).to("+1 day")
    line.hands_over = False
    line.to("+10 days")
    assert [row.message for row in line.pending()] == ["pity"]


def test_a_reminder_waits_under_a_hold_and_is_asked_for_once_when_it_ends() -> None:
    holder = "journey: holder\nsubject: ticket\nstart: {on: ticket.opened}\nsteps:\n  - hold: marketing\n    at_most: 3 days\n  - wait: 1 day\n    id: x\n  - wait: 9 days\n    id: y\n"
    line = paid(ASK, holder, messages={"happy": "soft_opt_in"}).to("+2 days")
    line.event("ticket.opened", ticket="t-1")
    line.to("+20 days")
    assert days(line) == ["03-02 happy", "03-07 happy", "03-09 pity"]
    late = paid(ASK, holder.replace("3 days", "9 days"), messages={"happy": "soft_opt_in"}).to("+2 days")
    late.event("ticket.opened", ticket="t-1")
    late.to("+20 days")
    assert days(late) == ["03-02 happy", "03-09 pity"]


def test_a_forbidden_reminder_is_skipped_once() -> None:
    line = paid(ASK, messages={"happy": "soft_opt_in"}).to("+1 day")
    line.event("customer.unsubscribed")
    line.to("+20 days")
    assert days(line) == ["03-02 happy", "03-09 pity"]
    assert len([entry for entry in line.trace if entry.decision == "skip"]) == 1


def test_a_reminder_forbidden_while_held_is_skipped_once() -> None:
    holder = "journey: holder\nsubject: ticket\nstart: {on: ticket.opened}\nexit_on: ticket.closed\nsteps:\n  - hold: marketing\n    at_most: 30 days\n  - wait: 30 days\n"
    line = paid(ASK, holder, messages={"happy": "soft_opt_in"}).to("+2 days")
    line.event("ticket.opened", ticket="t-1")
    line.to("+2 days").event("customer.unsubscribed")
    line.event("ticket.closed", ticket="t-1", at="+1 second")
    line.to("+20 days")
    assert days(line) == ["03-02 happy", "03-09 pity"]
    assert len([entry for entry in line.trace if entry.decision == "skip"]) == 1


def test_inside_then_the_answer_is_the_one_just_matched() -> None:
    steps = (
        "  - ask: second\n    timeout: 7 days\n    then: go_on\n    on_timeout: go_on\n"
        "  - ask: first\n    timeout: 7 days\n    then:\n      - branch:\n          - when: {answer.score: {at_most: 2}}\n"
        "            then: [{send: sorry}]\n          - otherwise: [{send: great}]\n    on_timeout: go_on\n"
    )
    line = Timeline(compiled(journey(steps)), START)
    answer(line, survey="first", score=1, at="-2 days")
    answer(line, survey="second", score=5, at="-1 day")
    line.event("order.paid", order="o-1")
    assert line.names == ["sorry"]


# --- award -----------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(("per", "points"), [("order", 5), ("line", 10), ("10 EUR", 30)])
def test_award_per(per: str, points: int) -> None:
    line = paid(f"  - award: 5\n    reason: r\n    per: {per}\n")
    assert line.state.balance == points
    assert [(one.points, one.reason, one.order) for one in line.of(PostPoints)] == [(points, "r", "o-1")]
    assert line.told("points.earned")[0].data["points"] == points


def test_award_per_line_in_a_run_of_a_line_is_of_that_line() -> None:
    text = journey("  - award: 5\n    reason: r\n    per: line\n", subject="line")
    line = Timeline(compiled(text), START)
    line.event("order.paid", order="o-1", lines=[{"line_id": "1", "sku": "a"}, {"line_id": "2", "sku": "b"}])
    assert line.state.balance == 10


def test_an_award_is_reversed_once_when_its_order_is_refunded() -> None:
    line = paid("  - award: 5\n    reason: r\n  - wait: 90 days\n")
    line.event("order.refunded", order="o-2", at="+1 second")
    assert line.state.balance == 5
    line.event("order.refunded", order="o-1", at="+2 seconds")
    line.event("order.cancelled", order="o-1", at="+3 seconds")
    assert line.state.balance == 0
    assert [one.points for one in line.of(PostPoints)] == [5, -5]


def test_an_order_that_was_given_back_earns_nothing_more() -> None:
    line = paid("  - wait: 2 days\n  - award: 5\n    reason: r\n")
    line.event("order.refunded", order="o-1", at="+1 day")
    line.to("+3 days")
    assert line.state.balance == 0
    assert line.of(PostPoints) == []


def test_points_are_redeemed_oldest_first_and_expire() -> None:
    loyalty = Loyalty(expire=Duration(days=30), tiers=(Tier("bronze", 1), Tier("silver", 100)))
    line = paid("  - award: 60\n    reason: r\n", loyalty=loyalty)
    line.to("+10 days").event("order.paid", order="o-2")
    assert line.state.facts["tier"] == "silver"
    assert [event.data["tier"] for event in line.told("tier.changed")] == ["bronze", "silver"]
    line.event("points.redeemed", points=70)
    assert line.state.balance == 50
    line.to("+60 days")
    assert line.state.balance == 0
    assert [event.data["points"] for event in line.told("points.expired")] == [50]
    assert line.state.facts["tier"] == "silver"


def test_an_award_in_a_repeat_is_once_per_round() -> None:
    line = paid("  - repeat: 1 day\n    at_most: 3\n    steps:\n      - award: 5\n        reason: r\n").to("+9 days")
    assert line.state.balance == 15
    assert len({one.posting_id for one in line.of(PostPoints)}) == 3


# --- set, emit -------------------------------------------------------------------------------------------------------
def test_set_values_and_paths_of_customer_and_run() -> None:
    steps = "  - set: {customer.tags: [vip], run.sum: {path: order.total}, run.gift: true}\n  - branch:\n      - when: {run.sum: 65.00, run.gift: true, customer.tags: {contains: vip}}\n        then: [{send: yes}]\n      - otherwise: go_on\n  - wait: 1 day\n"
    line = paid(steps)
    assert line.state.facts["tags"] == ["vip"]
    assert line.run.vars == {"sum": "65.00", "gift": True}


def test_emit_is_told_and_is_an_event_for_other_journeys() -> None:
    other = "journey: care\nsubject: customer\nstart: {on: ticket.requested, where: {event.reason: low}}\nsteps:\n  - send: care\n"
    line = paid("  - emit: ticket.requested\n    with: {reason: low, total: {path: order.total}}\n  - send: x\n", other)
    (event,) = line.told("ticket.requested")
    assert (event.data["reason"], event.data["total"], event.data["order_id"], event.source) == (
        "low",
        "65.00",
        "o-1",
        "postventa",
    )
    assert sorted(line.names) == ["care", "x"]


def test_a_run_may_wait_for_what_it_emitted() -> None:
    line = paid(
        "  - emit: ticket.requested\n  - wait_for: ticket.requested\n    timeout: 1 day\n    on_timeout: [{send: no}]\n  - send: yes\n"
    )
    assert line.names == ["yes"]


def test_journeys_that_call_each_other_stop_at_sixteen() -> None:
    ping = "journey: ping\nsubject: customer\nstart: {on: [order.paid, delivery.overdue]}\nsteps:\n  - emit: ticket.requested\n"
    pong = "journey: pong\nsubject: customer\nstart: {on: ticket.requested}\nsteps:\n  - emit: delivery.overdue\n"
    line = Timeline(compiled(ping, pong), START)
    line.event("order.paid", order="o-1")
    assert len(line.told("ticket.requested")) + len(line.told("delivery.overdue")) == 16
    assert [run.stand.kind for run in line.runs] == ["parked"]
    assert "16 events deep" in line.why("parked")[0]


# --- repeat ----------------------------------------------------------------------------------------------------------
def test_repeat_by_interval_until_at_most() -> None:
    line = paid("  - repeat: 12 months\n    at_most: 3\n    steps:\n      - send: yearly\n  - send: after\n").to(
        "+2000 days"
    )
    assert [f"{one.at:%Y-%m-%d} {one.message}" for one in line.sent] == [
        "2026-03-02 yearly", "2027-03-02 yearly", "2028-03-02 yearly", "2028-03-02 after",
    ]  # fmt: skip
    assert len({one.effect_id for one in line.sent}) == 4


def test_month_ends_do_not_drift() -> None:
    line = Timeline(
        compiled(journey("  - repeat: 1 month\n    at_most: 5\n    steps:\n      - send: monthly\n")),
        "2026-01-31T10:00:00Z",
    )
    line.event("order.paid", order="o-1")
    line.to("+300 days")
    assert days(line) == ["01-31 monthly", "02-28 monthly", "03-31 monthly", "04-30 monthly", "05-31 monthly"]


def test_a_round_that_takes_longer_than_the_interval_delays_the_next() -> None:
    line = paid("  - repeat: 2 days\n    at_most: 3\n    steps:\n      - send: a\n      - wait: 3 days\n").to(
        "+30 days"
    )
    assert days(line) == ["03-02 a", "03-05 a", "03-08 a"]


HOURLY = "  - repeat: 1 hour\n    at_most: 5\n    steps:\n      - send: a\n"


def test_after_an_outage_rounds_are_delayed_and_never_leave_at_once() -> None:
    line = paid(HOURLY).to("+1 hour")
    line.sleep("+6 hours").tick()
    line.to("+1 day")
    assert [f"{one.at:%H:%M}" for one in line.sent] == ["10:00", "11:00", "17:00", "18:00", "19:00"]


def test_after_a_pause_rounds_are_delayed_and_never_leave_at_once() -> None:
    line = paid(HOURLY)
    line.hands_over = False
    line.to("+6 hours")
    line.hands_over = True
    line.hand_over()
    line.to("+1 day")
    assert [f"{one.at:%H:%M}" for one in line.sent] == ["10:00", "16:00", "17:00", "18:00", "19:00"]


def test_an_outage_does_not_move_a_yearly_round() -> None:
    line = paid("  - repeat: 12 months\n    at_most: 3\n    steps:\n      - send: a\n").to("+364 days")
    line.sleep("+3 days").tick()
    line.to("+2000 days")
    assert [f"{one.at:%Y-%m-%d}" for one in line.sent] == ["2026-03-02", "2027-03-04", "2028-03-02"]


def test_repeat_round_begins_as_soon_as_one_ends() -> None:
    line = paid("  - repeat: round\n    at_most: 3\n    steps:\n      - wait: 1 day\n      - send: a\n").to("+30 days")
    assert days(line) == ["03-03 a", "03-04 a", "03-05 a"]


def test_until_is_read_before_each_round() -> None:
    steps = "  - repeat: 10 days\n    at_most: 9\n    until: {customer.first_name: Eva}\n    steps:\n      - send: a\n  - send: after\n"
    line = paid(steps).to("+12 days")
    line.event("customer.updated", first_name="Eva")
    line.to("+30 days")
    assert days(line) == ["03-02 a", "03-12 a", "03-22 after"]
    never = Timeline(compiled(journey(steps)), START)
    never.event("order.paid", order="o-1", customer={"first_name": "Eva"})
    assert never.names == []  # no address either: both skipped
    assert len([entry for entry in never.trace if entry.decision == "skip"]) == 1


def test_since_start_inside_a_repeat_means_since_the_round_began() -> None:
    steps = "  - repeat: 10 days\n    at_most: 2\n    steps:\n      - wait_for: ticket.replied\n        timeout: 2 days\n        on_timeout: [{send: silence}]\n"
    line = paid(steps)
    line.event("ticket.replied", order="o-1", ticket="t-1", at="+1 minute")
    line.to("+30 days")
    assert days(line) == ["03-14 silence"]


def test_ask_inside_a_repeat_asks_again_each_round() -> None:
    steps = "  - repeat: 30 days\n    at_most: 2\n    steps:\n      - ask: happy\n        timeout: 7 days\n        then: [{send: thanks}]\n        on_timeout: go_on\n"
    line = paid(steps).to("+1 day")
    answer(line)
    line.to("+60 days")
    assert days(line) == ["03-02 happy", "03-03 thanks", "04-01 happy"]


def test_repeat_in_repeat_has_effects_of_its_own() -> None:
    steps = "  - repeat: 10 days\n    at_most: 2\n    steps:\n      - repeat: 1 day\n        at_most: 2\n        steps:\n          - send: a\n"
    line = paid(steps).to("+40 days")
    assert days(line) == ["03-02 a", "03-03 a", "03-12 a", "03-13 a"]
    assert len({one.effect_id for one in line.sent}) == 4


def test_an_endless_journey_without_a_wait_is_parked() -> None:
    text = journey("  - repeat: round\n    at_most: 100000\n    steps:\n      - set: {run.x: 1}\n")
    line = Timeline(compiled(text, shop=replace(Shop())), START)
    line.event("order.paid", order="o-1")
    assert line.run.stand.kind == "parked"
    assert moment(START) == line.run.stand.since
