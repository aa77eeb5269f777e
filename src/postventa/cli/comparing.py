"""How `postventa backtest --compare` shows two backtests side by side on the terminal and in JSON."""

from __future__ import annotations

import json
import sys
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import typer

from postventa.cli.tables import Groups, show, table
from postventa.core.values import time_text
from postventa.engine.compare import KINDS, Change, Comparison, Example
from postventa.web.side_by_side import (
    HELD,
    PEOPLE,
    Between,
    comparison_page,
    reasons,
    shift_words,
    span_words,
    why_words,
)
from postventa.web.tongue import ENGLISH, Tongue

if TYPE_CHECKING:
    from rich.table import Table

SHOWN = 10
"""Differences told one by one."""
SEVERAL = 6
"""Mails of one customer shown side by side on the terminal."""


def write_page(found: Comparison, between: Between, file: Path, t: Tongue = ENGLISH) -> None:
    """The comparison as a page, in one file."""
    file.write_text(comparison_page(found, between, t), encoding="utf-8")
    typer.echo(t("the page is in {file}", file=file), err=True)


def print_comparison(found: Comparison, *, as_json: bool, t: Tongue = ENGLISH, zone: str = "UTC") -> None:
    """Print what changed; with `as_json` every difference as one line, the sum as the last one. `zone`: whose clock the
    customers side by side are shown on."""
    if as_json:
        _print_json(found)
        return
    if not found.changes:
        typer.echo(t("Nothing changes: every mail is sent as before."))
        return
    _messages(found, t)
    _people(found, t)
    _put_off(found, t)
    _reasons(found, t)
    _examples(found, t, ZoneInfo(zone))
    for change in found.changes[:SHOWN]:
        typer.echo(f"  {_in_words(change, t)}")
    if len(found.changes) > SHOWN:
        typer.echo(f"  … {t('and {count} more (--json shows all)', count=len(found.changes) - SHOWN)}")
    typer.echo(t("{mails} mails of {people} customers change.", mails=len(found.changes), people=found.customers))


# --- for programs -----------------------------------------------------------------------------------------------------
def _print_json(found: Comparison) -> None:
    for change in found.changes:
        line = {**change._asdict(), "before": _json_time(change.before), "after": _json_time(change.after),
                "why": change.why._asdict()}  # fmt: skip
        _line(line)
    _line({"summary": summary(found)})


def _line(value: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(value, ensure_ascii=False, separators=(",", ":")) + "\n")


def summary(found: Comparison) -> dict[str, Any]:
    """The sums of a comparison as plain JSON; spans in seconds."""
    return {
        "mails": dict(zip(("before", "after"), found.mails, strict=True)),
        "changes": len(found.changes),
        "customers": {"with_mail": sum(found.people.values()), "changed": found.customers, **found.people},
        "messages": [{**one._asdict(), "shift": one.shift.total_seconds()} for one in found.sums],
        "most": dict(zip(("before", "after"), (one._asdict() for one in found.most), strict=True)),
        "put_off": [
            {**one._asdict(), "wait_before": one.wait_before.total_seconds(),
             "wait_after": one.wait_after.total_seconds()}
            for one in found.put_off
        ],
        "days": [{"day": day.isoformat(), "before": one, "after": two} for day, (one, two) in found.days.items()],
        "examples": [
            {"customer": one.customer, "kind": one.kind, "mails": [
                {**mail._asdict(), "before": _json_time(mail.before), "after": _json_time(mail.after)}
                for mail in one.mails
            ]}
            for one in found.examples
        ],
    }  # fmt: skip


def _json_time(moment: datetime | None) -> str | None:
    return None if moment is None else time_text(moment)


# --- for people -------------------------------------------------------------------------------------------------------
def _messages(found: Comparison, t: Tongue) -> None:
    numbers = [t(name) for name in ("Before", "After", "only before", "only after", "moved", "by (median)")]
    rows = [row for row in found.sums if row.added or row.dropped or row.moved]
    made = table(t("What the change does"), [t("message")], numbers)
    groups = Groups(made, [(row.journey, row.message) for row in rows])
    for row in rows:
        counts = (row.before, row.after, row.dropped, row.added, row.moved)
        groups.row(row.journey, row.message, *(str(one or "") for one in counts), shift_words(row.shift, t))
    show(made)


def _people(found: Comparison, t: Tongue) -> None:
    total = sum(found.people.values())
    typer.echo(t("Of {count} customers with mail:", count=total))
    for kind in KINDS:
        if found.people.get(kind):
            typer.echo(f"  {found.people[kind]:>7}  {t(PEOPLE[kind])}")
    most, now = found.most
    text = "The most for one customer: {before} mails before, {after} after ({who}); within 7 days {week} and {later}."
    typer.echo(t(text, before=most.mails, after=now.mails, who=now.customer, week=most.week, later=now.week))
    typer.echo("")


def _put_off(found: Comparison, t: Tongue) -> None:
    if not found.put_off:
        return
    numbers = [t("Before"), t("for (median)"), t("After"), t("for (median)")]
    made = table(t("Put off before they left"), [t("message"), t("by")], numbers)
    groups = Groups(made, [(one.journey, one.message) for one in found.put_off])
    for one in found.put_off:
        groups.row(one.journey, one.message, t(HELD[one.by]), str(one.before), span_words(one.wait_before, t),
                   str(one.after), span_words(one.wait_after, t))  # fmt: skip
    show(made)


def _reasons(found: Comparison, t: Tongue) -> None:
    rows = [row for row in reasons(found.changes, t) if row[2]]
    if not rows:
        return
    made = table(t("Sent by one version only"), [t("message"), t("sent"), t("the other does not: the customer")], [""])
    for message, side, why, number in rows:
        made.add_row(message, side, why, str(number))
    show(made)


def _examples(found: Comparison, t: Tongue, zone: ZoneInfo) -> None:
    title = f"{t('{count} customers side by side', count=len(found.examples))} ({zone.key})"
    made = table(title, [t("customer"), t("message"), t("Before"), t("After")], [])
    for one in found.examples:
        _example(made, one, t, zone)
    show(made)


def _example(made: Table, one: Example, t: Tongue, zone: ZoneInfo) -> None:
    for place, mail in enumerate(one.mails[:SEVERAL]):
        who = one.customer if place == 0 else ""
        times = [_short(at and at.astimezone(zone)) for at in (mail.before, mail.after)]
        made.add_row(who, mail.message, times[0], "=" if mail.before == mail.after else times[1])
    if len(one.mails) > SEVERAL:
        made.add_row("", t("… and {count} more", count=len(one.mails) - SEVERAL), "", "")
    made.add_section()


def _short(moment: datetime | None) -> str:
    return "–" if moment is None else f"{moment:%Y-%m-%d %H:%M}"


def _in_words(change: Change, t: Tongue) -> str:
    who = f"{change.customer} {change.message} ({change.subject})"
    why = why_words(change.why, t)
    because = f": {why}" if why else ""
    if change.before is None and change.after is not None:
        return f"{who}: {t('now sent, {at} UTC', at=_short(change.after))}"
    if change.after is None and change.before is not None:
        return f"{who}: {t('no longer sent (was {at} UTC)', at=_short(change.before))}{because}"
    return f"{who}: {_short(change.before)} -> {_short(change.after)} UTC"
