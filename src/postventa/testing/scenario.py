"""Plays a scenario through the project's journeys and compares what came of it with what was expected.

Everything runs as in production: all journeys, the contact policy, the mails really made; only the clock is moved.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal
from zoneinfo import ZoneInfo

from postventa.core import schedule
from postventa.core.view import zone_of
from postventa.errors import RecordError
from postventa.project import Project
from postventa.schemas.parse import parse_event
from postventa.source.problem import Problem
from postventa.testing.player import Player, catalog_for
from postventa.testing.reads import reads
from postventa.testing.scenario_form import Expected, Sheet
from postventa.testing.simulate import LONGEST, customer_in, let_pass
from postventa.testing.story import new_story
from postventa.web.telling import place_of

Sign = Literal[" ", "-", "+"]


@dataclass(frozen=True, slots=True)
class Happened:
    """One thing that came of the story, at a time on the customer's clock."""

    kind: str
    what: str
    at: datetime
    reason: str = ""
    subject: str = ""
    place: str = ""


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the comparison: as expected (" "), expected and missing ("-"), not expected ("+")."""

    sign: Sign
    kind: str
    what: str
    at: datetime | None
    place: str
    """Where it stands: the line of the scenario for what is missing, of the journey for what happened."""
    more: str = ""


@dataclass(frozen=True, slots=True)
class Verdict:
    """How a scenario ended. `line` is where the first difference stands in its file."""

    file: str
    title: str
    rows: list[Row] = field(default_factory=list)
    line: int = 1

    @property
    def passed(self) -> bool:
        """True when everything was as expected."""
        return all(row.sign == " " for row in self.rows)


def run(project: Project, sheet: Sheet) -> Verdict | list[Problem]:
    """Play one scenario. Problems instead where an event would be refused."""
    player, problems = _played(project, sheet)
    if problems:
        return problems
    tz = zone_of(player.state, player.catalog.shop)
    happened = list(_happened(player, sheet, tz))
    rows, line = _compared(sheet, happened, player.state.balance, tz)
    return Verdict(sheet.file, sheet.form.test, rows, line)


def _played(project: Project, sheet: Sheet) -> tuple[Player, list[Problem]]:
    form = sheet.form
    wanted = {str(path) for journey in project.journeys.values() for path in reads(journey)}
    facts = {f"customer.{name}": value for name, value in form.customer.items()}
    customer = customer_in(project.journeys.values(), form.variants)
    story = new_story(project, facts, (), wanted, customer)
    tz = schedule.zone(form.customer.get("timezone"), project.settings.timezone)
    now = _utc(form.start, tz)
    player = Player(catalog_for(project), now, customer=customer, registry=project.registry, project=project)
    end = schedule.add(now, form.until, tz) if form.until is not None else now + LONGEST
    for number, one in enumerate(form.given):
        if one.at is not None:
            now = _utc(one.at, tz)
        elif one.after is not None:
            now = schedule.add(now, one.after, tz)
        record = story.record(one.event, now, one.data)
        try:
            player.take(parse_event(record, project.registry, now=now).event)
        except RecordError as error:
            return player, [_refused(sheet, number, error)]
    if form.until is not None:
        player.to(max(end, player.now))
    else:
        let_pass(player, end)
    return player, []


def _refused(sheet: Sheet, number: int, error: RecordError) -> Problem:
    line = sheet.line("given", number, "data")
    field_ = error.field.removeprefix("/").removeprefix("data/").replace("/", ".")
    return Problem(sheet.file, line, 1, "C109", f"'{field_}': {error.message}", error.mend or "")


def _utc(moment: datetime, tz: ZoneInfo) -> datetime:
    return schedule.resolve(moment, tz) if moment.tzinfo is None else moment.astimezone(UTC)


def _happened(player: Player, sheet: Sheet, tz: ZoneInfo) -> Iterator[Happened]:
    """Mails that left or were skipped, and runs that ended, of the journeys that are looked at."""
    subjects = {mail.row.effect_id: mail.envelope.subject for mail in player.mails if mail.envelope is not None}
    looked_at = sheet.form.journeys or tuple(player.catalog.live)
    started = {entry.run_id: entry for entry in player.trace if entry.what == "start"}
    for entry in player.trace:
        begun = entry if entry.journey else started.get(entry.run_id, entry)
        if begun.journey not in looked_at:
            continue
        place = place_of(player.catalog, begun.journey, begun.version, entry.line)
        at = entry.at.astimezone(tz)
        if entry.decision is not None and entry.decision != "defer":
            subject = subjects.get(entry.effect_id or "", "")
            yield Happened(entry.decision, entry.message or "", at, entry.reason, subject, place)
        elif entry.what in {"exit", "end"}:
            reason = "completed" if entry.what == "end" else entry.reason.partition(" at ")[0]
            yield Happened("exit", reason, at, entry.reason, "", place)


# --- expected and happened --------------------------------------------------------------------------------------------
def _compared(sheet: Sheet, happened: list[Happened], points: int, tz: ZoneInfo) -> tuple[list[Row], int]:
    left, rows, lines = list(happened), list[Row](), list[int]()
    missing: set[tuple[str, str]] = set()
    for number, expected in enumerate(sheet.form.expect):
        line = sheet.line("expect", number)
        place = f"{sheet.file}:{line}"
        if expected.kind == "points":
            rows += _points(expected, points, place)
            lines += [line] if expected.points != points else []
            continue
        found = next((one for one in left if _fits(expected, one, tz)), None)
        if found is not None:
            left.remove(found)
            rows.append(_row(" ", found))
        else:
            at = _utc(expected.at, tz).astimezone(tz) if expected.at else None
            rows.append(Row("-", expected.kind, expected.what, at, place, expected.reason or expected.subject or ""))
            missing.add((expected.kind, expected.what))
            lines.append(line)
    others = [
        one for one in left if (one.kind, one.what) in missing or (sheet.form.nothing_else and one.kind != "exit")
    ]
    rows += [_row("+", one) for one in others]
    if others and not lines:
        lines.append(sheet.line("nothing_else"))
    return sorted(rows, key=_when), min(lines, default=1)


def _fits(expected: Expected, one: Happened, tz: ZoneInfo) -> bool:
    if (expected.kind, expected.what) != (one.kind, one.what):
        return False
    if expected.at is not None and f"{_utc(expected.at, tz):%Y%m%d%H%M}" != f"{one.at.astimezone(UTC):%Y%m%d%H%M}":
        return False
    return (expected.reason or "") in one.reason and (expected.subject or "") in one.subject


def _points(expected: Expected, points: int, place: str) -> list[Row]:
    if expected.points == points:
        return [Row(" ", "points", str(points), None, place)]
    return [Row("-", "points", expected.what, None, place), Row("+", "points", str(points), None, "")]


def _row(sign: Sign, one: Happened) -> Row:
    more = one.subject if one.kind == "send" else one.reason if one.kind == "skip" else ""
    return Row(sign, one.kind, one.what, one.at, one.place, more)


def _when(row: Row) -> tuple[bool, str, str, bool, str]:
    """By time; what has none comes last. What is missing stands before what happened in its place."""
    return (row.at is None, f"{row.at:%Y%m%d%H%M}" if row.at else "", row.kind, row.sign == "+", row.what)


def counted(verdicts: list[Verdict]) -> Mapping[str, Any]:
    """How many passed and how many failed."""
    passed = sum(one.passed for one in verdicts)
    return {"passed": passed, "failed": len(verdicts) - passed}
