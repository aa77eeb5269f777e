"""The order in which events are recorded changes nothing for a customer of whom something has left, either.

Such a customer is not told anew (see `test_permutations`): what is remembered beside each event has to serve. That is
less, and docs/adr/0002 says why. Left out here, because the order of recording is part of their meaning: two start
events of one subject, several events that could match one wait_for, a line returned before the last other parcel came,
an answer to a survey that an objection skips at once; an order whose first recorded event does not name its lines;
an order cancelled before it was paid (soft opt-in reads the count of paid orders). Holds, caps and words of consent are
left out for the same reason, and the customer's address is known from the beginning.
"""

# ruff: noqa: E501 - a journey in one line keeps the test in sight

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from typing import Any

from hypothesis import HealthCheck, given, note, settings
from hypothesis import strategies as st

from postventa.core.effect import EmitEvent
from postventa.core.event import Event
from postventa.core.journey import LocalTime, Shop, Window
from postventa.testing import Timeline, compiled, moment

BEGIN = moment("2026-03-02T06:00:00Z")
NOW = BEGIN + timedelta(hours=6)


def journey(name: str, subject: str, on: str, steps: str, head: str = "") -> str:
    return f"journey: {name}\nsubject: {subject}\nstart: {{on: {on}}}\n{head}\nsteps:\n{steps}"


JOURNEYS = (
    journey("thanks", "order", "order.paid", "  - send: thanks\n  - wait: 1 day\n  - send: later\n",
            "exit_on: [order.cancelled, order.returned]\ngoal: {on: order.placed, within: 60 days, then: go_on}"),
    journey("again", "order", "order.paid", "  - wait: 2 days\n  - send: later\n",
            "goal: {on: order.placed, within: 60 days, then: exit}"),
    journey("arrived", "order", "order.placed",
            "  - wait_for: order.delivered\n    timeout: 20 days\n    on_timeout: [{exit: never}]\n  - send: arrived\n"),
    journey("dispatch", "order", "order.placed",
            "  - wait_for: {event: order.fulfilled, where: {event.number: {exists: false}}}\n    timeout: 9 days\n"
            "    on_timeout: go_on\n  - wait_for: order.delivered\n    timeout: 20 days\n    on_timeout: go_on\n"
            "  - wait: 3 days\n  - award: 5\n    reason: r\n  - send: later\n", "exit_on: order.cancelled"),
    journey("guide", "line", "line.delivered", "  - wait: 1 day\n    at: '18:00'\n  - send: guide\n    together: order\n",
            "exit_on: [line.returned, order.cancelled]"),
    journey("at-once", "line", "line.delivered", "  - send: today\n", "exit_on: line.returned"),
    journey("parcel", "shipment", "shipment.in_transit",
            "  - wait_for: shipment.out_for_delivery\n    timeout: 9 days\n    on_timeout: go_on\n  - send: today\n",
            "exit_on: [shipment.delivered, order.cancelled]"),
    journey("promise", "order", "order.paid",
            "  - wait_until: order.promised_at\n    offset: '-1 day'\n    timeout: 9 days\n    on_timeout: go_on\n  - send: soon\n",
            "exit_on: customer.unsubscribed"),
    journey("survey", "order", "order.paid",
            "  - ask: happy\n    timeout: 7 days\n    then: [{wait: 1 day}, {send: later}]\n    on_timeout: go_on\n",
            "exit_on: order.cancelled"),
    journey("hello", "customer", "customer.updated", "  - send: hello\n"),
    journey("returned", "return", "return.requested",
            "  - wait_for: return.received\n    timeout: 30 days\n    on_timeout: go_on\n  - send: later\n"),
)  # fmt: skip
CATALOG = compiled(*JOURNEYS, messages={"thanks": "soft_opt_in", "guide": "soft_opt_in"})
SHUT = compiled(*JOURNEYS, messages={"thanks": "soft_opt_in", "guide": "soft_opt_in"},
                shop=Shop(windows=(Window(LocalTime(16), LocalTime(20)),)))  # fmt: skip
SEEN: Counter[str] = Counter()


@st.composite
def orders(draw: st.DrawFn, name: str) -> list[tuple[int, str, dict[str, Any]]]:
    """(minute, type, data) of what happens to one order."""
    minute = draw(st.integers(0, 60))

    def later() -> int:
        nonlocal minute
        minute += draw(st.integers(1, 40))
        return minute

    split = draw(st.booleans())
    told: list[tuple[int, str, dict[str, Any]]] = [(minute, "order.placed", {})]
    if draw(st.booleans()):
        told.append((later(), "order.confirmed", {"promised_at": "2026-03-20T10:00:00Z"}))
    cancel = draw(st.booleans())
    told.append((later(), "order.paid", {"promised_at": "2026-03-18T10:00:00Z"}))
    if cancel:
        told.append((later(), "order.cancelled", {}))
    parcels = [["1"], ["2"]] if split else [["1", "2"]]
    for number, lines in enumerate(parcels, 1):
        data = {"shipment": f"{name}-s{number}", "line_ids": lines}
        verbs = ("in_transit", "out_for_delivery", "delivered")
        for verb in verbs[: draw(st.sampled_from([0, 1, 2, 3, 3, 3]))]:
            told.append((later(), f"shipment.{verb}", data))  # noqa: PERF401 - `later` counts on
    if draw(st.booleans()):
        told.append((later(), "order.fulfilled", {}))
    if any(kind == "shipment.delivered" and data["shipment"].endswith("s1") for _, kind, data in told) and draw(
        st.booleans()
    ):
        lines = ["1"] if split else draw(st.sampled_from([["1"], ["1", "2"]]))
        data = {"return": f"{name}-r", "line_ids": lines}
        told.append((later(), "return.requested", data))
        if draw(st.booleans()):
            told.append((later(), "return.received", data))
    if draw(st.booleans()):
        told.append((later(), "survey.answered", {"survey": "happy", "score": 4}))
    rows = {"lines": [{"line_id": "1", "sku": "a"}, {"line_id": "2", "sku": "b"}]}
    return [
        (at, kind, {"order": name, **data, **(rows if kind.startswith("order.") else {})}) for at, kind, data in told
    ]


@st.composite
def histories(draw: st.DrawFn) -> list[Event]:
    told = draw(orders("o-1")) + (draw(orders("o-2")) if draw(st.booleans()) else [])
    answered = any(kind == "survey.answered" for _, kind, _ in told)
    if not answered and draw(st.booleans()):
        told.append((draw(st.integers(0, 300)), "customer.unsubscribed", {}))
    maker = Timeline(CATALOG, NOW, email=None)
    events = [maker.made(kind, at=BEGIN + timedelta(minutes=at), **data) for at, kind, data in told]
    return sorted(events, key=lambda event: event.order_key)


def apply(events: list[Event], shut: bool) -> Timeline:
    line = Timeline(SHUT if shut else CATALOG, NOW)
    line.event("customer.updated", at=BEGIN - timedelta(days=1), email="ana@example.com")
    line.hands_over = False
    assert line.names == ["hello"], "nothing has left: the example is about nothing"
    for event in events:
        line.give(event)
    return line


def picture(line: Timeline) -> tuple[Any, ...]:
    """The unfinished runs and the ids of every effect that was not cancelled."""
    made = {one.effect_id for one in line.of(EmitEvent) if not one.event.type.startswith("message.")}
    return (line.state.runs, set(line.state.outbox), set(line.state.lots), made)


def count(line: Timeline, events: list[Event]) -> None:
    """What this example had, so that the property is known not to be empty."""
    place = {event.key: number for number, event in enumerate(events)}
    for order in ("o-1", "o-2"):
        first = {event.type: place[event.key] for event in reversed(events) if event.ids.get("order") == order}
        if first.get("order.cancelled", 99) < first.get("order.paid", 0):
            SEEN["exit before its start"] += 1
        if first.get("order.fulfilled", 99) < first.get("order.placed", 0):
            SEEN["remembered wait_for"] += 1
    SEEN["derived delivery"] += bool(line.told("order.delivered"))
    SEEN["held send"] += any(run.stand.kind == "held" for run in line.runs)
    SEEN["examples"] += 1


@settings(max_examples=80, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.data())
def whatever_the_order(data: st.DataObject) -> None:
    events = data.draw(histories())
    shut = data.draw(st.booleans())
    repeated = events + data.draw(st.lists(st.sampled_from(events), max_size=3))
    shuffled = data.draw(st.permutations(repeated))
    note(" ".join(f"{event.occurred_at:%H:%M} {event.type} {[*event.ids.values()]}" for event in shuffled))
    straight, other = apply(events, shut), apply(shuffled, shut)
    count(other, shuffled)
    assert picture(other) == picture(straight)


def test_late_events_change_nothing_after_something_has_left() -> None:
    """The property, and that its examples were about something: one test, so that both count in one process."""
    SEEN.clear()
    whatever_the_order()
    print({name: SEEN[name] for name in sorted(SEEN)})
    for name in ("exit before its start", "remembered wait_for", "derived delivery", "held send"):
        assert SEEN[name] > 0, name
