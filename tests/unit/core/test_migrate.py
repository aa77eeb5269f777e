"""A file changes with people inside: where they stand afterwards, what they get, and what they never get twice."""

# ruff: noqa: E501 - a journey in one line keeps the test in sight

from __future__ import annotations

from datetime import timedelta

import pytest

from postventa.core.effect import PostPoints, RunEnded, SendMessage, Withdraw
from postventa.core.event import Move
from postventa.core.journey import Catalog
from postventa.core.migrate import IN_HAND, LOST, obstacle
from postventa.testing import Timeline, compiled
from postventa.testing.edits import edit, publish

START = "2026-03-02T10:00:00Z"  # a Monday


def file(steps: str, head: str = "", subject: str = "order") -> Catalog:
    return compiled(f"journey: j\nsubject: {subject}\nstart: {{on: order.paid}}\n{head}\nsteps:\n{steps}")


def inside(steps: str, head: str = "", *, hands_over: bool = True) -> Timeline:
    line = Timeline(file(steps, head), START, hands_over=hands_over)
    line.event("order.placed", order="o-1", total="80.00", lines=[{"line_id": "1", "sku": "a"}])
    line.event("order.paid", order="o-1")
    return line


def at(line: Timeline) -> str:
    return line.catalog.journey_of("j", line.run.version).steps[line.run.step].id


def due(line: Timeline) -> str:
    assert line.run.stand.due_at is not None
    return line.run.stand.due_at.isoformat()[:16]


WAITS = "  - wait: {0}\n    id: pause\n  - send: tip\n"


# --- waits -----------------------------------------------------------------------------------------------------------
def test_follow_keeps_a_running_wait_and_retime_computes_it_from_when_it_began() -> None:
    follows, retimes = inside(WAITS.format("1 day")), inside(WAITS.format("1 day"))
    for line, how in ((follows, "follow"), (retimes, "retime")):
        line.to("+6 hours")
        edit(line, file(WAITS.format("7 days")), how)
    assert (due(follows), due(retimes)) == ("2026-03-03T10:00", "2026-03-09T10:00")
    assert follows.run.version == retimes.run.version == follows.catalog.live["j"].version


def test_a_wait_that_is_over_by_its_new_length_ends_now() -> None:
    line = inside(WAITS.format("7 days"))
    line.to("+3 days")
    edit(line, file(WAITS.format("1 day")), "retime")
    assert [(one.message, one.at.isoformat()[:16]) for one in line.sent] == [("tip", "2026-03-05T10:00")]


def test_what_was_due_before_the_change_happens_as_the_old_file_says() -> None:
    line = inside(WAITS.format("1 day"))
    line.sleep("+2 days")
    edit(line, file(WAITS.format("7 days")), "retime")
    assert line.names == ["tip"]


def test_steps_that_get_their_ids_only_now_are_found_by_their_place() -> None:
    line = inside("  - wait: 1 day\n  - send: tip\n")
    edit(line, file("  - wait: 1 day\n    id: pause\n  - send: tip\n"))
    assert at(line) == "pause"
    assert due(line) == "2026-03-03T10:00"


def test_a_step_that_is_gone_sends_its_people_to_the_next_one_that_was_kept() -> None:
    line = inside(
        "  - wait: 9 days\n    id: pause\n  - branch:\n      - otherwise:\n          - wait: 1 day\n            id: nap\n    id: fork\n  - send: tip\n  - wait: 1 day\n    id: end\n"
    )
    line.to("+1 day")
    edit(line, file("  - send: hello\n  - send: tip\n  - wait: 1 day\n    id: end\n"))
    assert line.names == ["tip"]
    assert at(line) == "end"
    assert any("which is gone" in reason for reason in line.why("moved"))


def test_nobody_is_moved_to_nowhere() -> None:
    line = inside(WAITS.format("1 day"))
    before = line.run
    (told,) = edit(line, file("  - send: other\n"))
    assert line.run == before
    assert not told.effects
    asked = Move("j", line.catalog.live["j"].version, (before.version,))
    assert obstacle(line.state, line.catalog, line.run, asked) == LOST


def test_an_operators_word_renames_a_step() -> None:
    line = inside(WAITS.format("1 day"))
    edit(line, file("  - wait: 3 days\n    id: rest\n  - send: tip\n"), "retime", {"pause": "rest"})
    assert (at(line), due(line)) == ("rest", "2026-03-05T10:00")


# --- messages --------------------------------------------------------------------------------------------------------
def test_steps_in_another_order_repeat_nothing() -> None:
    line = inside(
        "  - send: a\n  - award: 5\n  - emit: ticket.requested\n  - wait: 1 day\n    id: pause\n  - send: b\n"
    )
    assert line.names == ["a"]
    edit(
        line,
        file(
            "  - wait: 1 day\n    id: pause\n  - send: b\n  - send: a\n  - award: 5\n  - emit: ticket.requested\n  - send: c\n"
        ),
    )
    line.to("+9 days")
    assert line.names == ["a", "b", "c"]
    assert len(line.of(PostPoints)) == 1
    assert len(line.told("ticket.requested")) == 1
    assert line.runs == []


def test_there_and_back_is_as_if_nothing_had_been() -> None:
    line = inside("  - send: a\n  - wait: 1 day\n    id: pause\n  - send: b\n")
    before = line.run
    first = line.catalog
    for how in ("follow", "retime"):
        edit(line, file("  - wait: 7 days\n    id: pause\n  - send: b\n  - send: a\n"), how)
        edit(line, first, how)
        assert line.run.but(stand=before.stand) == before
        assert line.run.stand.due_at == before.stand.due_at


def test_a_message_on_its_way_stays_on_its_way() -> None:
    line = inside("  - send: a\n  - wait: 1 day\n    id: pause\n", hands_over=False)
    (row,) = line.state.outbox.values()
    line.claim()
    edit(line, file("  - send: a\n  - wait: 2 days\n    id: pause\n"))
    assert line.of(Withdraw) == []
    line.receipt(row.effect_id)
    assert (at(line), due(line)) == ("pause", "2026-03-04T10:00")


def test_a_message_of_a_step_that_is_gone_is_taken_back() -> None:
    line = inside("  - send: a\n  - send: b\n", hands_over=False)
    (row,) = line.state.outbox.values()
    edit(line, file("  - send: b\n"))
    assert [one.effect_id for one in line.of(Withdraw)] == [row.effect_id]
    line.hand_over()
    assert line.names == ["b"]


def test_a_run_whose_changed_message_is_in_hand_is_not_moved_now() -> None:
    line = inside("  - send: a\n  - send: b\n", hands_over=False)
    line.claim()
    before = line.run
    edit(line, file("  - send: b\n"))
    asked = Move("j", line.catalog.live["j"].version, (before.version,))
    assert line.run == before
    assert obstacle(line.state, line.catalog, before, asked) == IN_HAND
    for effect_id in list(line.state.outbox):
        line.receipt(effect_id)
    edit(line, file("  - send: b\n"))
    line.hand_over()
    assert line.names == ["a", "b"]


def test_a_message_that_is_sent_otherwise_now_leaves_once_and_as_the_new_file_says() -> None:
    line = inside("  - send: a\n", hands_over=False)
    (row,) = line.state.outbox.values()
    line.sleep("+1 hour")
    edit(line, file("  - send: a\n    with: {colour: red}\n"))
    (again,) = line.state.outbox.values()
    assert (again.effect_id, again.created_at) == (row.effect_id, row.created_at)
    assert line.of(SendMessage)[-1].context["with"] == {"colour": "red"}
    line.hand_over()
    assert line.names == ["a"]


def test_lines_that_share_a_mail_still_do() -> None:
    steps = "  - wait: 1 day\n    id: pause\n  - send: guide\n    together: order\n"

    def lines(more: str = "") -> Catalog:
        return compiled(f"journey: j\nsubject: line\nstart: {{on: line.delivered}}\nsteps:\n{steps}{more}")

    line = Timeline(lines(), START, hands_over=False)
    line.event("order.placed", order="o-1", lines=[{"line_id": "1", "sku": "a"}, {"line_id": "2", "sku": "b"}])
    line.event("order.delivered", order="o-1")
    edit(line, lines("    with: {colour: red}\n"))
    line.to("+1 day")
    assert len(line.state.outbox) == 1
    edit(line, lines("    with: {colour: blue}\n"))
    assert len(line.state.outbox) == 1
    line.hand_over()
    assert line.names == ["guide"]
    assert line.runs == []


# --- events, surveys, rounds -----------------------------------------------------------------------------------------
def test_what_a_step_waits_for_now_may_be_known_already() -> None:
    steps = "  - wait_for: {0}\n    id: news\n    timeout: 9 days\n    on_timeout: go_on\n  - send: tip\n"
    line = inside(steps.format("shipment.delivered"))
    line.to("+1 day")
    line.event("order.fulfilled", order="o-1")
    assert line.names == []
    edit(line, file(steps.format("[shipment.delivered, order.fulfilled]")))
    assert line.names == ["tip"]


def test_follow_keeps_the_end_of_a_wait_for_something_else() -> None:
    steps = "  - wait_for: {0}\n    id: news\n    timeout: {1}\n    on_timeout: go_on\n  - send: tip\n"
    line = inside(steps.format("shipment.delivered", "9 days"))
    edit(line, file(steps.format("order.fulfilled", "1 day")))
    assert due(line) == "2026-03-11T10:00"
    edit(line, file(steps.format("order.fulfilled", "2 days")), "retime")
    assert due(line) == "2026-03-04T10:00"


def test_a_survey_that_was_asked_is_not_asked_again() -> None:
    steps = "  - ask: happy\n    timeout: {0}\n    remind_after: {1}\n    then: [{{send: thanks}}]\n    on_timeout: go_on\n  - send: tip\n"
    line = inside(steps.format("9 days", "5 days"))
    edit(line, file(steps.format("3 days", "1 day")), "retime")
    assert due(line) == "2026-03-03T10:00"
    line.to("+9 days")
    assert line.names == ["happy", "happy", "tip"]  # asked, reminded, timed out


def test_a_round_under_way_is_its_round_in_the_new_file() -> None:
    steps = "  - repeat: {0}\n    id: again\n    at_most: 3\n    steps:\n      - send: a\n  - send: end\n"
    line = inside(steps.format("2 days"))
    edit(line, file(steps.format("3 days")), "retime")
    assert due(line) == "2026-03-05T10:00"
    line.to("+20 days")
    assert line.names == ["a", "a", "a", "end"]


def test_a_step_that_comes_to_stand_in_a_repeat_is_in_its_first_round() -> None:
    line = inside("  - wait: 1 day\n    id: pause\n  - send: a\n")
    edit(
        line,
        file(
            "  - repeat: 5 days\n    id: again\n    at_most: 2\n    steps:\n      - wait: 1 day\n        id: pause\n      - send: a\n"
        ),
    )
    line.to("+30 days")
    assert [one.at.isoformat()[:10] for one in line.sent] == ["2026-03-03", "2026-03-08"]


# --- ends, goals, failures -------------------------------------------------------------------------------------------
def test_an_end_of_the_new_file_that_is_known_already_ends_the_run() -> None:
    line = inside(WAITS.format("5 days"))
    line.event("order.refunded", order="o-1")
    edit(line, file(WAITS.format("5 days"), "exit_on: [order.refunded]"))
    assert line.runs == []
    assert line.of(RunEnded)[0].outcome == "exited"


@pytest.mark.parametrize("within", ["30 days", "2 days"])
def test_a_goal_is_watched_as_the_new_file_says(within: str) -> None:
    def goal(span: str) -> str:
        return f"goal: {{on: order.placed, within: {span}, then: exit}}"

    line = inside(WAITS.format("20 days"), goal("10 days"))
    edit(line, file(WAITS.format("20 days"), goal(within)))
    line.to("+12 days")
    line.event("order.placed", order="o-2")
    assert line.outcome_of("goal") == (within == "30 days")


def test_a_run_that_stood_still_by_a_failure_is_tried_in_the_new_file() -> None:
    line = inside(WAITS.format("1 day"))
    messages = {name: one for name, one in line.catalog.messages.items() if name != "tip"}
    line.catalog = Catalog("test", line.catalog.live, line.catalog.versions, messages, kinds=line.catalog.kinds)
    line.to("+1 day")
    assert line.run.stand.kind == "parked"
    edit(line, file(WAITS.format("1 day") + "  - send: more\n"))
    assert line.names == ["tip", "more"]


def test_finish_means_that_nothing_is_asked() -> None:
    line = inside(WAITS.format("1 day"))
    publish(line, file("  - send: other\n"))
    line.to("+5 days")
    assert line.names == ["tip"]


def test_a_move_is_one_call_that_can_be_made_again() -> None:
    from postventa.core.advance import advance

    line = inside(WAITS.format("1 day"))
    before = line.state
    edit(line, file(WAITS.format("7 days")), "retime")
    now, given, outcome = line.outcomes[-1]
    again = advance(before, given, now, line.catalog)
    assert (again.state, again.effects, again.trace) == (outcome.state, outcome.effects, outcome.trace)
    assert again.state.due_at == now + timedelta(days=7)
