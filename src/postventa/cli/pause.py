"""`postventa pause`: hold a journey, a channel or everything. Nothing leaves, nothing is dropped."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def command(
    reason: Annotated[str, typer.Option(help="Why, for whoever looks at it tonight.")],
    journey: Annotated[str | None, typer.Argument(metavar="[JOURNEY]", help="Only this journey's messages.")] = None,
    everything: Annotated[bool, typer.Option("--all", help="All messages of all journeys.")] = False,
    channel: Annotated[str | None, typer.Option(metavar="NAME", help="Only this channel, such as email.")] = None,
    project: Annotated[Path, typer.Option(metavar="DIR", help="The project's folder.")] = Path(),
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False,
) -> None:
    """Hold messages back until 'postventa resume'. Journeys go on; what is already at the mail server still leaves."""
    import asyncio
    import json
    from datetime import UTC, datetime

    from postventa.cli import control
    from postventa.project import Project
    from postventa.runtimes import operate

    loaded = Project.load(project)
    scope = control.scope_of(journey, everything, channel, loaded)
    by = control.who()
    if control.ask(project, loaded.sound_settings, "/v1/pause", {"scope": scope, "reason": reason, "by": by}) is None:

        async def pause() -> None:
            async with control.opened(project, loaded.sound_settings) as engine:
                await operate.pause(engine.store, scope, reason, by, datetime.now(UTC))

        asyncio.run(pause())
    if as_json:
        typer.echo(json.dumps({"paused": scope, "reason": reason, "by": by}, ensure_ascii=False))
        return
    typer.echo(f"Paused {scope}: {reason}. Nothing is dropped; 'postventa resume {_words(scope)}' lets it go on.")


def _words(scope: str) -> str:
    """How `resume` is told that scope."""
    kind, _, name = scope.partition(":")
    return {"all": "--all", "channel": f"--channel {name}"}.get(kind, name)
