"""From what a platform sent to an `Event` and whom it is about. Whatever comes in: an Incoming or a RecordError."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any, cast

from postventa.core.event import Event, Ids, Plain
from postventa.core.quick import quick
from postventa.core.values import time_text
from postventa.errors import RecordError
from postventa.schemas.envelope import Envelope, Headers, attributes, data_bytes, is_binary, read_envelope
from postventa.schemas.registry import EventType, Registry
from postventa.schemas.values import MAX_BYTES, MAX_DEPTH, read_id, read_object, read_time, scrub, under

_DECODER = json.JSONDecoder(parse_float=Decimal)
_scan = cast("Callable[[str, int], tuple[Any, int]]", _DECODER.scan_once)  # type: ignore[attr-defined]
_SUSPECT = re.compile("\\\\u(0000|[dD][89a-fA-F])|[\ud800-\udfff]")
_TEXTS = (str, bytes)
_SPACE = re.compile(r"[ \t\r\n]*")


@quick
@dataclass(frozen=True, slots=True)
class Identity:
    """Whom an event names. The engine resolves it: id, then alias, then address, then the order's customer."""

    customer_id: str | None = None
    email: str | None = None
    """In lower case."""
    order_id: str | None = None
    aliases: tuple[str, ...] = ()
    """Other ids of the same person; of `customer.merged` the id that ends."""


@quick
@dataclass(frozen=True, slots=True)
class Incoming:
    """A valid event. `extensions`: subject, partitionkey, correlationid, causationid where the sender gave them."""

    event: Event
    identity: Identity
    extensions: Mapping[str, str] = field(default_factory=dict)


def parse_event(
    record: bytes | str | Mapping[str, Any], registry: Registry, *, headers: Headers | None = None, now: datetime
) -> Incoming:
    """One record as an event. `headers` are those of the Kafka record or HTTP request; `now` only serves the messages.

    Raises RecordError and nothing else, with the JSON pointer of the field, what was found and how to mend it.
    """
    found, content_type = attributes(headers) if headers is not None else ({}, "")
    body = decode_json(record) if isinstance(record, _TEXTS) else _checked(record)
    if found and is_binary(found, content_type):
        scrub(found)
        envelope, data = read_envelope(found), body
    else:
        envelope = read_envelope(body)
        raw = data_bytes(envelope)
        data = envelope.data if raw is None else decode_json(raw)
    return _incoming(envelope, data, registry, now)


def parse_many(
    body: bytes | str, content_type: str = "", *, registry: Registry, headers: Headers | None = None, now: datetime
) -> Iterator[Incoming | RecordError]:
    """Every event of a body: one object, a list (also a CloudEvents batch), or JSON lines. A bad one is yielded as the
    RecordError it is, and the others go on. Raises nothing."""
    found, header_type = attributes(headers) if headers is not None else ({}, "")
    if is_binary(found, header_type or content_type):
        yield _caught(body, registry, headers, now)
        return
    try:
        text = _text(body)
    except RecordError as error:
        error.record = body
        yield error
        return
    for piece in _pieces(text, content_type):
        if isinstance(piece, RecordError):
            piece.record = piece.record or text
            yield piece
        else:
            yield _caught(piece, registry, None, now)


def _caught(record: bytes | str, registry: Registry, headers: Headers | None, now: datetime) -> Incoming | RecordError:
    try:
        return parse_event(record, registry, headers=headers, now=now)
    except RecordError as error:
        error.record = record
        return error


# --- JSON ------------------------------------------------------------------------------------------------------------
def _text(record: bytes | str) -> str:
    if isinstance(record, str):
        return record
    try:
        return record.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise RecordError(
            "", record[error.start : error.start + 8], "JSON in UTF-8", "save or send it as UTF-8"
        ) from None


def decode_json(record: bytes | str) -> Any:
    """The value of a JSON text of at most 256 kB, its decimals exact. Raises RecordError.

    Text that may hold what no record may (NUL, half a surrogate pair, deep nesting) is looked through, the rest is not.
    """
    if len(record) > MAX_BYTES:
        raise RecordError("", f"{len(record)} bytes", f"at most {MAX_BYTES // 1024} kB", "send what it links to by URL")
    text = _text(record)
    try:
        value = _decoded(text)
    except RecursionError:
        raise RecordError("", "…", f"at most {MAX_DEPTH} levels") from None
    except ValueError as error:
        raise _not_json(text, error) from None
    escaped = "\\u" in text or not (text.isascii() or isinstance(record, bytes))
    if text.count("{") + text.count("[") > MAX_DEPTH or (escaped and _SUSPECT.search(text)):
        scrub(value)
    return value


def _decoded(text: str) -> Any:
    """As the decoder's `decode`, without looking for blanks where there are none: most records are one bare object."""
    if text.startswith("{"):
        try:
            value, end = _scan(text, 0)
        except StopIteration:
            return _DECODER.decode(text)  # which says what is wrong
        if end == len(text):
            return value
    return _DECODER.decode(text)


def _checked(record: Mapping[str, Any]) -> Mapping[str, Any]:
    """A mapping that did not come from JSON text, such as an agent's: nothing in it is taken on trust."""
    if scrub(record) > MAX_BYTES:
        raise RecordError("", "a larger one", f"at most {MAX_BYTES // 1024} kB", "send what it links to by URL")
    return record


def _not_json(text: str, error: ValueError) -> RecordError:
    if not isinstance(error, json.JSONDecodeError):  # a whole number of thousands of digits
        return RecordError("", text[:40], "JSON with numbers of a sensible size")
    near = text[max(error.pos - 10, 0) : error.pos + 20]
    mend = f"line {error.lineno}, column {error.colno}: {error.msg[0].lower()}{error.msg[1:]}"
    return RecordError("", near, "JSON", mend)


def _pieces(text: str, content_type: str) -> Iterator[str | RecordError]:
    """The text of each event in a body. What it is, is seen from the body: senders often name the wrong type."""
    start = _space(text, 0)
    if start == len(text):
        yield RecordError("", text[:20], "at least one event", "the body is empty")
    elif text[start] == "[" and "ndjson" not in content_type and "jsonl" not in content_type:
        yield from _items(text, start + 1)
    elif _is_one(text, start):
        yield text[start:]
    else:
        yield from (line for line in text.split("\n") if line.strip())


def _is_one(text: str, start: int) -> bool:
    """True unless a first value ends and another begins: then the body is JSON lines."""
    if "\n" not in text[start:].rstrip():
        return True
    try:
        _, end = _DECODER.raw_decode(text, start)
    except (ValueError, RecursionError):
        first = text[start:].split("\n", 1)[0].strip()
        return not first.endswith("}")  # a broken first line among good ones must not take them with it
    return _space(text, end) == len(text)


def _items(text: str, at: int) -> Iterator[str | RecordError]:
    """The items of a list, each as it stands in the text."""
    at = _space(text, at)
    if text[at : at + 1] == "]" and _space(text, at + 1) == len(text):
        return
    while True:
        try:
            _, end = _DECODER.raw_decode(text, at)
        except RecursionError:
            yield RecordError("", "…", f"at most {MAX_DEPTH} levels")
            return
        except ValueError as error:
            yield _not_json(text, error)
            return
        yield text[at:end]
        at = _space(text, end)
        if text[at : at + 1] != ",":
            break
        at = _space(text, at + 1)
    if text[at : at + 1] != "]" or _space(text, at + 1) != len(text):
        yield RecordError("", text[at : at + 20], "the end of the list", "what follows was not read")


def _space(text: str, at: int) -> int:
    found = _SPACE.match(text, at)
    return found.end() if found else at


# --- the event -------------------------------------------------------------------------------------------------------
def _incoming(envelope: Envelope, data: Any, registry: Registry, now: datetime) -> Incoming:
    known = registry.types.get(envelope.type)
    if known is None:
        raise _unknown_type(envelope.type, registry)
    if envelope.time is None:
        mend = f"add when it happened, such as {time_text(now.replace(microsecond=0))}"
        raise RecordError("/time", None, "a time with its offset (RFC 3339)", mend)
    facts = _data({} if data is None else data, known)
    ids = _ids(facts, known)
    place = "/id"
    try:
        name = read_id(envelope.id)
        place = "/source"
        source = read_id(envelope.source)
        place = "/time"
        occurred_at = read_time(envelope.time)
        place = "/recordedtime"
        recorded_at = None if envelope.recordedtime is None else read_time(envelope.recordedtime)
    except RecordError as error:
        raise RecordError(place + error.field, error.found, error.expected, error.mend) from None
    event = Event(name, source, known.name, occurred_at, facts, ids, recorded_at)
    return Incoming(event, _identity(facts, ids, known), _extensions(envelope))


def _unknown_type(name: str, registry: Registry) -> RecordError:
    near, noun = registry.nearest_type(name), name.split(".", 1)[0]
    verbs = registry.verbs(noun)
    hints = [f"did you mean {near}?" if near else "", f"{noun}. goes with {', '.join(verbs)}." if verbs else ""]
    hints += [] if verbs or near else ["docs/events.md lists them."]
    hints.append("Own types are files in schemas/events/")
    return RecordError("/type", name, "a known event type", " ".join(hint for hint in hints if hint))


def _data(data: Any, known: EventType) -> dict[str, Plain]:
    if not isinstance(data, dict) and not isinstance(data, Mapping):
        raise RecordError("/data", data, "an object", 'the facts of the event, such as {"order_id": "1001"}')
    facts = under("/data", read_object, data, known.data)
    if "lines" in known.fields:
        _unique_lines(facts)
    return facts


def _unique_lines(facts: Mapping[str, Plain]) -> None:
    """Two lines of one id would be one line: refuse."""
    seen: set[str] = set()
    for index, line in enumerate(facts.get("lines") or ()):
        name = line.get("line_id") if isinstance(line, dict) else None
        if name is None:
            continue
        if name in seen:
            raise RecordError(f"/data/lines/{index}/line_id", name, "an id of its own for each line")
        seen.add(name)


def _ids(facts: Mapping[str, Plain], known: EventType) -> Ids:
    """The ids the event carries; `line_id` is taken wherever `line_ids` is."""
    ids: dict[str, str | tuple[str, ...]] = {}
    for ref in known.ids:
        value = facts.get(ref.field)
        if ref.thing != "line":
            if value is not None:
                ids[ref.thing] = str(value)
            continue
        lines, place = (value, ref.field) if ref.many and value else ([facts.get("line_id")], "line_id")
        if named := under(f"/data/{place}", _named, ids.get("order"), lines):
            ids["line"] = named
    return ids


def _named(order: str | tuple[str, ...] | None, lines: Sequence[Plain]) -> tuple[str, ...]:
    """The lines a record names, each once."""
    return tuple(dict.fromkeys(_line(order, one) for one in lines if one is not None))


def _line(order: str | tuple[str, ...] | None, sent: Plain) -> str:
    """`order/line`, whichever of the two forms was sent."""
    line = read_id(sent)
    if not isinstance(order, str):
        raise RecordError("", line, "lines together with their order", "add order_id")
    name = line.removeprefix(f"{order}/")
    if "/" in name or not name:
        raise RecordError("", line, "a line id without '/'", f"the line's id alone, or {order}/<line>")
    return f"{order}/{name}"


def _identity(facts: Mapping[str, Plain], ids: Ids, known: EventType) -> Identity:
    if known.name == "customer.merged":
        return Identity(customer_id=str(facts["into"]), aliases=(str(facts["from"]),))
    block = facts.get("customer") or {}
    about_person = known.thing == "customer"
    customer = facts.get("customer_id") or block.get("customer_id")
    email = (facts.get("email") if about_person else None) or block.get("email")
    aliases = [*(facts.get("aliases") or () if about_person else ()), *(block.get("aliases") or ())]
    order = ids.get("order")
    if not (customer or email or order or known.audience):
        ways = "customer_id or email" if about_person else "customer_id, customer.email or order_id"
        raise RecordError("/data", sorted(facts), f"whom it is about: {ways}", "add one of them")
    address = email.lower() if email else None
    return Identity(customer, address, order if isinstance(order, str) else None, tuple(aliases))


_EXTENSIONS = ("subject", "partitionkey", "correlationid", "causationid")


def _extensions(envelope: Envelope) -> dict[str, str]:
    return {name: value for name in _EXTENSIONS if (value := getattr(envelope, name)) is not None}
