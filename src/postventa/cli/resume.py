"""`postventa resume`: what was paused goes on, if wished without what is too old by now."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def command(
    journey: Annotated[str | None, typer.Argument(metavar="[JOURNEY]", help="Only this journey's messages.")] = None,
    everything: Annotated[bool, typer.Option("--all", help="The pause of everything.")] = False,
    channel: Annotated[str | None, typer.Option(metavar="NAME", help="Only this channel, such as email.")] = None,
    skip_before: Annotated[
        str | None, typer.Option(metavar="TIME", help="Leave out messages decided before ('now': all that wait).")
    ] = None,
    project: Annotated[Path, typer.Option(metavar="DIR", help="The project's folder.")] = Path(),
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False,
) -> None:
    """Go on after a pause."""
    import asyncio
    import json
    from datetime import UTC, datetime

    from postventa.cli import control
    from postventa.core.values import time_text
    from postventa.project import Project
    from postventa.runtimes import operate

    loaded = Project.load(project)
    scope = control.scope_of(journey, everything, channel, loaded)
    before, by = control.moment(skip_before, "--skip-before"), control.who()
    body = {"scope": scope, "by": by, "skip_before": time_text(before) if before else None}
    told = control.ask(project, loaded.sound_settings, "/v1/resume", body)
    if told is None:

        async def resume() -> dict[str, object]:
            async with control.opened(project, loaded.sound_settings) as engine:
                return await operate.resume(engine, scope, by, datetime.now(UTC), before)

        told = asyncio.run(resume())
    if as_json:
        typer.echo(
            json.dumps({"resumed": scope, "was_paused": told["was_paused"], "skipped": told["skipped"], "by": by})
        )
        return
    if not told["was_paused"]:
        typer.echo(f"{scope} was not paused.")
    left_out = f"; {told['skipped']} messages were left out" if before else ""
    typer.echo(f"{scope} goes on{left_out}.")
