"""Files change again and again while people are inside: whatever happens in between, nothing is lost or repeated.

The steps `a` to `d` are in every version, in the same order; waits get longer and shorter, steps come and go between
them, messages are sent otherwise, other events are waited for. Another family puts the same steps in any order.
"""

# ruff: noqa: E501 - a step in one line keeps the test in sight

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import timedelta
from functools import cache
from typing import Any

from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from postventa.core.advance import advance
from postventa.core.effect import SendMessage
from postventa.core.event import Event, Move
from postventa.core.journey import Catalog
from postventa.core.state import CustomerState, Run
from postventa.store.codec import state_from_plain, state_to_plain
from postventa.testing import Timeline, compiled, moment
from postventa.testing.edits import publish

START = moment("2026-03-26T08:00:00Z")
STEPS = {
    "a": "send: a", "w1": "wait: 1 day", "b": "send: b", "e": "wait_for: order.fulfilled\n    timeout: 4 days\n    on_timeout: go_on",
    "q": "ask: happy\n    timeout: 3 days\n    remind_after: 1 day\n    then: [{award: 5, reason: r, id: prize}]\n    on_timeout: go_on",
    "c": "send: c", "w2": "wait: 3 days\n    at: '10:00'", "d": "send: d",
}  # fmt: skip
OTHER = {
    "w1": "wait: 5 days", "w2": "wait: 2 hours", "b": "send: b\n    with: {colour: red}", "c": "send: other",
    "e": "wait_for: [order.fulfilled, shipment.delivered]\n    timeout: 1 day\n    on_timeout: go_on",
    "q": "ask: happy\n    timeout: 9 days\n    remind_after: 5 hours\n    then: [{award: 5, reason: r, id: prize}]\n    on_timeout: go_on",
}  # fmt: skip
MORE = {"x": "send: x", "y": "wait: 30 hours", "z": "emit: ticket.requested"}
KEPT = ("a", "b", "c", "d")


Spec = tuple[tuple[str, ...], tuple[str, ...]]
"""The names of the steps in their order, and those that are written otherwise."""


@cache
def version(spec: Spec) -> Catalog:
    names, changed = spec
    texts = {**STEPS, **MORE, **{name: OTHER[name] for name in changed}}
    steps = "".join(f"  - {texts[name]}\n    id: {name}\n" for name in names)
    return compiled(f"journey: j\nsubject: order\nstart: {{on: order.paid}}\nsteps:\n{steps}")


ORDER = ("x", "a", "w1", "y", "b", "e", "z", "q", "c", "w2", "d")


@st.composite
def grown(draw: st.DrawFn) -> Spec:
    """In their order: some steps more, some waits gone, parts of it otherwise."""
    there = {*KEPT, *draw(st.sets(st.sampled_from(sorted({*ORDER} - {*KEPT}))))}
    return tuple(name for name in ORDER if name in there), tuple(sorted(draw(st.sets(st.sampled_from(sorted(OTHER))))))


@st.composite
def shuffled(draw: st.DrawFn) -> Spec:
    """All steps in any order."""
    return tuple(draw(st.permutations([*STEPS, *MORE]))), ()


def stories(specs: st.SearchStrategy[Spec]) -> st.SearchStrategy[list[tuple[Any, ...]]]:
    step = st.one_of(
        st.tuples(st.just("edit"), specs, st.sampled_from(["follow", "retime"])),
        st.tuples(st.just("to"), st.integers(1, 3000)),
        st.tuples(st.just("sleep"), st.integers(1, 6000)),
        st.tuples(st.just("event"), st.sampled_from(["order.fulfilled", "shipment.delivered", "survey.answered"])),
        st.tuples(st.just("hands"), st.booleans()),
        st.tuples(st.just("claim")),
        st.tuples(st.just("receipts"), st.sampled_from(["sent", "sent", "uncertain", "refused", "gave_up"])),
    )
    return st.lists(step, min_size=3, max_size=20)


class Story:
    """A timeline whose files change; it counts how each message ended, and keeps what a fold needs."""

    def __init__(self, first: Spec) -> None:
        self.line = Timeline(version(first), START)
        self.ended: Counter[str] = Counter()
        self.catalogs: list[Catalog] = []
        self.line.event("order.placed", order="o-1", lines=[{"line_id": "1", "sku": "a"}])
        self.line.event("order.paid", order="o-1")
        self._note()

    def _note(self) -> None:
        line = self.line
        for _, given_, _outcome in line.outcomes[len(self.catalogs) :]:
            self.catalogs.append(line.catalog)
            result = getattr(given_, "result", "")
            if result and result != "cancelled":
                self.ended[given_.effect_id] += 1  # type: ignore[union-attr]

    def edit(self, spec: Spec, how: Any) -> None:
        line, new = self.line, version(spec).live["j"]
        publish(line, version(spec))
        older = tuple(sorted(version for _, version in line.catalog.versions))
        line.give(Move("j", new.version, older, how))
        if line.hands_over:
            line.hand_over()

    def play(self, steps: list[tuple[Any, ...]]) -> Story:
        for step in steps:
            self.act(step)
            self._note()
            for run in self.line.runs:
                assert run.stand.kind != "parked", run.stand.reason
                waits = run.stand.due_at is not None or run.stand.effect_id in self.line.state.outbox
                assert waits, run.stand
        return self

    def act(self, step: tuple[Any, ...]) -> None:
        line = self.line
        match step:
            case ("edit", spec, how):
                self.edit(spec, how)
            case ("to", minutes):
                line.to(line.now + timedelta(minutes=minutes))
            case ("sleep", minutes):
                line.sleep(line.now + timedelta(minutes=minutes)).tick()
            case ("event", kind):
                more = {"survey": "happy", "score": 4} if kind == "survey.answered" else {}
                more |= {"shipment": "s-1"} if kind.startswith("shipment") else {}
                line.event(kind, order="o-1", **more)
            case ("hands", on):
                line.hands_over = on
            case ("claim",):
                line.claim()
            case ("receipts", result):
                self.receipts(result)

    def receipts(self, result: Any) -> None:
        for row in list(self.line.state.outbox.values()):
            if row.state != "pending":
                self.line.receipt(row.effect_id, "cancelled" if row.state == "withdrawn" else result)

    def to_the_end(self) -> Story:
        self.receipts("sent")
        self.line.hands_over = True
        self.line.hand_over()
        self.line.to("+400 days")
        self._note()
        return self


FAST = settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))


@FAST
@given(grown(), stories(grown()))
def test_whoever_is_brought_from_version_to_version_gets_everything_once(first: Spec, steps: list[Any]) -> None:
    story = Story(first).play(steps).to_the_end()
    assert story.line.runs == []
    assert story.line.state.outbox == {}
    told = {effect: story.line.rows[effect].step_id for effect in story.ended}
    counted = Counter(
        told[effect] for effect, count in story.ended.items() for _ in range(count) if told[effect] in KEPT
    )
    assert counted == dict.fromkeys(KEPT, 1)


@FAST
@given(shuffled(), stories(shuffled()))
def test_in_whatever_order_the_steps_come_nothing_is_asked_for_again(first: Spec, steps: list[Any]) -> None:
    story = Story(first).play(steps).to_the_end()
    assert story.line.runs == []
    assert set(story.ended.values()) <= {1}
    done: set[str] = set()
    for _, given_, outcome in story.line.outcomes:
        if getattr(given_, "result", "") not in {"", "cancelled"}:
            done.add(given_.effect_id)
        assert not {one.effect_id for one in outcome.effects if isinstance(one, SendMessage)} & done
    names = [one.effect_id for one in story.line.effects if type(one).__name__ == "EmitEvent"]
    assert len(names) == len(set(names))
    assert story.line.state.balance <= 5


@FAST
@given(grown(), stories(grown()), grown(), st.sampled_from(["follow", "retime"]))
def test_there_and_back_gives_the_same_stand(first: Spec, steps: list[Any], other: Spec, how: Any) -> None:
    """Where the step was kept, sends the same, and its new time has not come yet."""
    story = Story(first).play([step for step in steps if step[0] != "edit"])
    line = story.line
    assume(line.runs and line.run.stand.kind != "held")
    before: Run = line.run
    rows = dict(line.state.outbox)
    line.hands_over = False
    story.edit(other, how)
    there = line.runs
    assume(there and there[0].marks.keys() == before.marks.keys() and there[0].stand.kind == before.stand.kind)
    assume(_step(line, there[0]) == _step(line, before) and line.state.outbox.keys() == rows.keys())
    story.edit(first, how)
    back = line.run
    since = {"since": before.stand.since} if how == "retime" or before.stand.kind in {"outbox", "event"} else {}
    assert replace(back.stand, **since) == before.stand
    assert back.but(stand=before.stand) == before
    assert line.state.outbox == rows


def _step(line: Timeline, run: Run) -> str:
    journey = line.catalog.journey_of(run.journey, run.version)
    assert journey is not None
    return journey.steps[run.step].id


@FAST
@given(grown(), stories(grown()))
def test_the_history_tells_of_every_move(first: Spec, steps: list[Any]) -> None:
    """Each call made again, through JSON and back before it, under a catalog that knows every version ever."""
    story = Story(first).play(steps).to_the_end()
    every = story.line.catalog.versions
    state = CustomerState("c-1")
    for (now, given_, outcome), catalog in zip(story.line.outcomes, story.catalogs, strict=True):
        again = advance(state, given_, now, replace(catalog, versions=every))
        assert again.effects == outcome.effects
        state = state_from_plain(state_to_plain(again.state))
    assert state.runs == story.line.state.runs
    assert state.events == story.line.state.events
    assert isinstance(story.line.outcomes[0][1], Event)
