"""The store in memory: the same semantics as a database, for tests, simulation and backtests. Nothing survives it.

Core objects are kept as they are, nothing is encoded. One transaction at a time; an exception takes everything back.
Views read what is there, also in the middle of a transaction of another task.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection
from datetime import UTC, datetime
from types import TracebackType
from typing import Any

from postventa.store.alone import Alone
from postventa.store.base import HistoryRow
from postventa.store.codec import state_to_plain, time_to_text
from postventa.store.memory_tables import Tables, Undo
from postventa.store.memory_transaction import MemoryTransaction
from postventa.store.memory_views import MemoryMailbox, MemoryViews
from postventa.store.personal import check_retained


def _real_now() -> datetime:
    return datetime.now(UTC)


class MemoryStore:
    """A store without a file. `keep_history=False` drops history, trace and event bodies: a long backtest reads none.

    `clock` is the store's own clock, for leases and doubts; never the journeys' clock.
    """

    def __init__(self, *, keep_history: bool = True, clock: Callable[[], datetime] = _real_now) -> None:
        self._tables = Tables()
        self._lock = asyncio.Lock()
        self._keep_history = keep_history
        self._clock = clock
        self.views = MemoryViews(self._tables)
        self.mailbox = MemoryMailbox(self._tables)
        self.alone = Alone()

    async def open(self) -> None: ...

    async def close(self) -> None: ...

    def transaction(self) -> _Open:
        return _Open(self._lock, self._tables, self._clock, self._keep_history)

    async def prune(self, tables: Collection[str], before: datetime) -> dict[str, int]:
        asked = check_retained(tables)
        async with self._lock:
            return _prune(self._tables, asked, before)


class _Open:
    """One transaction's life: lock, work, and on an exception everything back."""

    __slots__ = ("_args", "_lock", "_transaction", "_undo")

    def __init__(self, lock: asyncio.Lock, tables: Tables, clock: Callable[[], datetime], keep_history: bool) -> None:
        self._lock = lock
        self._undo = Undo()
        self._transaction = MemoryTransaction(tables, self._undo, clock, keep_history=keep_history)

    async def __aenter__(self) -> MemoryTransaction:
        await self._lock.acquire()
        return self._transaction

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if kind is not None:
                self._transaction.roll_back()
        finally:
            self._lock.release()


# --- retention -------------------------------------------------------------------------------------------------------
def _prune(tables: Tables, asked: frozenset[str], before: datetime) -> dict[str, int]:
    counts = dict.fromkeys(sorted(asked), 0)
    if asked & {"history", "events"}:
        for customer_id in list(tables.customers):
            _prune_customer(tables, customer_id, asked, before, counts)
    if "trace" in asked:
        for entries in tables.trace.values():
            counts["trace"] += _keep(entries, [pair for pair in entries if pair[1].at >= before])
    if "messages" in asked:
        for key, row in list(tables.outbox.items()):
            if row.settled_at is not None and row.settled_at < before and row.state != "uncertain":
                del tables.outbox[key], tables.by_state[row.kind, row.state][key]
                counts["messages"] += 1
    if "dead_letters" in asked:
        old = [number for number, letter in tables.dead.items() if letter.at < before]
        for number in old:
            del tables.dead[number]
        counts["dead_letters"] = len(old)
    text = time_to_text(before)
    for name, rows in (("mails", tables.mails), ("audit", tables.audit)):
        if name in asked:
            counts[name] = _keep(rows, [row for row in rows if row.get("at", text) >= text])
    return counts


def _keep(rows: list[Any], kept: list[Any]) -> int:
    dropped = len(rows) - len(kept)
    rows[:] = kept
    return dropped


def _prune_customer(
    tables: Tables, customer_id: str, asked: frozenset[str], before: datetime, counts: dict[str, int]
) -> None:
    rows = tables.history.get(customer_id, [])
    anchor = max((row.seq for row in rows if row.kind == "snapshot"), default=0)
    if any(row.seq > anchor and row.now < before for row in rows):
        anchor = tables.seqs[customer_id] + 1
        rows.append(_snapshot(tables, customer_id, anchor, rows[-1]))
        tables.seqs[customer_id] = anchor
    if "history" in asked:
        counts["history"] += _keep(rows, [row for row in rows if row.seq >= anchor or row.now >= before])
    if "events" in asked:
        remembered = tables.customers[customer_id].events
        bodies = tables.events.get(customer_id, {})
        for key in [key for key, (_, at) in bodies.items() if at < before and key not in remembered]:
            del bodies[key]
            counts["events"] += 1


def _snapshot(tables: Tables, customer_id: str, seq: int, last: HistoryRow) -> HistoryRow:
    state = tables.customers[customer_id]
    return HistoryRow(customer_id, seq, state.now or last.now, "snapshot", last.release, state_to_plain(state))
