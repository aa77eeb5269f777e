"""Steps that wait: for a time, a fact, an event, an answer. Arriving, matching, and what is already known."""

from __future__ import annotations

from datetime import datetime

from postventa.core import conditions, schedule, sending
from postventa.core.belonging import about, belongs
from postventa.core.endings import end, speaks, withdraw
from postventa.core.event import Event
from postventa.core.journey import Ask, Duration, Repeat, Step, Wait, WaitFor, WaitUntil
from postventa.core.quick import but
from postventa.core.state import Run, Stand
from postventa.core.turn import Turn, local_text
from postventa.core.values import Missing, as_time

Go = tuple[Run, int] | None


def timer(turn: Turn, run: Run, step: Wait | WaitUntil, due: datetime) -> Go:
    """Stand until a known time; one that has already passed lets the run through, as if it had stood there."""
    if due <= run.at:
        return run, step.next
    turn.put(run.but(stand=Stand("timer", turn.now, due)))
    turn.note("wait", f"until {local_text(turn, due)}", run)
    return None


# --- wait_until ------------------------------------------------------------------------------------------------------
def until_due(turn: Turn, run: Run, step: WaitUntil) -> datetime | None:
    """The time of the fact with its offset and clock time; None while the fact is not known."""
    value = turn.see(run).lookup(step.fact)
    moment = None if isinstance(value, Missing) else as_time(value)
    if moment is None:
        return None
    return schedule.next_local(schedule.shifted(moment, step.shifts, turn.tz), step.at, frozenset(), turn.tz)


def until(turn: Turn, run: Run, step: WaitUntil) -> Go:
    """Stand until the time of a fact, or until the fact is known."""
    due = until_due(turn, run, step)
    if due is None:
        deadline = schedule.add(run.at, step.timeout, turn.tz) if step.timeout else None
        turn.put(run.but(stand=Stand("fact", turn.now, deadline)))
        turn.note("wait", f"{step.fact} is not known yet", run)
        return None
    if due < run.at and step.if_past == "exit":
        end(turn, run, "exited", f"{step.fact} had passed")
        return None
    return timer(turn, run, step, due)


# --- wait_for --------------------------------------------------------------------------------------------------------
def since(turn: Turn, run: Run, step: WaitFor) -> datetime:
    """From when on events match: the start event (or the round), the arrival here, or that of another step."""
    if step.since == "here":
        return run.marks.get(f"{step.id}/here", run.at)
    if step.since != "start":
        return run.marks.get(step.since, run.start.occurred_at)
    return round_start(turn, run, step) or run.start.occurred_at


def round_start(turn: Turn, run: Run, step: Step) -> datetime | None:
    """When the innermost round around a step began; None outside any repeat."""
    if not step.repeats:
        return None
    repeat = turn.journey_of(run).steps[step.repeats[-1]]
    assert isinstance(repeat, Repeat)
    return run.marks.get(f"{repeat.id}/round")


def deadline_of(turn: Turn, run: Run, step: WaitFor, arrived: datetime) -> datetime | None:
    """When a wait_for times out; None while the fact it depends on is not known."""
    if step.timeout is None:
        return None
    if isinstance(step.timeout, Duration):
        return schedule.add(arrived, step.timeout, turn.tz)
    value = conditions.fact_value(step.timeout, turn.see(run))
    return None if isinstance(value, Missing) else as_time(value)


def arrive(turn: Turn, run: Run, step: WaitFor) -> Go:
    """Stand for the event, unless it is already known."""
    run = turn.put(run.but(marks={**run.marks, f"{step.id}/here": run.at}))
    deadline = deadline_of(turn, run, step, run.at)
    count = 0
    for event in _remembered(turn, run, step):
        number = _which(turn, run, step, event, fresh=False)
        if number is None or (deadline is not None and event.occurred_at > deadline):
            continue
        count += 1
        if count >= step.times:
            return _matched(turn, run, step, event, number)
    if deadline is not None and deadline <= run.at:
        turn.note("timeout", f"{_names(step)} did not come by {local_text(turn, deadline)}", run)
        return run, step.on_timeout
    turn.put(run.but(stand=Stand("event", turn.now, deadline, deadline, count=count)))
    turn.note("wait", f"for {_names(step)}" + (f" until {local_text(turn, deadline)}" if deadline else ""), run)
    return None


def _names(step: WaitFor) -> str:
    return " or ".join(sorted({name for on in step.events for name in on.types}))


def _remembered(turn: Turn, run: Run, step: WaitFor) -> list[Event]:
    begin, types, mine = since(turn, run, step), step.types, run.start.key
    told = (event for event in turn.state.events.values() if event.type in types and event.occurred_at >= begin)
    known = (event for event in told if event.key != mine and belongs(run.ids, event.ids))
    return sorted(known, key=lambda event: event.order_key)


def _which(turn: Turn, run: Run, step: WaitFor, event: Event, *, fresh: bool) -> int | None:
    """The entry of `events` that this event matches."""
    see = turn.see(run, event)
    for number, on in enumerate(step.events):
        if speaks(turn, on, event, see, f"{run.version}:{step.id}/{number}", fresh):
            return number
    return None


def _matched(turn: Turn, run: Run, step: WaitFor, event: Event, number: int) -> Go:
    run = run.but(at=max(run.at, event.occurred_at), matched={**run.matched, step.id: event})
    turn.put(run)
    turn.note("matched", f"{event.type} of {local_text(turn, event.occurred_at)}", run)
    return run, step.then[number] if step.then else step.next


def match(turn: Turn, run: Run, event: Event) -> Go:
    """Let an event that has just been applied move a run that stands for it."""
    step = turn.journey_of(run).steps[run.step]
    if event.key == run.start.key or not belongs(run.ids, event.ids):
        return None
    if isinstance(step, Ask):
        return _answered(turn, run, step, event) if _answers(turn, run, step, event) else None
    if not isinstance(step, WaitFor) or run.stand.kind != "event" or event.occurred_at < since(turn, run, step):
        return None
    deadline = run.stand.deadline
    number = _which(turn, run, step, event, fresh=True)
    if number is None or (deadline is not None and event.occurred_at > deadline):
        return None  # one that was made after the deadline, in a late look, comes too late
    if run.stand.count + 1 < step.times:
        turn.put(run.but(stand=but(run.stand, count=run.stand.count + 1)))
        return None
    return _matched(turn, run, step, event, number)


def recompute(turn: Turn, run: Run) -> Go:
    """After facts changed: the due time of a wait that depends on one."""
    if run.stand.kind not in ("timer", "fact", "event"):
        return None
    step = turn.journey_of(run).steps[run.step]
    if isinstance(step, WaitUntil):
        due = until_due(turn, run, step)
        if due is None or (run.stand.kind == "timer" and due == run.stand.due_at):
            return None
        if due < run.at and step.if_past == "exit":
            end(turn, run, "exited", f"{step.fact} had passed")
            return None
        if due <= run.at:
            return run, step.next
        turn.put(run.but(stand=Stand("timer", run.stand.since, due)))
        turn.note("wait", f"until {local_text(turn, due)}: {step.fact} changed", run)
    elif isinstance(step, WaitFor) and step.timeout is not None and not isinstance(step.timeout, Duration):
        due = deadline_of(turn, run, step, run.at)
        if due != run.stand.due_at:
            turn.put(run.but(stand=but(run.stand, due_at=due, deadline=due)))
    return None


# --- ask -------------------------------------------------------------------------------------------------------------
def ask(turn: Turn, run: Run, step: Ask) -> Go:
    """Ask, unless an answer of this subject is already known."""
    known = known_answer(turn, run, step)
    if known is not None:
        return _answered(turn, run, step, known)
    if sending.attempt(turn, [run], step):
        return None
    return turn.state.runs[run.run_id], step.on_timeout


def known_answer(turn: Turn, run: Run, step: Ask) -> Event | None:
    """The first answer of this run's subject that is known already."""
    known = (event for event in turn.state.events.values() if _answers(turn, run, step, event))
    return min(known, key=lambda event: event.order_key, default=None)


def _answers(turn: Turn, run: Run, step: Ask, event: Event) -> bool:
    """Whether the event answers this survey about this subject (in this round, inside a repeat)."""
    if event.type != "survey.answered" or event.data.get("survey") != step.survey:
        return False
    begin = round_start(turn, run, step)
    if begin is not None and event.occurred_at < begin:
        return False
    return about(event.ids, run.subject) and belongs(run.ids, event.ids) and event.key != run.start.key


def _answered(turn: Turn, run: Run, step: Ask, event: Event) -> Go:
    row = turn.state.outbox.get(run.stand.effect_id or "")
    if row is not None:
        withdraw(turn, row, "already answered")
    run = run.but(at=max(run.at, event.occurred_at), matched={**run.matched, step.id: event})
    turn.put(run)
    turn.note("answered", f"{step.survey}: {event.data.get('score', 'no score')}", run)
    return run, step.then


def asked(turn: Turn, run: Run, step: Ask) -> Run:
    """The survey's mail was handed over: stand for the answer."""
    deadline = schedule.add(run.at, step.timeout, turn.tz)
    remind = schedule.add(run.at, step.remind_after, turn.tz) if step.remind_after else None
    due = remind if remind is not None and remind < deadline else deadline
    return turn.put(run.but(stand=Stand("answer", turn.now, due, deadline, count=1)))


def survey_due(turn: Turn, run: Run, step: Ask) -> Go:
    """The reminder's time, or the survey's end."""
    stand = run.stand
    if stand.deadline is not None and stand.due_at is not None and stand.due_at >= stand.deadline:
        row = turn.state.outbox.get(stand.effect_id or "")
        if row is not None:
            withdraw(turn, row, "the survey timed out")
        run = turn.put(run.but(at=max(run.at, stand.deadline)))
        turn.note("timeout", f"no answer to {step.survey}", run)
        return run, step.on_timeout
    remind(turn, run, step)
    return None


def remind(turn: Turn, run: Run, step: Ask) -> None:
    """Send the reminder, let it wait, or go without: the survey stands until its end."""
    if not sending.attempt(turn, [run], step, "remind"):
        run = turn.state.runs[run.run_id]
        turn.put(run.but(stand=but(run.stand, due_at=run.stand.deadline, reason="", count=2)))
