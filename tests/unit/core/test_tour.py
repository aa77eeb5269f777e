"""Everything there is gets walked: each way to stand, each step, each effect."""

# ruff: noqa: E501 - a journey in one line keeps the test in sight

from __future__ import annotations

from typing import get_args

from postventa.core.effect import Effect
from postventa.core.journey import AnyStep, Loyalty, Reward, Shop
from postventa.core.state import StandKind
from postventa.testing import Timeline, compiled

START = "2026-03-02T10:00:00Z"
ALL = """journey: all
subject: order
start: {on: order.paid}
exit_on: order.cancelled
goal: {on: order.placed, within: 60 days, then: go_on}
steps:
  - set: {run.x: 1}
  - branch:
      - when: {run.x: 1}
        then: go_on
      - otherwise: go_on
  - emit: ticket.requested
  - award: 5
    reason: r
  - experiment: colours
    variants:
      red: {weight: 1, then: go_on}
      blue: {weight: 1, then: go_on}
  - hold: marketing
    at_most: 1 day
  - send: hello
  - release: marketing
  - wait: 1 day
  - wait_until: order.promised_at
    timeout: 1 day
    on_timeout: go_on
  - wait_for: ticket.replied
    timeout: 1 day
    on_timeout: go_on
  - ask: happy
    timeout: 1 day
    then: go_on
    on_timeout: go_on
  - repeat: 1 day
    at_most: 2
    steps:
      - send: soft
  - exit: done
"""
HELD = "journey: held\nsubject: order\nstart: {on: order.paid}\nsteps:\n  - send: soft\n"
LINE = "journey: line\nsubject: line\nstart: {on: order.paid}\nexit_on: line.returned\nsteps:\n  - wait: 1 day\n    spread: 50 minutes\n  - send: hello\n    together: order\n"
LOST = "journey: lost\nsubject: order\nstart: {on: order.paid}\nsteps:\n  - send: lost\n"


def test_every_stand_step_and_effect_is_walked() -> None:
    catalog = compiled(
        ALL,
        HELD,
        LINE,
        LOST,
        messages={"soft": "soft_opt_in"},
        shop=Shop(),
        loyalty=Loyalty(rewards={"r": Reward("r")}),
    )
    del catalog.messages["lost"]  # type: ignore[attr-defined]
    stands, steps, effects = set(), set(), set()

    class Watching(Timeline):
        def give(self, given):  # type: ignore[no-untyped-def]
            outcome = super().give(given)
            effects.update(type(one).__name__ for one in outcome.effects)
            steps.update(entry.step_id for entry in outcome.trace)
            for run in outcome.state.runs.values():
                stands.add(run.stand.kind)
                if run.stand.resume is not None:
                    stands.add(run.stand.resume.kind)
            return outcome

    line = Watching(catalog, START)
    line.event("order.paid", order="o-1", lines=[{"line_id": "1", "sku": "a"}, {"line_id": "2", "sku": "b"}])
    line.to("+1 day")
    other = Watching(catalog, START, hands_over=False)
    other.event("order.paid", order="o-1", lines=[{"line_id": "1", "sku": "a"}])
    other.event("order.cancelled", order="o-1")
    other.event("order.placed", order="o-2", at="-1 second")
    other.event("order.cancelled", order="o-1", at="-1 second", event_id="sooner")
    line.hands_over = False
    line.to("+1 hour").claim()
    line.event("line.returned", order="o-1", line="1")
    line.hands_over = True
    line.hand_over()
    line.to("+20 days").event("order.placed", order="o-2")
    line.hands_over = False
    line.event("order.paid", order="o-3")
    line.event("order.cancelled", order="o-3", at="+1 second")
    line.event("customer.erased", at="+2 seconds")
    assert stands == set(get_args(StandKind))
    assert effects == {one.__name__ for one in get_args(Effect)}
    verbs = {type(step) for journey in catalog.live.values() for step in journey.steps}
    assert verbs == set(get_args(AnyStep))
    assert {step.id for step in catalog.live["all"].steps} <= steps
