"""`postventa verify`: the history of every customer, replayed, must give what the store holds."""

from __future__ import annotations

import asyncio
import json
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated

import typer

from postventa.cli.progress import progress
from postventa.cli.reach import reading, settings_of
from postventa.engine.release import Releases
from postventa.engine.verify import Difference, Verified, verify
from postventa.settings import Settings

SHOWN = 50


def command(
    project: Annotated[Path, typer.Option(metavar="DIR", help="The project's folder.")] = Path(),
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False,
) -> None:
    """Replay the history of every customer and compare it with the store. Exit code 1 when they differ."""
    told, found = asyncio.run(_verify(project))
    if as_json:
        typer.echo(json.dumps({**asdict(told), "differences": [one._asdict() for one in found]}, ensure_ascii=False))
    else:
        _print(told, found)
    if found:
        raise typer.Exit(1)


async def _verify(project: Path) -> tuple[Verified, list[Difference]]:
    since = _kept_since(settings_of(project), datetime.now(UTC))
    told = Verified()
    async with reading(project) as store:
        with progress("replaying customers") as tell:
            return told, [one async for one in verify(store.views, Releases(store), told, since, tell)]


def _kept_since(settings: Settings, now: datetime) -> datetime | None:
    """Sent messages older than this may have been dropped by age."""
    span = settings.retention.messages
    if span is None:
        return None
    return now - timedelta(days=31 * span.months + span.days, seconds=span.seconds)


def _print(told: Verified, found: list[Difference]) -> None:
    for one in found[:SHOWN]:
        typer.echo(f"{one.customer}: {one.what}\n  history  {one.history}\n  store    {one.store or 'nothing'}")
    if len(found) > SHOWN:
        typer.echo(f"… and {len(found) - SHOWN} more differences (--json has all)")
    word = "differ from their history" if found else "are what their history says"
    customers = len({one.customer for one in found}) if found else told.customers
    typer.echo(f"{customers} of {told.customers} customers {word}: {told.rows} steps replayed")
    if told.shortened:
        typer.echo(f"{told.shortened} begin at a snapshot or a merge: what came before was compared in part")
    if told.erased:
        typer.echo(f"{told.erased} marks of erased persons: nothing is left of them to compare")
