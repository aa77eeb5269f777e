"""Two messages wait for one place under the cap: the one that first wanted to leave gets it."""

from __future__ import annotations

from postventa.core.journey import Cap, Duration, Message, Shop, Survey
from postventa.testing import Timeline, compiled

SURVEY = """
journey: survey
subject: order
start: {on: order.paid}
steps:
  - ask: satisfaction
    timeout: 14 days
    remind_after: 3 days
    then: go_on
    on_timeout: go_on
"""
TIPS = """
journey: tips
subject: order
start: {on: order.paid}
steps:
  - wait: 4 days
  - send: tips
"""


def test_a_held_reminder_is_as_old_as_its_first_attempt() -> None:
    catalog = compiled(
        SURVEY, TIPS,
        messages={name: Message(name, "soft_opt_in") for name in ("satisfaction", "reminder", "tips")},
        surveys={"satisfaction": Survey("satisfaction", "csat", "satisfaction", 1, 5, reminder="reminder")},
        shop=Shop(caps=(Cap(1, Duration(days=5)),)),
    )  # fmt: skip
    line = Timeline(catalog, "2026-03-02T10:00:00Z")
    line.event("order.paid", order="o-1")
    line.to("+6 days")
    # The reminder is held from the 5th, the tips from the 6th; on the 7th there is room for one of them.
    assert [(one.message, one.at.day) for one in line.sent] == [("satisfaction", 2), ("reminder", 7)]
