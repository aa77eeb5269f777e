"""`postventa plan`: what a publish of these files would change, and what it would do to the people inside."""

from __future__ import annotations

import json
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from postventa.engine.plan import MOST, Plan
from postventa.project import Project


class Format(StrEnum):
    """How the plan is written."""

    text = "text"
    json = "json"
    markdown = "markdown"


def command(
    project: Annotated[Path, typer.Option(metavar="DIR", help="The project's folder.")] = Path(),
    form: Annotated[Format, typer.Option("--format", help="Text, JSON, or Markdown for a pull request.")] = Format.text,
    people: Annotated[
        int,
        typer.Option(min=1, metavar="N", help="At most so many customers are asked one by one; the rest is scaled."),
    ] = MOST,
) -> None:
    """Compare the files with the live release and the people inside. Nothing is changed, no engine is needed.

    Exit code 1 when the files have mistakes, or when publish would refuse them: people would stand nowhere.
    """
    import asyncio

    from postventa.cli.planning import as_json, told
    from postventa.web.tongue import tongue

    loaded = Project.load(project).require_sound()
    found = asyncio.run(_plan(project, loaded, people))
    if form is Format.json:
        typer.echo(json.dumps(as_json(found), ensure_ascii=False, indent=1))
    else:
        typer.echo(told(found, tongue(loaded.settings.language), markdown=form is Format.markdown))
    if found.refused:
        raise typer.Exit(1)


async def _plan(folder: Path, loaded: Project, most: int) -> Plan:
    from datetime import UTC, datetime

    from postventa.cli.reach import database_of, reading
    from postventa.engine.plan import plan
    from postventa.engine.release import Releases
    from postventa.store.memory import MemoryStore

    settings = loaded.sound_settings
    now = datetime.now(UTC)
    if settings.store.postgres_env is None and not database_of(folder, settings).exists():
        return await plan(Releases(MemoryStore()), loaded, now, most)  # nothing was ever published here
    async with reading(folder) as store:
        return await plan(Releases(store), loaded, now, most)
