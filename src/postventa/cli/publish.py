"""`postventa publish`: this version of the project, or an earlier release, becomes the one that runs."""

from __future__ import annotations

import contextlib
import json
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from postventa.project import Project
from postventa.web.tongue import Tongue, tongue


def command(
    project: Annotated[Path, typer.Option(metavar="DIR", help="The project's folder.")] = Path(),
    message: Annotated[str, typer.Option("--message", "-m", help="What changed, for the list of releases.")] = "",
    to: Annotated[
        str,
        typer.Option("--to", metavar="HASH", help="Not the files but an earlier release; its beginning will do."),
    ] = "",
    listed: Annotated[bool, typer.Option("--list", help="Only list the releases, newest first.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False,
) -> None:
    """Check the project and make it the live release.

    What happens to people inside a journey that changed is the new file's word: 'edits: finish' lets them end what they
    began, 'follow' and 'retime' bring them over; 'postventa plan' shows it first. With --to they come back that way.
    """
    loaded = Project.load(project)
    t = tongue(loaded.sound_settings.language)
    if listed:
        _list(project, t, as_json)
        return
    from postventa.cli.moving import wait_for_moves

    told = _publish(project, loaded if to else loaded.require_sound(), message, to)
    with contextlib.redirect_stdout(sys.stderr) if as_json else contextlib.nullcontext():
        _say(told, loaded, t, to)
        wait_for_moves(project, loaded, t, told.get("moves", ()))
    if as_json:
        typer.echo(json.dumps({"release": told["release"], "running": told["running"]}))


def _say(told: dict[str, Any], loaded: Project, t: Tongue, to: str) -> None:
    if to:
        typer.echo(t("Release {hash} is live again.", hash=told["release"][:12]))
    elif told["running"]:
        typer.echo(t("Published {hash}; the running engine uses it from now on.", hash=told["release"][:12]))
    else:
        said = "Published {hash}: {count} journeys. 'postventa run' starts the engine with it."
        if loaded.sound_settings.store.postgres_env is not None:
            said = "Published {hash}: {count} journeys. 'postventa worker' starts an engine with it."
        typer.echo(t(said, hash=told["release"][:12], count=len(loaded.journeys)))


def _publish(folder: Path, loaded: Project, message: str, to: str) -> dict[str, Any]:
    """Through the engine that runs here, else on the store."""
    import asyncio

    from postventa.cli import control

    body = {"message": message, "by": control.who(), **({"release": to} if to else {})}
    told = control.ask(folder, loaded.sound_settings, "/v1/activate" if to else "/v1/publish", body)
    if told is not None:
        return {**told, "running": True}

    async def publish() -> str:
        from datetime import UTC, datetime

        async with control.opened(folder, loaded.sound_settings) as engine:
            now, by = datetime.now(UTC), control.who()
            if to:
                return (await engine.releases.activate(to, now, by, message)).hash
            return (await engine.releases.publish(loaded, now, by, message)).hash

    return {"release": asyncio.run(publish()), "running": False}


def _list(folder: Path, t: Tongue, as_json: bool) -> None:
    import asyncio

    from postventa.cli.reach import reading

    async def ask() -> list[dict[str, Any]]:
        async with reading(folder) as store:
            return await store.views.releases()

    releases = asyncio.run(ask())
    if as_json:
        typer.echo(json.dumps({"releases": releases}, ensure_ascii=False))
        return
    for one in releases:
        live = f"  {t('live')}" if one["live"] else ""
        by = f"  {one['by']}" if one["by"] else ""
        typer.echo(f"{one['hash'][:12]}  {t.when(one['published_at'])}{by}  {one['message']}{live}".rstrip())
