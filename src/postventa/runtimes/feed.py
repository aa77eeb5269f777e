"""Events of a file: read line by line, in the order in which the shop heard of them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from postventa.errors import ConfigError, RecordError
from postventa.schemas.parse import Incoming, parse_event
from postventa.schemas.registry import Registry


@dataclass(frozen=True, slots=True)
class Fed:
    """One event of a file, and when it is heard of: `recordedtime` where it has one, else `time`."""

    at: datetime
    incoming: Incoming

    @property
    def key(self) -> tuple[datetime, str, str]:
        """By which a file is sorted."""
        return (self.at, self.incoming.event.source, self.incoming.event.id)


def feed_of(records: Iterable[Mapping[str, Any]], registry: Registry, now: datetime) -> list[Fed]:
    """Records as events, sorted by (recordedtime or time; source; id). Raises RecordError."""
    return sorted((_fed(parse_event(record, registry, now=now)) for record in records), key=lambda one: one.key)


def read_feed(path: Path, registry: Registry, now: datetime) -> tuple[list[Fed], list[tuple[int, RecordError]]]:
    """The events of a JSON-lines file, sorted, and the lines that were refused, by number. Raises ConfigError."""
    fed: list[Fed] = []
    refused: list[tuple[int, RecordError]] = []
    for number, line in _lines(path):
        try:
            fed.append(_fed(parse_event(line, registry, now=now)))
        except RecordError as error:
            refused.append((number, error))
    return sorted(fed, key=lambda one: one.key), refused


def _lines(path: Path) -> Iterator[tuple[int, bytes]]:
    try:
        with path.open("rb") as file:
            yield from ((number, line) for number, line in enumerate(file, 1) if line.strip())
    except OSError as error:
        raise ConfigError(f"the file cannot be read: {error.strerror}", where=str(path)) from error


def _fed(incoming: Incoming) -> Fed:
    return Fed(incoming.event.recorded_at or incoming.event.occurred_at, incoming)


def lines_of(records: Iterable[Mapping[str, Any]]) -> str:
    """Records as JSON lines, such as `--events` reads."""
    return "".join(json.dumps(record, ensure_ascii=False, separators=(",", ":")) + "\n" for record in records)
