"""A project and a file of events in, decisions and their sum out. The form of a decision is in docs/backtest.md."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from postventa.core.event import Event
from postventa.core.journey import Catalog
from postventa.engine.cores import cores, spread
from postventa.engine.fates import Told, Where, fates
from postventa.engine.replay import Decision, Played, Replay, Unused, decisions, in_order
from postventa.errors import RecordError
from postventa.project import Project
from postventa.schemas.parse import Incoming, parse_event

Tell = Callable[[str, int, int | None], None]
"""(what is being done, how much is done, of how much) for a progress bar."""

_EVERY = 500
MANY = 1000
"""Customers from which on more than one core is worth it."""
_WAITS = {
    "timer": "a time", "fact": "a date not known yet", "event": "an event", "held": "leave to send",
    "siblings": "the other lines", "answer": "an answer", "round": "the next round", "parked": "an operator",
}  # fmt: skip


class Row(NamedTuple):
    """One message of one journey in the summary."""

    journey: str
    message: str
    sent: int
    deferred: int
    skipped: int
    reasons: list[tuple[str, int]]


@dataclass(slots=True)
class Report:
    """What a backtest found."""

    decisions: list[Decision] = field(default_factory=list)
    runs: dict[Where, Told] = field(default_factory=dict)
    """What became of each run."""
    bad: list[tuple[str, RecordError]] = field(default_factory=list)
    """(where, what is wrong) of lines and records that are no event."""
    unused: list[Unused] = field(default_factory=list)
    standing: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    """(journey, step, what it waits for) -> unfinished runs at the end."""
    pending: int = 0
    """Steps that have a time, after the end."""
    events: int = 0
    customers: int = 0
    end: datetime | None = None

    def count(self, decision: str) -> int:
        """How many decisions of this kind."""
        return sum(1 for one in self.decisions if one["decision"] == decision)

    def rows(self) -> list[Row]:
        """Per journey and message, by name."""
        kinds: Counter[tuple[str, str, str]] = Counter()
        reasons: dict[tuple[str, str], Counter[str]] = {}
        for one in self.decisions:
            place = (one["journey"] or "", one["message"] or "")
            kinds[(*place, one["decision"])] += 1
            if one["decision"] == "skip":
                reasons.setdefault(place, Counter())[one["reason"].partition(": on ")[0]] += 1
        return [
            Row(*place, kinds[(*place, "send")], kinds[(*place, "defer")], kinds[(*place, "skip")],
                sorted(reasons.get(place, Counter()).items(), key=lambda pair: (-pair[1], pair[0])))
            for place in sorted({(journey, message) for journey, message, _ in kinds})
        ]  # fmt: skip


@dataclass(slots=True)
class Past:
    """What happened, to be played through any number of versions of the files."""

    incomings: list[Incoming] = field(default_factory=list)
    """Events whose customer is still to be found."""
    known: dict[str, list[tuple[datetime, Event]]] = field(default_factory=dict)
    """Customer -> (when it took effect, event): what a store has resolved already."""
    bad: list[tuple[str, RecordError]] = field(default_factory=list)
    """(where, what is wrong) of lines and records that are no event."""


def read_lines(project: Project, lines: Iterable[bytes], tell: Tell | None = None, source: str = "line") -> Past:
    """The events of JSON lines, by the schemas of this project. Bad lines are kept aside, the rest goes on. `source`
    is what a bad line's number is told behind."""
    past = Past()
    now = datetime(1970, 1, 1, tzinfo=UTC)
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            past.incomings.append(parse_event(line, project.registry, now=now))
        except RecordError as error:
            past.bad.append((f"{source}:{number}", error))
        if tell is not None and number % _EVERY == 0:
            tell("reading events", number, None)
    return past


def backtest(
    project: Project, lines: Iterable[bytes], until: datetime | None = None, tell: Tell | None = None
) -> Report:
    """Run the events of these lines through the project's journeys, up to `until` (default: the last event).

    Bad lines are reported, the rest goes on. The same lines give the same report, in whatever order they are.
    """
    return play(project, read_lines(project, lines, tell), until, tell)


def play(
    project: Project, past: Past, until: datetime | None = None, tell: Tell | None = None, parts: int | None = None
) -> Report:
    """Run what happened through the project's journeys, up to `until` (default: the last event).

    `parts`: over so many processes; by default over all cores where there are many customers. It gives the same.
    """
    replay = Replay(project.catalog(), waiting_room=timedelta(seconds=_seconds(project)))
    for incoming in past.incomings:
        replay.add(incoming)
    people = replay.resolve()
    for customer, events in past.known.items():
        replay.know(customer, events)
        people += 1

    def note(count: int) -> None:
        if tell is not None:
            tell("playing customers", count, people)

    parts = parts or (cores() if people >= MANY else 1)
    if parts == 1:
        report = _part(replay, until, 0, 1, note)
    else:
        report = _sum(spread(parts, lambda part, told: _part(replay, until, part, parts, told), note))
    report.bad = past.bad
    report.end = until or replay.last
    report.decisions = in_order(report.decisions)
    report.unused = sorted(replay.unused, key=lambda one: one.event.order_key)
    return report


def _part(replay: Replay, until: datetime | None, part: int, parts: int, note: Callable[[int], None]) -> Report:
    report = Report()
    for played in replay.play(until, part, parts):
        _count(report, played, replay.catalog)
        if report.customers % _EVERY == 0:
            note(report.customers)
    return report


def _sum(reports: Iterable[Report]) -> Report:
    whole = Report()
    for one in reports:
        whole.decisions += one.decisions
        whole.runs |= one.runs
        whole.standing += one.standing
        whole.pending += one.pending
        whole.events += one.events
        whole.customers += one.customers
    return whole


def _seconds(project: Project) -> int:
    span = project.settings.waiting_room
    return span.seconds + 86400 * span.days


def _count(report: Report, played: Played, catalog: Catalog) -> None:
    report.customers += 1
    report.events += played.events
    report.decisions.extend(decisions(played))
    report.runs.update(fates(played))
    for run in played.state.runs.values():
        journey = catalog.journey_of(run.journey, run.version)
        step = journey.steps[run.step].id if journey and 0 <= run.step < len(journey.steps) else ""
        report.standing[(run.journey, step, _WAITS.get(run.stand.kind, run.stand.kind))] += 1
        report.pending += run.stand.due_at is not None
