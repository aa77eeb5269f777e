"""The plain rows that views give to pages, to the command line and to JSON. Times in them are text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from postventa.core.effect import GoalReached, PostPoints, TraceEntry
from postventa.core.state import Ref, Stand
from postventa.store.changes import Answer, EndedRun
from postventa.store.codec import loads, optional_time_from_text, optional_time_to_text, time_from_text, time_to_text

Row = dict[str, Any]


def release(hash_: str, published_at: datetime, by: str, message: str, live: bool) -> Row:
    """One published release, without its files."""
    return {"hash": hash_, "published_at": time_to_text(published_at), "by": by, "message": message, "live": live}


def trace(seq: int, entry: TraceEntry) -> Row:
    """One decision in words. `seq` is the history row it belongs to."""
    return {
        "seq": seq, "at": time_to_text(entry.at), "what": entry.what, "reason": entry.reason, "run_id": entry.run_id,
        "journey": entry.journey, "version": entry.version, "subject": list(entry.subject) if entry.subject else None,
        "step_id": entry.step_id, "line": entry.line, "round": entry.round, "message": entry.message,
        "channel": entry.channel, "variant": entry.variant, "decision": entry.decision, "effect_id": entry.effect_id,
    }  # fmt: skip


def posting(customer_id: str, one: PostPoints) -> Row:
    """One line of the loyalty ledger."""
    return {
        "customer_id": customer_id, "posting_id": one.posting_id, "points": one.points, "at": time_to_text(one.at),
        "reason": one.reason, "order": one.order, "run_id": one.run_id,
    }  # fmt: skip


def goal(customer_id: str, one: GoalReached) -> Row:
    """One goal reached. `event` is [source, id], `value` a decimal text or None."""
    return {
        "customer_id": customer_id, "run_id": one.run_id, "journey": one.journey, "version": one.version,
        "at": time_to_text(one.at), "event": list(one.event), "value": one.value,
    }  # fmt: skip


def ended_run(one: EndedRun) -> Row:
    """One finished run."""
    return {
        "customer_id": one.customer_id, "run_id": one.run_id, "journey": one.journey, "version": one.version,
        "subject": list(one.subject), "started_at": optional_time_to_text(one.started_at),
        "ended_at": time_to_text(one.ended_at), "outcome": one.outcome, "reason": one.reason,
    }  # fmt: skip


def parked_run(customer_id: str, run_id: str, journey: str, version: str, subject: Ref, stand: Stand) -> Row:
    """One run that failed and stands still until an operator's word."""
    return {
        "customer_id": customer_id, "run_id": run_id, "journey": journey, "version": version, "subject": list(subject),
        "since": time_to_text(stand.since), "reason": stand.reason,
    }  # fmt: skip


def answer(one: Answer) -> Row:
    """One answered survey."""
    return {
        "customer_id": one.customer_id, "source": one.source, "id": one.id, "at": time_to_text(one.at),
        "survey": one.survey, "score": one.score, "choices": list(one.choices), "text": one.text,
        "subject": one.subject,
    }  # fmt: skip


def gauges(
    *,
    due_soon: int,
    overdue: int,
    oldest_due: datetime | None,
    outbox: Mapping[tuple[str, str], int],
    oldest_pending: datetime | None,
    waiting: int,
    dead_letters: int,
    parked: int,
) -> Row:
    """What changes by the minute. `outbox` is keyed by (kind, state) of what is not settled; `due_soon`: in the next
    hour, what is overdue left out; `oldest_pending`: since when the oldest message waits that could leave now."""
    return {
        "due_soon": due_soon,
        "overdue": overdue,
        "oldest_due": optional_time_to_text(oldest_due),
        "outbox": [
            {"kind": kind, "state": state, "count": outbox.get((kind, state), 0)} for kind, state in UNSETTLED
        ],
        "oldest_pending": optional_time_to_text(oldest_pending),
        "waiting": waiting,
        "dead_letters": dead_letters,
        "parked": parked,
    }  # fmt: skip


SOON = timedelta(hours=1)
UNSETTLED = (
    ("message", "pending"), ("message", "claimed"), ("message", "sending"), ("message", "uncertain"),
    ("event", "pending"),
)  # fmt: skip


def counts(
    *,
    customers: int,
    erased: int,
    runs: Mapping[tuple[str, str, int, str], int],
    waiting_for_time: int,
    overdue: int,
    oldest: datetime | None,
    outbox: Mapping[tuple[str, str], int],
    waiting: int,
    dead_letters: int,
) -> Row:
    """What `status` shows. `runs` is keyed by (journey, version, step index, stand), `outbox` by (kind, state)."""
    messages = {state: count for (kind, state), count in sorted(outbox.items()) if kind == "message"}
    return {
        "customers": customers,
        "erased": erased,
        "runs": [
            {"journey": journey, "version": version, "step": step, "stand": stand, "count": count}
            for (journey, version, step, stand), count in sorted(runs.items())
        ],
        "due": {"waiting": waiting_for_time, "overdue": overdue, "oldest": optional_time_to_text(oldest)},
        "outbox": [{"kind": kind, "state": state, "count": count} for (kind, state), count in sorted(outbox.items())],
        "messages": messages,
        "waiting": waiting,
        "dead_letters": dead_letters,
        "parked": sum(count for (_, _, _, stand), count in runs.items() if stand == "parked"),
        "uncertain": messages.get("uncertain", 0),
        "refused_events": outbox.get(("event", "refused"), 0),
    }


# --- from the rows that both SQL stores read -------------------------------------------------------------------------
def goal_of(row: Sequence[Any]) -> Row:
    """From `rows.GOAL`."""
    return goal(row[0], GoalReached(row[1], row[2], row[3], time_from_text(row[4]), (row[5], row[6]), row[7]))


def ended_run_of(row: Sequence[Any]) -> Row:
    """From `rows.ENDED_RUN`."""
    subject, started, ended = (row[4], row[5]), optional_time_from_text(row[6]), time_from_text(row[7])
    return ended_run(EndedRun(row[0], row[1], row[2], row[3], subject, started, ended, row[8], row[9]))


def posting_of(row: Sequence[Any]) -> Row:
    """From `rows.POSTING`."""
    return posting(row[0], PostPoints(row[1], row[2], time_from_text(row[3]), row[4], row[5], row[6]))


def audited_of(row: Sequence[Any]) -> Row:
    """From when, who, what and the detail."""
    return {"at": time_to_text(time_from_text(row[0])), "who": row[1], "what": row[2], "detail": loads(row[3])}


def gauges_of(row: Mapping[str, Any]) -> Row:
    """From the one row of numbers, by name."""
    return gauges(
        due_soon=row["due_soon"], overdue=row["overdue"], oldest_due=optional_time_from_text(row["oldest"]),
        outbox={key: row["_".join(key)] for key in UNSETTLED},
        oldest_pending=optional_time_from_text(row["oldest_pending"]), waiting=row["waiting"],
        dead_letters=row["dead_letters"], parked=row["parked"],
    )  # fmt: skip
