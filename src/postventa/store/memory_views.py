"""The memory store's read-only queries and its mailbox. They scan: a page of a test or a simulation is small."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any

from postventa.core.event import Event
from postventa.core.state import CustomerState
from postventa.store import figures, shown
from postventa.store.base import DeadLetter, HistoryRow, OutboxRecord, Pause, Release, WaitingEvent
from postventa.store.changes import EndedRun
from postventa.store.codec import time_to_text
from postventa.store.memory_tables import Tables


class MemoryViews:
    """See `store.base.Views`."""

    def __init__(self, tables: Tables) -> None:
        self._t = tables

    # --- releases and control --------------------------------------------------------------------------------------
    async def live_release(self) -> Release | None:
        return self._t.releases.get(self._t.control.get("live_release", ""))

    async def release(self, hash_: str) -> Release | None:
        return self._t.releases.get(hash_)

    async def releases(self) -> list[dict[str, Any]]:
        live = self._t.control.get("live_release")
        newest = sorted(self._t.releases.values(), key=lambda one: (one.published_at, one.hash), reverse=True)
        return [shown.release(one.hash, one.published_at, one.by, one.message, one.hash == live) for one in newest]

    async def release_hashes_in_use(self) -> set[str]:
        live = self._t.control.get("live_release", "")
        return {release for release in (*self._t.run_release.values(), live) if release}

    async def versions_in_use(self) -> set[tuple[str, str]]:
        return {(run.journey, run.version) for state in self._t.customers.values() for run in state.runs.values()}

    async def customers_inside(self, journey: str, versions: Collection[str], after: str, limit: int) -> list[str]:
        found = (
            customer_id
            for customer_id, state in self._t.customers.items()
            if customer_id > after
            and any(run.journey == journey and run.version in versions for run in state.runs.values())
        )
        return sorted(found)[:limit]

    async def control(self, key: str) -> str | None:
        return self._t.control.get(key)

    async def pauses(self) -> list[Pause]:
        return [self._t.pauses[scope] for scope in sorted(self._t.pauses)]

    async def positions(self) -> dict[tuple[str, int], int]:
        return dict(self._t.positions)

    # --- the whole -------------------------------------------------------------------------------------------------
    async def next_due(self) -> datetime | None:
        first = self._t.oldest_due(None, 1)
        return first[0][0] if first else None

    async def latest(self) -> datetime | None:
        return max((state.now for state in self._t.customers.values() if state.now), default=None)

    async def counts(self, now: datetime) -> dict[str, Any]:
        tables = self._t
        runs = [run for state in tables.customers.values() for run in state.runs.values()]
        return shown.counts(
            customers=len(tables.customers),
            erased=len(tables.erased),
            runs=Counter((run.journey, run.version, run.step, run.stand.kind) for run in runs),
            waiting_for_time=len(tables.due),
            overdue=sum(1 for moment in tables.due.values() if moment <= now),
            oldest=min(tables.due.values(), default=None),
            outbox={key: len(rows) for key, rows in tables.by_state.items() if rows},
            waiting=len(tables.waiting),
            dead_letters=len(tables.dead),
        )

    async def gauges(self, now: datetime) -> dict[str, Any]:
        tables, soon = self._t, now + shown.SOON
        pending = (tables.outbox[key] for key in tables.by_state.get(("message", "pending"), ()))
        ready = (row.created_at for row in pending if row.next_try_at is None or row.next_try_at <= now)
        return shown.gauges(
            due_soon=sum(1 for moment in tables.due.values() if now < moment <= soon),
            overdue=sum(1 for moment in tables.due.values() if moment <= now),
            oldest_due=min((moment for moment in tables.due.values() if moment <= now), default=None),
            outbox={key: len(rows) for key, rows in tables.by_state.items()},
            oldest_pending=min(ready, default=None),
            waiting=len(tables.waiting),
            dead_letters=len(tables.dead),
            parked=len(await self.parked(len(tables.run_release) + 1)),
        )

    async def outbox_busy(self) -> int:
        def count(state: str) -> int:
            return len(self._t.by_state.get(("message", state), ()))

        pending = self._t.by_state.get(("message", "pending"), ())
        fresh = sum(1 for key in pending if self._t.outbox[key].next_try_at is None)
        return fresh + count("claimed") + count("sending")

    # --- customers -------------------------------------------------------------------------------------------------
    async def find_customer(self, text: str) -> list[str]:
        tables, low = self._t, text.lower()
        found = {text} & tables.customers.keys()
        found.update(owner for key in (text, low) if (owner := tables.aliases.get(key)) is not None)
        if (owner := tables.owners.get(text)) is not None:
            found.add(owner)
        for customer_id, state in tables.customers.items():
            numbers = (str(thing.facts.get("number")) for (kind, _), thing in state.things.items() if kind == "order")
            if str(state.facts.get("email", "")).lower() == low or text in numbers:
                found.add(customer_id)
        return sorted(found)

    async def customer(self, customer_id: str) -> CustomerState | None:
        return self._t.customers.get(customer_id)

    async def customer_ids(self, after: str = "", limit: int = 1000) -> list[str]:
        return sorted(customer_id for customer_id in self._t.customers if customer_id > after)[:limit]

    async def history(self, customer_id: str) -> list[HistoryRow]:
        return list(self._t.history.get(customer_id, ()))

    async def events(self, customer_id: str) -> list[tuple[Event, datetime]]:
        rows = self._t.events.get(customer_id, {}).values()
        return sorted(rows, key=lambda row: (row[1], *row[0].order_key))

    async def trace(self, customer_id: str, limit: int = 500) -> list[dict[str, Any]]:
        return [shown.trace(seq, entry) for seq, entry in self._t.trace.get(customer_id, [])[-limit:]]

    async def messages(self, customer_id: str | None = None, limit: int = 200) -> list[OutboxRecord]:
        mine = [
            row
            for row in self._t.outbox.values()
            if row.kind == "message" and customer_id in {None, row.customer_id}
        ]  # fmt: skip
        return sorted(mine, key=lambda row: (row.created_at, row.effect_id), reverse=True)[:limit]

    async def uncertain(self, limit: int = 200) -> list[OutboxRecord]:
        rows = [self._t.outbox[key] for key in self._t.by_state.get(("message", "uncertain"), ())]
        return sorted(rows, key=lambda row: (row.created_at, row.effect_id))[:limit]

    async def outbox_row(self, effect_id: str) -> OutboxRecord | None:
        return self._t.outbox.get(effect_id)

    async def postings(self, customer_id: str) -> list[dict[str, Any]]:
        mine = self._t.postings.get(customer_id, {}).values()
        return [shown.posting(customer_id, one) for one in sorted(mine, key=lambda one: (one.at, one.posting_id))]

    async def answers(self, survey: str | None = None, limit: int = 1000) -> list[dict[str, Any]]:
        asked = [one for one in self._t.answers.values() if survey in {None, one.survey}]
        newest = sorted(asked, key=lambda one: (one.at, one.customer_id, one.source, one.id), reverse=True)
        return [shown.answer(one) for one in newest[:limit]]

    # --- lists -----------------------------------------------------------------------------------------------------
    async def dead_letters(self, limit: int = 200) -> list[DeadLetter]:
        return [self._t.dead[number] for number in sorted(self._t.dead, reverse=True)[:limit]]

    async def dead_letter(self, number: int) -> DeadLetter | None:
        return self._t.dead.get(number)

    async def parked(self, limit: int = 200) -> list[dict[str, Any]]:
        found = [
            shown.parked_run(customer, run.run_id, run.journey, run.version, run.subject, run.stand)
            for customer, state in sorted(self._t.customers.items())
            for run in sorted(state.runs.values(), key=lambda run: run.run_id)
            if run.stand.kind == "parked"
        ]
        return found[:limit]

    async def audited(self, limit: int = 200) -> list[dict[str, Any]]:
        return [dict(row) for row in self._t.audit[::-1][:limit]]

    async def waiting(self, limit: int = 200) -> list[WaitingEvent]:
        rows = sorted(self._t.waiting.values(), key=lambda one: (one.received_at, *one.event.order_key))
        return rows[:limit]

    async def figures(self, journey: str) -> dict[str, Any]:
        runs = [run for state in self._t.customers.values() for run in state.runs.values() if run.journey == journey]
        ended = Counter(
            (one.outcome, figures.before(one.reason, " at ")) for one in self._t.ended if one.journey == journey
        )
        rows = self._t.outbox.values()
        messages = Counter((one.message, one.state) for one in rows if one.kind == "message" and one.journey == journey)
        trace = [(who, one) for who, them in self._t.trace.items() for _, one in them if one.journey == journey]
        refused = Counter(
            ("", figures.before(one.reason, " occurred on ")) for _, one in trace if one.what == "refused"
        )
        skipped = Counter(
            (one.message, figures.before(one.reason, ": on ")) for _, one in trace if one.decision == "skip"
        )
        met = sorted(((who, one) for who, one in trace if one.what == "variant"), key=lambda pair: pair[1].at)
        return figures.figures({
            "inside": [(len(runs),)],
            "ended": _rows(ended),
            "refused": _rows(refused),
            "messages": _rows(messages),
            "skipped": _rows(skipped),
            "exposed": [
                (who, one.run_id, time_to_text(one.at), one.version, one.step_id, one.reason, one.variant)
                for who, one in met
            ],
        })  # fmt: skip

    async def occurrences(self, event_type: str) -> list[tuple[str, str]]:
        rows = ((who, event) for who, them in self._t.events.items() for event, _ in them.values())
        found = sorted(
            (event.occurred_at, who, event.source, event.id) for who, event in rows if event.type == event_type
        )
        return [(who, time_to_text(at)) for at, who, _, _ in found]

    async def goals(self, journey: str | None = None) -> list[dict[str, Any]]:
        found = [(who, goal) for who, goal in self._t.goals if journey in {None, goal.journey}]
        found.sort(key=lambda pair: (pair[1].at, pair[0], pair[1].run_id))
        return [shown.goal(who, goal) for who, goal in found]

    async def ended_runs(self, journey: str | None = None, limit: int = 200) -> list[dict[str, Any]]:
        found: list[EndedRun] = [run for run in self._t.ended if journey in {None, run.journey}]
        found.sort(key=lambda run: (run.ended_at, run.run_id), reverse=True)
        return [shown.ended_run(run) for run in found[:limit]]


def _rows(counts: Counter[tuple[Any, Any]]) -> list[tuple[Any, Any, int]]:
    return [(*key, count) for key, count in sorted(counts.items(), key=lambda pair: (pair[0][0] or "", pair[0][1]))]


class MemoryMailbox:
    """See `store.base.Mailbox`."""

    def __init__(self, tables: Tables) -> None:
        self._t = tables

    async def put_mail(self, mail: Mapping[str, Any]) -> None:
        self._t.mails.append(dict(mail))

    async def mails(self, limit: int = 200, customer: str | None = None) -> list[dict[str, Any]]:
        mine = [mail for mail in reversed(self._t.mails) if customer in {None, mail.get("customer")}]
        return [dict(mail) for mail in mine[:limit]]

    async def mail(self, effect_id: str) -> dict[str, Any] | None:
        found = (mail for mail in reversed(self._t.mails) if mail.get("effect_id") == effect_id)
        return next((dict(mail) for mail in found), None)
