"""SQLite: one write transaction. It holds the writer for its life and hops to its thread once per call."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

from postventa.core.state import CustomerState
from postventa.errors import StoreError
from postventa.store import rows
from postventa.store.base import CustomerWrite, DeadLetter, Pause, Release, WaitingEvent
from postventa.store.codec import dumps, event_from_plain, event_to_plain, loads, time_from_text, time_to_text
from postventa.store.sqlite_customers import load_customers, write_customers
from postventa.store.sqlite_file import telling
from postventa.store.sqlite_outbox import SqliteOutbox
from postventa.store.sqlite_people import erase_customer, merge_customers
from postventa.store.sqlite_recent import Kept, Recent
from postventa.store.sqlite_thread import hops

R = TypeVar("R")


class SqliteTransaction(SqliteOutbox):
    """See `store.base.Transaction`. After a failed call nothing more can be done but roll back."""

    def __init__(
        self, db: sqlite3.Connection, thread: Executor, path: Path, clock: Callable[[], datetime], recent: Recent
    ) -> None:
        self.db = db
        self.clock = clock
        self._recent = recent
        self._written: dict[str, Kept] = {}
        self._rewritten: set[str] = set()
        self.erased_somebody = False
        self._thread = thread
        self._path = path
        self._seqs: dict[str, int] = {}
        self._merged_releases: dict[str, str] = {}
        self._failed = False

    async def hop(self, work: Callable[[], R]) -> R:
        if self._failed or not self.db.in_transaction:
            raise StoreError("this transaction is over", str(self._path), "open a new one")
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._work, work)

    def _work(self, work: Callable[[], R]) -> R:
        try:
            with telling(self._path):
                return work()
        except BaseException:
            self._failed = True
            raise

    @property
    def failed(self) -> bool:
        """True when a call raised: then it cannot be committed."""
        return self._failed

    def committed(self) -> None:
        """Its commit is on the disk: what it wrote is what the next one finds."""
        self._recent.drop(self._rewritten)
        self._recent.keep(self._written)

    # --- who is meant ----------------------------------------------------------------------------------------------
    @hops
    def order_owners(self, order_ids: Sequence[str]) -> dict[str, str | None]:
        found = self.db.execute(
            "select value, customer_id from json_each(?) left join order_owner on order_id = value",
            (dumps(list(order_ids)),),
        )
        return dict(found.fetchall())

    @hops
    def set_order_owners(self, owners: Mapping[str, str]) -> None:
        self.db.executemany("insert or replace into order_owner values (?, ?)", sorted(owners.items()))

    @hops
    def aliases(self, keys: Sequence[str]) -> dict[str, str]:
        found = self.db.execute(
            "select alias, customer_id from customer_alias where alias in (select value from json_each(?))",
            (dumps(list(keys)),),
        )
        return dict(found.fetchall())

    @hops
    def aliases_of(self, customer_id: str) -> list[str]:
        found = self.db.execute("select alias from customer_alias where customer_id = ? order by alias", (customer_id,))
        return [alias for (alias,) in found]

    @hops
    def set_aliases(self, aliases: Mapping[str, str]) -> None:
        self.db.executemany("insert or replace into customer_alias values (?, ?)", sorted(aliases.items()))

    exclusive = True

    @hops
    def any_erased(self) -> bool:
        return self.db.execute("select 1 from erased limit 1").fetchone() is not None

    @hops
    def erased(self, markers: Sequence[str]) -> dict[str, datetime]:
        found = self.db.execute(
            "select marker, at from erased where marker in (select value from json_each(?))", (dumps(list(markers)),)
        )
        return {marker: time_from_text(at) for marker, at in found}

    @hops
    def merge(self, into: str, old: str) -> None:
        self._merged_releases.update(merge_customers(self.db, into, old))
        self._seqs.pop(old, None)
        self._forget(into, old)

    @hops
    def erase(self, customer_id: str, markers: Sequence[str], at: datetime) -> None:
        erase_customer(self.db, customer_id, markers, at)
        self.erased_somebody = True
        self._seqs.pop(customer_id, None)
        self._forget(customer_id)

    def _forget(self, *customers: str) -> None:
        """Their rows were changed by other means than `save`."""
        self._rewritten.update(customers)
        for customer_id in customers:
            self._written.pop(customer_id, None)

    # --- customers -------------------------------------------------------------------------------------------------
    @hops
    def lock_customers(self, ids: Sequence[str]) -> dict[str, CustomerState]:
        kept = {customer_id: one for customer_id in set(ids) if (one := self._at_hand(customer_id))}
        states, seqs = load_customers(self.db, [one for one in ids if one not in kept], insert=True)
        for customer_id, one in kept.items():
            states[customer_id], seqs[customer_id] = one.state, one.seq
        self._seqs.update(seqs)
        return {customer_id: states[customer_id] for customer_id in sorted(states)}

    def _at_hand(self, customer_id: str) -> Kept | None:
        """The customer as this transaction left it, or the last one did."""
        if customer_id in self._rewritten:
            return None
        return self._written.get(customer_id) or self._recent.get(customer_id)

    def seq_of(self, customer_id: str) -> int:
        return self._seqs.get(customer_id, 0)

    @hops
    def fresh_events(self, customer_id_and_keys: Sequence[tuple[str, str, str]]) -> set[tuple[str, str, str]]:
        fresh = self.db.execute(
            "insert into events (customer_id, source, id)"
            " select value ->> 0, value ->> 1, value ->> 2 from json_each(?) where true"
            " on conflict do nothing returning customer_id, source, id",
            (dumps(sorted(customer_id_and_keys)),),
        )
        return set(fresh.fetchall())

    @hops
    def due_customers(self, now: datetime, limit: int) -> list[str]:
        found = self.db.execute(
            "select customer_id from customers where due_at <= ? order by due_at, customer_id limit ?",
            (time_to_text(now), limit),
        )
        return [customer_id for (customer_id,) in found]

    @hops
    def save(self, writes: Sequence[CustomerWrite]) -> None:
        try:
            known = {one: kept.row for write in writes if (kept := self._at_hand(one := write.after.customer_id))}
            batch = rows.collect(writes, self._seqs, self._merged_releases, known)
        except (TypeError, ValueError) as error:
            raise sqlite3.DataError(str(error)) from error
        write_customers(self.db, batch)
        self.write_outbox(batch)
        for write, row in zip(writes, batch.customers, strict=True):
            self._seqs[row[0]] = row[1]
            if row[0] not in self._rewritten:
                self._written[row[0]] = Kept(write.after, row[1], row)

    # --- waiting room, dead letters, positions ---------------------------------------------------------------------
    @hops
    def put_waiting(self, events: Sequence[WaitingEvent]) -> None:
        self.db.executemany(
            "insert or ignore into waiting_room (source, id, order_id, received_at, event) values (?, ?, ?, ?, ?)",
            [
                (*one.event.key, one.order_id, time_to_text(one.received_at), dumps(event_to_plain(one.event)))
                for one in events
            ],
        )

    @hops
    def take_waiting(self, order_ids: Sequence[str]) -> list[WaitingEvent]:
        return self._take("order_id in (select value from json_each(?))", dumps(list(order_ids)))

    @hops
    def expire_waiting(self, before: datetime) -> list[WaitingEvent]:
        return self._take("received_at < ?", time_to_text(before))

    def _take(self, condition: str, value: str) -> list[WaitingEvent]:
        taken = self.db.execute(
            f"delete from waiting_room where {condition} returning order_id, event, received_at", (value,)
        )
        return sorted(map(waiting_from_row, taken.fetchall()), key=lambda one: one.event.order_key)

    @hops
    def put_dead_letters(self, letters: Sequence[DeadLetter]) -> None:
        self.db.executemany(
            "insert into dead_letters (source, reason, field, event_id, at, record) values (?, ?, ?, ?, ?, ?)",
            [(one.source, one.reason, one.field, one.event_id, time_to_text(one.at), one.record) for one in letters],
        )

    @hops
    def take_dead_letters(self, ids: Sequence[int]) -> list[DeadLetter]:
        taken = self.db.execute(
            f"delete from dead_letters where id in (select value from json_each(?)) returning {LETTER}",
            (dumps(list(ids)),),
        )
        return sorted(map(letter_from_row, taken.fetchall()), key=lambda letter: letter.id or 0)

    @hops
    def set_positions(self, positions: Mapping[tuple[str, int], int]) -> None:
        self.db.executemany(
            "insert into positions (topic, partition, next) values (?, ?, ?) on conflict do update"
            " set next = case excluded.next when 0 then 0 else max(next, excluded.next) end",
            [(topic, partition, following) for (topic, partition), following in sorted(positions.items())],
        )

    # --- suppression, codes ----------------------------------------------------------------------------------------
    @hops
    def suppressed(self, addresses: Sequence[str]) -> dict[str, str]:
        found = self.db.execute(
            "select address, reason from suppressions where address in (select value from json_each(?))",
            (dumps([address.lower() for address in addresses]),),
        )
        return dict(found.fetchall())

    @hops
    def suppress(self, address: str, reason: str, at: datetime) -> None:
        self.db.execute(
            "insert or ignore into suppressions values (?, ?, ?)", (address.lower(), reason, time_to_text(at))
        )

    @hops
    def take_code(self, reward: str, effect_id: str, generated: str) -> str | None:
        taken = self.db.execute("select code from codes where effect_id = ?", (effect_id,)).fetchone()
        if taken is None and self.db.execute(_HAS_FILE, (reward,)).fetchone():
            taken = self.db.execute(_TAKE_FREE, (effect_id, reward)).fetchone()
            return None if taken is None else str(taken[0])
        if taken is None:
            self.db.execute(
                "insert into codes (reward, code, from_file, effect_id) values (?, ?, 0, ?)",
                (reward, generated, effect_id),
            )
        return generated if taken is None else str(taken[0])

    @hops
    def load_codes(self, reward: str, codes: Sequence[str]) -> int:
        return self.db.executemany(
            "insert or ignore into codes (reward, code, from_file) values (?, ?, 1)", [(reward, code) for code in codes]
        ).rowcount

    # --- releases, control, audit ----------------------------------------------------------------------------------
    @hops
    def put_release(self, release: Release) -> None:
        self.db.execute(
            "insert or ignore into releases values (?, ?, ?, ?, ?)",
            (
                release.hash, time_to_text(release.published_at), release.by, release.message,
                rows.files_to_text(release.files),
            ),
        )  # fmt: skip
        self.db.execute("insert or replace into control values ('live_release', ?)", (release.hash,))

    @hops
    def set_pause(self, pause: Pause) -> None:
        self.db.execute(
            "insert or replace into pauses values (?, ?, ?, ?)",
            (pause.scope, pause.reason, time_to_text(pause.at), pause.by),
        )

    @hops
    def clear_pause(self, scope: str) -> bool:
        return self.db.execute("delete from pauses where scope = ?", (scope,)).rowcount > 0

    @hops
    def set_control(self, key: str, value: str) -> None:
        self.db.execute("insert or replace into control values (?, ?)", (key, value))

    @hops
    def audit(self, at: datetime, who: str, what: str, detail: Mapping[str, Any]) -> None:
        self.db.execute(
            "insert into audit (at, who, what, detail) values (?, ?, ?, ?)",
            (time_to_text(at), who, what, dumps(detail)),
        )


def waiting_from_row(row: Sequence[Any]) -> WaitingEvent:
    """(order_id, event, received_at)."""
    return WaitingEvent(row[0], event_from_plain(loads(row[1])), time_from_text(row[2]))


LETTER = "source, reason, record, at, field, event_id, id"


def letter_from_row(row: Sequence[Any]) -> DeadLetter:
    """The columns of LETTER."""
    return DeadLetter(row[0], row[1], row[2], time_from_text(row[3]), row[4], row[5], row[6])


_HAS_FILE = "select 1 from codes where reward = ? and from_file = 1 limit 1"
_TAKE_FREE = """
    update codes set effect_id = ? where number = (
        select number from codes where reward = ? and effect_id is null order by number limit 1
    ) returning code"""
