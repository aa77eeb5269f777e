"""Runs go over to another version of their journey: `follow` where they stand, or `retime` their waits as well.

A run keeps its id, and with it the id of everything it does; what it has behind it at a step it never does again
(`core.done`). A message on its way stays on its way where its step was kept as it is; where the step is gone or sends
something else it is withdrawn first, and while a dispatcher holds it the run is not moved at all (`obstacle`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from datetime import datetime
from functools import partial

from postventa.core import done, schedule, steps, waiting
from postventa.core.endings import end, exit_event, leave, view_time, watch, withdraw
from postventa.core.event import How, Move
from postventa.core.journey import AnyStep, Ask, Catalog, Repeat, Send, WaitFor
from postventa.core.moves import guarded, move, retry_parked
from postventa.core.places import Places
from postventa.core.quick import but
from postventa.core.state import AGAIN, CustomerState, OutboxRow, Run, Stand
from postventa.core.turn import Turn

LOST = "its step is gone, and every step after it"
IN_HAND = "its message is just being handed over"

_OF_THE_FILE = frozenset({"index", "id", "path", "line", "next", "repeats", "then", "on_timeout"})
"""What a step is called and where it leads: none of what it does."""


@dataclass(frozen=True, slots=True)
class Seat:
    """One run that goes over: as it was, its step, and the step of the new version where it stands now."""

    run: Run
    places: Places
    step: AnyStep
    target: AnyStep

    @property
    def kept(self) -> bool:
        """The same step in another version: the run need not arrive there."""
        return self.places.partner(self.step.index) is self.target and type(self.step) is type(self.target)

    @property
    def alike(self) -> bool:
        """It also does the very same."""
        return self.kept and alike(self.step, self.target)


def alike(one: AnyStep, other: AnyStep) -> bool:
    """Whether two steps do the same, wherever they stand."""
    if type(one) is not type(other):
        return False
    return all(getattr(one, f.name) == getattr(other, f.name) for f in fields(one) if f.name not in _OF_THE_FILE)


def meant(state: CustomerState, asked: Move) -> list[Run]:
    """The runs a move speaks of."""
    return [
        run
        for run in state.runs.values()
        if run.journey == asked.journey and run.version in asked.from_ and run.version != asked.version
    ]


def obstacle(state: CustomerState, catalog: Catalog, run: Run, asked: Move) -> str | None:
    """Why a run cannot go over (now): LOST, IN_HAND, or a version that nobody knows. None: it can."""
    found = _seat(catalog, run, asked)
    if isinstance(found, str):
        return found
    in_hand = any(row.state == "claimed" for row in _rows(state.outbox.values(), run))
    return IN_HAND if in_hand and not found.alike else None


def _seat(catalog: Catalog, run: Run, asked: Move) -> Seat | str:
    old, new = catalog.journey_of(run.journey, run.version), catalog.journey_of(asked.journey, asked.version)
    if old is None or new is None:
        return f"version {run.version if old is None else asked.version} is not in this release's catalog"
    places = Places(old, new, asked.renamed)
    target = places.landing(run.step)
    return LOST if target is None else Seat(run, places, old.steps[run.step], target)


def _rows(outbox: Iterable[OutboxRow], run: Run) -> list[OutboxRow]:
    """The messages on their way for which the run stands."""
    return [row for row in outbox if run.run_id in row.run_ids and row.slot != AGAIN and row.state != "withdrawn"]


# --- the move --------------------------------------------------------------------------------------------------------
def moved(turn: Turn, asked: Move) -> None:
    """Let the customer's runs go over, all those of one order together: lines that share a mail must meet again. A run
    with an obstacle stays as it was."""
    state = turn.state
    can = [run for run in meant(state, asked) if obstacle(state, turn.catalog, run, asked) is None]
    seats = [seat for run in can if isinstance(seat := _seat(turn.catalog, run, asked), Seat)]
    again = _to_send_anew(turn, seats)
    _rename_rows(turn, seats)
    for seat in seats:
        _sit(turn, seat)
    for row, seat in again:
        guarded(turn, seat.run.run_id, partial(_send_anew, turn, row, seat))
    for seat in seats:
        guarded(turn, seat.run.run_id, partial(_go_on, turn, seat, asked.how))


def _rename_rows(turn: Turn, seats: list[Seat]) -> None:
    names = {seat.run.run_id: seat.places.names for seat in seats}
    for row in list(turn.state.outbox.values()):
        name = names.get(row.run_ids[0], {}).get(row.step_id)
        if name is not None:
            turn.state.outbox[row.effect_id] = but(row, step_id=name)


def _sit(turn: Turn, seat: Seat) -> None:
    """The run stands in the new version; nothing has happened yet."""
    run, target, names = seat.run, seat.target, seat.places.names
    rounds, entered = _rounds(seat)
    run = turn.put(
        run.but(
            version=seat.places.new.version, step=target.index, rounds=rounds,
            marks={**{_renamed(name, names): at for name, at in run.marks.items()}, **entered},
            matched={names.get(name, name): event for name, event in run.matched.items()},
            variants={names.get(name, name): variant for name, variant in run.variants.items()},
        )
    )  # fmt: skip
    gone = "" if seat.kept else ", which is gone" if seat.step.id != target.id else ", which does another thing now"
    turn.note("moved", f"from version {seat.run.version[:8]}, step {seat.step.id}{gone}", run)
    _watch(turn, seat, run)


def _renamed(mark: str, names: Mapping[str, str]) -> str:
    for suffix in (done.DONE, "/here", "/round"):
        if mark.endswith(suffix) and (name := names.get(mark.removesuffix(suffix))) is not None:
            return name + suffix
    return names.get(mark, mark)


def _rounds(seat: Seat) -> tuple[dict[str, tuple[int, datetime]], dict[str, datetime]]:
    """The rounds around the new step; one that the run was not in yet is its first. Also the marks of those."""
    run, new, names = seat.run, seat.places.new, seat.places.names
    known = {names.get(name, name): round_ for name, round_ in run.rounds.items()}
    around = [new.steps[index].id for index in seat.target.repeats]
    own = [seat.target.id] if isinstance(seat.target, Repeat) and seat.target.id in known else []
    entered = {f"{name}/round": run.at for name in around if name not in known}
    return {name: known.get(name, (1, run.at)) for name in (*around, *own)}, entered


REACHED = "goal/reached"
"""The mark of a run whose goal was reached before its journey had none for a while."""


def _watch(turn: Turn, seat: Seat, run: Run) -> None:
    """The goal of the new version is watched from now on, for as long as that one says."""
    old, new, watches = seat.places.old, seat.places.new, turn.state.watches
    known = watches.get(run.run_id)
    if new.goal is None:
        watches.pop(run.run_id, None)
        if old.goal is not None and known is None:
            turn.put(run.but(marks={**run.marks, REACHED: run.at}))
    elif known is not None:
        until = schedule.add(run.start.occurred_at, new.goal.within, turn.tz)
        watches[run.run_id] = but(known, version=new.version, until=until)
    elif old.goal is None and REACHED not in run.marks:
        watch(turn, run, new)


# --- what comes of it ------------------------------------------------------------------------------------------------
def _go_on(turn: Turn, seat: Seat, how: How) -> None:
    run = turn.state.runs.get(seat.run.run_id)
    if run is None or run.stand is not seat.run.stand:  # its goal ended it, or its message was asked for anew
        return
    if _is_over(turn, seat, run):
        return
    if run.stand.kind == "parked":
        if not seat.kept:
            run = _cleared(turn, seat, run)
            run = turn.put(run.but(stand=but(run.stand, resume=Stand("new", turn.now))))
        retry_parked(turn, run)
    elif not seat.kept:
        run = _cleared(turn, seat, run)
        move(turn, turn.put(run.but(stand=Stand("new", turn.now))), seat.target.index)
    else:
        _stay(turn, run, seat, how)


def _is_over(turn: Turn, seat: Seat, run: Run) -> bool:
    """End a run that the new version would have ended by something that is known already."""
    old, new = seat.places.old, seat.places.new
    if old.exit_on == new.exit_on:
        return False
    for event in sorted(turn.state.events.values(), key=lambda one: one.order_key):
        mine = event.occurred_at >= run.start.occurred_at and event.key != run.start.key
        if mine and exit_event(turn, new, event, run.ids, run, fresh=False):
            end(turn, run, "exited", f"{event.type} at {view_time(turn, event)}")
            return True
    return False


def _cleared(turn: Turn, seat: Seat, run: Run) -> Run:
    """Nothing of the step that is gone stays behind, but that its survey was asked."""
    for row in _rows(list(turn.state.outbox.values()), run):
        leave(turn, row, run.run_id, "its step is gone from the journey")
    if isinstance(seat.step, Ask) and (run.stand.resume or run.stand).kind == "answer":
        run = turn.put(run.but(marks=done.left(run, seat.step)))
    return run


def _stay(turn: Turn, run: Run, seat: Seat, how: How) -> None:
    """At the same step: what stands on goes on, unless it is to be computed anew, or waits for something else now."""
    target, stand = seat.target, run.stand
    match stand.kind:
        case "event":
            assert isinstance(target, WaitFor)
            if how == "retime" or not seat.alike:
                _listen_anew(turn, run, target, how)
        case "timer" | "fact" | "round" if how == "retime":
            _go(turn, steps.enter(turn, run, target))
        case "answer" if how == "retime":
            assert isinstance(target, Ask) and isinstance(seat.step, Ask)  # noqa: PT018 - one thing: it was kept
            _ask_until(turn, run, seat.step, target)
        case "siblings" if isinstance(target, Send) and target.together is None:
            _go(turn, steps.enter(turn, run, target))
        case "new":
            move(turn, run, target.index)


def _go(turn: Turn, go: tuple[Run, int] | None) -> None:
    if go is not None:
        move(turn, *go)


def _listen_anew(turn: Turn, run: Run, target: WaitFor, how: How) -> None:
    """What the step waits for now may be known already. Its timeout stays as it was, unless all times are anew."""
    before = run.stand
    go = waiting.arrive(turn, run, target)
    if go is not None:
        move(turn, *go)
    elif how == "follow":
        now = turn.state.runs[run.run_id]
        turn.put(now.but(stand=but(now.stand, since=before.since, due_at=before.due_at, deadline=before.deadline)))


def _ask_until(turn: Turn, run: Run, old: Ask, target: Ask) -> None:
    """The survey's end and reminder, from its mail on; a reminder that has left, or tries to, is not sent again."""
    before = run.stand
    if (before.count > 1 or before.effect_id is not None) and before.deadline is not None:
        asked_at = schedule.add(before.deadline, old.timeout, turn.tz, -1)  # `at` is the reminder's by now
        end_ = schedule.add(asked_at, target.timeout, turn.tz)
        turn.put(run.but(stand=but(before, due_at=end_, deadline=end_)))
        return
    now = waiting.asked(turn, run, target).stand
    if before.reason and before.due_at is not None and now.deadline is not None:
        turn.put(run.but(stand=but(before, due_at=min(before.due_at, now.deadline), deadline=now.deadline)))


# --- a message that is another one now -------------------------------------------------------------------------------
def _to_send_anew(turn: Turn, seats: list[Seat]) -> list[tuple[OutboxRow, Seat]]:
    """The rows whose step was kept but sends otherwise now, each with the first run it belongs to."""
    found: dict[str, tuple[OutboxRow, Seat]] = {}
    for seat in seats:
        row = turn.state.outbox.get(seat.run.stand.effect_id or "")
        if row is not None and seat.kept and not seat.alike and seat.run.stand.kind == "outbox":
            found.setdefault(row.effect_id, (row, seat))
    return list(found.values())


def _send_anew(turn: Turn, row: OutboxRow, seat: Seat) -> None:
    """Take the message back and ask for it as the new version sends it, as old as it was."""
    row = turn.state.outbox[row.effect_id]
    withdraw(turn, row, "the step sends it otherwise now")
    for run_id in row.run_ids:
        run = turn.state.runs[run_id]
        turn.put(run.but(stand=Stand("held", run.stand.since)))
    _go(turn, steps.enter(turn, turn.state.runs[seat.run.run_id], seat.target))
