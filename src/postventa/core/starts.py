"""How runs begin: which journeys an event starts, for which subjects, and why one is refused."""

from __future__ import annotations

from datetime import datetime

from postventa.core import conditions, ids, schedule
from postventa.core.belonging import CUSTOMER, ids_of, subjects
from postventa.core.endings import end, exit_event, watch
from postventa.core.event import Event, Ids
from postventa.core.journey import Duration, Journey
from postventa.core.moves import guarded, move
from postventa.core.state import Ref, Run, Stand
from postventa.core.turn import Turn, local_text
from postventa.core.view import RunView


def starts(turn: Turn, event: Event) -> None:
    """Begin every live journey that this event starts, in order of its name."""
    asked = turn.catalog.starts.get(event.type)
    if not asked:
        return
    live_from = turn.catalog.shop.live_from
    if live_from is not None and event.occurred_at < live_from:
        return
    for journey in asked:
        for subject in subjects(turn.state, event, journey.subject):
            _start(turn, journey, subject, event)


def _start(turn: Turn, journey: Journey, subject: Ref, event: Event) -> None:
    run_ids = ids_of(turn.state, subject)
    see = RunView(turn.state, turn.catalog, turn.now, turn.tz, run_ids, event)
    if not conditions.holds(journey.start.on.where, see):
        return
    refused = _refused(turn, journey, subject, event, run_ids)
    if refused is not None:
        turn.note(
            "refused", refused, journey=journey.id, version=journey.version, subject=subject, line=None,
        )  # fmt: skip
        return
    begin(turn, journey, subject, event, run_ids)


def begin(turn: Turn, journey: Journey, subject: Ref, event: Event, run_ids: Ids) -> None:
    """Put a new run at the first step and let it go."""
    start_key = event.key if subject == CUSTOMER else None
    run = Run(
        ids.run_id(journey.id, *subject, start_key), journey.id, journey.version, subject, run_ids, event,
        turn.now, event.occurred_at, journey.first, Stand("new", turn.now),
    )  # fmt: skip
    turn.put(run)
    turn.note("start", f"{event.type} of {local_text(turn, event.occurred_at)}", run)
    watch(turn, run, journey)
    if run.run_id in turn.state.runs:
        guarded(turn, run.run_id, lambda: move(turn, run, journey.first))


def _refused(turn: Turn, journey: Journey, subject: Ref, event: Event, run_ids: Ids) -> str | None:
    """Why this start may not happen; None where it may. A running `customer` run may give way to it."""
    lateness = turn.catalog.shop.max_start_lateness
    if lateness is not None and schedule.add(event.occurred_at, lateness, turn.tz) < turn.now:
        return f"too late: {event.type} occurred on {local_text(turn, event.occurred_at)}"
    for known in turn.state.events.values():
        if known.type not in journey.exit_types or known.occurred_at < event.occurred_at or known.key == event.key:
            continue
        if exit_event(turn, journey, known, run_ids, None, fresh=False):
            return f"{known.type} is already known"
    return _again(turn, journey, subject, event)


def _again(turn: Turn, journey: Journey, subject: Ref, event: Event) -> str | None:
    running = [run for run in turn.state.runs.values() if run.journey == journey.id]
    same = [run for run in running if run.subject == subject]
    if subject != CUSTOMER:
        if same or (journey.id, subject) in turn.state.ended:
            return "this subject has already started this journey"
        if journey.start.again == "always":
            return None
    ended = {ref: one.at for (name, ref), one in turn.state.ended.items() if name == journey.id}
    refused = _too_soon(turn, journey, bool(running), max(ended.values(), default=None), bool(same))
    if refused is None and same:
        if journey.start.while_running == "ignore" or event.occurred_at <= same[0].start.occurred_at:
            return "already running"
        end(turn, same[0], "restarted", f"{event.type} began it anew")
    return refused


def _too_soon(turn: Turn, journey: Journey, running: bool, last: datetime | None, same: bool) -> str | None:
    """What `again:` says about the same customer's other runs of this journey."""
    again = journey.start.again
    if again == "always" or (same and journey.start.while_running == "restart"):
        return None
    if again == "never":
        return "again: never, and this customer has been here" if running or last is not None else None
    assert isinstance(again, Duration)
    if running or (last is not None and schedule.add(last, again, turn.tz) > turn.now):
        return "again: it has not been long enough since the last time"
    return None
