"""Log lines without personal data, as text for people or as JSON for machines.

A log is copied to places nobody erases. So lines name messages, effects and topics, never what a customer is called:
addresses are blotted out wherever they come from, and of an error that is not ours only its kind and its place are
told, since its words may quote what it failed on.
"""

from __future__ import annotations

import json
import logging
import re
import sys
import traceback
from collections.abc import Sequence
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, Literal

from postventa.core.values import time_text
from postventa.errors import PostventaError, RecordError

Form = Literal["text", "json"]
BLOT = "<address>"
NOISY = ("httpx", "watchfiles", "uvicorn", "faust", "aiokafka", "kafka", "mode", "postventa.runtimes.kafka.app")
"""Of these only what is wrong."""
_ADDRESS = re.compile(r"[^\s<>\"'(),:;=\[\]{}]+(?:@|%40)[^\s<>\"'(),:;=\[\]{}]+")
_OURS = (PostventaError, OSError)
"""Their words speak of files, servers and settings."""
_Told = tuple[type[BaseException], BaseException, TracebackType | None] | tuple[None, None, None]


def write_log(form: Form = "text") -> None:
    """Set up the process's log on stderr."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines() if form == "json" else TextLines())
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)
    for name in NOISY:
        logging.getLogger(name).setLevel(logging.WARNING)


def discreet(text: str) -> str:
    """`text` with every mail address blotted out."""
    return _ADDRESS.sub(BLOT, text) if "@" in text or "%40" in text else text


class _Discreet(logging.Formatter):
    """What both forms share."""

    def message_of(self, record: logging.LogRecord) -> str:
        """The line's words; an error among them that is not ours is told by its kind."""
        if isinstance(record.args, tuple) and any(isinstance(one, BaseException) for one in record.args):
            return discreet(str(record.msg) % tuple(map(_harmless, record.args)))
        return discreet(record.getMessage())

    def formatException(self, ei: _Told) -> str:  # noqa: N802 - the library's name
        """Kinds and places, no words."""
        return "\n".join(places(ei[1]))

    def formatTime(self, record: logging.LogRecord, datefmt: str | None = None) -> str:  # noqa: N802
        """RFC 3339, UTC."""
        del datefmt
        return time_text(datetime.fromtimestamp(record.created, UTC))


class TextLines(_Discreet):
    """`2026-03-02T09:00:00Z WARNING the channel works again`."""

    def format(self, record: logging.LogRecord) -> str:
        """One record."""
        line = f"{self.formatTime(record)} {record.levelname} {self.message_of(record)}"
        return f"{line}\n{self.formatException(record.exc_info)}" if record.exc_info else line


class JsonLines(_Discreet):
    """One JSON object per line: `at`, `level`, `logger`, `message`, and of a failure `error`: its kinds and places."""

    def format(self, record: logging.LogRecord) -> str:
        """One record."""
        told: dict[str, Any] = {
            "at": self.formatTime(record), "level": record.levelname.lower(), "logger": record.name,
            "message": self.message_of(record),
        }  # fmt: skip
        if record.exc_info and record.exc_info[1] is not None:
            told["error"] = places(record.exc_info[1])
        return json.dumps(told, ensure_ascii=False)


def places(error: BaseException | None) -> Sequence[str]:
    """An error and its causes, the last first: its kind, then where it came from, outermost first."""
    lines: list[str] = []
    while error is not None:
        lines.append(discreet(str(_harmless(error, named=True))))
        frames = traceback.extract_tb(error.__traceback__)
        lines.extend(f"  {frame.filename}:{frame.lineno} in {frame.name}" for frame in frames)
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    return lines


def _harmless(given: object, *, named: bool = False) -> object:
    if not isinstance(given, BaseException):
        return given
    kind = type(given).__name__
    if isinstance(given, RecordError):
        return f"{kind} at {given.field or 'the record'}"
    if not isinstance(given, _OURS):
        return kind
    return f"{kind}: {given}" if named else str(given)
