"""send: with, choose_by, reward, to, channel, duplicates, together; and how a hand-over may end."""

# ruff: noqa: E501 - a journey in one line keeps the test in sight

from __future__ import annotations

from dataclasses import replace

import pytest

from postventa.core.effect import Claimed, PutBack, SendMessage, Withdraw
from postventa.core.journey import Cap, Duration, LocalTime, Loyalty, Message, Reward, Shop, Window
from postventa.testing import Timeline, compiled, moment

START = "2026-03-02T10:00:00Z"


def journey(steps: str, *, name: str = "j", subject: str = "order", on: str = "order.paid", head: str = "") -> str:
    return f"journey: {name}\nsubject: {subject}\nstart: {{on: {on}}}\n{head}\nsteps:\n{steps}"


def held(line: Timeline) -> Timeline:
    line.hands_over = False
    return line


def paid(steps: str, **options: object) -> Timeline:
    line = held(Timeline(compiled(journey(steps), **options), START))  # type: ignore[arg-type]
    line.event("order.paid", order="o-1", total="50.00")
    return line


# --- keys ------------------------------------------------------------------------------------------------------------
def test_with_values_and_paths() -> None:
    line = paid(
        "  - send: hello\n    with: {colour: red, total: {path: order.total}, none: {path: order.promised_at}}\n"
    )
    (row,) = line.pending()
    assert row.context["with"] == {"colour": "red", "total": "50.00"}
    assert row.context["ids"] == {"order": ["o-1"]}


def test_choose_by_gives_the_value() -> None:
    (row,) = paid("  - send: hello\n    choose_by: order.total\n").pending()
    assert row.choose == "50.00"


def test_a_rewards_code_is_given_at_the_claim() -> None:
    loyalty = Loyalty(rewards={"welcome-10": Reward("welcome-10")})
    line = paid("  - send: hello\n    reward: welcome-10\n  - send: after\n", loyalty=loyalty)
    (row,) = line.pending()
    line.codes[row.effect_id] = "ABC"
    line.claim()
    assert [one.code for one in line.of(Claimed)] == ["ABC"]


def test_without_codes_the_message_is_skipped() -> None:
    loyalty = Loyalty(rewards={"welcome-10": Reward("welcome-10")})
    line = paid("  - send: hello\n    reward: welcome-10\n  - send: after\n", loyalty=loyalty)
    line.codes[line.pending()[0].effect_id] = ""
    line.claim()
    assert line.why("skip") == ["no codes of this reward are left"]
    assert [row.message for row in line.pending()] == ["after"]


def test_to_a_group_asks_no_policy_and_counts_toward_no_cap() -> None:
    shop = Shop(groups={"care": ("a@x.example", "b@x.example")}, caps=(Cap(1, Duration(days=7)),))
    line = Timeline(compiled(journey("  - send: alarm\n    to: care\n  - send: news\n"), shop=shop,
                             messages={"alarm": "marketing", "news": "soft_opt_in"}), START)  # fmt: skip
    line.event("order.paid", order="o-1")
    assert [(one.message, one.to) for one in line.sent] == [
        ("alarm", "a@x.example, b@x.example"),
        ("news", "ana@example.com"),
    ]


def test_a_list_of_channels_is_tried_in_order() -> None:
    catalog = compiled(journey("  - send: hello\n"))
    made = catalog.live["j"]
    first = replace(made, steps=(replace(made.steps[0], channels=("sms", "email")),))  # type: ignore[call-arg]
    line = Timeline(replace(catalog, live={"j": first}, versions={("j", made.version): first}), START)
    line.event("order.paid", order="o-1")
    assert line.sent[0].to == "ana@example.com"


def test_without_an_address_it_is_skipped_and_the_run_goes_on() -> None:
    line = Timeline(compiled(journey("  - send: hello\n  - award: 5\n    reason: x\n")), START, email=None)
    line.event("order.paid", order="o-1")
    assert line.why("skip") == ["no email address is known"]
    assert line.state.balance == 5
    assert [event.data["reason"] for event in line.told("message.skipped")] == ["no email address is known"]


@pytest.mark.parametrize(
    ("klass", "step", "message", "expected"),
    [
        ("transactional", "", None, "allow"), ("marketing", "", None, "avoid"), ("soft_opt_in", "", None, "avoid"),
        ("transactional", "avoid", None, "avoid"), ("marketing", "allow", None, "allow"), ("marketing", "", "allow", "allow"),
    ],
)  # fmt: skip
def test_duplicates(klass: str, step: str, message: str | None, expected: str) -> None:
    key = f"    duplicates: {step}\n" if step else ""
    known = Message("hello", klass, duplicates=message)  # type: ignore[arg-type]
    line = held(Timeline(compiled(journey(f"  - send: hello\n{key}"), messages={"hello": known}), START))
    line.event("customer.consented", purpose="marketing")
    line.event("order.paid", order="o-1")
    assert line.pending()[0].duplicates == expected


# --- outbox and receipts ---------------------------------------------------------------------------------------------
def test_the_run_stands_until_the_hand_over() -> None:
    line = paid("  - send: hello\n  - send: after\n")
    assert (line.run.stand.kind, line.run.stand.due_at) == ("outbox", None)
    (effect,) = line.claim()
    assert [row.state for row in line.state.outbox.values()] == ["claimed"]
    line.receipt(effect, at="+2 minutes")
    assert line.run.at == moment("2026-03-02T10:02:00Z")
    assert [row.message for row in line.pending()] == ["after"]


@pytest.mark.parametrize(
    ("result", "event", "what"),
    [("sent", "message.sent", "send"), ("uncertain", "message.uncertain", "send"),
     ("refused", "message.bounced", "skip"), ("gave_up", "message.skipped", "skip")],
)  # fmt: skip
def test_every_result_moves_the_run_on_and_is_told(result: str, event: str, what: str) -> None:
    line = paid("  - send: hello\n  - send: after\n")
    (effect,) = line.claim()
    line.receipt(effect, result)  # type: ignore[arg-type]
    assert [row.message for row in line.pending()] == ["after"]
    assert len(line.told(event)) == 1
    assert any(entry.decision == what and entry.message == "hello" for entry in line.trace)


def test_a_late_receipt_moves_nobody() -> None:
    line = paid("  - send: hello\n  - send: after\n")
    (effect,) = line.claim()
    line.receipt(effect, "uncertain")
    before = line.state
    line.receipt(effect, "sent")
    assert line.state.runs == before.runs
    assert line.why("late receipt")


def test_an_exit_withdraws_pending_and_claimed_rows() -> None:
    for claims in (False, True):
        line = held(Timeline(compiled(journey("  - send: hello\n", head="exit_on: order.cancelled")), START))
        line.event("order.paid", order="o-1")
        effect = line.pending()[0].effect_id
        if claims:
            line.claim()
        line.event("order.cancelled", order="o-1")
        assert [one.effect_id for one in line.of(Withdraw)] == [effect]
        assert line.runs == []
        assert line.claim(effect) == []
        if claims:
            line.receipt(effect, "cancelled")
        assert line.state.outbox == {}


def test_a_mail_that_had_left_before_the_exit_is_recorded() -> None:
    line = held(Timeline(compiled(journey("  - send: hello\n", head="exit_on: order.cancelled")), START))
    line.event("order.paid", order="o-1")
    (effect,) = line.claim()
    line.event("order.cancelled", order="o-1")
    line.receipt(effect, "sent", at="-1 second")
    assert any(entry.decision == "send" and entry.effect_id == effect for entry in line.trace)


def test_a_new_address_takes_the_row_with_it() -> None:
    line = paid("  - send: hello\n")
    line.event("customer.updated", email="new@example.com", at="+1 second")
    assert line.claim() == []
    assert [row.to for row in line.pending()] == ["new@example.com"]
    assert line.claim()


def test_a_suppressed_address_stops_marketing_but_not_transactional_unless_it_is_dead() -> None:
    for klass, stop, claimed in (
        ("soft_opt_in", "complained", 0), ("transactional", "complained", 1), ("transactional", "bounced", 0),
    ):  # fmt: skip
        line = held(Timeline(compiled(journey("  - send: hello\n"), messages={"hello": klass}), START))
        line.event("order.paid", order="o-1")
        line.suppressed["ana@example.com"] = stop
        assert len(line.claim()) == claimed, (klass, stop)


def test_the_message_of_a_group_that_is_gone_from_the_release_is_skipped_not_fatal() -> None:
    line = held(
        Timeline(
            compiled(journey("  - send: alarm\n    to: care\n"), shop=Shop(groups={"care": ("a@x.example",)})), START
        )
    )
    line.event("order.paid", order="o-1")
    line.catalog = replace(line.catalog, messages={})
    line.claim()
    assert line.why("skip") == ["message 'alarm' is not in the live release"]


# --- together --------------------------------------------------------------------------------------------------------
TOGETHER = journey("  - wait: 1 day\n  - send: guide\n    together: order\n  - wait: 1 day\n  - send: bye\n    together: order\n",
                   subject="line", on="line.delivered", head="exit_on: line.returned")  # fmt: skip


def lines(*numbers: int) -> list[dict[str, object]]:
    return [{"line_id": str(number), "sku": f"s{number}", "quantity": 1} for number in numbers]


def split(*minutes: int) -> Timeline:
    """An order whose lines arrive in parcels of their own, so many minutes after 9:00."""
    line = held(Timeline(compiled(TOGETHER), START))
    line.event("order.paid", order="o-1", lines=lines(*range(1, len(minutes) + 1)))
    for number in range(1, len(minutes) + 1):
        line.to(moment(START)).event("shipment.in_transit", order="o-1", shipment=f"s-{number}", line_ids=[str(number)])
    for number, minute in sorted(enumerate(minutes, 1), key=lambda pair: pair[1]):
        line.to(f"2026-03-02T{10 + minute // 60:02}:{minute % 60:02}:00Z")
        line.event("shipment.delivered", order="o-1", shipment=f"s-{number}", line_ids=[str(number)])
    return line


def test_two_lines_within_an_hour_share_one_mail() -> None:
    line = split(0, 30)
    line.to("2026-03-03T10:00:00Z")
    assert line.pending() == []
    assert "siblings" in {run.stand.kind for run in line.runs}
    line.to("2026-03-03T10:30:00Z")
    (row,) = line.pending()
    assert len(row.run_ids) == 2
    assert row.subject == ("line", "o-1/1")
    (effect,) = line.claim()
    line.receipt(effect)
    assert {run.at for run in line.runs} == {line.now}  # all move on together


def test_lines_more_than_an_hour_apart_do_not_share() -> None:
    line = split(0, 61).to("2026-03-03T10:00:00Z")
    assert [row.subject for row in line.pending()] == [("line", "o-1/1")]
    line.to("2026-03-03T11:01:00Z")
    assert [row.subject for row in line.pending()] == [("line", "o-1/1"), ("line", "o-1/2")]


def test_an_hour_counts_from_the_first_that_stands_there() -> None:
    line = split(0, 40, 80).to("2026-03-03T12:00:00Z")
    assert sorted(len(row.run_ids) for row in line.pending()) == [1, 2]


def test_lines_of_one_parcel_share_one_mail_whose_id_is_of_the_smallest_line() -> None:
    line = held(Timeline(compiled(TOGETHER), START))
    line.event("order.paid", order="o-1", lines=lines(2, 1, 3))
    line.event("shipment.delivered", order="o-1", shipment="s-1", line_ids=["3", "1", "2"])
    line.to("+1 day")
    (row,) = line.pending()
    assert (len(row.run_ids), row.subject) == (3, ("line", "o-1/1"))


def test_a_line_that_exits_leaves_the_mail_and_with_none_left_it_is_cancelled() -> None:
    for claims in (False, True):
        line = split(0, 0).to("2026-03-03T10:00:00Z")
        (row,) = line.pending()
        if claims:
            line.claim()
        line.event("line.returned", order="o-1", line="1")
        assert len(line.of(PutBack)) == claims
        (left,) = line.state.outbox.values()
        assert (left.state, left.effect_id, len(left.run_ids)) == ("pending", row.effect_id, 1)
        line.event("line.returned", order="o-1", line="2")
        assert [one.effect_id for one in line.of(Withdraw)] == [row.effect_id]
        assert line.runs == []


def test_a_withdrawn_shared_row_stays_withdrawn_when_one_of_its_lines_ends() -> None:
    catalog = compiled(TOGETHER, messages={"guide": "soft_opt_in", "bye": "transactional"})
    line = held(Timeline(catalog, START))
    line.event("order.paid", order="o-1", lines=lines(1, 2))
    line.event("shipment.delivered", order="o-1", shipment="s-1", line_ids=["1", "2"])
    line.to("+1 day").claim()
    line.event("customer.unsubscribed")
    line.event("line.returned", order="o-1", line="1")
    assert [row.state for row in line.state.outbox.values()] == ["withdrawn"]


def test_together_while_a_window_is_shut() -> None:
    shop = Shop(windows=(Window(LocalTime(12), LocalTime(20)),))
    line = held(Timeline(compiled(TOGETHER, messages={"guide": "soft_opt_in"}, shop=shop), START))
    line.event("order.paid", order="o-1", lines=lines(1, 2))
    for number in (1, 2):
        line.event("shipment.in_transit", order="o-1", shipment=f"s-{number}", line_ids=[str(number)])
    line.event("shipment.delivered", order="o-1", shipment="s-1", line_ids=["1"])
    line.to("+30 minutes").event("shipment.delivered", order="o-1", shipment="s-2", line_ids=["2"])
    line.to("2026-03-03T12:00:00Z")
    assert [len(row.run_ids) for row in line.pending()] == [2]


def test_a_forbidden_shared_mail_is_skipped_for_all_and_all_go_on() -> None:
    line = held(Timeline(compiled(TOGETHER, messages={"guide": "marketing"}), START))
    line.event("order.paid", order="o-1", lines=lines(1, 2))
    line.event("shipment.delivered", order="o-1", shipment="s-1", line_ids=["1", "2"])
    line.to("+1 day")
    assert len(line.why("skip")) == 2
    assert {run.stand.kind for run in line.runs} == {"timer"}


def test_effect_ids_are_the_same_when_a_row_is_put_in_again() -> None:
    line = paid("  - send: hello\n")
    line.event("customer.updated", email="new@example.com", at="+1 second")
    line.claim()
    assert len({one.effect_id for one in line.of(SendMessage)}) == 1
