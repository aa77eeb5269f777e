"""What must hold in every history, with hand-overs, objections, outages and erasure in between.

Random inputs drive one customer through journeys of every kind; each promise is checked on what came out.
"""

# ruff: noqa: E501 - a journey in one line keeps the test in sight

from __future__ import annotations

import itertools
from datetime import datetime, timedelta
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from postventa.core import schedule
from postventa.core.advance import advance
from postventa.core.effect import Claimed, RunEnded, SendMessage
from postventa.core.journey import Cap, Duration, LocalTime, Shop, Window
from postventa.core.state import CustomerState
from postventa.store.codec import state_from_plain, state_to_plain
from postventa.testing import Timeline, compiled, moment

START = moment("2026-03-26T08:00:00Z")  # three days before the clocks change in Madrid
CAP = Cap(2, Duration(days=3))
OPENS, SHUTS = LocalTime(9), LocalTime(21)


def journey(name: str, subject: str, on: str, steps: str, head: str = "") -> str:
    return f"journey: {name}\nsubject: {subject}\nstart: {{on: {on}}}\n{head}\nsteps:\n{steps}"


JOURNEYS = (
    journey("mails", "order", "order.paid",
            "  - send: soft\n    id: first\n  - wait: 1 hour\n  - send: soft\n    id: second\n  - wait: 1 day\n    at: '10:00'\n"
            "  - send: news\n    if_blocked: wait up to 5 days\n  - wait: 72 hours\n    spread: 2 hours\n  - send: soft\n    id: third\n",
            "exit_on: [order.cancelled, order.returned]\ngoal: {on: order.placed, within: 9 days, then: exit}"),
    journey("asks", "order", "order.delivered",
            "  - ask: happy\n    timeout: 3 days\n    remind_after: 1 day\n    then: [{award: 5, reason: r}]\n    on_timeout: go_on\n"
            "  - wait_until: order.promised_at\n    timeout: 4 days\n    on_timeout: go_on\n  - send: soft\n", "exit_on: order.cancelled"),
    journey("guide", "line", "line.delivered",
            "  - wait: 1 day\n  - send: guide\n    together: order\n  - wait: 1 hour\n  - send: receipt\n", "exit_on: line.returned"),
    journey("care", "ticket", "ticket.opened",
            "  - hold: marketing\n    at_most: 2 days\n  - wait_for: ticket.replied\n    times: 2\n    timeout: 1 day\n    on_timeout: go_on\n"
            "  - send: receipt\n", "exit_on: ticket.closed"),
    journey("yearly", "customer", "order.paid",
            "  - repeat: 2 days\n    at_most: 3\n    steps:\n      - send: news\n      - wait_for: order.placed\n        since: here\n"
            "        timeout: 1 day\n        on_timeout: go_on\n", "exit_on: customer.unsubscribed"),
    journey("hourly", "ticket", "ticket.opened", "  - repeat: 1 hour\n    at_most: 4\n    steps:\n      - send: receipt\n"),
)  # fmt: skip
SHOP = Shop(timezone="Europe/Madrid", caps=(CAP,), windows=(Window(OPENS, SHUTS),))
CATALOG = compiled(*JOURNEYS, messages={"soft": "soft_opt_in", "guide": "soft_opt_in", "news": "marketing"}, shop=SHOP)
KLASS = {name: one.klass for name, one in CATALOG.messages.items()}

KINDS: list[tuple[str, dict[str, Any]]] = [
    ("order.placed", {"lines": [{"line_id": "1", "sku": "a"}, {"line_id": "2", "sku": "b"}]}), ("order.paid", {}),
    ("order.cancelled", {}), ("order.confirmed", {"promised_at": "2026-04-02T10:00:00Z"}),
    ("shipment.delivered", {"shipment": "s1", "line_ids": ["1"]}), ("shipment.delivered", {"shipment": "s2", "line_ids": ["2"]}),
    ("return.received", {"return": "r1", "line_ids": ["1"]}), ("survey.answered", {"survey": "happy", "score": 2}),
    ("ticket.opened", {"ticket": "t1"}), ("ticket.replied", {"ticket": "t1"}), ("ticket.closed", {"ticket": "t1"}),
]  # fmt: skip
STEP = st.one_of(
    st.tuples(st.just("event"), st.sampled_from(KINDS), st.sampled_from(["o-1", "o-2"]), st.integers(0, 600)),
    st.tuples(st.just("event"), st.sampled_from(KINDS[:2]), st.sampled_from(["o-1", "o-2", "o-3"]), st.integers(0, 30)),
    st.tuples(st.just("word"), st.sampled_from(["customer.consented", "customer.unsubscribed"])),
    st.tuples(st.just("to"), st.integers(1, 4000)),
    st.tuples(st.just("sleep"), st.integers(1, 6000)),
    st.tuples(st.just("hands"), st.booleans()),
    st.tuples(st.just("claim")),
    st.tuples(st.just("receipts"), st.sampled_from(["sent", "sent", "uncertain", "refused", "gave_up"])),
)
STORIES = st.lists(STEP, min_size=4, max_size=25)


class Story:
    """A timeline that remembers when runs ended and when the customer objected, as the outputs said."""

    def __init__(self) -> None:
        self.line = Timeline(CATALOG, START)
        self.folded = CustomerState("c-1")
        self.ended: dict[str, datetime] = {}
        self.counted = 0
        self.moments: list[tuple[datetime, frozenset[str], bool]] = []
        self.line.event("customer.consented", purpose="marketing")

    def play(self, steps: list[tuple[Any, ...]]) -> Story:
        for step in steps:
            self.act(step)
            self.look()
        return self

    def act(self, step: tuple[Any, ...]) -> None:
        line = self.line
        match step:
            case ("event", (kind, data), order, ago):
                about = {} if kind.startswith("ticket") else {"order": order}
                line.event(kind, at=line.now - timedelta(minutes=ago), **about, **data)
            case ("word", kind):
                line.event(kind, purpose="marketing")
            case ("to", minutes):
                line.to(line.now + timedelta(minutes=minutes))
            case ("sleep", minutes):
                line.sleep(line.now + timedelta(minutes=minutes)).tick()
            case ("hands", on):
                line.hands_over = on
            case ("claim",):
                line.claim()
            case ("receipts", result):
                for row in list(line.state.outbox.values()):
                    if row.state == "withdrawn":
                        line.receipt(row.effect_id, "cancelled")
                    elif row.state == "claimed":
                        line.receipt(row.effect_id, result)

    def look(self) -> None:
        """Every wait becomes due; what is on its way belongs to runs that stand for it."""
        state = self.line.state
        for run in state.runs.values():
            stand = run.stand
            assert stand.kind != "parked", stand.reason
            waits = stand.due_at is not None or (stand.kind == "outbox" and stand.effect_id in state.outbox)
            assert waits or (stand.kind == "held" and state.holds), (run.journey, stand)
        for row in state.outbox.values():
            if row.state != "withdrawn":
                assert all(run_id in state.runs for run_id in row.run_ids)


FAST = settings(max_examples=120, deadline=None, suppress_health_check=list(HealthCheck))


@FAST
@given(STORIES)
def test_nothing_of_a_run_leaves_after_its_exit_or_goal(steps: list[tuple[Any, ...]]) -> None:
    story = Story().play(steps)
    ended: dict[str, datetime] = {}
    for now, _, outcome in story.line.outcomes:
        for effect in outcome.effects:
            if isinstance(effect, RunEnded) and effect.outcome in ("exited", "goal"):
                ended[effect.run_id] = now
            if isinstance(effect, SendMessage):
                assert not set(effect.run_ids) & set(ended)
            if isinstance(effect, Claimed):
                # As the row stands at the claim: a line that left a shared mail is not among its runs any more.
                assert not set(outcome.state.outbox[effect.effect_id].run_ids) & set(ended)


@FAST
@given(STORIES)
def test_after_an_objection_only_transactional_mail_leaves(steps: list[tuple[Any, ...]]) -> None:
    story = Story().play(steps)
    objected = False
    from postventa.core.event import Event

    for _, given_, outcome in story.line.outcomes:
        if isinstance(given_, Event) and given_.type.startswith("customer."):
            objected = given_.type == "customer.unsubscribed"
        for effect in outcome.effects:
            if isinstance(effect, Claimed) and objected:
                assert KLASS[story.line.rows[effect.effect_id].message] == "transactional"


@FAST
@given(STORIES)
def test_windows_and_caps_hold_at_every_claim(steps: list[tuple[Any, ...]]) -> None:
    story = Story().play(steps)
    tz = schedule.zone("Europe/Madrid")
    refused = {
        given_.effect_id
        for _, given_, _ in story.line.outcomes
        if getattr(given_, "result", "") in ("refused", "gave_up", "cancelled")
    }
    left: dict[str, datetime] = {}
    for now, _, outcome in story.line.outcomes:
        for effect in outcome.effects:
            if isinstance(effect, Claimed) and KLASS[story.line.rows[effect.effect_id].message] != "transactional":
                local = now.astimezone(tz)
                assert OPENS.hour <= local.hour < SHUTS.hour
                left[effect.effect_id] = now
    kept = sorted(at for name, at in left.items() if name not in refused)
    for first, third in zip(kept, kept[CAP.count :], strict=False):
        assert schedule.add(third, CAP.per, tz, -1) >= first


@FAST
@given(STORIES)
def test_two_mails_that_an_hour_separates_never_leave_in_one_second(steps: list[tuple[Any, ...]]) -> None:
    story = Story()
    story.line.hands_over = True
    story.play([step for step in steps if step[0] not in ("hands", "claim", "receipts")])
    story.line.to("+60 days")
    by_run: dict[tuple[str, str], list[datetime]] = {}
    for sent in story.line.sent:
        row = story.line.rows[sent.effect_id]
        if row.journey in ("mails", "guide", "hourly"):
            for run_id in row.run_ids:
                by_run.setdefault((row.journey, run_id), []).append(sent.at)
    for (journey_id, _), times in by_run.items():
        # A round begins at its own time, counted from the start: the one before may have been late by less than catch_up.
        least = timedelta(seconds=2) if journey_id == "hourly" else timedelta(hours=1)
        assert all(two - one >= least for one, two in itertools.pairwise(times))


@FAST
@given(STORIES)
def test_every_run_ends(steps: list[tuple[Any, ...]]) -> None:
    story = Story()
    story.play([step for step in steps if step[0] not in ("hands", "claim", "receipts")])
    story.line.hands_over = True
    story.line.hand_over()
    story.line.to("+400 days")
    assert story.line.runs == []
    assert story.line.state.outbox == {}


@FAST
@given(STORIES)
def test_folding_the_inputs_gives_the_same_state_and_no_given_state_changes(steps: list[tuple[Any, ...]]) -> None:
    """Through JSON and back before each call, as a store does it; and `advance` leaves what it is given alone."""
    story = Story().play(steps)
    state = CustomerState("c-1")
    for now, given_, outcome in story.line.outcomes:
        before = state_to_plain(state)
        again = advance(state, given_, now, CATALOG)
        assert state_to_plain(state) == before
        assert again.effects == outcome.effects
        assert again.trace == outcome.trace
        state = state_from_plain(state_to_plain(again.state))
    assert state == story.line.state


@FAST
@given(STORIES, STORIES)
def test_after_erasure_nothing(before: list[tuple[Any, ...]], after: list[tuple[Any, ...]]) -> None:
    story = Story().play(before)
    story.line.event("customer.erased")
    told, sent = len(story.line.outcomes), len(story.line.sent)
    for row in after:
        if row[0] not in ("receipts", "claim"):
            story.act(row)
    assert all(not outcome.effects for _, _, outcome in story.line.outcomes[told:])
    assert len(story.line.sent) == sent
