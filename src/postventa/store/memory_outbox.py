"""The memory store's outbox: one way to set a row, which keeps the indexes by state and by customer true."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from postventa.core.policy import DEAD_ADDRESS
from postventa.store.base import SETTLED, SKIPPED, Ended, OutboxRecord, OutboxState
from postventa.store.changes import OutboxMoves, outbox_record
from postventa.store.memory_tables import Tables, Undo

_AT_ONCE = datetime.min.replace(tzinfo=UTC)


def is_paused(row: OutboxRecord, scopes: Collection[str]) -> bool:
    """True when one of the scopes stops this message."""
    return "all" in scopes or f"journey:{row.journey}" in scopes or f"channel:{row.channel}" in scopes


class MemoryOutbox:
    """The outbox half of the memory transaction."""

    def __init__(self, tables: Tables, undo: Undo, clock: Any) -> None:
        self._t = tables
        self._undo = undo
        self._clock = clock

    # --- rows ----------------------------------------------------------------------------------------------------
    def _set_row(self, row: OutboxRecord) -> None:
        tables, undo, key = self._t, self._undo, row.effect_id
        old = tables.outbox.get(key)
        if old is None or old.state != row.state:
            number = tables.next_number("outbox") if old is None else tables.by_state[old.kind, old.state][key]
            if old is not None:
                undo.drop(tables.by_state[old.kind, old.state], key)
            undo.put(tables.by_state.setdefault((row.kind, row.state), {}), key, number)
        undo.put(tables.outbox, key, row)

    def _move_outbox(self, moves: OutboxMoves, customer_id: str, now: datetime) -> None:
        tables = self._t
        for effect_id, reason in moves.put_back.items():
            if (row := tables.outbox.get(effect_id)) is not None and row.state == "claimed":
                self._set_row(replace(row, state="pending", detail=reason, lease_until=None))
        self._withdraw(moves.first, now)
        for effect in moves.rows:
            row = outbox_record(effect, customer_id, now)
            old = tables.outbox.get(row.effect_id)
            if old is None:
                self._set_row(row)
            elif old.state == "cancelled":
                self._set_row(replace(row, attempt=old.attempt))
        self._withdraw(moves.last, now)
        for joined in moves.joined:
            known = tables.outbox.get(joined.effect_id)
            if known is not None and known.state in {"pending", "claimed"}:
                self._set_row(replace(known, run_ids=joined.run_ids, address=joined.address))

    def _withdraw(self, reasons: Mapping[str, str], now: datetime) -> None:
        for effect_id, reason in reasons.items():
            row = self._t.outbox.get(effect_id)
            if row is not None and row.state in {"pending", "claimed"}:
                self._set_row(replace(row, state="cancelled", detail=reason, settled_at=now, lease_until=None))

    def _in_state(self, kind: str, state: str) -> list[OutboxRecord]:
        return [self._t.outbox[key] for key in self._t.by_state.get((kind, state), ())]

    # --- the port ------------------------------------------------------------------------------------------------
    async def claimable(self, now: datetime, limit: int, paused: Sequence[str]) -> list[OutboxRecord]:
        real, scopes = self._clock(), frozenset(paused)
        for row in self._in_state("message", "claimed"):
            if row.lease_until is not None and row.lease_until <= real and not is_paused(row, scopes):
                self._set_row(replace(row, state="pending", lease_until=None))
        ready = [
            row
            for row in self._in_state("message", "pending")
            if (row.next_try_at is None or row.next_try_at <= now) and not is_paused(row, scopes)
        ]
        ready.sort(key=lambda row: (row.next_try_at or _AT_ONCE, row.priority, row.created_at))
        chosen: dict[str, list[OutboxRecord]] = {}
        for row in ready:
            if row.customer_id in chosen or len(chosen) < limit:
                chosen.setdefault(row.customer_id, []).append(row)
        for rows in chosen.values():
            rows.sort(key=lambda row: (row.priority, row.created_at, row.effect_id))
        return [row for rows in chosen.values() for row in rows]

    async def set_claimed(self, codes: Mapping[str, str | None], lease: timedelta) -> dict[str, int]:
        until = self._clock() + lease
        attempts = {}
        for effect_id, code in sorted(codes.items()):
            row = self._t.outbox.get(effect_id)
            if row is not None and row.state == "pending":
                attempts[effect_id] = row.attempt + 1
                kept = code if code is not None else row.code
                self._set_row(replace(row, state="claimed", attempt=row.attempt + 1, lease_until=until, code=kept))
        return attempts

    async def intents(self, attempts: Mapping[str, int], at: datetime) -> set[str]:
        moved = set()
        for effect_id, attempt in attempts.items():
            row = self._t.outbox.get(effect_id)
            if row is not None and row.state == "claimed" and row.attempt == attempt and not self._held(row):
                self._undo.put(self._t.sending_at, effect_id, self._clock())
                self._set_row(replace(row, state="sending", intent_at=at, lease_until=None))
                moved.add(effect_id)
        return moved

    def _held(self, row: OutboxRecord) -> bool:
        reason, _ = self._t.suppressed.get((row.address or "").lower(), (None, None))
        forbidden = reason is not None and (row.klass != "transactional" or reason in DEAD_ADDRESS)
        return forbidden or is_paused(row, self._t.pauses)

    async def give_back(self, attempts: Mapping[str, int], detail: str) -> None:
        for effect_id, attempt in attempts.items():
            row = self._t.outbox.get(effect_id)
            if row is not None and row.state == "claimed" and row.attempt == attempt:
                self._set_row(replace(row, state="pending", detail=detail, lease_until=None))

    async def in_doubt(self, older_than: timedelta, limit: int) -> list[OutboxRecord]:
        before = self._clock() - older_than
        rows = [row for row in self._in_state("message", "sending") if self._t.sending_at[row.effect_id] <= before]
        return sorted(rows, key=lambda row: (self._t.sending_at[row.effect_id], row.effect_id))[:limit]

    async def settle_all(self, ends: Sequence[Ended]) -> set[str]:
        return {one[0] for one in ends if await self.settle(*one)}

    async def settle(
        self, effect_id: str, state: OutboxState, at: datetime, detail: str = "", attempt: int | None = None
    ) -> bool:
        row = self._t.outbox.get(effect_id)
        if row is None:
            return True
        if attempt is not None and row.attempt != attempt:
            return False
        if row.state not in SETTLED:
            self._set_row(replace(row, state=state, settled_at=at, detail=detail or row.detail, lease_until=None))
        return True

    async def retry_later(self, effect_id: str, next_try_at: datetime, detail: str, attempt: int | None = None) -> None:
        row = self._t.outbox.get(effect_id)
        if row is None or row.state not in {"claimed", "sending"} or (attempt is not None and row.attempt != attempt):
            return
        first = row.first_try_at or self._clock()
        tried = replace(row, state="pending", next_try_at=next_try_at, first_try_at=first, detail=detail)
        self._set_row(replace(tried, lease_until=None))

    async def resend(self, effect_id: str) -> bool:
        row = self._t.outbox.get(effect_id)
        if row is None or row.state != "uncertain":
            return False
        self._set_row(replace(row, state="pending", next_try_at=None, first_try_at=None, settled_at=None))
        return True

    async def pending_events(self, limit: int) -> list[OutboxRecord]:
        numbers = self._t.by_state.get(("event", "pending"), {})
        return [self._t.outbox[key] for key in sorted(numbers, key=numbers.__getitem__)[:limit]]

    async def published(
        self, effect_ids: Sequence[str], at: datetime, state: OutboxState = "sent", detail: str = ""
    ) -> None:
        for effect_id in effect_ids:
            row = self._t.outbox.get(effect_id)
            if row is not None and row.kind == "event" and row.state == "pending":
                self._set_row(replace(row, state=state, detail=detail, settled_at=at))

    async def skip_before(self, before: datetime) -> int:
        old = [row for row in self._in_state("message", "pending") if row.created_at < before]
        for row in old:
            self._set_row(replace(row, state="cancelled", detail=SKIPPED, settled_at=before))
        return len(old)
