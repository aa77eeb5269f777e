"""Contact policy: each class, consent and objection, windows, rolling caps, priority, holds, and if_blocked."""

# ruff: noqa: E501 - a journey in one line keeps the test in sight

from __future__ import annotations

from typing import Any

import pytest

from postventa.core.effect import Withdraw
from postventa.core.journey import Cap, Duration, LocalTime, Message, Shop, Window
from postventa.testing import Timeline, compiled, moment

START = "2026-03-02T10:00:00Z"  # a Monday
WEEK = Cap(2, Duration(days=7))


def journey(steps: str, *, name: str = "j", on: str = "order.paid", head: str = "") -> str:
    return f"journey: {name}\nsubject: order\nstart: {{on: {on}}}\n{head}\nsteps:\n{steps}"


def one(
    klass: str, *, key: str = "", shop: Shop | None = None, more: tuple[str, ...] = (), **messages: Any
) -> Timeline:
    text = journey(f"  - send: hello\n{key}  - send: after\n")
    return Timeline(compiled(text, *more, messages={"hello": klass, **messages}, shop=shop), START)  # type: ignore[dict-item]


def skips(line: Timeline) -> list[str]:
    return [entry.reason for entry in line.trace if entry.decision == "skip"]


def defers(line: Timeline) -> list[str]:
    return [entry.reason for entry in line.trace if entry.decision == "defer"]


# --- classes and consent ---------------------------------------------------------------------------------------------
def test_transactional_needs_nothing() -> None:
    line = one("transactional")
    line.event("customer.unsubscribed")
    line.event("order.paid", order="o-1")
    assert line.names == ["hello", "after"]


def test_soft_opt_in_needs_a_paid_order() -> None:
    text = journey("  - send: hello\n", on="order.placed")
    line = Timeline(compiled(text, messages={"hello": "soft_opt_in"}), START)
    line.event("order.placed", order="o-1")
    assert skips(line) == ["no paid order, so no soft opt-in"]
    line.to("+1 minute").event("order.paid", order="o-1")
    line.to("+1 minute").event("order.placed", order="o-2")
    assert line.names == ["hello"]
    line.event("order.cancelled", order="o-1")
    line.event("order.placed", order="o-3")
    assert line.names == ["hello"]  # a cancelled order is no order


def test_marketing_needs_consent() -> None:
    line = one("marketing")
    line.event("order.paid", order="o-1")
    assert skips(line) == ["no consent to marketing is recorded"]
    line.event("customer.consented", purpose="marketing", channel="email")
    line.event("order.paid", order="o-2")
    assert line.names == ["after", "hello", "after"]


CONSENTS: list[tuple[str, list[tuple[str, dict[str, str]]], bool]] = [
    ("soft_opt_in", [("customer.unsubscribed", {})], False),
    ("soft_opt_in", [("customer.unsubscribed", {"purpose": "marketing"})], False),
    ("soft_opt_in", [("customer.unsubscribed", {"channel": "sms"})], True),
    ("soft_opt_in", [("customer.unsubscribed", {}), ("customer.consented", {"purpose": "marketing"})], True),
    ("marketing", [("customer.consented", {}), ("customer.unsubscribed", {})], False),
    ("marketing", [("customer.consented", {}), ("customer.unsubscribed", {"purpose": "surveys"})], True),
    ("marketing", [("customer.consented", {"purpose": "surveys"})], False),
    (
        "marketing",
        [("customer.unsubscribed", {"purpose": "surveys"}), ("customer.consented", {"purpose": "marketing"})],
        True,
    ),
]


@pytest.mark.parametrize(("klass", "words", "allowed"), CONSENTS)
def test_consents_and_objections(klass: str, words: list[tuple[str, dict[str, str]]], allowed: bool) -> None:
    line = one(klass)
    for number, (name, data) in enumerate(words):
        line.event(name, at=f"+{number} seconds", **data)
    line.sleep("+10 seconds").event("order.paid", order="o-1")
    assert ("hello" in line.names) is allowed


def test_an_objection_recorded_before_an_older_consent_still_wins() -> None:
    line = one("marketing")
    line.event("customer.unsubscribed")
    line.event("customer.consented", purpose="marketing", at="-1 day")
    line.event("order.paid", order="o-1")
    assert "objected" in skips(line)[0]


@pytest.mark.parametrize("block", [{"marketing": True}, {"email": {"marketing": True}}])
def test_consent_in_a_customer_block(block: dict[str, Any]) -> None:
    line = one("marketing")
    line.event("order.paid", order="o-1", customer={"email": "a@x.example", "consent": block})
    assert "hello" in line.names


@pytest.mark.parametrize("claims", [False, True])
@pytest.mark.parametrize(
    ("event", "data"),
    [("customer.unsubscribed", {}), ("order.confirmed", {"order": "o-1", "customer": {"consent": {"marketing": False}}}),
     ("customer.updated", {"consent": {"marketing": False}})],
)  # fmt: skip
def test_an_objection_withdraws_what_is_on_its_way(claims: bool, event: str, data: dict[str, Any]) -> None:
    line = one("soft_opt_in")
    line.hands_over = False
    line.event("order.paid", order="o-1")
    if claims:
        line.claim()
    line.event(event, at="+1 second", **data)
    assert len(line.of(Withdraw)) == 1
    assert "objected" in skips(line)[0]
    assert [row.message for row in line.pending()] == ["after"]


def test_an_objection_leaves_transactional_mail_alone() -> None:
    line = one("transactional")
    line.hands_over = False
    line.event("order.paid", order="o-1")
    line.event("customer.unsubscribed")
    assert [row.message for row in line.pending()] == ["hello"]


# --- windows ---------------------------------------------------------------------------------------------------------
def window(opens: int, closes: int, *days: int) -> Shop:
    return Shop(timezone="Europe/Madrid", windows=(Window(LocalTime(opens), LocalTime(closes), frozenset(days)),))


@pytest.mark.parametrize(
    ("shop", "expected"),
    [
        (window(9, 20), "2026-03-02T10:00"),  # 11:00 in Madrid
        (window(12, 20), "2026-03-02T11:00"),
        (window(9, 11), "2026-03-03T08:00"),  # closes is not inside
        (window(22, 6), "2026-03-02T21:00"),
        (window(22, 12), "2026-03-02T10:00"),  # over midnight, and still open
        (window(9, 20, 2), "2026-03-04T08:00"),  # Wednesdays
        (window(22, 12, 6), "2026-03-02T10:00"),  # Sunday's window reaches into Monday
        (window(22, 12, 0), "2026-03-02T21:00"),
    ],
)
def test_windows_move_what_is_not_transactional(shop: Shop, expected: str) -> None:
    line = one("soft_opt_in", shop=shop, after="transactional")
    line.event("order.paid", order="o-1")
    line.to("+7 days")
    assert line.sent[0].at.isoformat()[:16] == expected


def test_windows_are_in_the_customers_zone_and_do_not_stop_transactional() -> None:
    line = one("soft_opt_in", shop=window(9, 20))
    line.event("order.paid", order="o-1", customer={"email": "a@x.example", "timezone": "America/New_York"})
    line.to("+1 day")
    assert line.sent[0].at == moment("2026-03-02T14:00:00Z")
    other = one("transactional", shop=window(1, 2))
    other.event("order.paid", order="o-1")
    assert other.names == ["hello", "after"]


def test_a_window_that_shut_between_outbox_and_claim_moves_the_mail() -> None:
    line = one("soft_opt_in", shop=window(9, 12))
    line.hands_over = False
    line.event("order.paid", order="o-1")
    line.sleep("2026-03-02T11:00:00Z")
    assert line.claim() == []
    assert "outside the send window" in defers(line)[0]
    line.to("2026-03-03T08:00:00Z")
    assert len(line.claim()) == 1


def test_a_window_does_not_use_up_if_blocked() -> None:
    line = one("soft_opt_in", key="    if_blocked: skip\n", shop=window(12, 13))
    line.event("order.paid", order="o-1")
    line.to("+1 day")
    assert line.names == ["hello", "after"]


# --- caps ------------------------------------------------------------------------------------------------------------
def capped(cap: Cap = WEEK, key: str = "", **messages: Any) -> Timeline:
    text = journey(f"  - send: hello\n{key}")
    return Timeline(compiled(text, messages={"hello": "soft_opt_in", **messages}, shop=Shop(caps=(cap,))), START)  # type: ignore[dict-item]


def test_a_cap_is_a_rolling_window_and_exactly_so_many() -> None:
    line = capped(key="    if_blocked: wait up to 30 days\n")
    for day, order in enumerate(("o-1", "o-2", "o-3", "o-4")):
        line.to(moment(START) if not day else "+1 day").event("order.paid", order=order)
    line.to("+60 days")
    assert [one.at.isoformat()[:16] for one in line.sent] == [
        "2026-03-02T10:00", "2026-03-03T10:00", "2026-03-09T10:00", "2026-03-10T10:00",
    ]  # fmt: skip
    assert defers(line)[0] == "the cap of 2 per 7 days is reached"


def test_if_blocked_skip_and_wait_up_to() -> None:
    for key, expected in (
        ("    if_blocked: skip\n", START),
        ("    if_blocked: wait up to 2 days\n", "2026-03-04T10:00:00Z"),
    ):
        line = capped(key=key)
        for order in ("o-1", "o-2", "o-3"):
            line.event("order.paid", order=order)
        line.to("+30 days")
        assert len(line.sent) == 2
        (skipped,) = [entry for entry in line.trace if entry.decision == "skip"]
        assert skipped.at == moment(expected)


def test_by_default_a_blocked_mail_waits_three_days() -> None:
    line = capped(Cap(1, Duration(days=3, seconds=-0)))
    line.event("order.paid", order="o-1")
    line.event("order.paid", order="o-2")
    line.to("+30 days")
    assert len(line.sent) == 1 or line.sent[1].at == moment("2026-03-05T10:00:00Z")
    other = capped(Cap(1, Duration(days=4)))
    other.event("order.paid", order="o-1")
    other.event("order.paid", order="o-2")
    other.to("+30 days")
    assert len(other.sent) == 1
    assert "waited as long as if_blocked allows" in skips(other)[0]


def test_transactional_neither_counts_nor_is_stopped() -> None:
    text = journey("  - send: receipt\n  - send: hello\n  - send: receipt\n    id: again\n")
    line = Timeline(compiled(text, messages={"hello": "soft_opt_in", "receipt": "transactional"},
                             shop=Shop(caps=(Cap(1, Duration(days=7)),))), START)  # fmt: skip
    line.event("order.paid", order="o-1")
    assert line.names == ["receipt", "hello", "receipt"]


def test_claimed_and_uncertain_count_a_refused_one_does_not() -> None:
    for result, pending in (("uncertain", 0), ("sent", 0), ("refused", 1), ("gave_up", 1)):
        line = capped(Cap(1, Duration(days=7)))
        line.hands_over = False
        line.event("order.paid", order="o-1")
        line.event("order.paid", order="o-2")
        assert len(line.claim()) == 1  # the other is held at the claim
        (row,) = line.state.outbox.values()
        line.receipt(row.effect_id, result)  # type: ignore[arg-type]
        assert len(line.pending()) == pending, result


def test_who_wins_is_priority_then_age() -> None:
    first = journey("  - wait: 2 days\n  - send: low\n", name="a")
    second = journey("  - wait: 2 days\n  - send: high\n", name="b")
    messages = {"low": Message("low", "soft_opt_in", priority=200), "high": Message("high", "soft_opt_in", priority=10)}
    line = Timeline(compiled(first, second, messages=messages, shop=Shop(caps=(Cap(1, Duration(days=1)),))), START)
    line.event("order.paid", order="o-1")
    line.to("+10 days")
    assert line.names == ["high", "low"]
    held = capped(Cap(1, Duration(days=1)))
    for order in ("o-1", "o-2", "o-3"):
        held.event("order.paid", order=order)
        held.to("+1 minute")
    held.to("+9 days")
    assert [one.subject for one in held.sent] == ["o-1", "o-2", "o-3"]


# --- holds -----------------------------------------------------------------------------------------------------------
HOLDER = "journey: holder\nsubject: ticket\nstart: {on: ticket.opened}\nexit_on: ticket.closed\nsteps:\n  - hold: marketing\n    at_most: 10 days\n  - wait: 30 days\n"


def holding(key: str = "", cap: Cap | None = None) -> Timeline:
    text = journey(f"  - wait: 1 day\n  - send: hello\n{key}  - send: receipt\n")
    catalog = compiled(text, HOLDER, messages={"hello": "soft_opt_in"}, shop=Shop(caps=(cap,) if cap else ()))
    line = Timeline(catalog, START)
    line.event("order.paid", order="o-1")
    line.event("ticket.opened", ticket="t-1")
    return line


def test_a_hold_stops_other_runs_and_ends_with_its_run() -> None:
    line = holding().to("+6 days")
    assert (line.names, defers(line)) == ([], ["holder holds marketing"])
    line.event("ticket.closed", ticket="t-1")
    assert line.names == ["hello", "receipt"]
    assert line.sent[0].at == moment("2026-03-08T10:00:00Z")


def test_a_hold_ends_at_most() -> None:
    line = holding().to("+20 days")
    assert line.sent[0].at == moment("2026-03-12T10:00:00Z")


def test_a_hold_ends_by_release() -> None:
    text = HOLDER.replace("  - wait: 30 days", "  - wait: 4 days\n  - release: marketing\n  - wait: 30 days")
    line = Timeline(compiled(journey("  - send: hello\n"), text, messages={"hello": "soft_opt_in"}), START)
    line.event("ticket.opened", ticket="t-1")
    line.event("order.paid", order="o-1")
    line.to("+20 days")
    assert line.sent[0].at == moment("2026-03-06T10:00:00Z")


def test_a_runs_own_hold_and_transactional_mail_are_not_stopped() -> None:
    text = journey("  - hold: marketing\n    at_most: 9 days\n  - send: hello\n")
    line = Timeline(compiled(text, messages={"hello": "soft_opt_in"}), START)
    line.event("order.paid", order="o-1")
    assert line.names == ["hello"]
    other = Timeline(compiled(journey("  - send: receipt\n"), HOLDER), START)
    other.event("ticket.opened", ticket="t-1")
    other.event("order.paid", order="o-1")
    assert other.names == ["receipt"]


def test_if_blocked_skip_under_a_hold() -> None:
    assert holding("    if_blocked: skip\n").to("+2 days").names == ["receipt"]


def test_time_under_a_hold_does_not_count_toward_if_blocked() -> None:
    """Patience 3 days; a hold of 10 days in between; then a cap that is free after one more day."""
    line = holding("    if_blocked: wait up to 3 days\n").to("+9 days")
    assert line.run_of("j").stand.kind == "held"
    line.to("+2 days")
    assert line.names == ["hello", "receipt"]


def test_a_hold_that_begins_while_a_cap_blocks_stops_the_clock_of_if_blocked() -> None:
    text = journey("  - send: hello\n    if_blocked: wait up to 3 days\n")
    catalog = compiled(text, HOLDER, messages={"hello": "soft_opt_in"}, shop=Shop(caps=(Cap(1, Duration(days=12)),)))
    line = Timeline(catalog, START)
    line.event("order.paid", order="o-1")
    line.event("order.paid", order="o-2")  # blocked by the cap until day 12, patience until day 3
    line.to("+1 day").event("ticket.opened", ticket="t-1")  # held from day 1 to day 11: patience until day 13
    line.to("+20 days")
    assert [one.at for one in line.sent] == [moment(START), moment("2026-03-14T10:00:00Z")]


def test_a_hold_that_begins_after_the_outbox_is_seen_at_the_claim() -> None:
    line = holding()
    line.event("ticket.closed", ticket="t-1")
    line.hands_over = False
    line.to("+1 day")
    assert len(line.pending()) == 1
    line.event("ticket.opened", ticket="t-2")
    assert line.claim() == []
    assert defers(line) == ["holder holds marketing"]


def test_every_decision_has_a_reason_in_words() -> None:
    line = holding(cap=Cap(1, Duration(days=30))).to("+60 days")
    decided = [entry for entry in line.trace if entry.decision]
    assert decided
    assert all(entry.reason and entry.message and entry.run_id and entry.line for entry in decided)


def test_an_objection_skips_what_is_held_at_once() -> None:
    line = one("soft_opt_in", shop=window(20, 21))
    line.event("order.paid", order="o-1")
    assert line.run.stand.kind == "held"
    line.event("customer.unsubscribed", at="+1 second")
    assert line.names == ["after"]
    assert "objected" in skips(line)[0]
