"""The values that go in and out of a store: one dataclass per kind of row. `store.base` gives them on with its port."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from postventa.core.effect import Effect, TraceEntry
from postventa.core.event import Event
from postventa.core.quick import quick
from postventa.core.state import CustomerState
from postventa.errors import StoreError

OutboxState = Literal[
    "pending", "claimed", "sending", "sent", "uncertain", "cancelled", "refused", "gave_up"
]  # fmt: skip
Ended = tuple[str, OutboxState, datetime, str, int | None]
"""How one row ends: effect id, state, when, why, and whose word it is (the attempt; None: anybody's)."""
SETTLED: frozenset[OutboxState] = frozenset({"sent", "cancelled", "refused", "gave_up"})
"""States that no later word changes. `uncertain` is not one: a late receipt turns it into `sent`."""
SKIPPED = "skipped by an operator: created before the time given"
RETAINED = frozenset({"events", "history", "trace", "messages", "mails", "dead_letters", "audit"})
"""Tables that may lose rows by age. Runs, postings, codes, suppressions, consents, answers, goals and the ids by which
events are deduplicated stay."""
HistoryKind = Literal["event", "timer", "claim", "receipt", "activation", "operator", "merge", "snapshot"]


class DataRefused(StoreError):
    """A value of this batch cannot be written (a lone surrogate, a number past 64 bits): split the batch and try again;
    what remains is a dead letter.
    """


@quick
@dataclass(frozen=True, slots=True)
class HistoryRow:
    """One call of `advance`: enough to make it again. `payload` is the input as plain JSON (an event's is only its
    (source, id); the event itself stands in `events`), `seq` counts from 1 per customer without gaps.
    """

    customer_id: str
    seq: int
    now: datetime
    kind: HistoryKind
    release: str
    payload: Mapping[str, Any] = field(default_factory=dict)


@quick
@dataclass(frozen=True, slots=True)
class CustomerWrite:
    """What one customer's part of a batch changed. Effects and trace are in the order in which they came."""

    before: CustomerState
    after: CustomerState
    history: tuple[HistoryRow, ...] = ()
    events: tuple[tuple[Event, datetime], ...] = ()
    """Events that took effect, with the `now` at which they did."""
    effects: tuple[Effect, ...] = ()
    trace: tuple[tuple[int, TraceEntry], ...] = ()
    """(history seq, entry)."""


@dataclass(frozen=True, slots=True)
class WaitingEvent:
    """An event about an order not seen yet. `record` is the validated event as plain JSON (see `codec`)."""

    order_id: str
    event: Event
    received_at: datetime


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A record that could not be used: where it came from, which field, why, and the record itself."""

    source: str
    """"http", a file's name, or "topic/partition/offset"."""
    reason: str
    record: str
    at: datetime
    field: str | None = None
    event_id: str | None = None
    id: int | None = None


@dataclass(frozen=True, slots=True)
class OutboxRecord:
    """A row on its way out: a message (`kind` "message") or a published event (`kind` "event", in `event`)."""

    effect_id: str
    customer_id: str
    kind: Literal["message", "event"]
    state: OutboxState
    created_at: datetime
    priority: int = 100
    message: str | None = None
    klass: str | None = None
    channel: str | None = None
    address: str | None = None
    duplicates: Literal["allow", "avoid"] = "avoid"
    journey: str | None = None
    version: str | None = None
    subject: tuple[str, str] | None = None
    run_ids: tuple[str, ...] = ()
    step_id: str | None = None
    round: int = 1
    survey: str | None = None
    reward: str | None = None
    choose: str | None = None
    context: Mapping[str, Any] = field(default_factory=dict)
    event: Event | None = None
    attempt: int = 0
    lease_until: datetime | None = None
    next_try_at: datetime | None = None
    first_try_at: datetime | None = None
    intent_at: datetime | None = None
    settled_at: datetime | None = None
    code: str | None = None
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Release:
    """A published project: every file of it by path, under the hash of its canonical form."""

    hash: str
    files: Mapping[str, bytes]
    published_at: datetime
    by: str = ""
    message: str = ""


@dataclass(frozen=True, slots=True)
class Pause:
    """What an operator stopped. `scope` is "all", "journey:<id>" or "channel:<name>"."""

    scope: str
    reason: str
    at: datetime
    by: str = ""
