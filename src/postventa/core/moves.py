"""Moving one run: from step to step until it stands or ends, and what happens when its time comes.

A run whose step fails stays as it was before and is parked; later events queue for it, the other runs go on.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from functools import partial

from postventa.core import done, schedule, steps, waiting
from postventa.core.belonging import belongs
from postventa.core.endings import end, exits
from postventa.core.event import Event
from postventa.core.journey import END, AnyStep, Ask, Duration, Repeat, Send, WaitFor, WaitUntil
from postventa.core.sending import attempt
from postventa.core.state import Run, Stand
from postventa.core.together import gather
from postventa.core.turn import Turn

MAX_MOVES = 1000
"""Steps a run may take in one call: more means that its journey goes round without ever waiting."""


def move(turn: Turn, run: Run, index: int) -> None:
    """Take a run to a step and on, until it stands or ends."""
    journey = turn.journey_of(run)
    for _ in range(MAX_MOVES):
        if index == END:
            end(turn, turn.put(run), "completed", "every step is done")
            return
        step = journey.steps[index]
        at = late(turn, run.at)
        marks = run.marks if run.step == index else done.left(run, journey.steps[run.step])
        if at != run.at and run.rounds:
            marks = {**marks, steps.DELAYED: at}
        if step.id in journey.marked:
            marks = {**marks, step.id: at}
        run = turn.put(run.but(step=index, at=at, marks=marks, stand=Stand("new", turn.now)))
        go = _passed(turn, run, step) if done.is_done(run, step) else steps.enter(turn, run, step)
        if go is None:
            return
        run, index = go
    raise RecursionError(f"more than {MAX_MOVES} steps without a wait")


def _passed(turn: Turn, run: Run, step: AnyStep) -> tuple[Run, int]:
    """Go on from a step whose effect the run has behind it."""
    turn.note("passed", "done already, before the run came over to this version", run)
    if isinstance(step, Ask):
        return run, step.then if waiting.known_answer(turn, run, step) else step.on_timeout
    return run, step.next


def late(turn: Turn, at: datetime) -> datetime:
    """`at` as a step sees it: reached more than `catch_up` after it, the run goes on from now, so that an outage or a
    late event delays the rest and never sends in one second what a wait separates."""
    now = turn.now
    return now if at < now and schedule.add(at, turn.catalog.shop.catch_up, turn.tz) < now else at


def guarded(turn: Turn, run_id: str, act: Callable[[], None], event: Event | None = None) -> None:
    """Let one run act (on an event); a failure undoes all of it and parks the run, which keeps the event for later."""
    if not turn.careful:
        act()
        return
    mark = turn.mark()
    try:
        act()
    except Exception as failure:  # noqa: BLE001 - whatever a journey's data provoke stops this run only
        turn.roll_back(mark)
        run = turn.state.runs.get(run_id)
        if run is not None:
            park(turn, run, f"{type(failure).__name__}: {failure}")
            if event is not None:
                hear(turn, turn.state.runs[run_id], event)


def park(turn: Turn, run: Run, reason: str) -> None:
    """Stop a run until an operator retries or ends it."""
    before = run.stand.resume if run.stand.kind == "parked" else run.stand
    turn.put(run.but(stand=Stand("parked", turn.now, reason=reason, resume=before)))
    turn.note("parked", reason, run)


# --- its time has come -----------------------------------------------------------------------------------------------
def fire(turn: Turn, run: Run) -> None:
    """The due time of a run: `at` becomes that time, and the run goes on from there."""
    step = turn.journey_of(run).steps[run.step]
    stand = run.stand
    due = stand.due_at or turn.now
    run = run.but(at=max(run.at, due))
    match stand.kind:
        case "timer":
            turn.note("wait", "over", run)
            move(turn, run, step.next)
        case "fact":
            assert isinstance(step, WaitUntil)
            turn.note("timeout", f"{step.fact} is still not known", run)
            move(turn, run, step.on_timeout)
        case "event":
            assert isinstance(step, WaitFor)
            turn.note("timeout", "the event did not come", run)
            move(turn, run, step.on_timeout)
        case "held":
            retry_send(turn, run)
        case "siblings":
            assert isinstance(step, Send)
            _go(turn, gather(turn, turn.put(run), step))
        case "answer":
            assert isinstance(step, Ask)
            _go(turn, waiting.survey_due(turn, turn.put(run), step))
        case "round":
            assert isinstance(step, Repeat)
            _go(turn, steps.begin_round(turn, steps.delayed(run, late(turn, run.at)), step))
        case "new" | "outbox" | "parked":
            raise AssertionError(f"a run that stands as {stand.kind!r} has no due time")


def _go(turn: Turn, go: tuple[Run, int] | None) -> None:
    if go is not None:
        move(turn, *go)


def retry_send(turn: Turn, run: Run) -> None:
    """Ask again for a held message; `at` stays as it was until the message is handed over or skipped."""
    step = turn.journey_of(run).steps[run.step]
    run = turn.state.runs.get(run.run_id, run)
    if isinstance(step, Send) and step.together is not None:
        _go(turn, gather(turn, run, step))
    elif isinstance(step, Send) and not attempt(turn, [run], step):
        move(turn, turn.state.runs[run.run_id], step.next)
    elif isinstance(step, Ask) and not attempt(turn, [run], step):
        move(turn, turn.state.runs[run.run_id], step.on_timeout)


def let_go(turn: Turn) -> None:
    """A hold or a cap let go: ask again for every message that one of them holds back, in order of priority and age."""
    turn.relax = False
    held = [run for run in turn.state.runs.values() if _held_by_others(run)]
    for run in sorted(held, key=lambda run: (run.stand.since, run.run_id)):
        now = turn.state.runs.get(run.run_id)
        if now is run:
            guarded(turn, run.run_id, partial(_again, turn, run))


def _held_by_others(run: Run) -> bool:
    return run.stand.kind == "held" or (run.stand.kind == "answer" and bool(run.stand.reason))


def _again(turn: Turn, run: Run) -> None:
    step = turn.journey_of(run).steps[run.step]
    if run.stand.kind == "answer":
        assert isinstance(step, Ask)
        waiting.remind(turn, run, step)
    else:
        retry_send(turn, run)


# --- an event for a run ----------------------------------------------------------------------------------------------
def may_hear(turn: Turn, run: Run, event: Event) -> bool:
    """A cheap look: whether this event, or the facts it brought, could move the run."""
    if run.stand.kind == "parked":
        return True
    journey = turn.catalog.journey_of(run.journey, run.version)
    if journey is None:
        return True
    step = journey.steps[run.step]
    if isinstance(step, WaitFor):
        moving = step.timeout is not None and not isinstance(step.timeout, Duration)
        return run.stand.kind == "event" and (moving or any(event.type in on.types for on in step.events))
    if isinstance(step, Ask):
        return event.type == "survey.answered"
    return isinstance(step, WaitUntil)


def hear(turn: Turn, run: Run, event: Event) -> None:
    """Let a run take an event it may stand for; a parked run keeps it for later."""
    if run.stand.kind == "parked":
        if belongs(run.ids, event.ids):
            turn.put(run.but(queued=(*run.queued, event)))
        return
    _go(turn, waiting.match(turn, run, event))


def recompute(turn: Turn, run: Run) -> None:
    """Set the due time of a wait on a fact anew, after facts changed."""
    _go(turn, waiting.recompute(turn, run))


def retry_parked(turn: Turn, run: Run) -> None:
    """Stand as before the failure, try again what failed, then hear what came in between. A timer that was due before
    one of these events fires before it."""
    stand = run.stand.resume or Stand("new", turn.now)
    queued, run = run.queued, turn.put(run.but(stand=stand, queued=()))
    turn.note("retried", "by an operator", run)
    if stand.kind == "new":
        move(turn, run, run.step)
    for event in queued:
        now = turn.state.runs.get(run.run_id)
        if now is not None and now.stand.due_at is not None and now.stand.due_at < event.occurred_at:
            fire(turn, now)
            now = turn.state.runs.get(run.run_id)
        if now is not None and not exits(turn, now, event):
            hear(turn, now, event)
    after = turn.state.runs.get(run.run_id)
    if after is not None:
        recompute(turn, after)
