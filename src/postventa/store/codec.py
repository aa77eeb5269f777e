"""The core's values as plain JSON and back: what every database backend and every history row is written in.

Nothing here knows SQL. Times are UTC text of fixed width (`2026-11-22T14:10:17.000000Z`), so they sort as text; keys
that are tuples become fields (`{"channel": …, "purpose": …}`), so that a person can read a row and SQL can query it.
"""

from __future__ import annotations

import json
import json.encoder
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, cast

import orjson

from postventa.core.event import Event, Ids
from postventa.core.state import (
    Consent,
    Counted,
    CustomerState,
    Ended,
    Heard,
    HoldUntil,
    Lot,
    OutboxRow,
    Ref,
    Run,
    Stand,
    Thing,
    Watch,
)

Json = dict[str, Any]


# --- text ------------------------------------------------------------------------------------------------------------
def _plain_mapping(value: Any) -> Any:
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"{type(value).__name__} is not plain JSON: {value!r}")


_ENCODER = json.JSONEncoder(
    ensure_ascii=False, check_circular=False, allow_nan=False, separators=(",", ":"), default=_plain_mapping
)


def _encoding() -> Callable[[Any], str]:
    """The C encoder, made once: `JSONEncoder.encode` makes one for every value, which costs as much as encoding."""
    make = getattr(json.encoder, "c_make_encoder", None)
    if make is None:
        return _ENCODER.encode
    string = json.encoder.encode_basestring
    chunks = make(None, _plain_mapping, string, None, ":", ",", False, False, False)
    return lambda value: "".join(chunks(value, 0))


_encode = _encoding()


_PLAIN_ONLY = orjson.OPT_PASSTHROUGH_DATACLASS | orjson.OPT_PASSTHROUGH_DATETIME | orjson.OPT_PASSTHROUGH_SUBCLASS


def dumps(value: Any) -> str:
    """Compact JSON text. Raises ValueError or TypeError for what JSON cannot hold (NaN, a Decimal, a datetime)."""
    if not value:
        if isinstance(value, dict):
            return "{}"
        if isinstance(value, list | tuple):
            return "[]"
    try:
        text = orjson.dumps(value, _plain_mapping, _PLAIN_ONLY)
    except TypeError:  # a whole number of more than 64 bits, half a surrogate pair, or what is no JSON at all
        return _encode(value)
    # It writes NaN as null: where there is a null, the strict encoder has the word.
    return _encode(value) if b"null" in text else text.decode()


_SHORT: dict[str, Any] = {"{}": dict, "[]": list}


def loads(text: str | None) -> Any:
    """The value of a JSON text; None of None. Fresh containers each time."""
    if text is None:
        return None
    if (empty := _SHORT.get(text)) is not None:
        return empty()
    try:
        value, end = _scan(text, 0)
    except StopIteration:
        return json.loads(text)
    return value if end == len(text) else json.loads(text)


_scan = cast("Callable[[str, int], tuple[Any, int]]", json.JSONDecoder().scan_once)  # type: ignore[attr-defined]
"""Our own text has no blanks around it, so the decoder's core reads it; anything else goes the long way."""


@lru_cache(4096)
def time_to_text(moment: datetime) -> str:
    """Fixed-width UTC text. Raises ValueError for a naive datetime: it would be read as local time."""
    if moment.tzinfo is not UTC:
        if moment.tzinfo is None:
            raise ValueError(f"{moment!r} has no time zone")
        moment = moment.astimezone(UTC)
    return moment.isoformat(timespec="microseconds")[:26] + "Z"


def time_from_text(text: str) -> datetime:
    """The aware UTC datetime of any RFC 3339 text with an offset."""
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo is UTC else moment.astimezone(UTC)


def optional_time_to_text(moment: datetime | None) -> str | None:
    """As `time_to_text`, None of None."""
    return None if moment is None else time_to_text(moment)


def optional_time_from_text(text: str | None) -> datetime | None:
    """As `time_from_text`, None of None (and of the empty text)."""
    return time_from_text(text) if text else None


def times_to_plain(times: Mapping[str, datetime]) -> Json:
    """A mapping of times, by the same keys."""
    return {key: time_to_text(moment) for key, moment in times.items()}


def times_from_plain(plain: Mapping[str, str]) -> dict[str, datetime]:
    """The other way round."""
    return {key: time_from_text(text) for key, text in plain.items()}


# --- events ----------------------------------------------------------------------------------------------------------
def ids_from_plain(plain: Mapping[str, Any]) -> Ids:
    """JSON has no tuples: lists of ids become tuples again."""
    return {key: tuple(value) if isinstance(value, list) else value for key, value in plain.items()}


def event_to_plain(event: Event) -> Json:
    """The event with its fields by name; `recorded_at` only where it is known."""
    plain: Json = {
        "id": event.id, "source": event.source, "type": event.type, "occurred_at": time_to_text(event.occurred_at),
        "ids": event.ids, "data": event.data,
    }  # fmt: skip
    if event.recorded_at is not None:
        plain["recorded_at"] = time_to_text(event.recorded_at)
    return plain


def event_from_plain(plain: Mapping[str, Any]) -> Event:
    """The other way round."""
    return Event(
        plain["id"], plain["source"], plain["type"], time_from_text(plain["occurred_at"]), plain["data"],
        ids_from_plain(plain["ids"]), optional_time_from_text(plain.get("recorded_at")),
    )  # fmt: skip


# --- runs ------------------------------------------------------------------------------------------------------------
def stand_to_plain(stand: Stand) -> Json:
    """How a run stands; fields that say nothing are left out."""
    plain: Json = {"kind": stand.kind, "since": time_to_text(stand.since)}
    for name, moment in (("due_at", stand.due_at), ("deadline", stand.deadline), ("held_from", stand.held_from)):
        if moment is not None:
            plain[name] = time_to_text(moment)
    if stand.effect_id is not None:
        plain["effect_id"] = stand.effect_id
    if stand.reason:
        plain["reason"] = stand.reason
    if stand.count:
        plain["count"] = stand.count
    if stand.resume is not None:
        plain["resume"] = stand_to_plain(stand.resume)
    return plain


def stand_from_plain(plain: Mapping[str, Any]) -> Stand:
    """The other way round."""
    resume = plain.get("resume")
    return Stand(
        plain["kind"], time_from_text(plain["since"]), optional_time_from_text(plain.get("due_at")),
        optional_time_from_text(plain.get("deadline")), plain.get("effect_id"), plain.get("reason", ""),
        plain.get("count", 0), optional_time_from_text(plain.get("held_from")),
        None if resume is None else stand_from_plain(resume),
    )  # fmt: skip


def rounds_to_plain(rounds: Mapping[str, tuple[int, datetime]]) -> Json:
    """By step id: [round, first start]."""
    return {step: [number, time_to_text(first)] for step, (number, first) in rounds.items()}


def rounds_from_plain(plain: Mapping[str, Any]) -> dict[str, tuple[int, datetime]]:
    """The other way round."""
    return {step: (number, time_from_text(first)) for step, (number, first) in plain.items()}


def run_to_plain(run: Run) -> Json:
    """One run with everything it needs to go on."""
    return {
        "run_id": run.run_id, "journey": run.journey, "version": run.version, "subject": list(run.subject),
        "ids": run.ids, "start": event_to_plain(run.start), "started_at": time_to_text(run.started_at),
        "at": time_to_text(run.at), "step": run.step, "stand": stand_to_plain(run.stand), "vars": run.vars,
        "matched": {step: event_to_plain(event) for step, event in run.matched.items()},
        "marks": times_to_plain(run.marks), "rounds": rounds_to_plain(run.rounds), "variants": run.variants,
        "queued": [event_to_plain(event) for event in run.queued],
    }  # fmt: skip


def run_from_plain(plain: Mapping[str, Any]) -> Run:
    """The other way round."""
    return Run(
        plain["run_id"], plain["journey"], plain["version"], _ref(plain["subject"]), ids_from_plain(plain["ids"]),
        event_from_plain(plain["start"]), time_from_text(plain["started_at"]), time_from_text(plain["at"]),
        plain["step"], stand_from_plain(plain["stand"]), plain["vars"],
        {step: event_from_plain(event) for step, event in plain["matched"].items()},
        times_from_plain(plain["marks"]), rounds_from_plain(plain["rounds"]), plain["variants"],
        tuple(event_from_plain(event) for event in plain["queued"]),
    )  # fmt: skip


# --- the customer ----------------------------------------------------------------------------------------------------
def _ref(plain: list[str]) -> Ref:
    return plain[0], plain[1]


def thing_to_plain(ref: Ref, thing: Thing) -> Json:
    """One thing under its type and id."""
    stamps = times_to_plain(thing.stamps)
    return {"type": ref[0], "id": ref[1], "facts": thing.facts, "stamps": stamps, "ids": thing.ids}


def thing_from_plain(plain: Mapping[str, Any]) -> tuple[Ref, Thing]:
    """The other way round."""
    thing = Thing(plain["facts"], times_from_plain(plain["stamps"]), ids_from_plain(plain["ids"]))
    return (plain["type"], plain["id"]), thing


def _consents(state: CustomerState) -> Any:
    return [
        {"channel": channel, "purpose": purpose, "given": one.given, "at": time_to_text(one.at), "source": one.source}
        for (channel, purpose), one in state.consents.items()
    ]


def _ended(state: CustomerState) -> Any:
    return [
        {"journey": journey, "subject": list(ref), "at": time_to_text(one.at), "run_id": one.run_id}
        for (journey, ref), one in state.ended.items()
    ]


def _watches(state: CustomerState) -> Any:
    return {
        key: {"journey": one.journey, "version": one.version, "subject": list(one.subject),
              "started_at": time_to_text(one.started_at), "until": time_to_text(one.until)}
        for key, one in state.watches.items()
    }  # fmt: skip


def _holds(state: CustomerState) -> Any:
    return {
        run: {"what": one.what, "since": time_to_text(one.since), "until": time_to_text(one.until)}
        for run, one in state.holds.items()
    }


def _lots(state: CustomerState) -> Any:
    return {
        key: {"posting_id": one.posting_id, "points": one.points, "at": time_to_text(one.at),
              "expires_at": optional_time_to_text(one.expires_at), "order": one.order}
        for key, one in state.lots.items()
    }  # fmt: skip


def _heard(state: CustomerState) -> Any:
    if not state.heard:
        return {}
    release = next(iter(state.heard.values())).release  # one for all of them
    return {"release": release, "events": [_heard_one(key, one) for key, one in state.heard.items()]}


def _heard_one(key: tuple[str, str], one: Heard) -> list[Any]:
    plain: list[Any] = [*key, time_to_text(one.at)]
    if one.event is not None or one.took_back:
        plain += [None if one.event is None else event_to_plain(one.event), list(one.took_back)]
    return plain


def _heard_from_plain(plain: Mapping[str, Any]) -> dict[tuple[str, str], Heard]:
    found = {}
    for source, id_, at, *more in plain.get("events", ()):
        event, took_back = more or (None, ())
        found[source, id_] = Heard(
            time_from_text(at), plain["release"], event and event_from_plain(event), tuple(took_back)
        )
    return found


SMALL: dict[str, Callable[[CustomerState], Any]] = {
    "facts": lambda state: state.facts,
    "stamps": lambda state: times_to_plain(state.stamps),
    "consents": _consents,
    "ended": _ended,
    "watches": _watches,
    "holds": _holds,
    "assignments": lambda state: state.assignments,
    "counted": lambda state: {
        key: {"at": time_to_text(one.at), "channel": one.channel} for key, one in state.counted.items()
    },
    "lots": _lots,
    "settling": lambda state: times_to_plain(state.settling),
    "outbox": lambda state: [outbox_row_to_plain(row) for row in state.outbox.values()],
    "verdicts": lambda state: [
        {"source": source, "id": id_, "held": list(held)} for (source, id_), held in state.verdicts.items()
    ],
    "heard": _heard,
}
"""The parts of a state that stand in the customer's own row (all but things, events and runs), each as plain JSON."""


def small_to_plain(state: CustomerState) -> Json:
    """The parts of a state that stand in the customer's own row."""
    return {name: plain(state) for name, plain in SMALL.items()}


def small_from_plain(state: CustomerState, plain: Mapping[str, Any]) -> None:
    """Put the parts of `small_to_plain` into `state`."""
    time, optional = time_from_text, optional_time_from_text
    state.facts = plain["facts"]
    state.stamps = times_from_plain(plain["stamps"])
    state.consents = {
        (one["channel"], one["purpose"]): Consent(one["given"], time(one["at"]), one["source"])
        for one in plain["consents"]
    }
    state.ended = {
        (one["journey"], _ref(one["subject"])): Ended(time(one["at"]), one["run_id"]) for one in plain["ended"]
    }
    state.watches = {
        key: Watch(one["journey"], one["version"], _ref(one["subject"]), time(one["started_at"]), time(one["until"]))
        for key, one in plain["watches"].items()
    }
    state.holds = {
        run: HoldUntil(one["what"], time(one["since"]), time(one["until"])) for run, one in plain["holds"].items()
    }
    state.assignments = plain["assignments"]
    state.counted = {key: Counted(time(one["at"]), one["channel"]) for key, one in plain["counted"].items()}
    state.lots = {
        key: Lot(one["posting_id"], one["points"], time(one["at"]), optional(one["expires_at"]), one["order"])
        for key, one in plain["lots"].items()
    }
    state.settling = times_from_plain(plain["settling"])
    state.outbox = {row.effect_id: row for row in map(outbox_row_from_plain, plain["outbox"])}
    state.verdicts = {(one["source"], one["id"]): tuple(one["held"]) for one in plain["verdicts"]}
    state.heard = _heard_from_plain(plain.get("heard", {}))


def outbox_row_to_plain(row: OutboxRow) -> Json:
    """The core's view of a message on its way out."""
    return {
        "effect_id": row.effect_id, "run_ids": list(row.run_ids), "step_id": row.step_id, "message": row.message,
        "channel": row.channel, "address": row.address, "state": row.state,
        "created_at": time_to_text(row.created_at), "slot": row.slot,
    }  # fmt: skip


def outbox_row_from_plain(plain: Mapping[str, Any]) -> OutboxRow:
    """The other way round."""
    return OutboxRow(
        plain["effect_id"], tuple(plain["run_ids"]), plain["step_id"], plain["message"], plain["channel"],
        plain["address"], plain["state"], time_from_text(plain["created_at"]), plain["slot"],
    )  # fmt: skip


def state_to_plain(state: CustomerState) -> Json:
    """The whole state, as a snapshot row of the history keeps it."""
    return {
        "customer_id": state.customer_id,
        "now": optional_time_to_text(state.now),
        **small_to_plain(state),
        "things": [thing_to_plain(ref, thing) for ref, thing in state.things.items()],
        "events": [event_to_plain(event) for event in state.events.values()],
        "runs": [run_to_plain(run) for run in state.runs.values()],
        "erased": state.erased,
    }


def state_from_plain(plain: Mapping[str, Any]) -> CustomerState:
    """The other way round."""
    state = CustomerState(plain["customer_id"], optional_time_from_text(plain["now"]), erased=plain["erased"])
    small_from_plain(state, plain)
    state.things = dict(map(thing_from_plain, plain["things"]))
    state.events = {event.key: event for event in map(event_from_plain, plain["events"])}
    state.runs = {run.run_id: run for run in map(run_from_plain, plain["runs"])}
    return state
