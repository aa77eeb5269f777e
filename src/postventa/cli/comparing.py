"""How `postventa backtest --compare` shows two backtests side by side: a table, the first differences, a sentence."""

from __future__ import annotations

import json
import sys
from datetime import datetime, timedelta

import typer

from postventa.core.values import time_text
from postventa.engine.compare import Change, Comparison, Sum

SHOWN = 10
"""Differences told one by one."""


def print_comparison(found: Comparison, *, as_json: bool) -> None:
    """Print what changed; with `as_json` every difference as one line."""
    if as_json:
        for change in found.changes:
            line = {**change._asdict(), "before": _json_time(change.before), "after": _json_time(change.after)}
            sys.stdout.write(json.dumps(line, ensure_ascii=False, separators=(",", ":")) + "\n")
        return
    if not found.changes:
        typer.echo("Nothing changes: every mail is sent as before.")
        return
    _table(found.sums)
    for change in found.changes[:SHOWN]:
        typer.echo(f"  {_in_words(change)}")
    if len(found.changes) > SHOWN:
        typer.echo(f"  … and {len(found.changes) - SHOWN} more (--json shows all)")
    typer.echo(f"{len(found.changes)} mails of {found.customers} customers change.")


def _table(sums: list[Sum]) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table(title="What the change does", title_justify="left")
    for name in ("journey", "message"):
        table.add_column(name)
    for name in ("before", "after", "moved", "by (median)"):
        table.add_column(name, justify="right")
    for row in sums:
        if row.before != row.after or row.moved:
            moved = str(row.moved) if row.moved else ""
            table.add_row(row.journey, row.message, str(row.before), str(row.after), moved, span_text(row.shift))
    Console().print(table)


def _json_time(moment: datetime | None) -> str | None:
    return None if moment is None else time_text(moment)


def _in_words(change: Change) -> str:
    who = f"{change.customer} {change.message} ({change.subject})"
    if change.before is None and change.after is not None:
        return f"{who}: now sent, {change.after:%Y-%m-%d %H:%M} UTC"
    if change.after is None and change.before is not None:
        return f"{who}: no longer sent (was {change.before:%Y-%m-%d %H:%M} UTC)"
    return f"{who}: {change.before:%Y-%m-%d %H:%M} -> {change.after:%Y-%m-%d %H:%M} UTC"


def span_text(span: timedelta) -> str:
    """A move in words: "3 days earlier"; nothing for no move."""
    seconds = abs(span.total_seconds())
    if not seconds:
        return ""
    size, unit = next((size, unit) for size, unit in ((86400, "day"), (3600, "hour"), (1, "second")) if seconds >= size)
    count = round(seconds / size)
    return f"{count} {unit}{'' if count == 1 else 's'} {'earlier' if span < timedelta() else 'later'}"
