"""What one customer's part of a batch means for the store, as objects: shared by every backend.

A state is a value whose parts are frozen, so what changed is what is not the same object any more. Effects that touch
the outbox may come several for one id (sent, held back, sent again in one batch): they are brought into the order in
which a backend can write them in three bulk statements.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple, TypeVar

from postventa.core.effect import Effect, EmitEvent, GoalReached, PutBack, RunEnded, SendMessage, Undone, Withdraw
from postventa.core.event import Event
from postventa.core.state import CustomerState, OutboxRow, Ref
from postventa.store.base import CustomerWrite, OutboxRecord

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


def changed(before: Mapping[K, V], after: Mapping[K, V]) -> list[tuple[K, V]]:
    """Entries that are new or another object than before."""
    return [(key, value) for key, value in after.items() if before.get(key) is not value]


def gone(before: Mapping[K, V], after: Mapping[K, V]) -> list[K]:
    """Keys that are no longer there."""
    return [] if before.keys() <= after.keys() else [key for key in before if key not in after]


class OutboxMoves(NamedTuple):
    """To apply in this order; a put row that exists is left alone unless it was cancelled, then it comes back."""

    put_back: dict[str, str]
    """Effect id -> reason: claimed rows that become pending again."""
    first: dict[str, str]
    """Effect id -> reason: rows withdrawn that were there before."""
    rows: list[SendMessage | EmitEvent]
    last: dict[str, str]
    """Effect id -> reason: rows withdrawn that are among `rows`."""
    joined: list[OutboxRow]
    """Rows there before whose runs or address changed: a sibling joined or left a shared mail."""


def outbox_moves(write: CustomerWrite) -> OutboxMoves:
    """What the effects of a write do to the outbox."""
    moves = OutboxMoves({}, {}, [], {}, [])
    rows: dict[str, SendMessage | EmitEvent] = {}
    for effect in write.effects:
        if isinstance(effect, SendMessage):
            moves.last.pop(effect.effect_id, None)
            rows[effect.effect_id] = effect
        elif isinstance(effect, Withdraw):
            (moves.last if effect.effect_id in rows else moves.first)[effect.effect_id] = effect.reason
        elif isinstance(effect, PutBack):
            moves.put_back[effect.effect_id] = effect.reason
        elif isinstance(effect, EmitEvent):
            moves.last.pop(effect.effect_id, None)
            rows[effect.effect_id] = effect
    moves.rows.extend(rows.values())
    for key, row in changed(write.before.outbox, write.after.outbox):
        old = write.before.outbox.get(key)
        if old is not None and (old.run_ids, old.address) != (row.run_ids, row.address):
            moves.joined.append(row)
    return moves


def outbox_record(effect: SendMessage | EmitEvent, customer_id: str, now: datetime) -> OutboxRecord:
    """The pending row of a new message, or of an event to be published, which is created `now`."""
    if isinstance(effect, EmitEvent):
        return OutboxRecord(effect.effect_id, customer_id, "event", "pending", now, event=effect.event)
    return OutboxRecord(
        effect.effect_id, customer_id, "message", "pending", effect.created_at, effect.priority, effect.message,
        effect.klass, effect.channel, effect.to, effect.duplicates, effect.journey, effect.version, effect.subject,
        effect.run_ids, effect.step_id, effect.round, effect.survey, effect.reward, effect.choose, effect.context,
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class EndedRun:
    """A finished run as it is kept for good."""

    customer_id: str
    run_id: str
    journey: str
    version: str
    subject: Ref
    started_at: datetime | None
    ended_at: datetime
    outcome: str
    reason: str


def ended_runs(write: CustomerWrite) -> list[EndedRun]:
    """The runs this write ended, also those that began and ended inside it."""
    return [
        _ended_run(write, effect) for effect in _standing(write) if isinstance(effect, RunEnded)
    ]  # fmt: skip


def undone(write: CustomerWrite) -> list[str]:
    """The runs whose end and goal, told by an earlier write, are not so."""
    return [effect.run_id for effect in write.effects if isinstance(effect, Undone)]


def _standing(write: CustomerWrite) -> Iterable[Effect]:
    """The effects without the ends and goals that a later one of them undoes."""
    last = {effect.run_id: place for place, effect in enumerate(write.effects) if isinstance(effect, Undone)}
    if not last:
        return write.effects
    return [
        effect
        for place, effect in enumerate(write.effects)
        if not isinstance(effect, RunEnded | GoalReached) or place > last.get(effect.run_id, -1)
    ]


def _ended_run(write: CustomerWrite, effect: RunEnded) -> EndedRun:
    run = write.before.runs.get(effect.run_id) or write.after.runs.get(effect.run_id)
    customer = write.after.customer_id
    if run is not None:
        return EndedRun(
            customer, run.run_id, run.journey, run.version, run.subject, run.started_at, effect.at, effect.outcome,
            effect.reason,
        )  # fmt: skip
    told = [entry for _, entry in write.trace if entry.run_id == effect.run_id]
    journey = next((entry.journey for entry in told if entry.journey), "")
    version = next((entry.version for entry in told if entry.version), "")
    subject = next((entry.subject for entry in told if entry.subject), ("", ""))
    if not journey:
        ended = ((key, one) for key, one in write.after.ended.items() if one.run_id == effect.run_id)
        (journey, subject), _ = next(ended, (("", ("", "")), None))
    started = told[0].at if told else None
    return EndedRun(
        customer, effect.run_id, journey, version, subject, started, effect.at, effect.outcome, effect.reason
    )


def goals(write: CustomerWrite) -> list[GoalReached]:
    """The goals this write reached."""
    return [effect for effect in _standing(write) if isinstance(effect, GoalReached)]


@dataclass(frozen=True, slots=True)
class Answer:
    """An answered survey, taken from its event."""

    customer_id: str
    source: str
    id: str
    at: datetime
    survey: str
    score: float | int | None
    choices: tuple[str, ...]
    text: str
    subject: str
    """As the event names it; several parts are joined by a slash."""


def answers(customer_id: str, events: Iterable[Event]) -> list[Answer]:
    """The answers among these events."""
    return [_answer(customer_id, event) for event in events if event.type == "survey.answered"]


def _answer(customer_id: str, event: Event) -> Answer:
    data = event.data.get("answer", event.data)
    score = data.get("score")
    choices = data.get("choices") or ()
    subject = data.get("subject") or ""
    return Answer(
        customer_id, event.source, event.id, event.occurred_at, str(data.get("survey") or ""),
        score if isinstance(score, int | float) else None,
        (choices,) if isinstance(choices, str) else tuple(str(choice) for choice in choices),
        str(data.get("text") or ""), subject if isinstance(subject, str) else "/".join(_texts(subject)),
    )  # fmt: skip


def _texts(value: Any) -> list[str]:
    if isinstance(value, Mapping):
        value = value.values()
    return [str(part) for part in value] if isinstance(value, Iterable) else [str(value)]


def address_of(state: CustomerState) -> str | None:
    """The customer's address in lower case, as look-ups and suppressions write it."""
    email = state.facts.get("email")
    return email.lower() if isinstance(email, str) and email else None


def moment_of(write: CustomerWrite) -> datetime:
    """The `now` of a write: of its last history row, else of the state. Raises ValueError when it has neither."""
    now = write.history[-1].now if write.history else write.after.now or write.before.now
    if now is None:
        raise ValueError(f"customer {write.after.customer_id}: a write needs a history row or a state with a time")
    return now
