"""One small function per verb: what happens when a run arrives at a step.

Each gives the run and the index to go on at, or None where the run stands or has ended. `moves.move` drives them.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from typing import assert_never

from postventa.core import conditions, done, ids, loyalty, schedule, sending, view, waiting
from postventa.core.belonging import as_tuple, lines_of, order_of
from postventa.core.endings import end
from postventa.core.facts import learn_customer
from postventa.core.journey import (
    AnyStep,
    Ask,
    Award,
    Branch,
    Duration,
    Emit,
    Exit,
    Experiment,
    Hold,
    Release,
    Repeat,
    Send,
    SetFacts,
    Wait,
    WaitFor,
    WaitUntil,
)  # fmt: skip
from postventa.core.state import HoldUntil, Run, Stand
from postventa.core.together import gather
from postventa.core.turn import Turn
from postventa.core.values import as_number

Go = tuple[Run, int] | None


def enter(turn: Turn, run: Run, step: AnyStep) -> Go:
    """Let a run that has just arrived act on its step."""
    match step:
        case Send():
            return _send(turn, run, step)
        case Wait():
            return _wait(turn, run, step)
        case WaitUntil():
            return waiting.until(turn, run, step)
        case WaitFor():
            return waiting.arrive(turn, run, step)
        case Branch():
            return _branch(turn, run, step)
        case Experiment():
            return _experiment(turn, run, step)
        case Ask():
            return waiting.ask(turn, run, step)
        case Award():
            return _award(turn, run, step)
        case SetFacts():
            return _set(turn, run, step)
        case Emit():
            return _emit(turn, run, step)
        case Hold():
            return _hold(turn, run, step)
        case Release():
            return _release(turn, run, step)
        case Repeat():
            return _repeat(turn, run, step)
        case Exit(reason=reason):
            end(turn, run, "exited", reason)
            return None
    assert_never(step)


def _send(turn: Turn, run: Run, step: Send) -> Go:
    if step.together is not None:
        return gather(turn, run, step)
    return None if sending.attempt(turn, [run], step) else (turn.state.runs[run.run_id], step.next)


def _wait(turn: Turn, run: Run, step: Wait) -> Go:
    due = schedule.wait_due(run.at, step.span, step.at, step.on_days, turn.tz)
    if step.spread is not None:
        width = schedule.add(due, step.spread, turn.tz) - due
        due += timedelta(seconds=int(width.total_seconds() * ids.spread(run.run_id, step.id)))
    return waiting.timer(turn, run, step, due)


def _branch(turn: Turn, run: Run, step: Branch) -> Go:
    see = turn.see(run)
    for number, (when, target) in enumerate(step.cases, 1):
        if conditions.holds(when, see):
            turn.note("branch", f"case {number} holds", run)
            return run, target
    turn.note("branch", "no case holds: otherwise", run)
    return run, step.otherwise


def _experiment(turn: Turn, run: Run, step: Experiment) -> Go:
    """First assignment by hash, kept: new weights move nobody; a variant that is gone is drawn again."""
    names = {variant.name for variant in step.variants}
    name = turn.state.assignments.get(step.name)
    if name not in names:
        name = _drawn(step, ids.bucket(step.name, turn.state.customer_id))
        turn.state.assignments[step.name] = name
    run = turn.put(run.but(variants={**run.variants, step.id: name}))
    turn.note("variant", f"{step.name}: {name}", run, variant=name)
    return run, next(variant.target for variant in step.variants if variant.name == name)


def _drawn(step: Experiment, at: float) -> str:
    total = sum(variant.weight for variant in step.variants)
    edge = 0.0
    for variant in step.variants:
        edge += variant.weight / total
        if at < edge:
            return variant.name
    return step.variants[-1].name


def _award(turn: Turn, run: Run, step: Award) -> Go:
    order = order_of(run.ids)
    points = step.points * _times(turn, run, step, order)
    posting = ids.effect_id(run.run_id, step.id, turn.rounds_of(run), "award")
    if points and order is not None and loyalty.given_back(turn, order):
        turn.note("award", "no points: the order was refunded or cancelled", run)
    elif points:
        loyalty.earn(turn, posting, points, run.at, step.reason, order, run)
    return turn.state.runs[run.run_id], step.next


def _times(turn: Turn, run: Run, step: Award, order: str | None) -> int:
    if step.per == "order":
        return 1
    if step.per == "line":
        mine = run.ids.get("line")
        return len(as_tuple(mine) if mine is not None else lines_of(turn.state, order)) if order else 1
    facts = view.thing_facts(turn.state, turn.catalog, ("order", order)) if order else {}
    total = as_number(facts.get("total")) or Decimal(0)
    return int(total // step.per)


def _set(turn: Turn, run: Run, step: SetFacts) -> Go:
    values = view.resolved(step.values, turn.see(run))
    mine = {key.removeprefix("run."): value for key, value in values.items() if key.startswith("run.")}
    theirs = {key.removeprefix("customer."): value for key, value in values.items() if key.startswith("customer.")}
    learn_customer(turn, theirs, turn.now)
    turn.restless |= bool(theirs)
    run = turn.put(run.but(vars={**run.vars, **mine}))
    turn.note("set", ", ".join(sorted(values)) or "nothing known to set", run)
    return run, step.next


def _emit(turn: Turn, run: Run, step: Emit) -> Go:
    name = ids.effect_id(run.run_id, step.id, turn.rounds_of(run), "emit")
    turn.emit(step.event, name, run.at, view.resolved(step.with_, turn.see(run)), run.ids)
    turn.note("emit", step.event, run, effect_id=name)
    return run, step.next


def _hold(turn: Turn, run: Run, step: Hold) -> Go:
    until = schedule.add(run.at, step.at_most, turn.tz)
    if until > turn.now:
        turn.state.holds[run.run_id] = HoldUntil(step.what, run.at, until)
        turn.note("hold", f"{step.what}, at most until {until.astimezone(turn.tz):%Y-%m-%d %H:%M}", run)
    return run, step.next


def _release(turn: Turn, run: Run, step: Release) -> Go:
    if turn.state.holds.pop(run.run_id, None) is not None:
        turn.relax = True
        turn.note("release", step.what, run)
    return run, step.next


# --- repeat ----------------------------------------------------------------------------------------------------------
def _repeat(turn: Turn, run: Run, step: Repeat) -> Go:
    """Round 1 at once; arriving again from the end of the body begins the next round, or waits for its time."""
    number, first = run.rounds.get(step.id, (0, run.at))
    if number >= (step.at_most or number + 1):
        return _leave_repeat(turn, run, step, f"{number} rounds done")
    if step.until is not None and conditions.holds(step.until, turn.see(run)):
        return _leave_repeat(turn, run, step, "until holds")
    if number and step.every is not None:
        due = _round_due(turn, step, first, number)
        if due <= run.at and (behind := _behind(turn, run, step, due)):
            first, due = first + behind, due + behind
            run = run.but(rounds={**run.rounds, step.id: (number, first)})
        if due > run.at:
            if due > turn.now:
                turn.put(run.but(stand=Stand("round", turn.now, due)))
                return None
            run = run.but(at=due)
    return begin_round(turn, run, step)


DELAYED = "/delayed"
"""The mark of when a run in a repeat last went on from now, because an outage or a pause had kept it."""


def delayed(run: Run, at: datetime) -> Run:
    """The run at `at`, where that is later than it would have been."""
    return run if at == run.at else run.but(at=at, marks={**run.marks, DELAYED: at})


def _behind(turn: Turn, run: Run, step: Repeat, due: datetime) -> timedelta | None:
    """How much later the rounds are from now on: what an interval separates does not leave at once after an outage."""
    kept = run.marks.get(DELAYED)
    if kept is None or kept < run.marks.get(f"{step.id}/round", kept):
        return None
    assert step.every is not None
    return schedule.add(kept, step.every, turn.tz) - due


def _round_due(turn: Turn, step: Repeat, first: datetime, done: int) -> datetime:
    """Round n is due at start + (n-1) intervals, counted from the start so that month ends do not drift."""
    every = step.every
    assert every is not None
    whole = Duration(every.months * done, every.days * done, every.seconds * done)
    return schedule.add(first, whole, turn.tz)


def begin_round(turn: Turn, run: Run, step: Repeat) -> Go:
    """Count a round and go to the body's first step."""
    number, first = run.rounds.get(step.id, (0, run.at))
    if number and step.until is not None and conditions.holds(step.until, turn.see(run)):
        return _leave_repeat(turn, run, step, "until holds")
    rounds = {**run.rounds, step.id: (number + 1, first)}
    marks = {**done.new_round(run, turn.journey_of(run), step), f"{step.id}/round": run.at}
    run = turn.put(run.but(rounds=rounds, marks=marks))
    turn.note("round", f"round {number + 1} begins", run)
    return run, step.body


def _leave_repeat(turn: Turn, run: Run, step: Repeat, reason: str) -> Go:
    rounds = {key: value for key, value in run.rounds.items() if key != step.id}
    run = turn.put(run.but(rounds=rounds))
    turn.note("repeat", reason, run)
    return run, step.next
