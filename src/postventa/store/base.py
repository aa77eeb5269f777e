"""The store's port. Everything durable goes through `Store.transaction()`; `Views` only reads.

One transaction holds all that a batch changes: accepted event ids, customers and runs, timers, outbox, trace, history,
positions. Locks are taken in two levels and always in this order: order owners, then customers, each sorted; outbox
rows last, sorted by effect id. Methods take and give whole batches: never a statement per row, never a hop per event.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Literal, Protocol

from postventa.core.effect import Effect, TraceEntry
from postventa.core.event import Event
from postventa.core.state import CustomerState

OutboxState = Literal[
    "pending", "claimed", "sending", "sent", "uncertain", "cancelled", "refused", "gave_up"
]  # fmt: skip
HistoryKind = Literal["event", "timer", "claim", "receipt", "activation", "operator", "merge", "snapshot"]


@dataclass(frozen=True, slots=True)
class HistoryRow:
    """One call of `advance`: enough to make it again. `payload` is the input as plain JSON (an event's is only its
    (source, id); the event itself stands in `events`), `seq` counts from 1 per customer without gaps."""

    customer_id: str
    seq: int
    now: datetime
    kind: HistoryKind
    release: str
    payload: Mapping[str, Any] = field(default_factory=dict)


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


class Transaction(Protocol):
    """One open write transaction. Leaving the block commits; an exception rolls everything back."""

    # --- who is meant
    async def order_owners(self, order_ids: Sequence[str]) -> dict[str, str | None]:
        """Insert missing owners as None, lock all, give the owner of each."""

    async def set_order_owners(self, owners: Mapping[str, str]) -> None: ...

    async def aliases(self, keys: Sequence[str]) -> dict[str, str]:
        """alias -> customer id, for those that are known."""

    async def set_aliases(self, aliases: Mapping[str, str]) -> None: ...

    async def erased(self, markers: Sequence[str]) -> set[str]:
        """Which of these salted markers belong to erased persons."""

    async def merge(self, into: str, old: str) -> None:
        """Move every row of `old` that is not part of the loaded state (events, history is closed by a merge row,
        messages, outbox, trace, owners, aliases, answers, postings) to `into`, and drop the customer `old`."""

    async def erase(self, customer_id: str, markers: Sequence[str]) -> None:
        """Remove the person's rows everywhere; keep the markers."""

    # --- customers
    async def lock_customers(self, ids: Sequence[str]) -> dict[str, CustomerState]:
        """Insert missing ones, lock in sorted order, load: with runs, remembered events, and outbox rows that are
        pending or claimed. Also tells `seq_of`."""

    def seq_of(self, customer_id: str) -> int:
        """The last history seq of a customer locked in this transaction (0: none)."""

    async def fresh_events(self, customer_id_and_keys: Sequence[tuple[str, str, str]]) -> set[tuple[str, str, str]]:
        """Insert (customer_id, source, id), give those that were not known before. Sorted inside."""

    async def due_customers(self, now: datetime, limit: int) -> list[str]:
        """Ids of customers with something due by `now`, oldest first, those locked elsewhere skipped."""

    async def save(self, writes: Sequence[CustomerWrite]) -> None:
        """Write what changed: state, history, events, outbox rows (new, withdrawn), trace, postings, run ends."""

    # --- waiting room, dead letters, positions
    async def put_waiting(self, events: Sequence[WaitingEvent]) -> None:
        """Keep them, once per (source, id)."""

    async def take_waiting(self, order_ids: Sequence[str]) -> list[WaitingEvent]:
        """Remove and give those of these orders, in order of (occurred_at, source, id)."""

    async def expire_waiting(self, before: datetime) -> list[WaitingEvent]:
        """Remove and give those received before; the caller makes dead letters of them."""

    async def put_dead_letters(self, letters: Sequence[DeadLetter]) -> None: ...

    async def set_positions(self, positions: Mapping[tuple[str, int], int]) -> None: ...

    # --- outbox
    async def claimable(self, now: datetime, limit: int, paused: Sequence[str]) -> list[OutboxRecord]:
        """Pending message rows whose next try has come and whose journey and channel are not paused (scopes as in
        `Pause`), also claimed rows whose lease has run out (given back as pending, attempt kept): all such rows of up
        to `limit` customers, grouped by customer, each in order of (priority, created_at, effect_id). Locks the
        customers, skipping locked ones."""

    async def set_claimed(self, codes: Mapping[str, str | None], lease: timedelta) -> dict[str, int]:
        """effect id -> reward code or None. Sets `claimed`, attempt + 1, lease on the store's own clock; gives the
        attempt of each."""

    async def intents(self, attempts: Mapping[str, int], at: datetime) -> set[str]:
        """claimed -> sending where the attempt still matches and it was not cancelled; gives those that moved. The
        commit of this transaction is the moment of sending."""

    async def in_doubt(self, older_than: timedelta, limit: int) -> list[OutboxRecord]:
        """Rows `sending` without a receipt for longer than that (the store's own clock)."""

    async def settle(self, effect_id: str, state: OutboxState, at: datetime, detail: str = "") -> None:
        """sending|claimed|pending -> a final state (or a late receipt: uncertain -> sent); `messages` follows."""

    async def retry_later(self, effect_id: str, next_try_at: datetime, detail: str) -> None:
        """claimed -> pending, to be tried again; remembers the first try."""

    async def pending_events(self, limit: int) -> list[OutboxRecord]:
        """Rows of kind `event` still to be published, in order."""

    # --- suppression, codes, answers
    async def suppressed(self, addresses: Sequence[str]) -> dict[str, str]:
        """address (lower case) -> reason, read and locked."""

    async def suppress(self, address: str, reason: str, at: datetime) -> None: ...

    async def take_code(self, reward: str, effect_id: str, generated: str) -> str | None:
        """The code of this effect: the one it already has, else one of the file's free codes, else `generated` where
        the reward has no file; None when the file's codes are used up."""

    async def load_codes(self, reward: str, codes: Sequence[str]) -> int:
        """Add codes from a file, once each; gives how many were new."""

    # --- releases, control, audit
    async def put_release(self, release: Release) -> None:
        """Keep it (once per hash) and make it the live one."""

    async def set_pause(self, pause: Pause) -> None: ...

    async def clear_pause(self, scope: str) -> bool: ...

    async def set_control(self, key: str, value: str) -> None:
        """Small named values: heartbeat, live_from, schema notes."""

    async def audit(self, at: datetime, who: str, what: str, detail: Mapping[str, Any]) -> None: ...

    async def skip_before(self, before: datetime) -> int:
        """Cancel pending rows created before (after a restore or long stop), give how many."""


class Views(Protocol):
    """Read-only queries, never inside a write transaction. Rows are plain dicts for pages, CLI and JSON."""

    async def live_release(self) -> Release | None: ...
    async def release(self, hash_: str) -> Release | None: ...
    async def releases(self) -> list[dict[str, Any]]:
        """hash, published_at, by, message, live; newest first."""

    async def release_hashes_in_use(self) -> set[str]:
        """Hashes of releases that brought a journey version in which a run stands, and the live one."""

    async def control(self, key: str) -> str | None: ...
    async def pauses(self) -> list[Pause]: ...
    async def positions(self) -> dict[tuple[str, int], int]: ...
    async def next_due(self) -> datetime | None: ...
    async def counts(self, now: datetime) -> dict[str, Any]:
        """For `status`: customers, runs by journey and step (version, step id, stand kind), due and overdue with the
        oldest, outbox by state and kind, messages by result, waiting room, dead letters, parked runs, uncertain."""

    async def outbox_busy(self) -> int:
        """Rows (messages) pending without a later next try, claimed or sending."""

    async def find_customer(self, text: str) -> list[str]:
        """Customer ids by id, alias, address, order id or order number."""

    async def customer(self, customer_id: str) -> CustomerState | None: ...
    async def history(self, customer_id: str) -> list[HistoryRow]: ...
    async def customer_ids(self, after: str = "", limit: int = 1000) -> list[str]: ...
    async def events(self, customer_id: str) -> list[tuple[Event, datetime]]: ...
    async def trace(self, customer_id: str, limit: int = 500) -> list[dict[str, Any]]: ...
    async def messages(self, customer_id: str | None = None, limit: int = 200) -> list[OutboxRecord]: ...
    async def outbox_row(self, effect_id: str) -> OutboxRecord | None: ...
    async def postings(self, customer_id: str) -> list[dict[str, Any]]: ...
    async def dead_letters(self, limit: int = 200) -> list[DeadLetter]: ...
    async def waiting(self, limit: int = 200) -> list[WaitingEvent]: ...
    async def goals(self, journey: str | None = None) -> list[dict[str, Any]]: ...
    async def ended_runs(self, journey: str | None = None, limit: int = 200) -> list[dict[str, Any]]: ...


class Mailbox(Protocol):
    """Where the `mailbox` channel keeps what it was given, for the local page."""

    async def put_mail(self, mail: Mapping[str, Any]) -> None: ...
    async def mails(self, limit: int = 200, customer: str | None = None) -> list[dict[str, Any]]: ...
    async def mail(self, effect_id: str) -> dict[str, Any] | None: ...


class Store(Protocol):
    """A backend. `open` migrates and takes the engine's lock (StoreBusy names the other engine's process)."""

    views: Views
    mailbox: Mailbox

    async def open(self) -> None: ...
    async def close(self) -> None: ...
    def transaction(self) -> AbstractAsyncContextManager[Transaction]: ...
