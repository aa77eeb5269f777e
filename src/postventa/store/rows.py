"""Core objects as rows of text and numbers, and back: the columns that SQLite and PostgreSQL share.

`collect` turns the writes of one batch into lists of rows, one list per statement; a backend runs each in bulk.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from operator import attrgetter, eq, is_
from typing import Any

from postventa.core.effect import EmitEvent, PostPoints, SendMessage, TraceEntry
from postventa.core.event import Event
from postventa.core.policy import DEAD_ADDRESS
from postventa.core.state import CustomerState, Ref, Run, Thing
from postventa.store import changes
from postventa.store.base import CustomerWrite, HistoryRow, OutboxRecord, Release
from postventa.store.codec import (
    SMALL,
    dumps,
    event_from_plain,
    event_to_plain,
    ids_from_plain,
    loads,
    optional_time_from_text,
    optional_time_to_text,
    rounds_from_plain,
    rounds_to_plain,
    small_from_plain,
    stand_from_plain,
    stand_to_plain,
    time_from_text,
    time_to_text,
    times_from_plain,
    times_to_plain,
)

Row = tuple[Any, ...]

CUSTOMER = ("customer_id", "seq", "now", "due_at", "email", *SMALL, "erased")
THING = ("customer_id", "type", "id", "facts", "stamps", "ids")
EVENT = (
    "customer_id", "source", "id", "applied_at", "remembered", "type", "occurred_at", "recorded_at", "ids", "data",
)  # fmt: skip
RUN = (
    "customer_id", "run_id", "journey", "version", "release", "subject_type", "subject_id", "started_at", "at", "step",
    "stand", "due_at", "standing", "ids", "start", "vars", "matched", "marks", "rounds", "variants", "queued",
)  # fmt: skip
HISTORY = ("customer_id", "seq", "now", "kind", "release", "payload")
TRACE = (
    "customer_id", "seq", "at", "what", "reason", "run_id", "journey", "version", "subject", "step_id", "line", "round",
    "message", "channel", "variant", "decision", "effect_id",
)  # fmt: skip
OUTBOX = (
    "effect_id", "customer_id", "kind", "state", "created_at", "priority", "message", "class", "channel", "address",
    "duplicates", "journey", "version", "subject", "run_ids", "step_id", "round", "survey", "reward", "choose",
    "context", "event", "attempt", "lease_until", "next_try_at", "first_try_at", "intent_at", "settled_at", "code",
    "detail",
)  # fmt: skip
POSTING = ("customer_id", "posting_id", "points", "at", "reason", '"order"', "run_id")
ENDED_RUN = (
    "customer_id", "run_id", "journey", "version", "subject_type", "subject_id", "started_at", "ended_at", "outcome",
    "reason",
)  # fmt: skip
GOAL = ("customer_id", "run_id", "journey", "version", "at", "source", "event_id", "value")
ANSWER = ("customer_id", "source", "id", "at", "survey", "score", "choices", "text", "subject")


_EMPTY = [dumps(plain(CustomerState(""))) for plain in SMALL.values()]


# --- customers -------------------------------------------------------------------------------------------------------
def customer_row(state: CustomerState, seq: int) -> Row:
    """As `CUSTOMER`."""
    texts = [
        dumps(plain(state)) if part else empty
        for part, plain, empty in zip(_parts_of(state), SMALL.values(), _EMPTY, strict=True)
    ]
    return _row(state, seq, texts)


def _row(state: CustomerState, seq: int, texts: Sequence[str]) -> Row:
    return (
        state.customer_id, seq, optional_time_to_text(state.now), optional_time_to_text(state.due_at),
        changes.address_of(state), *texts, int(state.erased),
    )  # fmt: skip


def moved_row(write: CustomerWrite, seq: int, row: Row) -> Row:
    """As `customer_row` of the state after `write`, given the row before it: only what changed is encoded."""
    parts = zip(_parts_of(write.before), _parts_of(write.after), SMALL.values(), row[5:-1], strict=True)
    texts = [
        text if before is after or not (before or after) or _same(before, after) else dumps(plain(write.after))
        for before, after, plain, text in parts
    ]
    return _row(write.after, seq, texts)


_parts_of = attrgetter(*SMALL)


def _same(before: Mapping[Any, Any], after: Mapping[Any, Any]) -> bool:
    """True when both hold the very same values in the same order. Equal is not enough: 1 equals true."""
    return len(before) == len(after) and all(map(is_, before.values(), after.values())) and all(map(eq, before, after))


def customer_from_row(row: Sequence[Any]) -> tuple[CustomerState, int]:
    """The state without things, events and runs, and the last seq."""
    if row[2] is None and row[1] == 0:  # made by a lock, never saved
        return CustomerState(row[0]), 0
    state = CustomerState(row[0], optional_time_from_text(row[2]), erased=bool(row[-1]))
    small_from_plain(state, {name: loads(text) for name, text in zip(SMALL, row[5:-1], strict=True)})
    return state, row[1]


def thing_row(customer_id: str, ref: Ref, thing: Thing) -> Row:
    """As `THING`."""
    return (customer_id, *ref, dumps(thing.facts), dumps(times_to_plain(thing.stamps)), dumps(thing.ids))


def thing_from_row(row: Sequence[Any]) -> tuple[Ref, Thing]:
    """The other way round."""
    return (row[1], row[2]), Thing(loads(row[3]), times_from_plain(loads(row[4])), ids_from_plain(loads(row[5])))


def event_row(customer_id: str, event: Event, applied_at: str | None, *, remembered: bool) -> Row:
    """As `EVENT`."""
    return (
        customer_id, event.source, event.id, applied_at, int(remembered), event.type, time_to_text(event.occurred_at),
        optional_time_to_text(event.recorded_at), dumps(event.ids), dumps(event.data),
    )  # fmt: skip


def start_text(row: Row) -> str:
    """The event of an event row as one JSON text, without encoding its data once more."""
    recorded = f',"recorded_at":"{row[7]}"' if row[7] else ""
    return (
        f'{{"id":{dumps(row[2])},"source":{dumps(row[1])},"type":{dumps(row[5])},"occurred_at":"{row[6]}",'
        f'"ids":{row[8]},"data":{row[9]}{recorded}}}'
    )


def event_from_row(row: Sequence[Any]) -> Event:
    """The event of a row that still has its body."""
    return Event(
        row[2], row[1], row[5], time_from_text(row[6]), loads(row[9]), ids_from_plain(loads(row[8])),
        optional_time_from_text(row[7]),
    )  # fmt: skip


def run_row(customer_id: str, run: Run, release: str, start: str | None = None) -> Row:
    """As `RUN`. `start`: the text of its start event, if it is at hand."""
    stand = run.stand
    return (
        customer_id, run.run_id, run.journey, run.version, release, *run.subject, time_to_text(run.started_at),
        time_to_text(run.at), run.step, stand.kind, optional_time_to_text(stand.due_at), dumps(stand_to_plain(stand)),
        dumps(run.ids), start or dumps(event_to_plain(run.start)), dumps(run.vars),
        dumps({step: event_to_plain(event) for step, event in run.matched.items()}), dumps(times_to_plain(run.marks)),
        dumps(rounds_to_plain(run.rounds)), dumps(run.variants), dumps([event_to_plain(one) for one in run.queued]),
    )  # fmt: skip


def run_from_row(row: Sequence[Any], starts: dict[str, Event] | None = None) -> Run:
    """The other way round. `starts`: start events by their text; one event begins several runs and is read once."""
    start = starts.get(row[14]) if starts is not None else None
    if start is None:
        start = event_from_plain(loads(row[14]))
        if starts is not None:
            starts[row[14]] = start
    return Run(
        row[1], row[2], row[3], (row[5], row[6]), ids_from_plain(loads(row[13])), start,
        time_from_text(row[7]), time_from_text(row[8]), row[9], stand_from_plain(loads(row[12])), loads(row[15]),
        {step: event_from_plain(plain) for step, plain in loads(row[16]).items()}, times_from_plain(loads(row[17])),
        rounds_from_plain(loads(row[18])), loads(row[19]), tuple(event_from_plain(one) for one in loads(row[20])),
    )  # fmt: skip


# --- what happened ---------------------------------------------------------------------------------------------------
def history_row(row: HistoryRow) -> Row:
    """As `HISTORY`."""
    return row.customer_id, row.seq, time_to_text(row.now), row.kind, row.release, dumps(row.payload)


def history_from_row(row: Sequence[Any]) -> HistoryRow:
    """The other way round."""
    return HistoryRow(row[0], row[1], time_from_text(row[2]), row[3], row[4], loads(row[5]))


def trace_row(customer_id: str, seq: int, entry: TraceEntry) -> Row:
    """As `TRACE`."""
    return (
        customer_id, seq, time_to_text(entry.at), entry.what, entry.reason, entry.run_id, entry.journey, entry.version,
        dumps(entry.subject) if entry.subject else None, entry.step_id, entry.line, entry.round, entry.message,
        entry.channel, entry.variant, entry.decision, entry.effect_id,
    )  # fmt: skip


def trace_from_row(row: Sequence[Any]) -> tuple[int, TraceEntry]:
    """(seq, entry)."""
    subject = loads(row[8])
    return row[1], TraceEntry(
        time_from_text(row[2]), row[3], row[4], row[5], row[6], row[7], (subject[0], subject[1]) if subject else None,
        *row[9:],
    )  # fmt: skip


def posting_row(customer_id: str, one: PostPoints) -> Row:
    """As `POSTING`."""
    return customer_id, one.posting_id, one.points, time_to_text(one.at), one.reason, one.order, one.run_id


# --- the outbox ------------------------------------------------------------------------------------------------------
FORBIDDEN = (
    "select 1 from suppressions as s where s.address = lower(outbox.address)"  # noqa: S608 - constants of our own
    f" and (outbox.class <> 'transactional' or s.reason in ({', '.join(repr(one) for one in sorted(DEAD_ADDRESS))}))"
)
"""SQL: whether a message must not leave because its address is suppressed, by the rule of `core.policy`."""
HELD = "select 1 from pauses where scope in ('all', 'journey:' || outbox.journey, 'channel:' || outbox.channel)"
"""SQL: whether a pause stops a message."""


def outbox_from_row(row: Sequence[Any]) -> OutboxRecord:
    """The record of a row, as `OUTBOX`."""
    time, subject, event = optional_time_from_text, loads(row[13]), loads(row[21])
    return OutboxRecord(
        row[0], row[1], row[2], row[3], time_from_text(row[4]), row[5], row[6], row[7], row[8], row[9], row[10],
        row[11], row[12], (subject[0], subject[1]) if subject else None, tuple(loads(row[14])), row[15], row[16],
        row[17], row[18], row[19], loads(row[20]), event_from_plain(event) if event else None, row[22], time(row[23]),
        time(row[24]), time(row[25]), time(row[26]), time(row[27]), row[28], row[29],
    )  # fmt: skip


def new_outbox_row(effect: SendMessage | EmitEvent, customer_id: str, now: str) -> Row:
    """The pending row of an effect, as `OUTBOX`, without the detour of a record: most rows are written once."""
    if isinstance(effect, EmitEvent):
        return (
            effect.effect_id, customer_id, "event", "pending", now, 100, *[None] * 4, "avoid", *[None] * 3, "[]", None,
            1, *[None] * 3, "{}", dumps(event_to_plain(effect.event)), 0, None, "", *[None] * 4, "",
        )  # fmt: skip
    return (
        effect.effect_id, customer_id, "message", "pending", time_to_text(effect.created_at), effect.priority,
        effect.message, effect.klass, effect.channel, effect.to, effect.duplicates, effect.journey, effect.version,
        dumps(effect.subject), dumps(effect.run_ids), effect.step_id, effect.round, effect.survey, effect.reward,
        effect.choose, dumps(effect.context), None, 0, None, "", None, None, None, None, "",
    )  # fmt: skip


# --- releases --------------------------------------------------------------------------------------------------------
def files_to_text(contents: Mapping[str, bytes]) -> str:
    """A release's files as JSON: text as it is, anything else in base64."""
    return dumps({path: _content_to_plain(raw) for path, raw in contents.items()})


def _content_to_plain(raw: bytes) -> str | dict[str, str]:
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return {"base64": base64.b64encode(raw).decode()}


def release_from_row(row: Sequence[Any]) -> Release:
    """(hash, published_at, by, message, files)."""
    contents = {
        path: plain.encode() if isinstance(plain, str) else base64.b64decode(plain["base64"])
        for path, plain in loads(row[4]).items()
    }
    return Release(row[0], contents, time_from_text(row[1]), row[2], row[3])


_NONE: Mapping[str, Row] = {}


# --- one batch -------------------------------------------------------------------------------------------------------
@dataclass(slots=True)
class Batch:
    """What a batch writes. Every list holds the parameters of one statement."""

    customers: list[Row] = field(default_factory=list)
    things: list[Row] = field(default_factory=list)
    things_gone: list[Row] = field(default_factory=list)
    events: list[Row] = field(default_factory=list)
    events_forgotten: list[Row] = field(default_factory=list)
    runs: list[Row] = field(default_factory=list)
    runs_gone: list[Row] = field(default_factory=list)
    history: list[Row] = field(default_factory=list)
    trace: list[Row] = field(default_factory=list)
    postings: list[Row] = field(default_factory=list)
    undone: list[Row] = field(default_factory=list)
    ended_runs: list[Row] = field(default_factory=list)
    goals: list[Row] = field(default_factory=list)
    answers: list[Row] = field(default_factory=list)
    put_back: list[Row] = field(default_factory=list)
    withdrawn_first: list[Row] = field(default_factory=list)
    outbox: list[Row] = field(default_factory=list)
    withdrawn_last: list[Row] = field(default_factory=list)
    joined: list[Row] = field(default_factory=list)


def collect(
    writes: Sequence[CustomerWrite],
    seqs: Mapping[str, int],
    releases: Mapping[str, str],
    known: Mapping[str, Row] = _NONE,
) -> Batch:
    """The rows of these writes. `seqs`: last seq of each customer before; `releases`: of runs that a merge moves;
    `known`: rows of customers as they were before, where they are at hand."""
    batch = Batch()
    for write in writes:
        customer_id = write.after.customer_id
        seq = write.history[-1].seq if write.history else seqs.get(customer_id, 0)
        row = known.get(customer_id)
        batch.customers.append(customer_row(write.after, seq) if row is None else moved_row(write, seq, row))
        batch.history.extend(map(history_row, write.history))
        batch.trace.extend(trace_row(customer_id, number, entry) for number, entry in write.trace)
        _collect_things(batch, write)
        applied = _collect_events(batch, write)
        _collect_runs(batch, write, applied, releases)
        if write.effects:
            _collect_effects(batch, write)
        if write.effects or write.after.outbox:
            _collect_outbox(batch, write)
    return batch


def _collect_things(batch: Batch, write: CustomerWrite) -> None:
    customer_id, before, after = write.after.customer_id, write.before.things, write.after.things
    batch.things.extend(thing_row(customer_id, ref, thing) for ref, thing in changes.changed(before, after))
    batch.things_gone.extend((customer_id, *ref) for ref in changes.gone(before, after))


def _collect_events(batch: Batch, write: CustomerWrite) -> list[Row]:
    """Gives the rows of `write.events`, one each."""
    customer_id, before, after = write.after.customer_id, write.before.events, write.after.events
    applied = {event.key for event, _ in write.events}
    mine = [
        event_row(customer_id, event, time_to_text(at), remembered=event.key in after) for event, at in write.events
    ]
    batch.events.extend(mine)
    for key, event in changes.changed(before, after):
        if key not in applied:
            batch.events.append(event_row(customer_id, event, None, remembered=True))
    batch.events_forgotten.extend((customer_id, *key) for key in changes.gone(before, after) if key not in applied)
    for one in changes.answers(customer_id, (event for event, _ in write.events)):
        batch.answers.append((
            customer_id, one.source, one.id, time_to_text(one.at), one.survey, one.score, dumps(one.choices), one.text,
            one.subject,
        ))  # fmt: skip
    return mine


def _collect_runs(batch: Batch, write: CustomerWrite, applied: list[Row], releases: Mapping[str, str]) -> None:
    customer_id, before, after = write.after.customer_id, write.before.runs, write.after.runs
    release = write.history[-1].release if write.history else ""
    for run_id, run in changes.changed(before, after):
        at_hand = next((row for row, (event, _) in zip(applied, write.events, strict=True) if event is run.start), None)
        start = start_text(at_hand) if at_hand else None
        batch.runs.append(run_row(customer_id, run, releases.get(run_id, release), start))
    batch.runs_gone.extend((customer_id, run_id) for run_id in changes.gone(before, after))


def _collect_effects(batch: Batch, write: CustomerWrite) -> None:
    customer_id = write.after.customer_id
    batch.postings.extend(posting_row(customer_id, one) for one in write.effects if isinstance(one, PostPoints))
    batch.undone.extend((customer_id, run_id) for run_id in changes.undone(write))
    for run in changes.ended_runs(write):
        batch.ended_runs.append((
            customer_id, run.run_id, run.journey, run.version, *run.subject, optional_time_to_text(run.started_at),
            time_to_text(run.ended_at), run.outcome, run.reason,
        ))  # fmt: skip
    for goal in changes.goals(write):
        batch.goals.append(
            (customer_id, goal.run_id, goal.journey, goal.version, time_to_text(goal.at), *goal.event, goal.value)
        )


def _collect_outbox(batch: Batch, write: CustomerWrite) -> None:
    now = changes.moment_of(write)
    moves, at, customer_id = changes.outbox_moves(write), time_to_text(now), write.after.customer_id
    batch.put_back.extend((reason, effect_id) for effect_id, reason in moves.put_back.items())
    batch.withdrawn_first.extend((reason, at, effect_id) for effect_id, reason in moves.first.items())
    batch.outbox.extend(new_outbox_row(effect, customer_id, at) for effect in moves.rows)
    batch.withdrawn_last.extend((reason, at, effect_id) for effect_id, reason in moves.last.items())
    batch.joined.extend((dumps(row.run_ids), row.address, row.effect_id) for row in moves.joined)
