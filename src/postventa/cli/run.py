"""`postventa run`: the engine on this machine, until Ctrl-C."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer


def command(
    project: Annotated[Path, typer.Option(metavar="DIR", help="The project's folder.")] = Path(),
    dev: Annotated[bool, typer.Option("--dev", help="Publish on every save; files with problems are told.")] = False,
    demo: Annotated[bool, typer.Option("--demo", help="Sample customers, fast time, no mail leaves.")] = False,
    speed: Annotated[
        str | None, typer.Option(metavar="SPEED", help="How fast time may run: 1h=1s, or max. Default: real time.")
    ] = None,
    events: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Events to begin with, one JSON object per line.")
    ] = None,
    until: Annotated[
        str | None, typer.Option(metavar="TIME", help="With --speed: stop there; 'events' is the last event.")
    ] = None,
    port: Annotated[
        int | None, typer.Option(metavar="N", help="The private pages' port; the public ones take the next. 0: any.")
    ] = None,
    open_: Annotated[bool, typer.Option("--open", help="Open the mailbox in the browser.")] = False,
    log: Annotated[
        Literal["text", "json"], typer.Option(help="Log lines for people, or one JSON object each.")
    ] = "text",
) -> None:
    """Run the engine: events come in by HTTP and files, journeys advance, mails go out.

    Without --dev it runs what 'postventa publish' made the live release. Ctrl-C finishes what is being sent and stops.
    """
    import asyncio

    from postventa.cli.serving import Options, serve

    options = Options(project, dev or demo, demo, speed, events, until, port, open_, log)
    raise typer.Exit(asyncio.run(serve(options)))
