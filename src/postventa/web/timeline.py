"""One customer as the page shows them: who they are, what runs, and everything that happened with its reason, in order.

The history says in which order things were decided; events and decisions hang on its rows.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from postventa.core.event import Event
from postventa.core.journey import Catalog
from postventa.core.state import CustomerState, Run
from postventa.core.values import time_text
from postventa.store.base import HistoryRow, OutboxRecord
from postventa.web.services import Services
from postventa.web.telling import place_of, standing
from postventa.web.tongue import Tongue, tongue

Row = dict[str, Any]
_WORDS = {
    "timer": "a wait was over", "claim": "the moment to send", "receipt": "how the sending ended",
    "operator": "an operator stepped in", "merge": "two customers became one", "activation": "a journey changed",
    "snapshot": "older history was put together",
}  # fmt: skip


async def customer_page(services: Services, customer_id: str) -> Row | None:
    """Everything of one customer; None when there is none of that id."""
    views, catalog, t = services.views, services.catalog(), tongue(services.language)
    state = await views.customer(customer_id)
    if state is None:
        return None
    mails = {row.effect_id: row for row in await views.messages(customer_id, 1000)}
    subjects = {mail.get("effect_id"): mail.get("subject") for mail in await services.mailbox.mails(1000, customer_id)}
    story = timeline(
        await views.history(customer_id), await views.events(customer_id), await views.trace(customer_id, 5000), catalog
    )
    for moment in story:
        for decision in moment["decisions"]:
            if (row := mails.get(decision.get("effect_id") or "")) is not None:
                decision["mail"] = _mail(row, subjects.get(row.effect_id))
    return {
        "id": customer_id, "erased": state.erased, "facts": dict(state.facts), "consents": _consents(state),
        "points": state.balance, "runs": [_run(run, catalog, t) for run in state.runs.values()],
        "things": [_thing(kind, name, thing.facts) for (kind, name), thing in state.things.items() if kind != "line"],
        "mails": [_mail(row, subjects.get(row.effect_id)) for row in mails.values()], "timeline": story,
    }  # fmt: skip


def timeline(
    history: Sequence[HistoryRow], events: Iterable[tuple[Event, datetime]], trace: Sequence[Row], catalog: Catalog
) -> list[Row]:
    """Moments in order, newest last: when, what came, and what was decided because of it."""
    known = {event.key: event for event, _ in events}
    decided: dict[int, list[Row]] = {}
    for entry in trace:
        place = place_of(catalog, entry["journey"], entry["version"], entry["line"])
        decided.setdefault(entry["seq"], []).append({**entry, "place": place})
    moments: list[Row] = []
    for row in history:
        event = known.get((str(row.payload.get("source")), str(row.payload.get("id")))) if row.kind == "event" else None
        moments.append(_moment(row, event, decided.pop(row.seq, [])))
    pruned = [
        {"seq": seq, "at": rows[0]["at"], "kind": "", "title": "", "decisions": rows} for seq, rows in decided.items()
    ]
    return sorted([*pruned, *moments], key=_seq)


def _seq(moment: Row) -> int:
    return int(moment["seq"])


def _moment(row: HistoryRow, event: Event | None, decisions: list[Row]) -> Row:
    moment: Row = {"seq": row.seq, "at": time_text(row.now), "kind": row.kind, "decisions": decisions}
    if row.kind != "event":
        return {**moment, "title": _WORDS.get(row.kind, row.kind)}
    if event is None:
        return {**moment, "title": f"event {row.payload.get('id', '')}"}
    return {
        **moment, "title": event.type, "occurred_at": time_text(event.occurred_at), "source": event.source,
        "id": event.id, "ids": {kind: _short(value) for kind, value in event.ids.items()}, "data": dict(event.data),
    }  # fmt: skip


def _short(value: str | tuple[str, ...]) -> str:
    return value if isinstance(value, str) else ", ".join(value)


def _consents(state: CustomerState) -> list[Row]:
    return [
        {"channel": channel, "purpose": purpose, "given": one.given, "at": time_text(one.at), "source": one.source}
        for (channel, purpose), one in sorted(state.consents.items())
    ]


def _run(run: Run, catalog: Catalog, t: Tongue) -> Row:
    journey = catalog.journey_of(run.journey, run.version)
    step = journey.steps[run.step] if journey and 0 <= run.step < len(journey.steps) else None
    return {
        "run_id": run.run_id, "journey": run.journey, "subject": "/".join(part for part in run.subject if part),
        "step": step.id if step else None, "stands": standing(step, run.stand.kind, t),
        "kind": run.stand.kind, "reason": run.stand.reason, "since": time_text(run.stand.since),
        "due_at": time_text(run.stand.due_at) if run.stand.due_at else None,
        "place": place_of(catalog, run.journey, run.version, step.line if step else None),
        "variants": dict(run.variants),
    }  # fmt: skip


def _thing(kind: str, name: str, facts: Mapping[str, Any]) -> Row:
    return {"type": kind, "id": name, "facts": dict(facts)}


def _mail(row: OutboxRecord, subject: str | None) -> Row:
    at = row.intent_at or row.settled_at or row.created_at
    return {
        "effect_id": row.effect_id, "message": row.message, "state": row.state, "class": row.klass, "to": row.address,
        "at": time_text(at), "journey": row.journey, "subject": subject, "detail": row.detail,
    }  # fmt: skip
