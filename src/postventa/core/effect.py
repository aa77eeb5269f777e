"""What `advance` asks the world to do, and how it explains itself. A closed union; the store writes each of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from postventa.core.event import Event, Plain
from postventa.core.journey import MessageClass
from postventa.core.quick import quick
from postventa.core.state import CustomerState, Ref


@quick
@dataclass(frozen=True, slots=True)
class SendMessage:
    """A new outbox row, `pending`. `context` has what the template needs beside the live facts (ids, with, event)."""

    effect_id: str
    run_ids: tuple[str, ...]
    journey: str
    version: str
    subject: Ref
    step_id: str
    round: int
    message: str
    klass: MessageClass
    priority: int
    channel: str
    to: str
    """An address; the customer's own at the time it was decided."""
    duplicates: Literal["allow", "avoid"]
    created_at: datetime
    """Since when its run wants to send it, so that of two messages held by a cap the older goes first."""
    survey: str | None = None
    reward: str | None = None
    choose: str | None = None
    """The value of `choose_by`: which variant folder of the template."""
    context: Mapping[str, Plain] = field(default_factory=dict)


@quick
@dataclass(frozen=True, slots=True)
class Claimed:
    """The pending row may leave: the store sets `claimed` with attempt and lease. `code` is the reward's code."""

    effect_id: str
    code: str | None = None


@dataclass(frozen=True, slots=True)
class Withdraw:
    """The row leaves the outbox: cancelled by an exit or an objection, or held back at the claim."""

    effect_id: str
    reason: str


@dataclass(frozen=True, slots=True)
class PutBack:
    """A claimed row becomes pending again, so that the attempt under way fails at its intent (a line left its mail)."""

    effect_id: str
    reason: str


@quick
@dataclass(frozen=True, slots=True)
class EmitEvent:
    """A derived or emitted event: it has already been applied to this customer, and is to be published."""

    effect_id: str
    event: Event


@dataclass(frozen=True, slots=True)
class PostPoints:
    """A posting of the loyalty ledger; negative for reversal, redemption or expiry. `posting_id` is unique for ever."""

    posting_id: str
    points: int
    at: datetime
    reason: str
    order: str | None = None
    run_id: str | None = None


@quick
@dataclass(frozen=True, slots=True)
class RunEnded:
    """The run is over: `completed`, `exited`, `goal`, `restarted`, `cancelled`, with the reason in words."""

    run_id: str
    outcome: Literal["completed", "exited", "goal", "restarted", "cancelled", "erased"]
    reason: str
    at: datetime


@dataclass(frozen=True, slots=True)
class GoalReached:
    """The goal of a run, reached within its time, perhaps after the run ended."""

    run_id: str
    journey: str
    version: str
    at: datetime
    event: tuple[str, str]
    value: str | None = None
    """order.total of the goal's event, a decimal string, where it has one."""


@dataclass(frozen=True, slots=True)
class Undone:
    """What was told of the end of this run, or of its goal, is not so: an event that occurred earlier came later."""

    run_id: str


@dataclass(frozen=True, slots=True)
class Erase:
    """Everything of this person is to be removed, a salted marker is to stay."""


Effect = SendMessage | Claimed | Withdraw | PutBack | EmitEvent | PostPoints | RunEnded | GoalReached | Undone | Erase


@quick
@dataclass(frozen=True, slots=True)
class TraceEntry:
    """One decision in words: what happened at which line of which file, and why. `decision` is None for moves that
    are no decision about a message (a start, a wait passed, a branch taken)."""

    at: datetime
    what: str
    """start, refused, exit, goal, wait, matched, timeout, branch, variant, send, skip, defer, award, …"""
    reason: str
    run_id: str | None = None
    journey: str | None = None
    version: str | None = None
    subject: Ref | None = None
    step_id: str | None = None
    line: int | None = None
    round: int = 1
    message: str | None = None
    channel: str | None = None
    variant: str | None = None
    decision: Literal["send", "skip", "defer"] | None = None
    effect_id: str | None = None


@quick
@dataclass(frozen=True, slots=True)
class Outcome:
    """`state` is the new state; the one that was given is untouched."""

    state: CustomerState
    effects: tuple[Effect, ...]
    trace: tuple[TraceEntry, ...]
