"""SQLite: the outbox. Every call is one or two statements, however many rows it concerns.

Settled rows stay in `outbox`: they are the record of what was sent (the view `messages`), kept as long as the retention
of messages says.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import TypeVar

from postventa.store import rows
from postventa.store.base import SKIPPED, Ended, OutboxRecord, OutboxState
from postventa.store.codec import dumps, time_to_text
from postventa.store.sqlite_thread import hops

R = TypeVar("R")
COLUMNS = ", ".join(rows.OUTBOX)
_RUNNING = """
    not exists (select 1 from json_each(:paused)
                where value in ('all', 'journey:' || journey, 'channel:' || channel))"""
_SETTLED = "('sent', 'cancelled', 'refused', 'gave_up')"
_OLD = f"state = 'pending' and kind = 'message' and next_try_at <= :now and {_RUNNING}"


class SqliteOutbox:
    """The outbox half of the SQLite transaction. Leases and doubts use the real clock."""

    db: sqlite3.Connection
    clock: Callable[[], datetime]

    async def hop(self, work: Callable[[], R]) -> R:
        """Run `work` in the writer's thread; the transaction says how."""
        raise NotImplementedError

    @hops
    def claimable(self, now: datetime, limit: int, paused: Sequence[str]) -> list[OutboxRecord]:
        values = {"now": time_to_text(now), "real": time_to_text(self.clock()), "paused": dumps(list(paused))}
        self.db.execute(
            "update outbox set state = 'pending', lease_until = null"
            f" where state = 'claimed' and lease_until <= :real and {_RUNNING}",
            values,
        )
        chosen: dict[str, int] = {}
        oldest = self.db.execute(
            f"select customer_id from outbox where {_OLD} order by next_try_at, priority, created_at", values
        )
        for (customer_id,) in oldest:
            if customer_id not in chosen:
                if len(chosen) == limit:
                    break
                chosen[customer_id] = len(chosen)
        oldest.close()
        found = self.db.execute(
            f"select {COLUMNS} from outbox where {_OLD} and customer_id in (select value from json_each(:customers))"
            " order by priority, created_at, effect_id",
            values | {"customers": dumps(list(chosen))},
        )
        return sorted(map(rows.outbox_from_row, found), key=lambda row: chosen[row.customer_id])

    @hops
    def set_claimed(self, codes: Mapping[str, str | None], lease: timedelta) -> dict[str, int]:
        moved = self.db.execute(
            "update outbox set state = 'claimed', attempt = attempt + 1, lease_until = ?,"
            " code = coalesce(j.value ->> 1, code) from json_each(?) as j"
            " where effect_id = j.value ->> 0 and state = 'pending' returning effect_id, attempt",
            (time_to_text(self.clock() + lease), dumps(sorted(codes.items()))),
        )
        return dict(moved.fetchall())

    @hops
    def intents(self, attempts: Mapping[str, int], at: datetime) -> set[str]:
        moved = self.db.execute(
            "update outbox set state = 'sending', intent_at = ?, sending_at = ?, lease_until = null"
            " from json_each(?) as j where effect_id = j.value ->> 0 and attempt = j.value ->> 1 and state = 'claimed'"
            f" and not exists ({rows.FORBIDDEN}) and not exists ({rows.HELD}) returning effect_id",
            (time_to_text(at), time_to_text(self.clock()), dumps(sorted(attempts.items()))),
        )
        return {effect_id for (effect_id,) in moved.fetchall()}

    @hops
    def give_back(self, attempts: Mapping[str, int], detail: str) -> None:
        self.db.execute(
            "update outbox set state = 'pending', detail = ?, lease_until = null from json_each(?) as j"
            " where effect_id = j.value ->> 0 and attempt = j.value ->> 1 and state = 'claimed'",
            (detail, dumps(sorted(attempts.items()))),
        )

    @hops
    def in_doubt(self, older_than: timedelta, limit: int) -> list[OutboxRecord]:
        found = self.db.execute(
            f"select {COLUMNS} from outbox where state = 'sending' and sending_at <= ?"
            " order by sending_at, effect_id limit ?",
            (time_to_text(self.clock() - older_than), limit),
        )
        return list(map(rows.outbox_from_row, found))

    @hops
    def settle_all(self, ends: Sequence[Ended]) -> set[str]:
        return {one[0] for one in ends if self._settle(*one)}

    @hops
    def settle(
        self, effect_id: str, state: OutboxState, at: datetime, detail: str = "", attempt: int | None = None
    ) -> bool:
        return self._settle(effect_id, state, at, detail, attempt)

    def _settle(self, effect_id: str, state: OutboxState, at: datetime, detail: str, attempt: int | None) -> bool:
        moved = self.db.execute(
            "update outbox set state = ?, settled_at = ?, detail = coalesce(nullif(?, ''), detail), lease_until = null"
            f" where effect_id = ? and state not in {_SETTLED} and attempt = coalesce(?, attempt)",
            (state, time_to_text(at), detail, effect_id, attempt),
        )
        if moved.rowcount:
            return True
        others = "select 1 from outbox where effect_id = ? and attempt != coalesce(?, attempt)"
        return self.db.execute(others, (effect_id, attempt)).fetchone() is None

    @hops
    def retry_later(self, effect_id: str, next_try_at: datetime, detail: str, attempt: int | None = None) -> None:
        self.db.execute(
            "update outbox set state = 'pending', next_try_at = ?, first_try_at = coalesce(first_try_at, ?),"
            " detail = ?, lease_until = null"
            " where effect_id = ? and state in ('claimed', 'sending') and attempt = coalesce(?, attempt)",
            (time_to_text(next_try_at), time_to_text(self.clock()), detail, effect_id, attempt),
        )

    @hops
    def resend(self, effect_id: str) -> bool:
        moved = self.db.execute(
            "update outbox set state = 'pending', next_try_at = '', first_try_at = null, settled_at = null"
            " where effect_id = ? and state = 'uncertain'",
            (effect_id,),
        )
        return moved.rowcount > 0

    @hops
    def pending_events(self, limit: int) -> list[OutboxRecord]:
        found = self.db.execute(
            f"select {COLUMNS} from outbox where state = 'pending' and kind = 'event' order by number limit ?", (limit,)
        )
        return list(map(rows.outbox_from_row, found))

    @hops
    def published(self, effect_ids: Sequence[str], at: datetime, state: OutboxState = "sent", detail: str = "") -> None:
        self.db.execute(
            "update outbox set state = ?, detail = ?, settled_at = ? where state = 'pending' and kind = 'event'"
            " and effect_id in (select value from json_each(?))",
            (state, detail, time_to_text(at), dumps(list(effect_ids))),
        )

    @hops
    def skip_before(self, before: datetime) -> int:
        text = time_to_text(before)
        return self.db.execute(
            "update outbox set state = 'cancelled', detail = ?, settled_at = ?"
            " where state = 'pending' and kind = 'message' and created_at < ?",
            (SKIPPED, text, text),
        ).rowcount

    def write_outbox(self, batch: rows.Batch) -> None:
        """What a batch does to the outbox, in the order that `changes.OutboxMoves` tells."""
        run = self.db.executemany
        if batch.put_back:
            run(_PUT_BACK, batch.put_back)
        if batch.withdrawn_first:
            run(_WITHDRAW, batch.withdrawn_first)
        if batch.outbox:
            run(_PUT, batch.outbox)
        if batch.withdrawn_last:
            run(_WITHDRAW, batch.withdrawn_last)
        if batch.joined:
            run(_JOIN, batch.joined)


_PUT_BACK = (
    "update outbox set state = 'pending', detail = ?, lease_until = null where effect_id = ? and state = 'claimed'"
)
_WITHDRAW = (
    "update outbox set state = 'cancelled', detail = ?, settled_at = ?, lease_until = null"
    " where effect_id = ? and state in ('pending', 'claimed')"
)
_KEPT = {"effect_id", "attempt"}
_PUT = (
    f"insert into outbox ({COLUMNS}) values ({', '.join('?' * len(rows.OUTBOX))})"
    " on conflict (effect_id) do update set "
    + ", ".join(f"{name} = excluded.{name}" for name in rows.OUTBOX if name not in _KEPT)
    + ", sending_at = null where outbox.state = 'cancelled'"
)
_JOIN = "update outbox set run_ids = ?, address = ? where effect_id = ? and state in ('pending', 'claimed')"
