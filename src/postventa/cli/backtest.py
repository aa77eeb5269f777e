"""`postventa backtest`: past events through the journeys on a virtual clock. Nothing is sent, nothing is stored."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from postventa.cli.comparing import print_comparison
from postventa.core.values import as_time, time_text
from postventa.engine.backtest import Report, backtest
from postventa.engine.compare import compare
from postventa.errors import ConfigError
from postventa.project import Project

COMPARED = ("at", "customer", "subject", "journey", "step", "round", "message", "decision")
SHOWN = 10
"""Bad lines told one by one."""


def command(
    events: Annotated[
        Path, typer.Option(metavar="FILE", help="Events, one JSON object per line ('-': standard input).")
    ],
    project: Annotated[Path, typer.Option(metavar="DIR", help="The project's folder.")] = Path(),
    until: Annotated[
        str | None, typer.Option(metavar="TIME", help="Play up to this moment (default: the last event).")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON line per decision (docs/backtest.md).")] = False,
    against: Annotated[
        Path | None, typer.Option("--compare", metavar="FILE", help="Show what changed since a --json output.")
    ] = None,
) -> None:
    """Run past events through the journeys: who would have got what, and when.

    The clock jumps from event to event and to each due time between; every message that may leave counts as handed
    over at that instant. 'live_from' and 'max_start_lateness' are ignored. The same input gives the same bytes.
    """
    end = _moment(until)
    loaded = Project.load(project).require_sound()
    with _lines(events) as lines, _progress(as_json) as progress:
        report = backtest(loaded, lines, end, progress)
    if against is not None:
        _tell_bad_lines(report, str(events))
        print_comparison(compare(_earlier(against), report.decisions), as_json=as_json)
    else:
        print_report(report, str(events), as_json=as_json)


def print_report(report: Report, source: str, *, as_json: bool) -> None:
    """What a backtest found: JSON lines for programs, tables for people. `source` names where the events came from."""
    _tell_bad_lines(report, source)
    if as_json:
        write = sys.stdout.write
        for decision in report.decisions:
            write(json.dumps(decision, ensure_ascii=False, separators=(",", ":")) + "\n")
        typer.echo(_summary_line(report), err=True)
    else:
        _print_tables(report)


def _earlier(file: Path) -> list[dict[str, Any]]:
    """The decisions of an earlier backtest."""
    found = []
    for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), 1):
        try:
            one = json.loads(line)
            found.append({name: one[name] for name in COMPARED})
        except (ValueError, LookupError, TypeError) as error:
            raise ConfigError(
                "this line is no decision", where=f"{file}:{number}", mend="give the output of backtest --json"
            ) from error
    return found


def _moment(text: str | None) -> datetime | None:
    if text is None:
        return None
    moment = as_time(text)
    if moment is None:
        raise ConfigError(f"'{text}' is not a time", where="--until", mend="write it like 2018-06-30T00:00:00-03:00")
    return moment.astimezone(UTC)


@contextmanager
def _lines(file: Path) -> Iterator[Iterator[bytes]]:
    if str(file) == "-":
        yield iter(sys.stdin.buffer)
        return
    with file.open("rb") as opened:
        yield iter(opened)


@contextmanager
def _progress(quiet: bool) -> Iterator[Any]:
    """A bar on the terminal for long work; nothing where the output is read by a program."""
    if quiet or not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("reading events", total=None)

        def tell(what: str, done: int, total: int | None) -> None:
            bar.update(task, description=what, completed=done, total=total)

        yield tell


# --- words ------------------------------------------------------------------------------------------------------------
def _tell_bad_lines(report: Report, file: str) -> None:
    for number, error in report.bad[:SHOWN]:
        typer.echo(f"{file}:{number}: {error}", err=True)
    if len(report.bad) > SHOWN:
        typer.echo(f"… and {len(report.bad) - SHOWN} more bad lines", err=True)


def _summary_line(report: Report) -> str:
    parts = [
        f"{report.events} events of {report.customers} customers",
        f"{report.count('send')} messages sent, {report.count('skip')} skipped, {report.count('defer')} put off",
        f"{report.pending} steps still pending at {time_text(report.end) if report.end else 'the end'}",
    ]
    if report.bad:
        parts.append(f"{len(report.bad)} bad lines left out")
    if report.unused:
        parts.append(f"{len(report.unused)} events moved nobody ({report.unused[0].reason})")
    return "; ".join(parts)


def _print_tables(report: Report) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table(title="What would have been sent", title_justify="left")
    table.add_column("journey")
    table.add_column("message")
    for name in ("sent", "put off", "skipped"):
        table.add_column(name, justify="right")
    table.add_column("skipped because")
    for row in report.rows():
        why = ", ".join(f"{reason} ({count})" for reason, count in row.reasons)
        table.add_row(row.journey, row.message, str(row.sent), str(row.deferred), str(row.skipped), why)
    console = Console()
    console.print(table)
    if report.standing:
        still = Table(title="Still under way at the end", title_justify="left")
        for name in ("journey", "step", "waits for"):
            still.add_column(name)
        still.add_column("people", justify="right")
        for (journey, step, kind), count in sorted(report.standing.items()):
            still.add_row(journey, step, kind, str(count))
        console.print(still)
    typer.echo(_summary_line(report))
