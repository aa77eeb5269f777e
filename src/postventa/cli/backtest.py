"""`postventa backtest`: past events through the journeys on a virtual clock. Nothing is sent, nothing is stored."""

from __future__ import annotations

import json
import sys
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import typer

from postventa.cli import past as sources
from postventa.cli import versions
from postventa.cli.comparing import print_comparison, write_page
from postventa.cli.progress import Tell, progress
from postventa.cli.tables import Groups, below, show, table
from postventa.core.values import as_time, time_text
from postventa.engine.backtest import Past, Report, play
from postventa.engine.compare import Side, compare
from postventa.errors import ConfigError
from postventa.project import Project
from postventa.web.side_by_side import Between
from postventa.web.tongue import ENGLISH, Tongue, tongue

COMPARED = ("at", "customer", "subject", "journey", "step", "round", "message", "decision")
SHOWN = 10
"""Bad lines told one by one."""


class Asked(NamedTuple):
    """Which past, up to when, and since when it counts."""

    events: Path | None
    database: bool
    topics: list[str]
    until: datetime | None
    since: datetime | None


def command(
    events: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Events, one JSON object per line ('-': standard input).")
    ] = None,
    database: Annotated[bool, typer.Option("--database", help="The events this project's engine has kept.")] = False,
    topic: Annotated[
        list[str] | None, typer.Option(metavar="NAME", help="What a topic still holds; may be given several times.")
    ] = None,
    project: Annotated[Path, typer.Option(metavar="DIR", help="The project's folder.")] = Path(),
    until: Annotated[
        str | None, typer.Option(metavar="TIME", help="Play up to this moment (default: the last event).")
    ] = None,
    since: Annotated[
        str | None, typer.Option(metavar="TIME", help="Everything is played; only what is decided from then on counts.")
    ] = None,
    against: Annotated[
        Path | None, typer.Option("--compare", metavar="DIR", help="The other version: a folder, or a --json output.")
    ] = None,
    release: Annotated[
        str | None, typer.Option("--compare-release", metavar="HASH", help="… or a published release; 'live'.")
    ] = None,
    commit: Annotated[
        str | None, typer.Option("--compare-git", metavar="REF", help="… or this folder at a commit of git.")
    ] = None,
    page: Annotated[
        Path | None, typer.Option("--html", metavar="FILE", help="The comparison as a page, in one file.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON line per decision, or per difference.")] = False,
) -> None:
    """Run past events through the journeys: who would have got what, and when; with --compare: what a change does.

    The clock jumps from event to event and to each due time between; every message that may leave counts as handed
    over at that instant. 'live_from' and 'max_start_lateness' are ignored. The same input gives the same bytes.
    """
    asked = Asked(events, database, topic or [], _time(until, "--until"), _time(since, "--since"))
    if (events is not None) + database + bool(topic) != 1:
        raise ConfigError("say where the events are", mend="one of --events FILE, --database, --topic NAME")
    other = _other(project, against, release, commit)
    if page is not None and other is None:
        raise ConfigError("the page shows two versions side by side", "--html", "add --compare, or --compare-release")
    loaded = Project.load(project).require_sound()
    t = tongue(loaded.settings.language)
    with progress("reading events", t.language) as tell:
        past = _past(asked, project, loaded, tell)
        report = play(loaded, past, asked.until, tell)
        if other is None:
            before = None
        elif isinstance(other, Side):
            before = other
        else:
            earlier = play(other.project, past, asked.until, tell)
            before = Side(earlier.decisions, earlier.runs)
    if before is None:
        print_report(_counted(report, asked.since), as_json=as_json, t=t)
        return
    tell_bad_lines(report, t)
    found = compare(before, Side(report.decisions, report.runs), zone=loaded.settings.timezone, since=asked.since)
    name = other.name if isinstance(other, versions.Version) else str(against)
    between = Between(loaded, name, str(project), report, asked.since)
    if page is not None:
        write_page(found, between, page, t)
    print_comparison(found, as_json=as_json, t=t, zone=loaded.settings.timezone)


# --- what is asked ----------------------------------------------------------------------------------------------------
def _time(text: str | None, option: str) -> datetime | None:
    return None if text is None else sources.moment(text, option)


def _past(asked: Asked, folder: Path, loaded: Project, tell: Tell | None) -> Past:
    if asked.events is not None:
        return sources.from_file(asked.events, loaded, tell)
    if asked.database:
        return sources.from_database(folder, tell)
    return sources.from_topics(asked.topics, folder, loaded, tell)


def _other(
    folder: Path, against: Path | None, release: str | None, commit: str | None
) -> versions.Version | Side | None:
    if sum(one is not None for one in (against, release, commit)) > 1:
        raise ConfigError("two other versions are named", mend="one of --compare, --compare-release, --compare-git")
    if release is not None:
        return versions.of_release(folder, release)
    if commit is not None:
        return versions.of_commit(folder, commit)
    if against is not None and against.is_dir():
        return versions.of_folder(against)
    return None if against is None else Side(_earlier(against))


def _earlier(file: Path) -> list[dict[str, Any]]:
    """The decisions of an earlier backtest."""
    found = []
    for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), 1):
        try:
            one = json.loads(line)
            found.append({name: one[name] for name in COMPARED} | {"reason": one.get("reason")})
        except (ValueError, LookupError, TypeError, AttributeError) as error:
            raise ConfigError(
                "this line is no decision", f"{file}:{number}", "give a folder, or the output of backtest --json"
            ) from error
    return found


def _counted(report: Report, since: datetime | None) -> Report:
    if since is not None:
        report.decisions = [one for one in report.decisions if (at := as_time(one["at"])) and at >= since]
    return report


# --- words ------------------------------------------------------------------------------------------------------------
def print_report(report: Report, *, as_json: bool, t: Tongue = ENGLISH) -> None:
    """What a backtest found: JSON lines for programs, tables for people."""
    tell_bad_lines(report, t)
    if as_json:
        write = sys.stdout.write
        for decision in report.decisions:
            write(json.dumps(decision, ensure_ascii=False, separators=(",", ":")) + "\n")
        typer.echo(_summary_line(report, t), err=True)
    else:
        _print_tables(report, t)


def tell_bad_lines(report: Report, t: Tongue) -> None:
    """On standard error: the first lines that were no event."""
    for where, error in report.bad[:SHOWN]:
        typer.echo(f"{where}: {error}", err=True)
    if len(report.bad) > SHOWN:
        typer.echo(t("… and {count} more bad lines", count=len(report.bad) - SHOWN), err=True)


def _summary_line(report: Report, t: Tongue) -> str:
    end = time_text(report.end) if report.end else t("the end")
    parts = [
        t("{events} events of {people} customers", events=report.events, people=report.customers),
        t("{sent} messages sent, {skipped} skipped, {deferred} put off", sent=report.count("send"),
          skipped=report.count("skip"), deferred=report.count("defer")),
        t("{count} steps still pending at {end}", count=report.pending, end=end),
    ]  # fmt: skip
    if report.bad:
        parts.append(t("{count} bad lines left out", count=len(report.bad)))
    if report.unused:
        why = t.reason(report.unused[0].reason)
        parts.append(t("{count} events moved nobody ({reason})", count=len(report.unused), reason=why))
    return "; ".join(parts)


def _print_tables(report: Report, t: Tongue) -> None:
    rows = report.rows()
    sent = table(t("What would have been sent"), [t("message")], [t(name) for name in ("sent", "put off", "skipped")])
    groups = Groups(sent, [(row.journey, row.message) for row in rows])
    for row in rows:
        groups.row(row.journey, row.message, *(str(one or "") for one in (row.sent, row.deferred, row.skipped)))
        for reason, count in row.reasons:
            sent.add_row(below(t.reason(reason)), "", "", str(count), style="dim")
    show(sent)
    if report.standing:
        still = table(t("Still under way at the end"), [t(name) for name in ("journey", "step", "waits for")],
                      [t("people")])  # fmt: skip
        for (journey, step, kind), count in sorted(report.standing.items()):
            still.add_row(journey, step, t(kind), str(count))
        show(still)
    typer.echo(_summary_line(report, t))
