"""The one function that moves a customer: `advance(state, given, now, catalog) -> Outcome`.

Simulation, backtest, tests and both runtimes call it; it never waits, never reads a clock, and the state it is given
stays as it was. For an event it first fires the timers that were due before the event occurred, then applies the
event, then fires what is due by now: so an event at a deadline wins, however late the scheduler is. Applying an event
means, in this order: facts and derived events; goals; exits; waits of running runs; then starts, which see the result.
Derived and emitted events are applied to the same customer in the same call, breadth-first.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from typing import assert_never

from postventa.core import delivery, endings, facts, handover, loyalty, migrate, moves, policy, retell, starts
from postventa.core.belonging import belongs
from postventa.core.effect import Erase, Outcome
from postventa.core.event import Claim, Command, Event, Input, Move, Receipt, Tick
from postventa.core.journey import Catalog
from postventa.core.moves import guarded
from postventa.core.state import CustomerState, Run
from postventa.core.turn import Turn

MEMORY = timedelta(days=180)
"""How long an event is remembered that belongs to no unfinished run; what belongs to one stays with it."""

FORGOTTEN = frozenset({"message.sent", "message.skipped", "message.uncertain", "points.earned", "points.expired"})
"""Our own reports: nothing waits for them, so they are not remembered."""

MAX_FIRED = 10_000


def advance(state: CustomerState, given: Input, now: datetime, catalog: Catalog) -> Outcome:
    """Apply one input to one customer at `now` (aware UTC; never before the customer's last `now`)."""
    now = now if state.now is None else max(now, state.now)
    if isinstance(given, Event) and retell.needed(state, given, now, catalog):
        return retell.told_anew(state, given, now, catalog, partial(_step, catalog))
    return _step(catalog, state, given, now)


def _step(catalog: Catalog, state: CustomerState, given: Input, now: datetime) -> Outcome:
    try:
        return _played(Turn(state.fork(), catalog, now), given)
    except Exception:  # noqa: BLE001 - played again with a mark before each act: then only the run that fails is undone
        return _played(Turn(state.fork(), catalog, now, careful=True), given)


def _played(turn: Turn, given: Input) -> Outcome:
    state = turn.state
    turn.young = state.now is None or bool(state.heard)
    state.now = turn.now
    if state.erased:
        return Outcome(turn.state, (), ())
    match given:
        case Event():
            _event(turn, given)
        case Tick():
            pass
        case Claim():
            handover.claim(turn, given)
            policy.forget_old(turn)
        case Receipt():
            handover.receipt(turn, given)
        case Command():
            _command(turn, given)
        case Move():
            fire_due(turn, turn.now, inclusive=True)
            migrate.moved(turn, given)
        case _:
            assert_never(given)
    _settle(turn)
    if turn.young and not turn.state.erased:
        _stay_young(turn, given)
    return Outcome(turn.state, tuple(turn.effects), tuple(turn.trace))


def _stay_young(turn: Turn, given: Input) -> None:
    """An event is noted, so that it can be told anew; whatever else moves a customer is irrevocable."""
    if isinstance(given, Event):
        retell.hear(turn.state, given, turn.catalog.release)
    elif not isinstance(given, Tick):
        turn.state.heard.clear()


def _settle(turn: Turn) -> None:
    """Everything that follows by now: made events, timers, and messages that were let go."""
    _drain(turn)
    fire_due(turn, turn.now, inclusive=True)
    while turn.relax:
        moves.let_go(turn)
        _drain(turn)
        fire_due(turn, turn.now, inclusive=True)


# --- events ----------------------------------------------------------------------------------------------------------
def _event(turn: Turn, event: Event) -> None:
    if event.occurred_at > turn.now + retell.FUTURE:
        turn.note(
            "clock", f"{event.type} says it occurred in the future ({event.occurred_at.isoformat()}): read as now"
        )
        event = replace(event, occurred_at=turn.now)
    fire_due(turn, min(event.occurred_at, turn.now), inclusive=False)
    if event.type == "customer.erased":
        _erase(turn)
        return
    turn.depth = 0
    if event.key in turn.state.events:
        turn.note("repeated", f"{event.type} was applied already")
    elif _learn(turn, event):
        _react(turn, event)
    _drain(turn)
    _prune(turn)


def _drain(turn: Turn) -> None:
    """Apply the events made in this call, breadth-first."""
    while turn.queue:
        event, turn.depth = turn.queue.popleft()
        if event.type in FORGOTTEN and event.type not in turn.catalog.heeded:
            continue
        if event.key in turn.learned or _learn(turn, event):
            _react(turn, event)
    turn.depth = 0
    if turn.restless:
        _recompute(turn)


def _recompute(turn: Turn) -> None:
    """A journey set facts about the customer: compute waits of all runs again that depend on one."""
    turn.restless = False
    for run in list(turn.state.runs.values()):
        if turn.state.runs.get(run.run_id) is run:
            guarded(turn, run.run_id, partial(moves.recompute, turn, run))
    _drain(turn)


def _learn(turn: Turn, event: Event) -> bool:
    """Facts of an event and of all that is derived from it. False: a repetition, to be ignored."""
    if delivery.repeated(turn, event):
        turn.note("repeated", f"{event.type} of this subject was known already")
        return False
    waiting = len(turn.queue)
    facts.apply(turn, event)
    loyalty.apply(turn, event)
    depth = turn.depth
    delivery.derive(turn, event)
    if event.type not in FORGOTTEN:
        turn.state.events[event.key] = event
    for derived, at_depth in list(turn.queue)[waiting:]:
        if derived.key not in turn.learned:
            turn.learned.add(derived.key)
            turn.depth = at_depth
            _learn(turn, derived)
    turn.depth = depth
    return True


def _react(turn: Turn, event: Event) -> None:
    """Goals; exits; waits of running runs; then starts."""
    endings.keep_verdicts(turn, event)
    if event.type.startswith("customer.") or "customer" in event.data:
        handover.withdraw_forbidden(turn)
    if turn.state.watches:
        endings.goals(turn, event)
    running = list(turn.state.runs.values())
    for run in running:
        if run.stand.kind != "parked" and endings.may_exit(turn, run, event):
            guarded(turn, run.run_id, partial(_exits, turn, run, event))
    for run in running:
        now = turn.state.runs.get(run.run_id)
        if now is not None and moves.may_hear(turn, now, event):
            guarded(turn, run.run_id, partial(_hear, turn, now, event), event)
    starts.starts(turn, event)


def _exits(turn: Turn, run: Run, event: Event) -> None:
    endings.exits(turn, run, event)


def _hear(turn: Turn, run: Run, event: Event) -> None:
    moves.hear(turn, run, event)
    if turn.state.runs.get(run.run_id) is run:
        moves.recompute(turn, run)


def _erase(turn: Turn) -> None:
    for run in list(turn.state.runs.values()):
        endings.end(turn, run, "erased", "the customer was erased")
    for row in list(turn.state.outbox.values()):
        endings.withdraw(turn, row, "the customer was erased")
    empty = CustomerState(turn.state.customer_id, turn.now, erased=True)
    turn.state = empty
    turn.trace.clear()
    turn.queue.clear()
    turn.effects[:] = [effect for effect in turn.effects if type(effect).__name__ in ("Withdraw", "RunEnded")]
    turn.do(Erase())


def _prune(turn: Turn) -> None:
    """Forget old events that belong to no unfinished run."""
    state = turn.state
    if len(state.events) <= 8:
        return
    horizon = turn.now - MEMORY
    for key, event in list(state.events.items()):
        if event.occurred_at < horizon and not any(
            belongs(run.ids, event.ids) and event.occurred_at >= run.start.occurred_at for run in state.runs.values()
        ):
            del state.events[key]
            state.verdicts.pop(key, None)
            turn.young = False
            state.heard.clear()


# --- time ------------------------------------------------------------------------------------------------------------
def fire_due(turn: Turn, limit: datetime, *, inclusive: bool) -> None:
    """Fire everything due before `limit` (or at it), oldest first; what firing makes due is fired too."""
    for _ in range(MAX_FIRED):
        due = _next_due(turn, limit)
        if due is None or (due[0] == limit and not inclusive):
            return
        _fire(turn, *due)
        _drain(turn)
    raise RecursionError("more than 10,000 timers fired for one customer in one call")


def _next_due(turn: Turn, limit: datetime) -> tuple[datetime, int, str] | None:
    """(when, kind, key) of the next up to `limit`: a run's wait, a run that waits for siblings, a hold, a delivery,
    a lot. Most calls find nothing, so nothing is made of what comes later."""
    state = turn.state
    times = [
        (due, 1 if run.stand.kind == "siblings" else 0, run.run_id)
        for run in state.runs.values()
        if (due := run.stand.due_at) is not None and due <= limit
    ]
    if state.holds:
        times.extend((hold.until, 2, run_id) for run_id, hold in state.holds.items() if hold.until <= limit)
    if state.settling:
        times.extend((at, 3, order) for order, at in state.settling.items() if at <= limit)
    if state.lots:
        lots = ((lot.expires_at, name) for name, lot in state.lots.items())
        times.extend((at, 4, name) for at, name in lots if at is not None and at <= limit)
    return min(times, default=None) if times else None


def _fire(turn: Turn, at: datetime, kind: int, key: str) -> None:
    turn.young = False
    turn.state.heard.clear()
    match kind:
        case 0 | 1:
            guarded(turn, key, lambda: moves.fire(turn, turn.state.runs[key]))
        case 2:
            turn.note("release", "the hold's time is over", turn.state.runs.get(key))
            del turn.state.holds[key]
            turn.relax = True
        case 3:
            delivery.settle_delivery(turn, key)
            turn.state.settling.pop(key, None)
        case _:
            loyalty.expire(turn, turn.state.lots[key], at)


# --- operators -------------------------------------------------------------------------------------------------------
def _command(turn: Turn, command: Command) -> None:
    if command.message is not None:
        handover.decided(turn, command.message, command.reason, again=command.kind == "resend")
        return
    run = turn.state.runs.get(command.run_id)
    if run is None:
        turn.note("refused", f"no unfinished run {command.run_id}")
    elif command.kind == "end_run":
        endings.end(turn, run, "cancelled", command.reason or "ended by an operator")
    elif run.stand.kind == "parked":
        guarded(turn, run.run_id, lambda: moves.retry_parked(turn, turn.state.runs[run.run_id]))
    else:
        turn.note("refused", "the run is not parked", run)
