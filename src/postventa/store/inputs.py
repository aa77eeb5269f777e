"""What `advance` was given, as a row of the history keeps it, and back: enough to make every call again."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, get_args

from postventa.core.event import Claim, Command, Event, How, InDoubt, Input, Move, Receipt, ReceiptResult, Tick
from postventa.store.codec import Json, time_from_text, time_to_text

InputKind = Literal["event", "timer", "claim", "receipt", "operator", "activation"]


def input_to_plain(entry: Input) -> tuple[InputKind, Json]:
    """An input as a history row keeps it: (kind, payload). An event's payload is only its key: `events` has it."""
    match entry:
        case Event():
            return "event", {"source": entry.source, "id": entry.id}
        case Tick():
            return "timer", {}
        case Claim():
            payload = {"effect_ids": list(entry.effect_ids), "suppressed": dict(entry.suppressed)}
            return "claim", payload | {"codes": dict(entry.codes)}
        case Receipt():
            payload = {"effect_id": entry.effect_id, "result": entry.result, "at": time_to_text(entry.at)}
            return "receipt", payload | {"detail": entry.detail}
        case Command():
            payload = {"kind": entry.kind, "run_id": entry.run_id, "reason": entry.reason}
            return "operator", payload if entry.message is None else payload | {"message": _doubt(entry.message)}
        case Move():
            payload = {"journey": entry.journey, "version": entry.version, "from": list(entry.from_)}
            return "activation", payload | {"how": entry.how, "renamed": dict(entry.renamed), "reason": entry.reason}


def input_from_plain(kind: str, payload: Mapping[str, Any], events: Mapping[tuple[str, str], Event]) -> Input:
    """The input of a history row. `events` are the customer's, by (source, id).

    Raises KeyError when an event is not there (dropped by age: the fold has to begin at the snapshot after it), and
    ValueError for a kind that is no input (`snapshot`, `merge`).
    """
    match kind:
        case "event":
            return events[payload["source"], payload["id"]]
        case "timer":
            return Tick()
        case "claim":
            return Claim(tuple(payload["effect_ids"]), dict(payload["suppressed"]), dict(payload["codes"]))
        case "receipt":
            if payload["result"] not in get_args(ReceiptResult):
                raise ValueError(f"{payload['result']!r} is no receipt's result")
            return Receipt(payload["effect_id"], payload["result"], time_from_text(payload["at"]), payload["detail"])
        case "operator":
            told = payload.get("message")
            message = told and InDoubt(
                **{**told, "run_ids": tuple(told["run_ids"]), "created_at": time_from_text(told["created_at"])}
            )
            return Command(payload["kind"], payload["run_id"], payload["reason"], message or None)
        case "activation":
            if payload["how"] not in get_args(How):
                raise ValueError(f"{payload['how']!r} is no way to move a run")
            return Move(
                payload["journey"], payload["version"], tuple(payload["from"]), payload["how"],
                dict(payload["renamed"]), payload["reason"],
            )  # fmt: skip
        case _:
            raise ValueError(f"a history row of kind {kind!r} is no input of advance")


def _doubt(message: InDoubt) -> Json:
    return {
        "effect_id": message.effect_id, "run_ids": list(message.run_ids), "step_id": message.step_id,
        "message": message.message, "channel": message.channel, "address": message.address,
        "created_at": time_to_text(message.created_at),
    }  # fmt: skip
