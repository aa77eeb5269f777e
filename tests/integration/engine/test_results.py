"""What happened, counted from each store, beside the same counted again from a fold of the history."""

from __future__ import annotations

import json
import random
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from engine_shop import T0, event, live, paid, placed, project

from postventa.core.advance import advance
from postventa.core.effect import GoalReached
from postventa.core.event import Receipt
from postventa.core.state import CustomerState
from postventa.engine.engine import Engine
from postventa.engine.replay import instant
from postventa.engine.results import Results, brief, results
from postventa.schemas.parse import Incoming
from postventa.store.codec import state_from_plain
from postventa.store.inputs import input_from_plain
from postventa.web.results import plain

TRIAL = b"""\
journey: trial
title: A trial
owner: a@shop.example
subject: order
start: {on: order.paid}
exit_on: [order.cancelled]
goal: {on: order.placed, within: 60 days}
steps:
  - send: thanks
  - wait: 2 days
  - experiment: second-order
    size: SIZE
    variants:
      coupon: {weight: 2, then: [{send: tips, if_blocked: skip}]}
      control: {weight: 1, then: go_on}
  - wait: 1 day
"""
END = T0 + timedelta(days=60)
ORDERS = 36


def shop(size: int = 1000, weight: int = 2) -> Any:
    text = TRIAL.replace(b"SIZE", str(size).encode()).replace(b"weight: 2", f"weight: {weight}".encode())
    caps = b"caps: [{emails: 1, per: 30 days}]\n"
    changed = project(journeys__trial=text)
    return type(changed).from_files({**changed.files, "postventa.yaml": changed.files["postventa.yaml"] + caps})


def three_weeks(seed: int) -> list[Incoming]:
    """Orders, some cancelled, some of the same customer again; one customer objects, two turn out to be one."""
    chance = random.Random(seed)
    events: list[Incoming] = []
    for number in range(ORDERS):
        who, at = f"c-{number % 14}", chance.randrange(0, 500)
        name = f"o-{number}"
        events += [placed(name, at, customer_id=who, email=f"{who}@example.com"), paid(name, at + 1)]
        if chance.random() < 0.2:
            events.append(event("order.cancelled", f"{name}/x", at + chance.randrange(2, 70), order_id=name))
    events.append(event("customer.unsubscribed", "u", 60, customer_id="c-3", channel="email"))
    events.append(event("customer.merged", "m", 300, into="c-1", **{"from": "c-2"}))
    return events


async def lived(engine: Engine, events: list[Incoming]) -> None:
    """Everything until END; every seventh message is refused by the mail server."""
    await live(engine, events, END, lambda number: "sent" if number % 7 else "refused")


@dataclass
class Folded:
    """The same figures, from the history alone."""

    entered: int = 0
    ended: Counter[str] = field(default_factory=Counter)
    sent: Counter[str] = field(default_factory=Counter)
    skipped: Counter[tuple[str, str]] = field(default_factory=Counter)
    goals: list[tuple[str, str, datetime, Decimal]] = field(default_factory=list)
    met: dict[str, tuple[str, datetime]] = field(default_factory=dict)
    """Customer -> (variant, when first)."""
    exposed: set[str] = field(default_factory=set)


async def folded(engine: Engine, journey: str) -> Folded:
    found = Folded()
    catalogs = {}
    for one in await engine.store.views.releases():
        catalogs[one["hash"]] = await engine.releases.catalog_of(one["hash"])
    for customer in await engine.store.views.customer_ids():
        events = {one.key: one for one, _ in await engine.store.views.events(customer)}
        state = CustomerState(customer)
        for row in await engine.store.views.history(customer):
            if row.kind == "merge":
                state = state_from_plain(row.payload)
                continue
            given = input_from_plain(row.kind, row.payload, events)
            before = state.outbox
            outcome = advance(state, given, row.now, catalogs[row.release])
            state = outcome.state
            note(found, customer, journey, outcome, given, before)
    return found


def note(found: Folded, customer: str, journey: str, outcome: Any, given: Any, before: Any) -> None:
    for one in outcome.trace:
        if one.journey != journey:
            continue
        found.entered += one.what == "start"
        if one.what in {"end", "exit"}:
            found.ended[one.reason.partition(" at ")[0] if one.what == "exit" else "completed"] += 1
        if one.decision == "skip":
            found.skipped[one.message, brief(one.reason)] += 1
        if one.what == "variant":
            found.met.setdefault(customer, (one.variant, one.at))
            found.exposed.add(one.run_id)
    for effect in outcome.effects:
        if isinstance(effect, GoalReached) and effect.journey == journey:
            found.goals.append((customer, effect.run_id, effect.at, Decimal(effect.value or 0)))
    if isinstance(given, Receipt) and given.result == "sent" and given.effect_id in before:
        found.sent[before[given.effect_id].message] += 1


async def told(engine: Engine, journey: str = "trial") -> Results:
    found = await results(engine.store.views, (await engine.releases.live()).catalog, journey)
    assert found is not None
    return found


async def test_every_figure_comes_out_of_the_history_again(engine: Engine) -> None:
    await engine.releases.publish(shop(), T0)
    events = [one for one in three_weeks(3) if one.event.type != "customer.merged"]
    await lived(engine, events)
    now, again = await told(engine), await folded(engine, "trial")
    assert (now.entered, now.inside) == (again.entered, again.entered - again.ended.total())
    assert {key.partition(": ")[2] or key: count for key, count in now.ended.items()} == again.ended
    skipped = {(one.message, reason): count for one in now.messages for reason, count in one.skipped.items()}
    assert skipped == again.skipped
    # `thanks` is a message of another journey, too: that one's mails are counted there
    other = await told(engine, "thanks")
    sent = Counter({one.message: one.sent for one in now.messages})
    sent.update({one.message: one.sent for one in other.messages})
    assert sent == again.sent
    assert sum(one.states.get("refused", 0) for one in now.messages) > 0
    assert (now.goals.reached, now.goals.total) == (len(again.goals), sum(one[3] for one in again.goals))
    assert now.goals.customers == len({one[0] for one in again.goals})
    assert now.goals.reached > 5
    (trial,) = now.experiments
    reached: dict[str, set[str]] = defaultdict(set)
    totals: Counter[str] = Counter()
    for customer, run_id, at, value in again.goals:
        variant, since = again.met.get(customer, ("", END))
        if run_id in again.exposed and at >= since:
            reached[variant].add(customer)
            totals[variant] += value  # type: ignore[assignment]
    people = Counter(variant for variant, _ in again.met.values())
    assert {one.name: (one.people, one.reached, one.total) for one in trial.variants} == {
        name: (people[name], len(reached[name]), totals[name]) for name in ("control", "coupon")
    }
    assert {reason.split(" is reached")[0] for _, reason in again.skipped} >= {
        "the customer objected",
        "the cap of 1 per 30 days",
    }
    assert trial.variants[0].expected == pytest.approx(trial.people / 3)


async def test_two_customers_who_become_one_are_counted_once(engine: Engine) -> None:
    await engine.releases.publish(shop(), T0)
    await lived(engine, three_weeks(3))
    found = await told(engine)
    (trial,) = found.experiments
    kept = await engine.store.views.customer_ids()
    assert "c-2" not in kept
    assert trial.people <= len(kept)
    assert found.entered == sum(found.ended.values()) + found.inside


async def test_no_winner_before_the_planned_size_and_weights_of_each_version_count(engine: Engine) -> None:
    await engine.releases.publish(shop(1000), T0)
    events = three_weeks(5)
    middle = T0 + timedelta(days=10)
    await lived(engine, [one for one in events if instant(one.event) < middle])
    first = (await told(engine)).experiments[0]
    assert (first.verdict, first.winner, first.size) == ("too_early", "", 1000)
    await engine.releases.publish(shop(5, weight=1), middle)
    await lived(engine, [one for one in events if instant(one.event) >= middle])
    second = (await told(engine)).experiments[0]
    assert second.size == 5
    assert second.verdict in {"winner", "no_difference"}
    control, coupon = second.variants
    assert first.people / 3 < control.expected < second.people / 2 < coupon.expected
    assert control.expected + coupon.expected == pytest.approx(second.people)


async def test_unknown_journeys_are_nobody_and_json_is_plain(engine: Engine) -> None:
    assert await results(engine.store.views, (await engine.releases.live()).catalog, "nowhere") is None
    await engine.releases.publish(shop(), T0)
    empty = await told(engine)
    assert (empty.entered, empty.messages, empty.experiments[0].verdict) == (0, [], "empty")
    assert json.loads(json.dumps(plain(empty)))["goal"] == {
        "on": "order.placed", "reached": 0, "customers": 0, "total": "0.00", "with_total": 0, "currency": "EUR",
    }  # fmt: skip


async def test_an_experiment_may_be_measured_by_an_event(engine: Engine) -> None:
    text = TRIAL.replace(b"SIZE", b"10\n    measure: order.cancelled").replace(b"exit_on: [order.cancelled]\n", b"")
    await engine.releases.publish(project(journeys__trial=text), T0)
    orders = [
        one
        for number in range(9)
        for one in (placed(f"o-{number}", 1, customer_id=f"c-{number}"), paid(f"o-{number}", 2))
    ]
    late = [event("order.cancelled", f"x-{number}", 24 * 5, order_id=f"o-{number}") for number in range(4)]
    early = [event("order.cancelled", "x-8", 24, order_id="o-8")]
    await lived(engine, [*orders, *late, *early])
    (trial,) = (await told(engine)).experiments
    assert trial.measure == "order.cancelled"
    assert (trial.people, sum(one.reached for one in trial.variants)) == (9, 4)
