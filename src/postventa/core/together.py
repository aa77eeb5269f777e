"""Lines of one order that are due within an hour share one mail.

The first run to arrive stands at the step until its siblings whose waits end within an hour stand there too; then one
outbox row belongs to all of them, under the id of the smallest line.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from postventa.core import sending
from postventa.core.belonging import order_of
from postventa.core.journey import Send
from postventa.core.state import Run, Stand
from postventa.core.turn import Turn

WITHIN = timedelta(hours=1)


def siblings(turn: Turn, run: Run) -> list[Run]:
    """The other runs of this journey version in the same order."""
    order = order_of(run.ids)
    return [
        other
        for other in turn.state.runs.values()
        if other.run_id != run.run_id
        and (other.journey, other.version) == (run.journey, run.version)
        and order is not None
        and order_of(other.ids) == order
        and turn.rounds_of(other) == turn.rounds_of(run)
    ]


def gather(turn: Turn, run: Run, step: Send) -> tuple[Run, int] | None:
    """Stand until the siblings are there, or hand the mail of all that are to the outbox.

    Skipped siblings are moved on by the caller too: they are left standing as `siblings` with their time at hand."""
    around = siblings(turn, run)
    here = [other for other in around if other.step == step.index and other.stand.kind in ("siblings", "held")]
    first = min((one.stand.since for one in (run, *here) if one.stand.kind == "siblings"), default=turn.now)
    coming = _coming(turn, around, step, first + WITHIN)
    if coming:
        stand = Stand("siblings", first, coming)
        for one in (run, *(other for other in here if other.stand.kind == "siblings")):
            turn.put(one.but(stand=stand))
        turn.note("wait", "for the other lines of the order, to share one mail", run)
        return None
    group = sorted((run, *here), key=lambda one: one.subject[1])
    if sending.attempt(turn, group, step):
        return None
    for other in here:
        turn.put(other.but(stand=Stand("timer", turn.now, turn.now)))
    return turn.state.runs[run.run_id], step.next


def _coming(turn: Turn, around: list[Run], step: Send, until: datetime) -> datetime | None:
    """When the last sibling whose wait ends by `until` will arrive; None when nobody is on the way."""
    times = [
        other.stand.due_at
        for other in around
        if other.stand.kind == "timer"
        and other.stand.due_at is not None
        and other.stand.due_at <= until
        and turn.journey_of(other).steps[other.step].next == step.index
    ]
    return max(times, default=None)
