"""The dispatcher's two questions: may these messages leave now (claim), and how did it end (receipt)."""

from __future__ import annotations

from datetime import timedelta

from postventa.core import done, policy, schedule, sending, steps, waiting
from postventa.core.effect import Claimed, Withdraw
from postventa.core.event import Claim, InDoubt, Receipt
from postventa.core.journey import END, Ask, Send
from postventa.core.moves import guarded, move, park
from postventa.core.policy import Allowed, Blocked, Forbidden
from postventa.core.quick import but
from postventa.core.state import AGAIN, Counted, OutboxRow, Run, Stand
from postventa.core.turn import Turn


# --- claim -----------------------------------------------------------------------------------------------------------
def claim(turn: Turn, asked: Claim) -> None:
    """Ask the policy once more for each pending row, in the order given; what may not leave is withdrawn and its run
    held or moved on."""
    _forget_lost(turn)
    for effect in asked.effect_ids:
        row = turn.state.outbox.get(effect)
        if row is None or row.state == "withdrawn":
            continue
        verdict = _verdict(turn, row, asked)
        match verdict:
            case Allowed():
                _claimed(turn, row, asked.codes.get(effect))
            case Blocked() | Forbidden():
                _back(turn, row, verdict)


LOST = timedelta(hours=1)
"""A dispatcher that has not spoken for so long about a row withdrawn under its hands has died before its intent."""


def _forget_lost(turn: Turn) -> None:
    for row in [row for row in turn.state.outbox.values() if row.state == "withdrawn"]:
        claimed = turn.state.counted.get(row.effect_id)
        if turn.now - (claimed.at if claimed else row.created_at) > LOST:
            _forget(turn, row)


def _verdict(turn: Turn, row: OutboxRow, asked: Claim) -> policy.Verdict:
    if row.effect_id in asked.codes and not asked.codes[row.effect_id]:
        return Forbidden("no codes of this reward are left")
    step = _step_of(turn, row)
    message = turn.catalog.messages.get(row.message)
    if message is None:
        return Forbidden(f"message {row.message!r} is not in the live release")
    if row.slot == AGAIN:
        verdict = policy.may_send(turn, message, row.channel, row.address, row.run_ids, row.effect_id, asked.suppressed)
        return verdict if isinstance(verdict, Forbidden) else policy.ALLOWED
    if isinstance(step, Send) and step.to != "customer":
        return policy.ALLOWED
    address = sending.address_of(turn, step, row.channel) if step else row.address
    if address != row.address:
        # The customer's address changed while the row waited: it leaves to the new one, through a new row.
        return Blocked("window", "the address changed", turn.now)
    return policy.may_send(turn, message, row.channel, address, row.run_ids, row.effect_id, asked.suppressed)


def _step_of(turn: Turn, row: OutboxRow) -> Send | Ask | None:
    run = next((turn.state.runs[one] for one in row.run_ids if one in turn.state.runs), None)
    if run is None:
        return None
    journey = turn.catalog.journey_of(run.journey, run.version)
    step = next((one for one in journey.steps if one.id == row.step_id), None) if journey else None
    return step if isinstance(step, Send | Ask) else None


def _claimed(turn: Turn, row: OutboxRow, code: str | None) -> None:
    turn.state.outbox[row.effect_id] = but(row, state="claimed")
    if _counts(turn, row):
        turn.state.counted[row.effect_id] = Counted(turn.now, row.channel)
    turn.do(Claimed(row.effect_id, code))


def _counts(turn: Turn, row: OutboxRow) -> bool:
    """Whether it counts toward the caps: what is not transactional, and goes to the customer."""
    message, step = turn.catalog.messages.get(row.message), _step_of(turn, row)
    if isinstance(step, Send) and step.to != "customer":
        return False
    return message is None or message.klass != "transactional"


def _back(turn: Turn, row: OutboxRow, verdict: Blocked | Forbidden) -> None:
    """Take the row out of the outbox; its runs wait for the block to end, or skip the message."""
    turn.do(Withdraw(row.effect_id, verdict.reason))
    del turn.state.outbox[row.effect_id]
    turn.state.counted.pop(row.effect_id, None)
    runs = standing(turn, row)
    step = _step_of(turn, row)
    if row.slot == AGAIN:
        turn.note("skip", f"not sent again: {verdict.reason}", message=row.message, effect_id=row.effect_id)
    if not runs or step is None:
        return
    if isinstance(verdict, Forbidden):
        sending.skip(turn, runs, row.message, row.channel, verdict.reason)
    elif sending.hold_back(
        turn, runs, step, _slot(row), sending.message_of(turn, step, row.slot), row.channel, verdict
    ):
        return
    for run in runs:
        go_on(turn, turn.state.runs[run.run_id], row, sent=False)


def _slot(row: OutboxRow) -> sending.Slot:
    return "remind" if row.slot == "remind" else "send"


def standing(turn: Turn, row: OutboxRow) -> list[Run]:
    """The runs that wait for this row."""
    runs = (turn.state.runs.get(one) for one in row.run_ids)
    return [run for run in runs if run is not None and _stand(run).effect_id == row.effect_id]


def _stand(run: Run) -> Stand:
    """How the run stands, or stood before it was parked."""
    return run.stand.resume or run.stand


def go_on(turn: Turn, run: Run, row: OutboxRow, *, sent: bool) -> None:
    """Let a run go on after its message was handed over, or will never be. One that is parked goes on at its retry."""
    parked, journey = run.stand, turn.catalog.journey_of(run.journey, run.version)
    if journey is None:
        park(turn, run, f"version {run.version} of journey {run.journey!r} is not in this release's catalog")
        return
    run, step = turn.put(run.but(stand=_stand(run))), journey.steps[run.step]
    if isinstance(step, Ask) and row.slot == "remind":
        turn.put(run.but(stand=but(run.stand, effect_id=None, due_at=run.stand.deadline, count=2)))
    elif isinstance(step, Ask) and sent:
        waiting.asked(turn, run, step)
    elif isinstance(step, Send | Ask):
        _leave_step(turn, run, step.next if isinstance(step, Send) else step.on_timeout, parked.kind == "parked")
    now = turn.state.runs.get(run.run_id)
    if parked.kind == "parked" and now is not None:
        turn.put(now.but(stand=but(parked, resume=now.stand)))


def _leave_step(turn: Turn, run: Run, index: int, waits: bool) -> None:
    """Go to the step after a message. The run stands there before it acts: a failure must not bring it back to a
    message that is done."""
    if index != END:
        marks = done.left(run, turn.journey_of(run).steps[run.step])
        run = turn.put(run.but(step=index, stand=Stand("new", turn.now), marks=marks))
    if index == END or not waits:
        guarded(turn, run.run_id, lambda: move(turn, run, index))


# --- forbidden while it waits ----------------------------------------------------------------------------------------
def withdraw_forbidden(turn: Turn) -> None:
    """After an objection: every message that it forbids leaves the outbox, and its runs skip it, as do held ones."""
    turn.relax |= any(not consent.given for consent in turn.state.consents.values())
    for row in list(turn.state.outbox.values()):
        message = turn.catalog.messages.get(row.message)
        if message is None or row.state == "withdrawn":
            continue
        step = _step_of(turn, row)
        if isinstance(step, Send) and step.to != "customer":
            continue
        reason = policy.objects(turn, message, row.channel)
        if reason is not None:
            _forbid(turn, row, reason)


def _forbid(turn: Turn, row: OutboxRow, reason: str) -> None:
    runs = standing(turn, row)
    turn.do(Withdraw(row.effect_id, reason))
    if row.state == "claimed":
        turn.state.outbox[row.effect_id] = but(row, state="withdrawn")
    else:
        del turn.state.outbox[row.effect_id]
    sending.skip(turn, runs, row.message, row.channel, reason)
    for run in runs:
        go_on(turn, turn.state.runs[run.run_id], row, sent=False)


# --- in doubt --------------------------------------------------------------------------------------------------------
def decided(turn: Turn, asked: InDoubt, reason: str, *, again: bool) -> None:
    """An operator's word on a message in doubt. Sent again, it is no new message: caps and windows do not hold it up,
    an objection does, and so does an exit of its run, should that still be under way."""
    words = "sent again" if again else "left as it is"
    told = f"{words} by an operator{f': {reason}' if reason else ''}"
    turn.note("doubt", told, message=asked.message, channel=asked.channel, effect_id=asked.effect_id)
    if again and not turn.state.erased:
        turn.state.outbox[asked.effect_id] = OutboxRow(
            asked.effect_id, asked.run_ids, asked.step_id, asked.message, asked.channel, asked.address, "pending",
            asked.created_at, AGAIN,
        )  # fmt: skip


# --- receipt ---------------------------------------------------------------------------------------------------------
def receipt(turn: Turn, given: Receipt) -> None:
    """How a hand-over ended. Handed over is the commit of its intent: the run goes on from that moment."""
    row = turn.state.outbox.get(given.effect_id)
    if row is None:
        if given.result == "sent":
            turn.note("late receipt", given.detail or "accepted after all", effect_id=given.effect_id)
        return
    if given.result == "cancelled":
        if row.state == "withdrawn":
            _forget(turn, row)
        return
    _forget(turn, row)
    left = given.result in ("sent", "uncertain")
    if left and _counts(turn, row):
        turn.state.counted[row.effect_id] = Counted(given.at, row.channel)
    _record(turn, row, given, left)
    for run in standing(turn, row):
        at = max(run.at, given.at) if left else max(run.at, turn.now)
        kept = bool(run.rounds) and schedule.add(run.at, turn.catalog.shop.catch_up, turn.tz) < at
        go_on(turn, turn.put(steps.delayed(run, at) if kept else run.but(at=at)), row, sent=left)


def _forget(turn: Turn, row: OutboxRow) -> None:
    del turn.state.outbox[row.effect_id]
    if turn.state.counted.pop(row.effect_id, None) is not None:
        turn.relax = True


TOLD = {"sent": "message.sent", "uncertain": "message.uncertain", "refused": "message.bounced"}


def _record(turn: Turn, row: OutboxRow, given: Receipt, left: bool) -> None:
    """The decision of each run, and the `message.*` event that tells of it."""
    words = {"sent": "handed over", "uncertain": "handed over, but no receipt came: held for an operator"}
    reason = words.get(given.result) or f"{given.result}: {given.detail}"
    runs = [turn.state.runs[one] for one in row.run_ids if one in turn.state.runs]
    for run in runs:
        turn.note(
            "send" if left else "skip", reason, run, message=row.message, channel=row.channel,
            decision="send" if left else "skip", effect_id=row.effect_id, variant=sending.variant_of(run),
        )  # fmt: skip
    if not runs:
        turn.note(
            "send" if left else "skip", reason + " (its run had ended)", message=row.message, channel=row.channel,
            decision="send" if left else "skip", effect_id=row.effect_id, step_id=row.step_id, run_id=row.run_ids[0],
        )  # fmt: skip
    told = {"message": row.message, "channel": row.channel, "effect_id": row.effect_id, "detail": given.detail}
    event = TOLD.get(given.result, "message.skipped")
    turn.emit(event, f"{row.effect_id}/{given.result}", given.at, told, runs[0].ids if runs else {})
