"""The memory store's transaction: the port's writes on plain containers, each noted in the undo log."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from postventa.core.effect import PostPoints
from postventa.core.state import CustomerState
from postventa.store import changes
from postventa.store.base import CustomerWrite, DeadLetter, Pause, Release, WaitingEvent
from postventa.store.codec import dumps, event_to_plain, time_to_text
from postventa.store.memory_outbox import MemoryOutbox
from postventa.store.memory_tables import Tables, Undo
from postventa.store.personal import Named, named


class MemoryTransaction(MemoryOutbox):
    """See `store.base.Transaction`."""

    def __init__(self, tables: Tables, undo: Undo, clock: Callable[[], datetime], *, keep_history: bool = True) -> None:
        super().__init__(tables, undo, clock)
        self._keep_history = keep_history
        self._due_touched: set[str] = set()
        self._merged_releases: dict[str, str] = {}

    def roll_back(self) -> None:
        """Take everything back; due times that came back are filed again."""
        self._undo.roll_back()
        for customer_id in self._due_touched:
            self._t.push_due(customer_id)

    # --- who is meant ----------------------------------------------------------------------------------------------
    async def order_owners(self, order_ids: Sequence[str]) -> dict[str, str | None]:
        owners = self._t.owners
        for order_id in order_ids:
            if order_id not in owners:
                self._undo.put(owners, order_id, None)
        return {order_id: owners[order_id] for order_id in order_ids}

    async def set_order_owners(self, owners: Mapping[str, str]) -> None:
        for order_id, customer_id in owners.items():
            self._undo.put(self._t.owners, order_id, customer_id)

    async def aliases(self, keys: Sequence[str]) -> dict[str, str]:
        known = self._t.aliases
        return {key: known[key] for key in keys if key in known}

    async def aliases_of(self, customer_id: str) -> list[str]:
        return sorted(alias for alias, owner in self._t.aliases.items() if owner == customer_id)

    async def set_aliases(self, aliases: Mapping[str, str]) -> None:
        for alias, customer_id in aliases.items():
            self._undo.put(self._t.aliases, alias, customer_id)

    exclusive = True

    async def any_erased(self) -> bool:
        return bool(self._t.erased)

    async def erased(self, markers: Sequence[str]) -> dict[str, datetime]:
        return {marker: self._t.erased[marker] for marker in markers if marker in self._t.erased}

    # --- customers -------------------------------------------------------------------------------------------------
    async def lock_customers(self, ids: Sequence[str]) -> dict[str, CustomerState]:
        tables = self._t
        found = {}
        for customer_id in ids:
            state = tables.customers.get(customer_id)
            if state is None:
                state = CustomerState(customer_id)
                self._undo.put(tables.customers, customer_id, state)
            found[customer_id] = state
        return found

    def seq_of(self, customer_id: str) -> int:
        return self._t.seqs.get(customer_id, 0)

    async def fresh_events(self, customer_id_and_keys: Sequence[tuple[str, str, str]]) -> set[tuple[str, str, str]]:
        fresh = set()
        for entry in customer_id_and_keys:
            seen = self._t.seen.setdefault(entry[0], {})
            key = (entry[1], entry[2])
            if key not in seen:
                self._undo.put(seen, key, True)
                fresh.add(entry)
        return fresh

    async def due_customers(self, now: datetime, limit: int) -> list[str]:
        return [customer_id for _, customer_id in self._t.oldest_due(now, limit)]

    async def save(self, writes: Sequence[CustomerWrite]) -> None:
        for write in writes:
            self._save(write)

    def _save(self, write: CustomerWrite) -> None:
        tables, undo, after = self._t, self._undo, write.after
        customer_id = after.customer_id
        undo.put(tables.customers, customer_id, after)
        self._set_due(customer_id, after.due_at)
        if write.history:
            undo.put(tables.seqs, customer_id, write.history[-1].seq)
        self._save_releases(write)
        seen = tables.seen.setdefault(customer_id, {})
        for event, _ in write.events:
            if event.key not in seen:
                undo.put(seen, event.key, True)
        if self._keep_history:
            self._save_history(write)
        if write.effects or after.outbox:
            now = changes.moment_of(write)
            self._move_outbox(changes.outbox_moves(write), customer_id, now)
        if write.effects:
            self._save_effects(write)
        for answer in changes.answers(customer_id, (event for event, _ in write.events)):
            undo.put(tables.answers, (customer_id, answer.source, answer.id), answer)

    def _set_due(self, customer_id: str, due_at: datetime | None) -> None:
        due = self._t.due
        if due.get(customer_id) == due_at:
            return
        self._due_touched.add(customer_id)
        if due_at is None:
            self._undo.drop(due, customer_id)
        else:
            self._undo.put(due, customer_id, due_at)
            self._t.push_due(customer_id)

    def _save_releases(self, write: CustomerWrite) -> None:
        customer_id, releases = write.after.customer_id, self._t.run_release
        if (before := write.before.runs.keys()) == (after := write.after.runs.keys()):
            return
        release = write.history[-1].release if write.history else ""
        for run_id in after - before:
            self._undo.put(releases, (customer_id, run_id), self._merged_releases.get(run_id, release))
        for run_id in before - after:
            self._undo.drop(releases, (customer_id, run_id))

    def _save_history(self, write: CustomerWrite) -> None:
        tables, undo, customer_id = self._t, self._undo, write.after.customer_id
        history = tables.history.setdefault(customer_id, [])
        for row in write.history:
            undo.append(history, row)
        events = tables.events.setdefault(customer_id, {})
        for event, at in write.events:
            undo.put(events, event.key, (event, at))
        trace = tables.trace.setdefault(customer_id, [])
        for entry in write.trace:
            undo.append(trace, entry)

    def _save_effects(self, write: CustomerWrite) -> None:
        tables, undo, customer_id = self._t, self._undo, write.after.customer_id
        for effect in write.effects:
            if isinstance(effect, PostPoints):
                mine = tables.postings.setdefault(customer_id, {})
                if effect.posting_id not in mine:
                    undo.put(mine, effect.posting_id, effect)
        if gone := set(changes.undone(write)):
            ended, goals = tables.ended, tables.goals
            self._replace(ended, [one for one in ended if one.customer_id != customer_id or one.run_id not in gone])
            self._replace(goals, [(who, one) for who, one in goals if who != customer_id or one.run_id not in gone])
        for run in changes.ended_runs(write):
            undo.append(tables.ended, run)
        for goal in changes.goals(write):
            undo.append(tables.goals, (customer_id, goal))

    # --- merge and erasure -----------------------------------------------------------------------------------------
    async def merge(self, into: str, old: str) -> None:
        tables, undo = self._t, self._undo
        for (customer_id, run_id), release in list(tables.run_release.items()):
            if customer_id == old:
                self._merged_releases[run_id] = release
                undo.drop(tables.run_release, (old, run_id))
                if (into, run_id) in tables.run_release:
                    undo.put(tables.run_release, (into, run_id), release)
        by_customer: tuple[dict[str, Any], ...] = (tables.seen, tables.events, tables.postings)
        for table in by_customer:
            for key, value in (undo.drop(table, old) or {}).items():
                undo.put(table.setdefault(into, {}), key, value)
        for entry in undo.drop(tables.trace, old) or []:
            undo.append(tables.trace.setdefault(into, []), entry)
        self._move_references(into, old)
        self._drop_customer(old)

    def _move_references(self, into: str, old: str) -> None:
        tables, undo = self._t, self._undo
        for order_id in [key for key, customer_id in tables.owners.items() if customer_id == old]:
            undo.put(tables.owners, order_id, into)
        for alias in [key for key, customer_id in tables.aliases.items() if customer_id == old]:
            undo.put(tables.aliases, alias, into)
        for row in [row for row in tables.outbox.values() if row.customer_id == old]:
            self._set_row(replace(row, customer_id=into))
        for answer in [answer for answer in tables.answers.values() if answer.customer_id == old]:
            undo.drop(tables.answers, (old, answer.source, answer.id))
            undo.put(tables.answers, (into, answer.source, answer.id), replace(answer, customer_id=into))
        self._replace(tables.ended, [replace(r, customer_id=into) if r.customer_id == old else r for r in tables.ended])
        self._replace(tables.goals, [(into if who == old else who, goal) for who, goal in tables.goals])
        mails = [mail | {"customer": into} if mail.get("customer") == old else mail for mail in tables.mails]
        self._replace(tables.mails, mails)

    def _replace(self, rows: list[Any], new: list[Any]) -> None:
        """A list's whole content, noted as one change of slices."""
        if new != rows:
            self._undo.put(_Slice(rows), "all", new)

    def _drop_customer(self, customer_id: str) -> None:
        tables, undo = self._t, self._undo
        self._set_due(customer_id, None)
        by_customer: tuple[dict[str, Any], ...] = (tables.customers, tables.seqs, tables.history)
        for table in by_customer:
            undo.drop(table, customer_id)

    async def erase(self, customer_id: str, markers: Sequence[str], at: datetime) -> None:
        tables, undo = self._t, self._undo
        words = self._words(customer_id)
        by_customer: tuple[dict[str, Any], ...] = (tables.seen, tables.events, tables.postings, tables.trace)
        for table in by_customer:
            undo.drop(table, customer_id)
        effects = {key for key, row in tables.outbox.items() if row.customer_id == customer_id}
        for key in effects:
            row = tables.outbox[key]
            undo.drop(tables.by_state[row.kind, row.state], key)
            undo.drop(tables.outbox, key)
        self._drop_where(tables.owners, lambda _, owner: owner == customer_id)
        self._drop_where(tables.aliases, lambda _, owner: owner == customer_id)
        self._drop_where(tables.answers, lambda key, _: key[0] == customer_id)
        self._drop_where(tables.run_release, lambda key, _: key[0] == customer_id)
        self._drop_where(tables.suppressed, lambda address, _: address in words.addresses)
        self._drop_where(tables.waiting, lambda _, row: _names_event(words, row))
        self._drop_where(tables.dead, lambda _, letter: _names_letter(words, letter))
        self._replace(tables.ended, [row for row in tables.ended if row.customer_id != customer_id])
        self._replace(tables.goals, [row for row in tables.goals if row[0] != customer_id])
        self._replace(tables.audit, [row for row in tables.audit if not words.in_text(dumps(row["detail"]))])
        self._replace(tables.mails, [mail for mail in tables.mails if not _names_mail(words, effects, mail)])
        self._drop_customer(customer_id)
        for marker in markers:
            undo.put(tables.erased, marker, at)

    def _words(self, customer_id: str) -> Named:
        tables = self._t
        events = [event for event, _ in tables.events.get(customer_id, {}).values()]
        aliases = [alias for alias, owner in tables.aliases.items() if owner == customer_id]
        orders = [order for order, owner in tables.owners.items() if owner == customer_id]
        return named(customer_id, tables.customers.get(customer_id), events, aliases, orders)

    def _drop_where(self, table: dict[Any, Any], test: Callable[[Any, Any], bool]) -> None:
        for key in [key for key, value in table.items() if test(key, value)]:
            self._undo.drop(table, key)

    # --- waiting room, dead letters, positions ---------------------------------------------------------------------
    async def put_waiting(self, events: Sequence[WaitingEvent]) -> None:
        for waiting in events:
            if waiting.event.key not in self._t.waiting:
                self._undo.put(self._t.waiting, waiting.event.key, waiting)

    async def take_waiting(self, order_ids: Sequence[str]) -> list[WaitingEvent]:
        if not self._t.waiting:
            return []
        wanted = frozenset(order_ids)
        return self._take(lambda waiting: waiting.order_id in wanted)

    async def expire_waiting(self, before: datetime) -> list[WaitingEvent]:
        return self._take(lambda waiting: waiting.received_at < before)

    def _take(self, test: Callable[[WaitingEvent], bool]) -> list[WaitingEvent]:
        taken = [waiting for waiting in self._t.waiting.values() if test(waiting)]
        for waiting in taken:
            self._undo.drop(self._t.waiting, waiting.event.key)
        return sorted(taken, key=lambda waiting: waiting.event.order_key)

    async def put_dead_letters(self, letters: Sequence[DeadLetter]) -> None:
        for letter in letters:
            number = self._t.next_number("dead_letters")
            self._undo.put(self._t.dead, number, replace(letter, id=number))

    async def take_dead_letters(self, ids: Sequence[int]) -> list[DeadLetter]:
        taken = (self._undo.drop(self._t.dead, number) for number in sorted(set(ids)))
        return [letter for letter in taken if letter is not None]

    async def set_positions(self, positions: Mapping[tuple[str, int], int]) -> None:
        for place, position in positions.items():
            following = max(position, self._t.positions.get(place, 0)) if position else 0
            self._undo.put(self._t.positions, place, following)

    # --- suppression, codes ----------------------------------------------------------------------------------------
    async def suppressed(self, addresses: Sequence[str]) -> dict[str, str]:
        known = self._t.suppressed
        return {low: known[low][0] for low in (address.lower() for address in addresses) if low in known}

    async def suppress(self, address: str, reason: str, at: datetime) -> None:
        if address.lower() not in self._t.suppressed:
            self._undo.put(self._t.suppressed, address.lower(), (reason, at))

    async def take_code(self, reward: str, effect_id: str, generated: str) -> str | None:
        tables, undo = self._t, self._undo
        if effect_id in tables.code_of:
            return tables.code_of[effect_id]
        listed = [
            (code, owner) for (name, code), (owner, from_file) in tables.codes.items() if name == reward and from_file
        ]
        free = next((code for code, owner in listed if owner is None), None)
        if listed and free is None:
            return None
        code = generated if free is None else free
        undo.put(tables.codes, (reward, code), (effect_id, free is not None))
        undo.put(tables.code_of, effect_id, code)
        return code

    async def load_codes(self, reward: str, codes: Sequence[str]) -> int:
        new = [code for code in dict.fromkeys(codes) if (reward, code) not in self._t.codes]
        for code in new:
            self._undo.put(self._t.codes, (reward, code), (None, True))
        return len(new)

    # --- releases, control, audit ----------------------------------------------------------------------------------
    async def put_release(self, release: Release) -> None:
        if release.hash not in self._t.releases:
            self._undo.put(self._t.releases, release.hash, replace(release, files=dict(release.files)))
        self._undo.put(self._t.control, "live_release", release.hash)

    async def set_pause(self, pause: Pause) -> None:
        self._undo.put(self._t.pauses, pause.scope, pause)

    async def clear_pause(self, scope: str) -> bool:
        return self._undo.drop(self._t.pauses, scope) is not None

    async def set_control(self, key: str, value: str) -> None:
        self._undo.put(self._t.control, key, value)

    async def audit(self, at: datetime, who: str, what: str, detail: Mapping[str, Any]) -> None:
        self._undo.append(self._t.audit, {"at": time_to_text(at), "who": who, "what": what, "detail": dict(detail)})


class _Slice(dict[str, list[Any]]):
    """A list seen as a table with one entry, "all", so that the undo log can put its old content back."""

    def __init__(self, rows: list[Any]) -> None:
        super().__init__(all=list(rows))
        self._rows = rows

    def __setitem__(self, key: str, value: list[Any]) -> None:
        self._rows[:] = value


def _names_event(words: Named, waiting: WaitingEvent) -> bool:
    return waiting.order_id in words.ids or words.in_text(dumps(event_to_plain(waiting.event)))


def _names_letter(words: Named, letter: DeadLetter) -> bool:
    return words.in_text(letter.record) or words.in_text(letter.reason)


def _names_mail(words: Named, effects: set[str], mail: Mapping[str, Any]) -> bool:
    return mail.get("effect_id") in effects or words.is_word(mail.get("customer")) or words.is_word(mail.get("to"))
