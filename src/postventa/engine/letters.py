"""A dead letter's record read again: as the event it was, through its topic's agent, or as somebody posted it."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from postventa.agents.declare import Agent
from postventa.errors import RecordError
from postventa.schemas.parse import Incoming, parse_event
from postventa.schemas.registry import Registry
from postventa.store.base import DeadLetter

SHORTENED = "… (shortened)"
KEPT = 64 * 1024
"""Characters of a refused record that are kept."""
_BASE64 = "base64:"


def kept(record: str) -> str:
    """A record as a dead letter keeps it."""
    return record if len(record) <= KEPT else record[:KEPT] + SHORTENED


def read_letter(letter: DeadLetter, registry: Registry, agents: Mapping[str, Agent], now: datetime) -> Incoming | None:
    """The record as an event; None where its topic's agent leaves it out. Raises RecordError when it is still refused.

    Whatever was mended since (an agent, a schema, a type of one's own) counts: it is read as if it came in now.
    """
    if letter.record.endswith(SHORTENED):
        raise RecordError(
            "", "a part of it", "the whole record", f"it was too large to keep; it came from {letter.source}"
        )
    if (event := _as_event(letter.record)) is not None:
        return parse_event(json.dumps(event), registry, now=now)
    raw = _bytes(letter.record)
    agent = agents.get(topic_of(letter.source))
    if agent is not None:
        return agent.read(raw, registry, now=now)
    return parse_event(raw, registry, now=now)


def topic_of(source: str) -> str:
    """`orders/0/17` and `http/orders` -> `orders`."""
    first, _, rest = source.partition("/")
    return rest if first == "http" else first


def _as_event(record: str) -> dict[str, Any] | None:
    """The envelope of an event that was valid and could not be used all the same (see `batch.dead_letter`)."""
    try:
        plain = json.loads(record)
    except ValueError:
        return None
    if not isinstance(plain, dict) or not {"id", "source", "type", "occurred_at", "ids", "data"} <= plain.keys():
        return None
    envelope = {"id": plain["id"], "source": plain["source"], "type": plain["type"], "data": plain["data"]}
    envelope["time"] = plain["occurred_at"]
    if plain.get("recorded_at") is not None:
        envelope["recordedtime"] = plain["recorded_at"]
    return envelope


def _bytes(record: str) -> bytes:
    if record.startswith(_BASE64):
        try:
            return base64.b64decode(record.removeprefix(_BASE64), validate=True)
        except binascii.Error:
            pass
    return record.encode("utf-8", "replace")
