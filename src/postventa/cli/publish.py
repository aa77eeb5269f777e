"""`postventa publish`: this version of the project becomes the one that runs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def command(
    project: Annotated[Path, typer.Option(metavar="DIR", help="The project's folder.")] = Path(),
    message: Annotated[str, typer.Option("--message", "-m", help="What changed, for the list of releases.")] = "",
) -> None:
    """Check the project and make it the live release; people inside a journey finish the version they started."""
    import asyncio

    from postventa.cli import control
    from postventa.project import Project

    loaded = Project.load(project).require_sound()
    told = control.ask(project, loaded.sound_settings, "/v1/publish", {"message": message, "by": control.who()})
    if told is not None:
        typer.echo(f"Published {told['release'][:12]}; the running engine uses it from now on.")
        return

    async def publish() -> str:
        from datetime import UTC, datetime

        async with control.opened(project, loaded.sound_settings) as engine:
            release = await engine.releases.publish(loaded, datetime.now(UTC), control.who(), message)
            return release.hash

    release = asyncio.run(publish())
    typer.echo(f"Published {release[:12]}: {len(loaded.journeys)} journeys. 'postventa run' starts the engine with it.")
