"""The store's port. Everything durable goes through `Store.transaction()`; `Views` only reads.

One transaction holds all that a batch changes: accepted event ids, customers and runs, timers, outbox, trace, history,
positions. Locks are taken in two levels and always in this order: order owners, then customers, each sorted; outbox
rows last, sorted by effect id. Methods take and give whole batches: never a statement per row, never a hop per event.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import datetime, timedelta
from typing import Any, Protocol

from postventa.core.event import Event
from postventa.core.state import CustomerState
from postventa.store.figures import Figures
from postventa.store.records import (
    RETAINED,
    SETTLED,
    SKIPPED,
    CustomerWrite,
    DataRefused,
    DeadLetter,
    Ended,
    HistoryKind,
    HistoryRow,
    OutboxRecord,
    OutboxState,
    Pause,
    Release,
    WaitingEvent,
)

__all__ = [
    "PULSE",
    "RETAINED",
    "SETTLED",
    "SKIPPED",
    "CustomerWrite",
    "DataRefused",
    "DeadLetter",
    "Ended",
    "HistoryKind",
    "HistoryRow",
    "Mailbox",
    "OutboxRecord",
    "OutboxState",
    "Pause",
    "Release",
    "Store",
    "Transaction",
    "Views",
    "WaitingEvent",
]

PULSE = "heartbeat"
"""Control key: when an engine last wrote, in real time. It never goes back but in a database that was restored."""


class Transaction(Protocol):
    """One open write transaction. Leaving the block commits; an exception rolls everything back."""

    # --- who is meant
    async def order_owners(self, order_ids: Sequence[str]) -> dict[str, str | None]:
        """Insert missing owners as None, lock all, give the owner of each."""

    async def set_order_owners(self, owners: Mapping[str, str]) -> None:
        """Order id -> customer id, over what was there."""

    async def aliases(self, keys: Sequence[str]) -> dict[str, str]:
        """Alias -> customer id, for those that are known."""

    async def aliases_of(self, customer_id: str) -> list[str]:
        """Every alias of this customer."""

    async def set_aliases(self, aliases: Mapping[str, str]) -> None:
        """Alias -> customer id, over what was there."""

    @property
    def exclusive(self) -> bool:
        """True when nobody else can write while this transaction lasts: what it read stays true."""

    async def any_erased(self) -> bool:
        """True when somebody was erased, ever: only then is it worth asking whom an event's markers name."""

    async def erased(self, markers: Sequence[str]) -> dict[str, datetime]:
        """Which of these salted markers belong to erased persons, and when those were erased."""

    async def merge(self, into: str, old: str) -> None:
        """Move what `old` has beside its state (events and their ids, messages, trace, answers, postings, goals, ended
        runs, owners, aliases, mails) to `into`, and drop the customer `old` with its history: the caller saves the
        united state with a history row that holds it whole. `save` and `merge` may come in either order.
        """

    async def erase(self, customer_id: str, markers: Sequence[str], at: datetime) -> None:
        """Remove the person's rows everywhere, also waiting events, dead letters, mails and audit rows that name one
        of its addresses or ids; keep the markers. Rows of other customers stay.
        """

    # --- customers
    async def lock_customers(self, ids: Sequence[str]) -> dict[str, CustomerState]:
        """Insert missing ones, lock in sorted order, load. The state is given as it was saved, its `outbox` too: that
        is the core's own view; `claimable` and the other outbox methods speak of the rows themselves.
        """

    def seq_of(self, customer_id: str) -> int:
        """The last history seq of a customer locked in this transaction (0: none)."""

    async def fresh_events(self, customer_id_and_keys: Sequence[tuple[str, str, str]]) -> set[tuple[str, str, str]]:
        """Insert (customer_id, source, id), give those that were not known before. Sorted inside. These ids outlive
        the retention of events.
        """

    async def due_customers(self, now: datetime, limit: int) -> list[str]:
        """Ids of customers with something due by `now`, oldest first, those locked elsewhere skipped. Where several
        workers share a store they are any of the oldest `10 * limit`, so that each takes others.
        """

    async def save(self, writes: Sequence[CustomerWrite]) -> None:
        """Write what changed: state, history, events, outbox rows (new, put back, withdrawn), trace, postings, goals,
        answers, run ends. One write per customer, the customer locked before. `Claimed` changes no row: that is
        `set_claimed`, which brings attempt and lease. A row that was cancelled comes back when it is sent again, with
        its attempts counted on; any other row of the same effect id stays as it is: an effect leaves once.
        """

    # --- waiting room, dead letters, positions
    async def put_waiting(self, events: Sequence[WaitingEvent]) -> None:
        """Keep them, once per (source, id)."""

    async def take_waiting(self, order_ids: Sequence[str]) -> list[WaitingEvent]:
        """Remove and give those of these orders, in order of (occurred_at, source, id)."""

    async def expire_waiting(self, before: datetime) -> list[WaitingEvent]:
        """Remove and give those received before; the caller makes dead letters of them."""

    async def put_dead_letters(self, letters: Sequence[DeadLetter]) -> None:
        """Keep them; each gets an `id`."""

    async def take_dead_letters(self, ids: Sequence[int]) -> list[DeadLetter]:
        """Remove and give those that are there, by id."""

    async def set_positions(self, positions: Mapping[tuple[str, int], int]) -> None:
        """(topic, partition) -> the next offset to read. A lower one changes nothing: a worker that slept past a
        rebalance must not undo what its successor read. Only 0, for a topic that was made again, begins anew.
        """

    # --- outbox
    async def claimable(self, now: datetime, limit: int, paused: Sequence[str]) -> list[OutboxRecord]:
        """Pending message rows whose next try has come and whose journey and channel are not paused (scopes as in
        `Pause`), also claimed rows whose lease has run out (given back as pending, attempt kept): all such rows of up
        to `limit` customers, grouped by customer, each in order of (priority, created_at, effect_id). Locks the
        customers, skipping locked ones.
        """

    async def set_claimed(self, codes: Mapping[str, str | None], lease: timedelta) -> dict[str, int]:
        """Effect id -> reward code or None. Sets `claimed`, attempt + 1, lease on the store's own clock; gives the
        attempt of each.
        """

    async def intents(self, attempts: Mapping[str, int], at: datetime) -> set[str]:
        """Claimed -> sending where the attempt still matches, it was not cancelled, and since the claim neither its
        address was suppressed nor its journey or channel paused; gives those that moved. The commit of this
        transaction is the moment of sending.
        """

    async def give_back(self, attempts: Mapping[str, int], detail: str) -> None:
        """Claimed -> pending where the attempt still matches: nobody tried to hand it over, so it may leave at once
        and no first try is remembered.
        """

    async def in_doubt(self, older_than: timedelta, limit: int) -> list[OutboxRecord]:
        """Rows `sending` without a receipt for longer than that (the store's own clock)."""

    async def settle(
        self, effect_id: str, state: OutboxState, at: datetime, detail: str = "", attempt: int | None = None
    ) -> bool:
        """Give a row its final state, or `uncertain`; a late receipt turns uncertain into sent. With `attempt` only if
        it is still that one's. A row already settled, or gone with its customer, stays as it is. False when the row is
        in the hands of another attempt by now: then this word says nothing about it.
        """

    async def settle_all(self, ends: Sequence[Ended]) -> set[str]:
        """Several at once, each effect id once; gives those of which `settle` says True."""

    async def retry_later(self, effect_id: str, next_try_at: datetime, detail: str, attempt: int | None = None) -> None:
        """Claimed (or in doubt, `sending`) -> pending, to be tried again; remembers the first try. With `attempt` only
        if it is still that one's: a worker that slept past its lease must not disturb its successor.
        """

    async def resend(self, effect_id: str) -> bool:
        """Uncertain -> pending, to leave at once as the same message; False when it is not uncertain (any more)."""

    async def pending_events(self, limit: int) -> list[OutboxRecord]:
        """Rows of kind `event` still to be published, in the order in which they were saved."""

    async def published(
        self, effect_ids: Sequence[str], at: datetime, state: OutboxState = "sent", detail: str = ""
    ) -> None:
        """These rows of kind `event` are done with: pending -> sent, or `refused` by the receiver; why, in words."""

    # --- suppression, codes, answers
    async def suppressed(self, addresses: Sequence[str]) -> dict[str, str]:
        """Address (lower case) -> reason, read and locked."""

    async def suppress(self, address: str, reason: str, at: datetime) -> None:
        """Never write to this address again; the first reason stays."""

    async def take_code(self, reward: str, effect_id: str, generated: str) -> str | None:
        """The code of this effect: the one it already has, else one of the file's free codes, else `generated` where
        the reward has no file; None when the file's codes are used up.
        """

    async def load_codes(self, reward: str, codes: Sequence[str]) -> int:
        """Add codes from a file, once each; gives how many were new."""

    # --- releases, control, audit
    async def put_release(self, release: Release) -> None:
        """Keep it (once per hash) and make it the live one."""

    async def set_pause(self, pause: Pause) -> None:
        """Stop a scope; over an older pause of the same scope."""

    async def clear_pause(self, scope: str) -> bool:
        """Let a scope go on; False when it was not paused."""

    async def set_control(self, key: str, value: str) -> None:
        """Small named values: heartbeat, live_from, schema notes."""

    async def audit(self, at: datetime, who: str, what: str, detail: Mapping[str, Any]) -> None:
        """Note an operator's act."""

    async def skip_before(self, before: datetime) -> int:
        """Cancel pending messages created before (after a restore or long stop), give how many. The caller tells the
        customers (a `cancelled` receipt each): their runs wait for it.
        """


class Views(Figures, Protocol):
    """Read-only queries, never inside a write transaction. Rows are plain dicts for pages, CLI and JSON: what stands in
    them is told in `store.shown`, times are text.
    """

    async def live_release(self) -> Release | None:
        """The release workers run now; None before the first publish."""

    async def release(self, hash_: str) -> Release | None:
        """One release with its files."""

    async def releases(self) -> list[dict[str, Any]]:
        """`shown.release` rows, newest first."""

    async def release_hashes_in_use(self) -> set[str]:
        """Hashes of the live release and of those under which a run began that still goes on."""

    async def versions_in_use(self) -> set[tuple[str, str]]:
        """(journey, version) of every unfinished run: also of those that were moved to another version since."""

    async def customers_inside(self, journey: str, versions: Collection[str], after: str, limit: int) -> list[str]:
        """Customers with an unfinished run in one of these versions of a journey, by id, page by page."""

    async def control(self, key: str) -> str | None:
        """What `set_control` said last."""

    async def pauses(self) -> list[Pause]:
        """Everything that is stopped now, by scope."""

    async def positions(self) -> dict[tuple[str, int], int]:
        """(topic, partition) -> the next offset to read."""

    async def next_due(self) -> datetime | None:
        """When the next customer has something to do; None when none waits for a time."""

    async def latest(self) -> datetime | None:
        """The latest moment at which a customer was moved; None when nobody was. Reads every customer."""

    async def counts(self, now: datetime) -> dict[str, Any]:
        """For `status`, see `shown.counts`: customers, runs by journey, version, step index and stand, due and overdue
        with the oldest, outbox by kind and state, waiting room, dead letters, parked runs, uncertain messages.
        """

    async def gauges(self, now: datetime) -> dict[str, Any]:
        """For `/metrics`, see `shown.gauges`. Counts only what is unsettled: its cost does not grow with the past."""

    async def outbox_busy(self) -> int:
        """How many messages are pending without a later next try, claimed or sending."""

    async def find_customer(self, text: str) -> list[str]:
        """Customer ids by id, alias, address, order id or order number; sorted."""

    async def customer(self, customer_id: str) -> CustomerState | None:
        """The state as it was saved."""

    async def customer_ids(self, after: str = "", limit: int = 1000) -> list[str]:
        """Ids in order, page by page."""

    async def history(self, customer_id: str) -> list[HistoryRow]:
        """Every row kept, by seq. After retention a fold begins at the last `snapshot`."""

    async def events(self, customer_id: str) -> list[tuple[Event, datetime]]:
        """The events kept, with the `now` at which they took effect, in that order."""

    async def trace(self, customer_id: str, limit: int = 500) -> list[dict[str, Any]]:
        """`shown.trace` rows: the last `limit` decisions, oldest first."""

    async def messages(self, customer_id: str | None = None, limit: int = 200) -> list[OutboxRecord]:
        """Messages of every state, newest first."""

    async def uncertain(self, limit: int = 200) -> list[OutboxRecord]:
        """Messages of which nobody knows whether they left, oldest first."""

    async def outbox_row(self, effect_id: str) -> OutboxRecord | None:
        """One row, message or event."""

    async def postings(self, customer_id: str) -> list[dict[str, Any]]:
        """`shown.posting` rows: the ledger, oldest first."""

    async def answers(self, survey: str | None = None, limit: int = 1000) -> list[dict[str, Any]]:
        """`shown.answer` rows, newest first."""

    async def dead_letters(self, limit: int = 200) -> list[DeadLetter]:
        """Newest first."""

    async def dead_letter(self, number: int) -> DeadLetter | None:
        """One of them by its id."""

    async def parked(self, limit: int = 200) -> list[dict[str, Any]]:
        """`shown.parked_run` rows, by customer and run."""

    async def audited(self, limit: int = 200) -> list[dict[str, Any]]:
        """What operators did: `at` (text), `who`, `what`, `detail`; newest first."""

    async def waiting(self, limit: int = 200) -> list[WaitingEvent]:
        """The waiting room, oldest first."""

    async def goals(self, journey: str | None = None) -> list[dict[str, Any]]:
        """`shown.goal` rows, oldest first."""

    async def ended_runs(self, journey: str | None = None, limit: int = 200) -> list[dict[str, Any]]:
        """`shown.ended_run` rows, newest first."""


class Mailbox(Protocol):
    """Where the `mailbox` channel keeps what it was given, for the local page. A mail is plain JSON: `effect_id`,
    `customer`, `to`, `at` (text), `subject`, `html`, `text`, `headers`, and whatever else the channel adds.
    """

    async def put_mail(self, mail: Mapping[str, Any]) -> None:
        """Keep one mail; durable when it returns. The same effect twice is two mails."""

    async def mails(self, limit: int = 200, customer: str | None = None) -> list[dict[str, Any]]:
        """Newest first."""

    async def mail(self, effect_id: str) -> dict[str, Any] | None:
        """The newest mail of this effect."""


class Store(Protocol):
    """A backend."""

    @property
    def views(self) -> Views:
        """Its queries."""

    @property
    def mailbox(self) -> Mailbox:
        """Its local mailbox."""

    async def open(self) -> None:
        """Migrate, and take the engine's lock. Raises StoreBusy that names the other engine's process, StoreError for a
        file or schema that cannot be used.
        """

    async def close(self) -> None:
        """Wait for the transaction under way, give the lock back."""

    def transaction(self) -> AbstractAsyncContextManager[Transaction]:
        """`async with store.transaction() as tx`: leaving the block commits, an exception rolls everything back.

        Raises StoreBusy when the database is locked, DataRefused when a value of this batch cannot be written (split
        it and try again), StoreError when trying again will not help.
        """

    def alone(self, name: str) -> AbstractAsyncContextManager[bool]:
        """`async with store.alone("out") as mine`: True for one at a time of all who share this store, in whatever
        process, until it leaves or dies; False at once for the others. What is done inside may take long.
        """

    async def prune(self, tables: Collection[str], before: datetime) -> dict[str, int]:
        """Drop rows of these tables (of `RETAINED`) older than `before`; gives how many of each.

        Before a history row, or an event it refers to, goes, a snapshot row with the customer's whole state is added:
        a fold begins at the last one. Events still remembered by a state stay, and so do all ids for deduplication.
        """
