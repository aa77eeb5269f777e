"""A run that wants to send: into the outbox now, held until it may, or skipped.

Nothing enters the outbox before it may leave: a held message keeps its run waiting. The same function is asked when a
run arrives at a send, when its time comes, and when a hold or a cap lets go.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Literal

from postventa.core import ids, policy, schedule, view
from postventa.core.belonging import as_tuple
from postventa.core.effect import SendMessage
from postventa.core.event import Plain
from postventa.core.journey import Ask, Message, Send
from postventa.core.policy import ALLOWED, Allowed, Blocked, Forbidden, Verdict
from postventa.core.quick import but
from postventa.core.state import OutboxRow, Run, Stand
from postventa.core.turn import Turn
from postventa.core.values import Missing

Slot = Literal["send", "remind"]


def message_of(turn: Turn, step: Send | Ask, slot: str = "send") -> Message:
    """The message a step sends; a survey's reminder may be another one."""
    name = step.message
    if slot == "remind" and isinstance(step, Ask) and step.reminder:
        name = step.reminder
    message = turn.catalog.messages.get(name)
    if message is None:
        raise LookupError(f"message {name!r} is not in the live release")
    return message


def address_of(turn: Turn, step: Send | Ask, channel: str) -> str | None:
    """Where it goes: the customer's address of that channel, or the group's addresses."""
    to = step.to if isinstance(step, Send) else "customer"
    if to != "customer":
        return ", ".join(turn.catalog.shop.groups.get(to, ())) or None
    value = turn.state.facts.get("email" if channel == "email" else f"{channel}_address")
    return value if isinstance(value, str) and value else None


def _verdict(turn: Turn, runs: list[Run], step: Send | Ask, message: Message) -> tuple[str, str | None, Verdict]:
    """The first channel on which it is not forbidden, with the address and the policy's word."""
    run_ids = tuple(run.run_id for run in runs)
    channels = step.channels if isinstance(step, Send) else ("email",)
    answer: tuple[str, str | None, Verdict] | None = None
    for channel in channels:
        address = address_of(turn, step, channel)
        if isinstance(step, Send) and step.to != "customer":
            return channel, address, ALLOWED if address else Forbidden(f"group {step.to!r} has no address")
        verdict = policy.may_send(turn, message, channel, address, run_ids)
        if not isinstance(verdict, Forbidden):
            return channel, address, verdict
        answer = answer or (channel, address, verdict)
    assert answer is not None, "a send has at least one channel"
    return answer


def attempt(turn: Turn, runs: list[Run], step: Send | Ask, slot: Slot = "send") -> bool:
    """Ask for these runs (one, or lines that share a mail) and let them stand accordingly. False: skipped, move on."""
    message = message_of(turn, step, slot)
    channel, address, verdict = _verdict(turn, runs, step, message)
    match verdict:
        case Allowed():
            _into_outbox(turn, runs, step, slot, message, channel, address or "")
            return True
        case Blocked():
            return hold_back(turn, runs, step, slot, message, channel, verdict)
        case Forbidden(reason):
            skip(turn, runs, message.name, channel, reason)
            return False


def skip(turn: Turn, runs: list[Run], message: str, channel: str, reason: str) -> None:
    """Record that these runs' message will not be sent."""
    for run in runs:
        effect = ids.effect_id(run.run_id, _step_id(turn, run), turn.rounds_of(run), "skip")
        turn.note(
            "skip", reason, run, message=message, channel=channel, decision="skip",
            variant=variant_of(run), effect_id=None,
        )  # fmt: skip
        turn.emit(
            "message.skipped", effect, turn.now, {"message": message, "channel": channel, "reason": reason}, run.ids
        )


def _step_id(turn: Turn, run: Run) -> str:
    return turn.journey_of(run).steps[run.step].id


def variant_of(run: Run) -> str | None:
    """The variant the run is in, of the experiment it met last."""
    return list(run.variants.values())[-1] if run.variants else None


# --- into the outbox -------------------------------------------------------------------------------------------------
def _into_outbox(
    turn: Turn, runs: list[Run], step: Send | Ask, slot: Slot, message: Message, channel: str, address: str
) -> None:
    lead = runs[0]
    effect = ids.effect_id(lead.run_id, step.id, turn.rounds_of(lead), slot)
    run_ids = tuple(run.run_id for run in runs)
    since = min(_wanted_since(turn, run, slot) for run in runs)
    turn.state.outbox[effect] = OutboxRow(
        effect, run_ids, step.id, message.name, channel, address, "pending", since, slot
    )
    turn.do(
        SendMessage(
            effect, run_ids, lead.journey, lead.version, lead.subject, step.id, turn.round_of(lead), message.name,
            message.klass, message.priority, channel, address, duplicates_of(step, message), since,
            survey=step.survey if isinstance(step, Ask) else None,
            reward=step.reward if isinstance(step, Send) else None,
            choose=_chosen(turn, lead, step), context=context_of(turn, lead, step),
        )
    )  # fmt: skip
    for run in runs:
        turn.put(run.but(stand=_on_its_way(turn, run, effect, slot)))


def _wanted_since(turn: Turn, run: Run, slot: Slot) -> datetime:
    """The message's age: when the run first wanted to send it. A reminder that is held stands at its survey."""
    if slot == "remind":
        return run.stand.held_from or turn.now
    return run.stand.since if run.stand.kind in ("held", "outbox") else turn.now


def _on_its_way(turn: Turn, run: Run, effect: str, slot: Slot) -> Stand:
    old = run.stand
    if slot == "remind":
        return but(old, due_at=old.deadline, effect_id=effect, reason="")
    if old.kind in ("held", "outbox"):
        return but(old, kind="outbox", due_at=None, effect_id=effect, reason="")
    return Stand("outbox", turn.now, effect_id=effect)


def duplicates_of(step: Send | Ask, message: Message) -> Literal["allow", "avoid"]:
    """The in-doubt rule of this mail: the step's word, the message's, else the default of its class."""
    own = step.duplicates if isinstance(step, Send) else None
    return own or message.duplicates or ("allow" if message.klass == "transactional" else "avoid")


def _chosen(turn: Turn, run: Run, step: Send | Ask) -> str | None:
    if not isinstance(step, Send) or step.choose_by is None:
        return None
    value = turn.see(run).lookup(step.choose_by)
    return None if isinstance(value, Missing) else str(value)


def context_of(turn: Turn, run: Run, step: Send | Ask) -> Mapping[str, Plain]:
    """What the template gets beside the live facts: `with`, the event at hand, `run.*`, the survey."""
    event = max((*run.matched.values(), run.start), key=lambda one: one.order_key) if run.matched else run.start
    context: dict[str, Plain] = {
        "with": view.resolved(step.with_, turn.see(run)),
        "event": {"type": event.type, **event.data},
        "run": dict(run.vars),
        "ids": {kind: list(as_tuple(value)) for kind, value in run.ids.items()},
    }
    return context


# --- held back -------------------------------------------------------------------------------------------------------
def hold_back(
    turn: Turn, runs: list[Run], step: Send | Ask, slot: Slot, message: Message, channel: str, verdict: Blocked
) -> bool:
    """Let the runs wait until the block may be over; False when its patience is at an end and they were skipped."""
    if slot == "remind":
        return _hold_reminder(turn, runs[0], step, message, channel, verdict)
    stand = _held_stand(turn, runs[0], step, verdict)
    if verdict.kind == "cap" and (stand.deadline is None or stand.deadline <= turn.now):
        patience = "" if step.if_blocked.wait is None else "waited as long as if_blocked allows: "
        skip(turn, runs, message.name, channel, patience + verdict.reason)
        return False
    if verdict.kind == "hold" and step.if_blocked.wait is None:
        skip(turn, runs, message.name, channel, verdict.reason)
        return False
    for run in runs:
        if run.stand.kind != "held" or run.stand.reason != verdict.reason:
            turn.note(
                "defer", verdict.reason, run, message=message.name, channel=channel, decision="defer",
                variant=variant_of(run),
            )  # fmt: skip
        turn.put(run.but(stand=stand))
    return True


def _held_stand(turn: Turn, run: Run, step: Send | Ask, verdict: Blocked) -> Stand:
    """Time under a hold does not count toward `if_blocked`, and a window only moves a message."""
    old = run.stand if run.stand.kind in ("held", "outbox") else Stand("held", turn.now)
    patience = step.if_blocked.wait
    deadline = old.deadline
    if deadline is None and patience is not None and verdict.kind != "window":
        deadline = schedule.add(turn.now, patience, turn.tz)
    held_from = old.held_from
    if verdict.kind == "hold":
        held_from = held_from or max(old.since, verdict.since or turn.now)
    elif held_from is not None:
        deadline = deadline + (turn.now - held_from) if deadline else None
        held_from = None
    due = _held_due(verdict, deadline)
    return Stand("held", old.since, due, deadline, None, verdict.reason, held_from=held_from)


def _held_due(verdict: Blocked, deadline: datetime | None) -> datetime | None:
    if verdict.kind == "cap" and verdict.until and deadline:
        return min(verdict.until, deadline)
    return verdict.until


def _hold_reminder(turn: Turn, run: Run, step: Send | Ask, message: Message, channel: str, verdict: Blocked) -> bool:
    """A reminder waits like any send, but never beyond the end of its survey."""
    stand, patience = run.stand, step.if_blocked.wait
    since = stand.held_from or turn.now
    limit = schedule.add(since, patience, turn.tz) if patience else turn.now
    limit = min(limit, stand.deadline) if stand.deadline else limit
    if verdict.kind != "window" and limit <= turn.now:
        skip(turn, [run], message.name, channel, verdict.reason)
        return False
    if stand.reason != verdict.reason:
        turn.note("defer", verdict.reason, run, message=message.name, channel=channel, decision="defer")
    latest = stand.deadline or limit if verdict.kind == "window" else limit
    due = min(verdict.until or latest, latest)
    stand = but(stand, due_at=due, effect_id=None, reason=verdict.reason, held_from=since)
    turn.put(run.but(stand=stand))
    return True
