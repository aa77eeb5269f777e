"""The memory store's tables: plain containers of core objects, and the undo log that makes a transaction out of them.

Nothing is encoded here: a backtest goes through these millions of times.
"""

from __future__ import annotations

from collections.abc import MutableMapping
from dataclasses import dataclass, field
from datetime import datetime
from heapq import heappop, heappush
from typing import Any, TypeVar

from postventa.core.effect import GoalReached, PostPoints, TraceEntry
from postventa.core.event import Event
from postventa.core.state import CustomerState
from postventa.store.base import DeadLetter, HistoryRow, OutboxRecord, Pause, Release, WaitingEvent
from postventa.store.changes import Answer, EndedRun

K = TypeVar("K")
V = TypeVar("V")
T = TypeVar("T")
EventKey = tuple[str, str]

_ABSENT: Any = object()
_APPENDED: Any = object()


class Undo:
    """What a transaction did to the containers, to be taken back in reverse order."""

    __slots__ = ("_log",)

    def __init__(self) -> None:
        self._log: list[tuple[Any, Any, Any]] = []

    def put(self, table: MutableMapping[K, V], key: K, value: V) -> None:
        """Set an entry."""
        self._log.append((table, key, table.get(key, _ABSENT)))
        table[key] = value

    def drop(self, table: MutableMapping[K, V], key: K) -> V | None:
        """Remove an entry; gives it, None when it was not there. It comes back at the end of its table."""
        old = table.pop(key, _ABSENT)
        if old is _ABSENT:
            return None
        self._log.append((table, key, old))
        return old  # type: ignore[no-any-return]

    def append(self, table: list[T], value: T) -> None:
        """Add to a list that only ever grows in a transaction."""
        self._log.append((table, None, _APPENDED))
        table.append(value)

    def roll_back(self) -> None:
        """Everything as it was."""
        while self._log:
            table, key, old = self._log.pop()
            if old is _APPENDED:
                table.pop()
            elif old is _ABSENT:
                table.pop(key, None)
            else:
                table[key] = old


@dataclass(slots=True)
class Tables:
    """Everything the store knows. Tables by customer hold a container per customer."""

    customers: dict[str, CustomerState] = field(default_factory=dict)
    seqs: dict[str, int] = field(default_factory=dict)
    due: dict[str, datetime] = field(default_factory=dict)
    due_heap: list[tuple[datetime, str]] = field(default_factory=list)
    """May hold stale entries; one counts only if `due` says the same."""
    run_release: dict[tuple[str, str], str] = field(default_factory=dict)
    aliases: dict[str, str] = field(default_factory=dict)
    owners: dict[str, str | None] = field(default_factory=dict)
    erased: dict[str, datetime] = field(default_factory=dict)
    seen: dict[str, dict[EventKey, bool]] = field(default_factory=dict)
    events: dict[str, dict[EventKey, tuple[Event, datetime]]] = field(default_factory=dict)
    history: dict[str, list[HistoryRow]] = field(default_factory=dict)
    trace: dict[str, list[tuple[int, TraceEntry]]] = field(default_factory=dict)
    outbox: dict[str, OutboxRecord] = field(default_factory=dict)
    sending_at: dict[str, datetime] = field(default_factory=dict)
    by_state: dict[tuple[str, str], dict[str, int]] = field(default_factory=dict)
    """(kind, state) -> effect id -> number in order of first appearance."""
    postings: dict[str, dict[str, PostPoints]] = field(default_factory=dict)
    ended: list[EndedRun] = field(default_factory=list)
    goals: list[tuple[str, GoalReached]] = field(default_factory=list)
    answers: dict[tuple[str, str, str], Answer] = field(default_factory=dict)
    waiting: dict[EventKey, WaitingEvent] = field(default_factory=dict)
    dead: dict[int, DeadLetter] = field(default_factory=dict)
    numbers: dict[str, int] = field(default_factory=dict)
    positions: dict[tuple[str, int], int] = field(default_factory=dict)
    suppressed: dict[str, tuple[str, datetime]] = field(default_factory=dict)
    codes: dict[tuple[str, str], tuple[str | None, bool]] = field(default_factory=dict)
    """(reward, code) -> (effect id or None, whether from a file)."""
    code_of: dict[str, str] = field(default_factory=dict)
    releases: dict[str, Release] = field(default_factory=dict)
    pauses: dict[str, Pause] = field(default_factory=dict)
    control: dict[str, str] = field(default_factory=dict)
    audit: list[dict[str, Any]] = field(default_factory=list)
    mails: list[dict[str, Any]] = field(default_factory=list)

    def next_number(self, name: str) -> int:
        """A new number of a sequence; numbers of a rolled back transaction are not used again."""
        number = self.numbers[name] = self.numbers.get(name, 0) + 1
        return number

    def push_due(self, customer_id: str) -> None:
        """File a customer under its present due time."""
        if (moment := self.due.get(customer_id)) is not None:
            heappush(self.due_heap, (moment, customer_id))

    def oldest_due(self, now: datetime | None, limit: int) -> list[tuple[datetime, str]]:
        """The customers due by `now` (None: at any time), oldest first; stale heap entries go for good."""
        heap, due = self.due_heap, self.due
        found: dict[str, datetime] = {}
        while heap and len(found) < limit and (now is None or heap[0][0] <= now):
            moment, customer_id = heappop(heap)
            if due.get(customer_id) == moment:
                found[customer_id] = moment
        for customer_id, moment in found.items():
            heappush(heap, (moment, customer_id))
        return [(moment, customer_id) for customer_id, moment in found.items()]
