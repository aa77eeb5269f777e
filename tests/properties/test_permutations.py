"""Whatever the order in which a customer's events were recorded, and however often: the same state, the same effects.

For events recorded before the first timer is due and before anything has left, in whatever order and with repetitions:
nothing is left out. Several starts of one subject, several events that one wait_for could match, holds, caps, hours and
words of consent, lines told late or given back before the last parcel came, orders cancelled before they were paid,
things that happen at one instant, journeys whose `where` reads what these events change. What holds for customers of
whom something has left is in `test_late_events`.
"""

# ruff: noqa: E501 - a journey in one line keeps the test in sight

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import timedelta
from typing import Any

from hypothesis import HealthCheck, given, note, settings
from hypothesis import strategies as st

from postventa.core.effect import EmitEvent, PostPoints, RunEnded, SendMessage, Undone, Withdraw
from postventa.core.event import Event
from postventa.core.journey import Cap, Duration, LocalTime, Loyalty, Shop, Tier, Window
from postventa.core.state import CustomerState
from postventa.testing import Timeline, compiled, moment
from postventa.testing.catalog import with_shop

BEGIN = moment("2026-03-02T06:00:00Z")
NOW = BEGIN + timedelta(hours=6)


def journey(name: str, subject: str, start: str, steps: str, head: str = "") -> str:
    return f"journey: {name}\nsubject: {subject}\nstart: {{{start}}}\n{head}\nsteps:\n{steps}"


JOURNEYS = (
    journey("thanks", "order", "on: order.paid", "  - send: thanks\n  - wait: 1 day\n  - send: later\n",
            "exit_on: [order.cancelled, order.returned]\ngoal: {on: order.placed, within: 60 days, then: go_on}"),
    journey("again", "order", "on: order.paid", "  - send: thanks\n  - wait: 2 days\n  - send: later\n",
            "goal: {on: order.placed, within: 60 days, then: exit}"),
    journey("either", "order", "on: [order.confirmed, order.in_preparation, shipment.created], again: never",
            "  - award: 3\n    reason: early\n  - wait_for: {event: [shipment.in_transit, shipment.delayed, order.fulfilled]}\n    timeout: 9 days\n"
            "    then:\n      shipment.delayed: [{emit: delivery.overdue}, {wait: 2 days}]\n      order.fulfilled: [{wait: 3 days}]\n    on_timeout: go_on\n  - send: later\n"),
    journey("overdue", "order", "on: delivery.overdue", "  - hold: marketing\n    at_most: 2 days\n  - wait_for: ticket.replied\n    timeout: 8 days\n    times: 2\n    on_timeout: go_on\n",
            "exit_on: order.delivered"),
    journey("arrived", "order", "on: order.placed",
            "  - wait_for: order.delivered\n    timeout: 20 days\n    on_timeout: [{exit: never}]\n  - send: arrived\n"),
    journey("dispatch", "order", "on: order.placed",
            "  - wait_for: {event: order.fulfilled, where: {order.promised_at: {exists: true}}}\n    timeout: 9 days\n"
            "    on_timeout: go_on\n  - wait_for: order.delivered\n    timeout: 20 days\n    on_timeout: go_on\n"
            "  - wait: 3 days\n  - award: 5\n    reason: r\n  - send: later\n", "exit_on: order.cancelled"),
    journey("guide", "line", "on: line.delivered", "  - wait: 1 day\n    at: '18:00'\n  - send: guide\n    together: order\n",
            "exit_on: [line.returned, order.cancelled]"),
    journey("at-once", "line", "on: [order.paid, line.delivered]", "  - send: news\n    if_blocked: skip\n", "exit_on: line.returned"),
    journey("parcel", "shipment", "on: [shipment.in_transit, shipment.created]",
            "  - wait_for: shipment.out_for_delivery\n    timeout: 9 days\n    since: here\n    on_timeout: go_on\n  - send: today\n",
            "exit_on: [shipment.delivered, order.cancelled]"),
    journey("promise", "order", "on: order.paid",
            "  - wait_until: order.promised_at\n    offset: '-1 day'\n    timeout: 9 days\n    on_timeout: go_on\n  - send: soon\n",
            "exit_on: customer.unsubscribed"),
    journey("survey", "order", "on: order.delivered",
            "  - ask: happy\n    timeout: 7 days\n    then: [{branch: [{when: {answer.score: {at_least: 4}}, then: [{wait: 1 day}]}, {otherwise: go_on}]}, {send: later}]\n    on_timeout: go_on\n",
            "exit_on: order.cancelled"),
    journey("returned", "return", "on: return.requested",
            "  - wait_for: return.received\n    timeout: 30 days\n    on_timeout: go_on\n  - send: later\n"),
    journey("care", "ticket", "on: ticket.opened", "  - hold: marketing\n    at_most: 2 days\n  - wait_for: ticket.closed\n    timeout: 5 days\n    on_timeout: go_on\n"),
    journey("club", "customer", "on: order.paid, while_running: restart, where: {customer.orders.count: {at_least: 1}}",
            "  - branch:\n      - when: {customer.orders.spent: {more_than: 50}}\n        then: [{award: 20, reason: club}, {set: {customer.tags: big}}]\n      - otherwise: go_on\n  - send: news\n  - wait: 3 days\n"),
    journey("hello", "customer", "on: [order.placed, customer.consented]", "  - emit: ticket.requested\n  - wait_for: order.placed\n    timeout: 6 days\n    on_timeout: go_on\n  - send: news\n"),
)  # fmt: skip
CATALOG = compiled(*JOURNEYS, messages={"thanks": "soft_opt_in", "guide": "soft_opt_in", "news": "marketing"},
                   shop=Shop(caps=(Cap(1, Duration(days=3)),)), loyalty=Loyalty(tiers=(Tier("silver", 20),)))  # fmt: skip
SHOPS = (
    CATALOG,
    with_shop(CATALOG, windows=(Window(LocalTime(16), LocalTime(20)),)),
    with_shop(CATALOG, delivery_settles=Duration(days=2)),
)
SEEN: Counter[str] = Counter()
Told = list[tuple[int, str, dict[str, Any]]]


@st.composite
def orders(draw: st.DrawFn, name: str) -> Told:
    """(minute, type, data) of what happens to one order; few minutes, so that some things happen at once."""
    minute = draw(st.integers(0, 60))

    def later() -> int:
        nonlocal minute
        minute += draw(st.integers(0, 20))
        return minute

    rows = {"lines": [{"line_id": "1", "sku": "a"}, {"line_id": "2", "sku": "b"}]}
    told: Told = [(minute, "order.placed", draw(st.sampled_from([rows, rows, {}])))]
    for kind, data in (("confirmed", {"promised_at": "2026-03-20T10:00:00Z"}), ("in_preparation", {})):
        if draw(st.booleans()):
            told.append((later(), f"order.{kind}", data))
    if draw(st.booleans()):
        told.append((later(), "order.cancelled", {}))
    told.append((later(), "order.paid", {"promised_at": "2026-03-18T10:00:00Z", "total": draw(st.sampled_from(["30.00", "90.00"])), **draw(st.sampled_from([rows, {}]))}))  # fmt: skip
    told += draw(parcels(name, minute))
    minute = max(at for at, _, _ in told)
    if draw(st.booleans()):
        told.append((later(), "order.fulfilled", rows))
    for number in range(draw(st.sampled_from([0, 0, 1, 2]))):
        data = {"return": f"{name}-r{number}", **draw(st.sampled_from([{"line_ids": ["1"]}, {"line_ids": ["2"]}, {}]))}
        told.append((draw(st.integers(30, 120)), "return.requested", data))
        if draw(st.booleans()):
            told.append((draw(st.integers(30, 160)), "return.received", data))
    for _ in range(draw(st.sampled_from([0, 0, 1, 2]))):
        told.append((later(), "survey.answered", {"survey": "happy", "score": draw(st.integers(1, 5))}))
    return [(at, kind, {"order": name, **data}) for at, kind, data in told]


@st.composite
def parcels(draw: st.DrawFn, name: str, minute: int) -> Told:
    """One or two parcels, which may say what is in them, up to some scan."""
    told: Told = []
    contents = [["1"], ["2"]] if draw(st.booleans()) else [["1", "2"]]
    for number, lines in enumerate(contents, 1):
        minute += draw(st.sampled_from([0, 90]))
        data = {"shipment": f"{name}-s{number}", **({"line_ids": lines} if draw(st.booleans()) else {})}
        verbs = ["created", "in_transit", "delayed", "out_for_delivery", "delivered"]
        for verb in verbs[: draw(st.sampled_from([0, 2, 4, 5, 5, 5, 5, 5]))]:
            minute += draw(st.integers(0, 15))
            told.append((minute, f"shipment.{verb}", data))
    return told


@st.composite
def histories(draw: st.DrawFn) -> list[Event]:
    told = draw(orders("o-1")) + (draw(orders("o-2")) if draw(st.integers(0, 2)) == 0 else [])
    for number in range(draw(st.sampled_from([0, 1, 2]))):
        word = draw(st.sampled_from(["consented", "unsubscribed"]))
        told.append(
            (draw(st.integers(0, 240)), f"customer.{word}", {"purpose": draw(st.sampled_from(["marketing", "*"]))})
        )
        ticket = draw(st.sampled_from(["opened", "replied", "replied", "closed"]))
        told.append((draw(st.integers(0, 240)), f"ticket.{ticket}", {"ticket": "t-2", "order": "o-1", "note": number}))
    if draw(st.booleans()):
        told.append((draw(st.integers(0, 60)), "ticket.opened", {"ticket": "t-1"}))
    if draw(st.booleans()):
        told.append((draw(st.integers(0, 240)), "customer.updated", {"email": "ana@example.com", "timezone": "America/Lima"}))  # fmt: skip
    if draw(st.booleans()):
        at, kind, data = told.pop(draw(st.integers(0, len(told) - 1)))
        told.append((at, kind, {**data, "customer": {"email": "ana@example.com", "country": "ES"}}))
    maker = Timeline(CATALOG, NOW, email=draw(st.sampled_from([None, "eva@example.com", "eva@example.com"])))
    events = [maker.made(kind, at=BEGIN + timedelta(minutes=at), **data) for at, kind, data in told]
    return sorted(events, key=lambda event: event.order_key)


def apply(events: list[Event], shop: int) -> Timeline:
    line = Timeline(SHOPS[shop], NOW, hands_over=False)
    for event in events:
        line.give(event)
    return line


def known(line: Timeline) -> CustomerState:
    """The whole state, but for which postings were made and taken back on the way."""
    state = line.state.fork()
    state.heard = {key: replace(one, took_back=()) for key, one in state.heard.items()}
    return state


def asked(line: Timeline) -> tuple[Any, ...]:
    """What the world was asked for and did not have cancelled: messages and events, points, ends of runs."""
    rows: dict[str, Any] = {}
    ends: dict[str, list[Any]] = {}
    points: Counter[tuple[str | None, str | None]] = Counter()
    for effect in line.effects:
        match effect:
            case SendMessage() | EmitEvent():
                rows[effect.effect_id] = effect
            case Withdraw():
                rows.pop(effect.effect_id, None)
            case RunEnded():
                ends.setdefault(effect.run_id, []).append(effect)
            case Undone():
                ends.pop(effect.run_id, None)
            case PostPoints():
                points[effect.order, effect.run_id] += effect.points
    return rows, ends, +points


def count(line: Timeline, events: list[Event]) -> None:
    """What this example had, so that the property is known not to be empty."""
    place = {event.key: number for number, event in enumerate(events)}
    kinds = Counter((event.type, event.ids.get("order")) for event in {event.key: event for event in events}.values())
    for order in ("o-1", "o-2"):
        first = {event.type: place[event.key] for event in reversed(events) if event.ids.get("order") == order}
        when = {event.type: event.occurred_at for event in reversed(events) if event.ids.get("order") == order}
        SEEN["exit before its start"] += first.get("order.cancelled", 99) < first.get("order.paid", 0)
        SEEN["remembered wait_for"] += first.get("order.fulfilled", 99) < first.get("order.placed", 0)
        SEEN["cancelled before it was paid"] += when.get("order.cancelled", NOW) < when.get("order.paid", BEGIN)
        SEEN["several matches"] += kinds["shipment.in_transit", order] > 1 or kinds["shipment.delayed", order] > 1
        SEEN["several starts"] += kinds["order.confirmed", order] + kinds["shipment.created", order] > 1
        SEEN["given back before the last parcel"] += when.get("return.received", NOW) < when.get("shipment.delivered", BEGIN)  # fmt: skip
    SEEN["derived delivery"] += bool(line.told("order.delivered"))
    SEEN["held send"] += any(run.stand.kind == "held" for run in line.runs)
    SEEN["held by another journey"] += any("holds" in run.stand.reason for run in line.runs)
    SEEN["word of consent"] += any(event.type in ("customer.consented", "customer.unsubscribed") for event in events)
    SEEN["told anew"] += bool(line.why("retold"))
    SEEN["end undone"] += bool(line.of(Undone))
    SEEN["run undone"] += bool(line.why("undone"))
    SEEN["examples"] += 1


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.data())
def whatever_the_order(data: st.DataObject) -> None:
    events = data.draw(histories())
    shop = data.draw(st.sampled_from([0, 1, 1, 2]))
    repeated = events + data.draw(st.lists(st.sampled_from(events), max_size=3))
    shuffled = data.draw(st.permutations(repeated))
    note(" ".join(f"{event.occurred_at:%H:%M} {event.type} {[*event.ids.values()]}" for event in shuffled))
    straight, other = apply(events, shop), apply(shuffled, shop)
    assert straight.state.heard, "something was due: the example is about nothing"
    count(other, shuffled)
    assert known(other) == known(straight)
    assert asked(other) == asked(straight)


def test_the_order_of_recording_changes_nothing() -> None:
    """The property, and that its examples were about something: one test, so that both count in one process."""
    SEEN.clear()
    whatever_the_order()
    print({name: SEEN[name] for name in sorted(SEEN)})
    for name in ("exit before its start", "remembered wait_for", "derived delivery", "held send", "told anew"):
        assert SEEN[name] > 0, name
