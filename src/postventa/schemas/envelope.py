"""The envelope around an event: CloudEvents 1.0, structured or in headers (binary mode), and plain JSON like it."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable, Mapping
from typing import Annotated, Any, Literal
from urllib.parse import unquote

from pydantic import BaseModel, ConfigDict, StringConstraints, ValidationError

from postventa.errors import RecordError
from postventa.schemas.values import pointer

Headers = Mapping[str, str | bytes] | Iterable[tuple[str, str | bytes]]

_Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=255)]
_EXPECTED = {
    "id": ("an id of the event, unique in its source", "the id of the fact in your system, such as 1001-paid"),
    "source": ("the name of the system it comes from", "such as shop or urn:example:warehouse"),
    "type": ("an event type", "such as order.placed; docs/events.md lists them"),
    "time": ("a time with its offset (RFC 3339)", "when it happened, such as 2026-03-01T10:00:00+01:00"),
    "specversion": ('"1.0"', "leave it out, or send CloudEvents 1.0"),
}


class Envelope(BaseModel):
    """The attributes we read. Unknown extension attributes are ignored, as CloudEvents asks."""

    model_config = ConfigDict(extra="ignore", coerce_numbers_to_str=True, frozen=True)

    id: _Name
    source: _Name
    type: _Name
    time: Any = None
    specversion: Literal["1.0"] = "1.0"
    subject: str | None = None
    datacontenttype: str | None = None
    dataschema: str | None = None
    partitionkey: str | None = None
    recordedtime: Any = None
    correlationid: str | None = None
    causationid: str | None = None
    data: Any = None
    data_base64: str | None = None


_validate = Envelope.model_validate


def read_envelope(record: Any) -> Envelope:
    """The envelope of a structured or plain record. Raises RecordError."""
    if not isinstance(record, dict):
        if not isinstance(record, Mapping):
            raise RecordError("", record, "one event as a JSON object", 'such as {"id": …, "source": …, "type": …, …}')
        record = dict(record)
    try:
        return _validate(record)
    except ValidationError as error:
        raise _refused(error, record) from None


def attributes(headers: Headers) -> tuple[dict[str, str], str]:
    """CloudEvents attributes found in headers (`ce-id` of HTTP, `ce_id` of Kafka), and the content type."""
    found: dict[str, str] = {}
    content_type = ""
    for name, raw in headers.items() if isinstance(headers, Mapping) else headers:
        value = raw.decode("utf-8", "replace") if isinstance(raw, bytes) else raw
        key = name.lower()
        if key == "content-type":
            content_type = value
        elif key.startswith("ce_"):
            found[key[3:]] = value
        elif key.startswith("ce-"):  # HTTP percent-encodes what is not ASCII
            found[key[3:]] = unquote(value)
    return found, content_type


def is_binary(found: Mapping[str, str], content_type: str) -> bool:
    """True when the headers are the envelope and the body is only the data."""
    return "type" in found and not content_type.strip().lower().startswith("application/cloudevents")


def data_bytes(envelope: Envelope) -> bytes | None:
    """The decoded `data_base64`, or None when there is none. Raises RecordError."""
    if envelope.data_base64 is None:
        return None
    try:
        return base64.b64decode(envelope.data_base64, validate=True)
    except (binascii.Error, ValueError):
        raise RecordError("/data_base64", envelope.data_base64, "base64", "or send the object as data") from None


def _refused(error: ValidationError, record: Mapping[str, Any]) -> RecordError:
    """Our words for pydantic's first finding."""
    first = error.errors(include_url=False, include_context=False)[0]
    name = str(first["loc"][0]) if first["loc"] else ""
    if not name:
        return RecordError("", record, "one event as a JSON object with text keys")
    expected, mend = _EXPECTED.get(name, ("text", "leave it out if there is none"))
    return RecordError(pointer("", name), record.get(name), expected, mend)
