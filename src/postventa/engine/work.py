"""One transaction's work on customers: lock, `advance` as often as needed, save all of it at once.

The batch of events, the look at the timers, the claim and the receipts differ only in what they ask; how a customer is
moved, and what is written of it, is here.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from postventa.core.advance import advance
from postventa.core.effect import Effect, Outcome, TraceEntry
from postventa.core.event import Event, Input
from postventa.core.merge import merge
from postventa.core.state import CustomerState
from postventa.engine.release import Live
from postventa.store.base import CustomerWrite, HistoryRow, Transaction
from postventa.store.codec import state_to_plain
from postventa.store.inputs import input_to_plain


class Stale(Exception):
    """What was read before the locks is not true any more: begin the transaction anew."""


@dataclass(slots=True)
class _Part:
    """One customer in this transaction."""

    before: CustomerState
    state: CustomerState
    seq: int
    history: list[HistoryRow] = field(default_factory=list)
    events: list[tuple[Event, datetime]] = field(default_factory=list)
    effects: list[Effect] = field(default_factory=list)
    trace: list[tuple[int, TraceEntry]] = field(default_factory=list)


class Work:
    """What one transaction does to its customers under one release."""

    def __init__(self, tx: Transaction, live: Live) -> None:
        self.tx = tx
        self.live = live
        self._parts: dict[str, _Part] = {}

    async def lock(self, customers: Iterable[str]) -> None:
        """Lock and load those not held yet. Raises Stale when a run stands in a version this release does not know."""
        asked = sorted({one for one in customers if one not in self._parts})
        if not asked:
            return
        for customer, state in (await self.tx.lock_customers(asked)).items():
            self._parts[customer] = _Part(state, state, self.tx.seq_of(customer))
            if state.runs and self.live.lacks(state):
                raise Stale

    def state(self, customer: str) -> CustomerState:
        """As it stands now, with what this transaction has done so far."""
        return self._parts[customer].state

    def advance(self, customer: str, given: Input, now: datetime) -> Outcome:
        """Move one customer; its `now` never goes back."""
        part = self._parts[customer]
        last = part.state.now
        at = now if last is None or last < now else last
        outcome = advance(part.state, given, at, self.live.catalog)
        part.state = outcome.state
        part.seq += 1
        kind, payload = input_to_plain(given)
        part.history.append(HistoryRow(customer, part.seq, at, kind, self.live.hash, payload))
        if kind == "event":
            assert isinstance(given, Event)
            part.events.append((given, at))
        if outcome.effects:
            part.effects.extend(outcome.effects)
        if outcome.trace:
            part.trace.extend((part.seq, entry) for entry in outcome.trace)
        return outcome

    async def save(self) -> None:
        """Write everything done since the last save."""
        writes = []
        for part in self._parts.values():
            if part.history:
                writes.append(
                    CustomerWrite(
                        part.before, part.state, tuple(part.history), tuple(part.events), tuple(part.effects),
                        tuple(part.trace),
                    )
                )  # fmt: skip
                part.before = part.state
                part.history, part.events, part.effects, part.trace = [], [], [], []
        if writes:
            await self.tx.save(writes)

    async def merge(self, into: str, old: str, now: datetime) -> None:
        """Two customers become one. The united state stands in the history: the old one's ends here."""
        await self.save()
        await self.tx.merge(into, old)
        part, gone = self._parts[into], self._parts.pop(old)
        united = merge(part.state, gone.state, now)
        at = united.now or now
        part.state = united
        part.seq += 1
        payload = {**state_to_plain(united), "merged": old}
        part.history.append(HistoryRow(into, part.seq, at, "merge", self.live.hash, payload))
        words = "another id of the same person was joined to this one"
        part.trace.append((part.seq, TraceEntry(at, "merge", words)))
        await self.save()

    def drop(self, customer: str) -> None:
        """Nothing of this customer is to be written: it was erased."""
        self._parts.pop(customer, None)
