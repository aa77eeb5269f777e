"""How runs end: completed, exited, reached their goal, cancelled; and what an ending takes with it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

from postventa.core import conditions, schedule, view
from postventa.core.belonging import CUSTOMER, about, belongs
from postventa.core.condition import ALWAYS, On, reads_facts, roots
from postventa.core.effect import GoalReached, PutBack, RunEnded, Withdraw
from postventa.core.event import Event, Ids
from postventa.core.journey import Journey
from postventa.core.quick import but
from postventa.core.state import AGAIN, Ended, OutboxRow, Run, Watch
from postventa.core.turn import Outcomes, Turn, local_text
from postventa.core.view import RunView


def end(turn: Turn, run: Run, outcome: Outcomes, reason: str) -> None:
    """End a run: its outbox rows are withdrawn, its hold ends with it. Its goal is watched on, unless reached."""
    turn.note("end" if outcome == "completed" else "exit", reason, run)
    turn.do(RunEnded(run.run_id, outcome, reason, turn.now))
    turn.state.runs.pop(run.run_id, None)
    turn.state.ended[(run.journey, run.subject)] = Ended(turn.now, run.run_id)
    if turn.state.holds.pop(run.run_id, None) is not None:
        turn.relax = True
    for row in [row for row in turn.state.outbox.values() if run.run_id in row.run_ids]:
        if row.slot != AGAIN or outcome != "completed":
            leave(turn, row, run.run_id, reason)


def leave(turn: Turn, row: OutboxRow, run_id: str, reason: str) -> None:
    """Take one run out of a mail; with none left the mail is withdrawn."""
    rest = tuple(one for one in row.run_ids if one != run_id)
    if row.state == "withdrawn":
        return
    if not rest:
        withdraw(turn, row, reason)
        return
    if row.state == "claimed":
        turn.do(PutBack(row.effect_id, reason))
        turn.state.counted.pop(row.effect_id, None)
    turn.state.outbox[row.effect_id] = but(row, run_ids=rest, state="pending")


def withdraw(turn: Turn, row: OutboxRow, reason: str) -> None:
    """Cancel a row. One that a dispatcher holds counts toward the caps until it says what became of it."""
    if row.state == "withdrawn":
        return
    turn.do(Withdraw(row.effect_id, reason))
    if row.state == "pending":
        turn.state.outbox.pop(row.effect_id, None)
        if turn.state.counted.pop(row.effect_id, None) is not None:
            turn.relax = True
    else:
        turn.state.outbox[row.effect_id] = but(row, state="withdrawn")


# --- does this event speak to this `on`? ------------------------------------------------------------------------------
IN_SIGHT = frozenset({"customer", "event", "answer"})
"""What a `where` can read without a run; other facts need an id, the event's or else the run's own."""
NOT = "!"
"""Before a place that was asked and did not hold."""


def speaks(turn: Turn, on: On, event: Event, see: RunView, place: str, fresh: bool) -> bool:
    """Type and `where`. A `where` is read once, when the event is applied; for a remembered event (`fresh` False) the
    answer kept then counts, where it could have changed since and the event alone says what it is about. A journey
    that was not known then was not asked: it reads the facts of now."""
    if event.type not in on.types:
        return False
    if on.where == ALWAYS:
        return True
    if not fresh and reads_facts(on.where) and roots(on.where) <= {*IN_SIGHT, *event.ids}:
        kept = turn.state.verdicts.get(event.key, ())
        if place in kept:
            return True
        if NOT + place in kept:
            return False
    return conditions.holds(on.where, see)


def keep_verdicts(turn: Turn, event: Event) -> None:
    """Note which fact-reading wheres hold for this event now and which do not, for runs that begin or wait later."""
    asked = turn.catalog.fact_wheres.get(event.type)
    if not asked:
        return
    # Those of journeys that may begin, and of the versions this customer stands in; a catalog may know many others.
    speaking = {one.version for one in turn.catalog.live.values()} | {run.version for run in turn.state.runs.values()}
    see = RunView(turn.state, turn.catalog, turn.now, turn.tz, event.ids, event)
    heard = ((place, on) for place, on in asked if place.partition(":")[0] in speaking)
    answers = {place if conditions.holds(on.where, see) else NOT + place for place, on in heard}
    turn.state.verdicts[event.key] = tuple(sorted(answers))


def exit_event(turn: Turn, journey: Journey, event: Event, ids: Ids, run: Run | None, fresh: bool) -> bool:
    """Whether one of the journey's exits speaks of this event for a run with these ids."""
    if not belongs(ids, event.ids):
        return False
    see = RunView(turn.state, turn.catalog, turn.now, turn.tz, ids, event, run)
    return any(
        speaks(turn, on, event, see, f"{journey.version}:exit/{number}", fresh)
        for number, on in enumerate(journey.exit_on)
    )


def may_exit(turn: Turn, run: Run, event: Event) -> bool:
    """A cheap look: whether this type is among the run's exits (asked in earnest where its journey is gone)."""
    journey = turn.catalog.journey_of(run.journey, run.version)
    return run.run_id in turn.state.runs and (journey is None or event.type in journey.exit_types)


def exits(turn: Turn, run: Run, event: Event) -> bool:
    """End the run if this event is one of its exits. An event from before its start never is."""
    if event.occurred_at < run.start.occurred_at or event.key == run.start.key:
        return False
    if not exit_event(turn, turn.journey_of(run), event, run.ids, run, fresh=True):
        return False
    end(turn, run, "exited", f"{event.type} at {view_time(turn, event)}")
    return True


def view_time(turn: Turn, event: Event) -> str:
    """When an event occurred, for a reason in words."""
    return local_text(turn, event.occurred_at)


# --- goals -----------------------------------------------------------------------------------------------------------
def watch(turn: Turn, run: Run, journey: Journey) -> None:
    """Begin to watch for the journey's goal; it may already be known."""
    if journey.goal is None:
        return
    until = schedule.add(run.start.occurred_at, journey.goal.within, turn.tz)
    one = Watch(run.journey, run.version, run.subject, run.start.occurred_at, until)
    turn.state.watches[run.run_id] = one
    known = [event for event in turn.state.events.values() if event.type in journey.goal.on.types]
    for event in sorted(known, key=lambda event: event.order_key):
        if _reaches(turn, run.run_id, one, event):
            return


def goals(turn: Turn, event: Event) -> None:
    """Goals that this event reaches; drops watches whose time is long over."""
    for run_id, one in sorted(turn.state.watches.items()):
        if not _reaches(turn, run_id, one, event) and turn.now - one.until > LATE:
            del turn.state.watches[run_id]


LATE = timedelta(days=2)
"""How long a goal's event may be recorded after the watch ended."""


def _reaches(turn: Turn, run_id: str, one: Watch, event: Event) -> bool:
    journey = turn.catalog.journey_of(one.journey, one.version)
    if journey is None or journey.goal is None or event.type not in journey.goal.on.types:
        return False
    if not one.started_at < event.occurred_at <= one.until:
        return False
    if one.subject != CUSTOMER and about(event.ids, one.subject):
        return False
    run = turn.state.runs.get(run_id)
    see = RunView(turn.state, turn.catalog, turn.now, turn.tz, event.ids, event, run)
    if not conditions.holds(journey.goal.on.where, see):
        return False
    del turn.state.watches[run_id]
    turn.note("goal", f"{event.type} at {view_time(turn, event)}", run, **_goal_place(run, one, run_id))
    turn.do(GoalReached(run_id, one.journey, one.version, event.occurred_at, event.key, _value(turn, event)))
    if run is not None and journey.goal.then == "exit":
        end(turn, run, "goal", f"goal reached by {event.type}")
    return True


def _goal_place(run: Run | None, one: Watch, run_id: str) -> Mapping[str, object]:
    if run is not None:
        return {}
    return {"run_id": run_id, "journey": one.journey, "version": one.version, "subject": one.subject}


def _value(turn: Turn, event: Event) -> str | None:
    total = event.data.get("total")
    if total is None and (ref := event.ids.get("order")) is not None:
        total = view.thing_facts(turn.state, turn.catalog, ("order", str(ref))).get("total")
    return None if total is None else str(total)
