"""Events that really happened, from a file: those of one customer, for a simulation."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

from postventa.core.event import Event
from postventa.engine.identity import Apply, Book
from postventa.engine.replay import KEYS, instant
from postventa.errors import ConfigError, RecordError
from postventa.project import Project
from postventa.schemas.parse import Incoming, parse_event
from postventa.testing.simulate import Simulation, play


def play_file(project: Project, journey: str, file: Path, customer: str, until: datetime | None) -> Simulation:
    """The events of one customer of a file (one JSON object per line) through a journey: of the one that is named, else
    of the first whom the journey's start could mean. ConfigError where there is none; RecordError with its line."""
    people = customers_of(project, file)
    if customer:
        if customer not in people:
            shown = ", ".join(sorted(people)[:5])
            raise ConfigError(f"no event of {file.name} is about customer '{customer}'", mend=f"one of: {shown}, …")
        return play(project, journey, people[customer], customer, until)
    starts = project.journeys[journey].start.on.types
    for name, events in people.items():
        if any(event.type in starts for event in events):
            return play(project, journey, events, name, until)
    for name, events in people.items():  # a start that follows from other events: line.delivered from a parcel
        found = play(project, journey, events, name, until)
        if any(entry.what == "start" and entry.journey == journey for entry in found.player.trace):
            return found
    wanted = " or ".join(sorted(starts))
    raise ConfigError(f"nothing in {file.name} starts '{journey}'", mend=f"it needs a customer with {wanted}")


def customers_of(project: Project, file: Path) -> Mapping[str, list[Event]]:
    """Whose each event is, in the order of their first event; each customer's events by time."""
    incomings = sorted(_read(project, file), key=lambda one: (instant(one.event), one.event.source, one.event.id))
    book, found = Book(KEYS), list[tuple[str, Event]]()
    for place, incoming in enumerate(incomings):
        steps = book.steps(place, incoming, instant(incoming.event))
        found += [(step.customer, step.event) for step in steps if isinstance(step, Apply)]
    people: dict[str, list[Event]] = {}
    for customer, event in found:
        people.setdefault(book.known(customer), []).append(event)
    return people


def _read(project: Project, file: Path) -> list[Incoming]:
    incomings, now = [], datetime(1970, 1, 1, tzinfo=UTC)
    for number, line in enumerate(file.read_bytes().splitlines(), 1):
        if not line.strip():
            continue
        try:
            incomings.append(parse_event(line, project.registry, now=now))
        except RecordError as error:
            raise ConfigError(f"this line is no event: {error}", where=f"{file}:{number}", mend=error.mend) from error
    return incomings
