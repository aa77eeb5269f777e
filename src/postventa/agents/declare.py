"""`@agent(topic=…, schema=…)`: says which topic a function reads and which events it may give. Knows nothing of Faust.

Both runtimes use the same object: the Faust stream agent of a topic, and `POST /v1/events?topic=…` of the embedded one.
"""

from __future__ import annotations

import inspect
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from fnmatch import fnmatchcase
from typing import Any

from postventa.errors import RecordError
from postventa.schemas.envelope import Headers, attributes, is_binary
from postventa.schemas.parse import Incoming, decode_json, parse_event
from postventa.schemas.registry import Registry

Mapper = Callable[[Mapping[str, Any]], Mapping[str, Any] | None]
Decoder = Callable[[bytes], Any]


@dataclass(frozen=True, slots=True)
class Agent:
    """A declared agent. Calling it calls the function, so that a project can test it as what it is.

    `schema` holds the event types it may give, `*` allowed: ("order.*",). `key` names the field of the platform's
    record that the topic is keyed by, for whoever publishes to it. `file` and `line` are where it stands.
    """

    name: str
    topic: str
    schema: tuple[str, ...]
    function: Mapper
    key: str | None = None
    decode: Decoder | None = None
    doc: str = ""
    file: str = ""
    line: int = 0

    def __call__(self, record: Mapping[str, Any]) -> Mapping[str, Any] | None:
        """The function itself."""
        return self.function(record)

    def read(
        self, record: bytes | Mapping[str, Any], registry: Registry, *, headers: Headers | None = None, now: datetime
    ) -> Incoming | None:
        """A record of the topic as a valid event; None when the function leaves it out. Raises RecordError.

        A CloudEvent in headers (binary mode) reaches the function whole: its attributes, and the body as `data`.
        """
        body = self._decoded(record)
        found, content_type = attributes(headers) if headers is not None else ({}, "")
        if is_binary(found, content_type):
            body = {**found, "data": body}
        if not isinstance(body, Mapping):
            raise RecordError("", body, f"an object on topic '{self.topic}'", 'one record per event: {"…": …}')
        event = self._mapped(body)
        if event is None:
            return None
        incoming = parse_event(event, registry, now=now)
        if not any(fnmatchcase(incoming.event.type, pattern) for pattern in self.schema):
            mend = f"agents/{self.name} gives {', '.join(self.schema)}: name it in schema=, or send it to its own topic"
            raise RecordError("/type", incoming.event.type, f"an event of topic '{self.topic}'", mend)
        return incoming

    def _decoded(self, record: bytes | Mapping[str, Any]) -> Any:
        if isinstance(record, Mapping):
            return record
        if self.decode is None:
            return decode_json(record)
        return self._guarded(self.decode, record)

    def _mapped(self, record: Mapping[str, Any]) -> Mapping[str, Any] | None:
        event = self._guarded(self.function, record)
        if event is not None and not isinstance(event, Mapping):
            raise RecordError("", event, f"an event or None from agent '{self.name}'", f"mend {self.file}")
        return event

    def _guarded(self, function: Callable[[Any], Any], value: Any) -> Any:
        """`function(value)`. Whatever a project's own code raises is this record's fault until shown otherwise."""
        try:
            return function(value)
        except RecordError:
            raise
        except Exception as error:
            frames = [one for one in traceback.extract_tb(error.__traceback__) if one.filename == self.file]
            where = f"{self.file}:{frames[-1].lineno}" if frames else self.file
            said = f"{type(error).__name__}: {error}"
            field = f"/{error.args[0]}" if isinstance(error, KeyError) and error.args else ""
            mend = f"{where} stopped with {said}"
            raise RecordError(field, None, f"what agent '{self.name}' reads", mend) from error


def agent(
    *, topic: str, schema: str | tuple[str, ...] | list[str], key: str | None = None, decode: Decoder | None = None
) -> Callable[[Mapper], Agent]:
    """Declare a function from a platform's record to our event (or None: not for us) as the agent of a topic.

    The function is pure and plain: no I/O, no clock, not async. `decode` turns the raw value into the record when the
    topic does not carry JSON. Raises TypeError or ValueError where the declaration cannot work.
    """
    patterns = (schema,) if isinstance(schema, str) else tuple(schema)
    if not topic or not patterns:
        raise ValueError(
            "an agent needs a topic and the event types it gives, such as topic='orders', schema='order.*'"
        )

    def declare(function: Mapper) -> Agent:
        if inspect.iscoroutinefunction(function) or inspect.isasyncgenfunction(function):
            raise TypeError("an agent is a plain function: def, not async def")
        code = inspect.unwrap(function).__code__
        return Agent(
            name=function.__name__, topic=topic, schema=patterns, function=function, key=key, decode=decode,
            doc=inspect.getdoc(function) or "", file=code.co_filename, line=code.co_firstlineno,
        )  # fmt: skip

    return declare
