"""The reference project and its sample customers at a speed at which one can watch: a day passes in two seconds.

Workers live by the real clock, so it is the journeys that are made faster: their waits, and the times in the events.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from postventa.core.values import as_time, time_text
from postventa.runtimes.demo import demo_events
from postventa.starter import copy_to

DAY = timedelta(seconds=2)
"""What a day of the journeys takes here."""
_UNITS = {"minute": 1 / 1440, "hour": 1 / 24, "day": 1.0, "week": 7.0, "month": 30.0}
_SPAN = re.compile(rf"\b(\d+) ({'|'.join(_UNITS)})s?\b")
_CLOCK = re.compile(r'(?m)^ *at: "\d\d:\d\d".*\n')
_CARRIER = "deliveries"
_TOPICS = {
    "order": "orders", "shipment.created": "shipments", "shipment.delayed": "shipments", "shipment": _CARRIER,
    "return": "returns", "refund": "returns", "survey": "engagement", "customer": "engagement",
}  # fmt: skip
# Sending hours and the limit of three mails a week are left out: in days of two seconds they would hold back most.
_SETTINGS = """\
shop: Tienda Clara
locale: es
locales: [es, en]
country: ES
timezone: Europe/Madrid
currency: EUR
groups:
  care: [ayuda@tiendaclara.example]
channels:
  email: {{kind: mailbox}}
public_url: http://127.0.0.1:{public}
listen: {{public: "127.0.0.1:{public}", private: "127.0.0.1:{private}"}}
store: {{postgres_env: DATABASE_URL, postgres_schema: {schema}}}
kafka:
  group: {prefix}postventa
  out: {prefix}postventa.out
  dead_letters: {prefix}postventa.dead-letters
  partitions: 4
  replication: 1
  in_doubt_after: 10 seconds
"""


@dataclass(frozen=True, slots=True)
class Places:
    """Where this shop's state and pages are; `prefix` begins the names of its topics and of its group."""

    schema: str
    private: int
    public: int
    prefix: str = ""


@dataclass(frozen=True, slots=True)
class Planned:
    """A record, the topic it goes to, and when it is to be published."""

    at: datetime
    topic: str
    record: dict[str, Any]


def write_shop(folder: Path, places: Places) -> None:
    """The reference project in a new folder, made fast. ConfigError when there is something already."""
    copy_to(folder)
    for journey in (folder / "journeys").glob("*.yaml"):
        journey.write_text(faster(journey.read_text(encoding="utf-8")), encoding="utf-8")
    for agent in (folder / "agents").glob("*.py"):
        text = agent.read_text(encoding="utf-8")
        agent.write_text(text.replace('(topic="', f'(topic="{places.prefix}'), encoding="utf-8")
    settings = _SETTINGS.format(
        public=places.public, private=places.private, schema=places.schema, prefix=places.prefix
    )
    (folder / "postventa.yaml").write_text(settings, encoding="utf-8")


def faster(journey: str) -> str:
    """A journey file with its spans in seconds and without times of day."""

    def seconds(span: re.Match[str]) -> str:
        count = math.ceil(int(span[1]) * _UNITS[span[2]] * DAY.total_seconds())
        return f"{count} second{'s' if count > 1 else ''}"

    return _SPAN.sub(seconds, _CLOCK.sub("", journey))


def story(begin: datetime, prefix: str = "") -> list[Planned]:
    """Everything the sample customers do from `begin` on, each event with the time at which it is published."""
    events = demo_events(begin)
    first = as_time(events[0]["time"])
    assert first is not None
    planned = []
    for event in events:
        record = {key: _sooner(value, first, begin) for key, value in event.items()}
        at = as_time(record["time"])
        assert at is not None
        if event["type"] == "survey.answered":  # here the question is asked a little late, never the answer given early
            at += DAY
            record["time"] = time_text(at)
        planned.append(Planned(at, prefix + topic_of(event["type"]), record))
    return sorted(planned, key=lambda one: one.at)


def topic_of(event_type: str) -> str:
    """The topic of the reference project that carries this type."""
    return _TOPICS.get(event_type) or _TOPICS[event_type.partition(".")[0]]


def _sooner(value: Any, first: datetime, begin: datetime) -> Any:
    """`value` with every time in it brought as near to `begin` as a day is short."""
    if isinstance(value, dict):
        return {key: _sooner(one, first, begin) for key, one in value.items()}
    if isinstance(value, list):
        return [_sooner(one, first, begin) for one in value]
    moment = as_time(value) if isinstance(value, str) and value.endswith("Z") else None
    return value if moment is None else time_text(begin + (moment - first) * (DAY / timedelta(days=1)))


def topics(prefix: str = "") -> Iterator[str]:
    """Every topic of this shop."""
    yield from sorted(prefix + name for name in {*_TOPICS.values(), "postventa.out", "postventa.dead-letters"})
