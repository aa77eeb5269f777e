"""`postventa migrate`: people inside a journey go over to another version, by a map of its steps where needed."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from postventa.errors import ConfigError
from postventa.project import Project
from postventa.web.tongue import Tongue, tongue


def command(
    journey: Annotated[str, typer.Argument(help="The journey's name.")],
    from_: Annotated[
        str, typer.Option("--from", metavar="VERSION", help="Only people in this version (its beginning will do).")
    ] = "",
    to: Annotated[
        str, typer.Option("--to", metavar="VERSION", help="Another version than the live one: an earlier one, say.")
    ] = "",
    map_: Annotated[
        list[str] | None, typer.Option("--map", metavar="OLD=NEW", help="Who stands at OLD stands at NEW. Repeatable.")
    ] = None,
    how: Annotated[
        Literal["follow", "retime"] | None,
        typer.Option("--as", help="Default: the file's word, else follow. 'retime' computes running waits anew."),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only tell what it would do.")] = False,
    project: Annotated[Path, typer.Option(metavar="DIR", help="The project's folder.")] = Path(),
) -> None:
    """Bring people inside a journey over to another version, while everything goes on.

    It is kept in the audit, and it is carried out to its end whatever happens to this command or the engine: an engine
    finishes what was begun. The way back is the same command with --from and --to exchanged.
    """
    loaded = Project.load(project)
    t = tongue(loaded.sound_settings.language)
    asked = {
        "journey": journey, "version": to, "from": from_, "how": how or "", "renamed": _pairs(map_ or []),
    }  # fmt: skip
    if dry_run:
        _tell_only(project, asked, t)
        return
    from postventa.cli import control
    from postventa.cli.moving import wait_for_moves

    told = control.ask(project, loaded.sound_settings, "/v1/migrate", {**asked, "by": control.who()})
    if told is None:
        _here(project, loaded, asked, t)
    elif told["order"]["from"]:
        wait_for_moves(project, loaded, t, told["moves"])
    else:
        typer.echo(t("Nobody stands in another version of {journey}.", journey=journey))


def _pairs(given: list[str]) -> dict[str, str]:
    """ConfigError for what is no OLD=NEW."""
    pairs = {}
    for one in given:
        old, sign, new = one.partition("=")
        if not (old and sign and new):
            raise ConfigError(f"'{one}' names no two steps", where="--map", mend="--map old-step=new-step")
        pairs[old] = new
    return pairs


def _here(folder: Path, loaded: Project, asked: dict[str, Any], t: Tongue) -> None:
    import asyncio
    from datetime import UTC, datetime

    from postventa.cli import control
    from postventa.cli.moving import bring
    from postventa.engine.moving import give, left, order_for

    async def move() -> None:
        async with control.opened(folder, loaded.sound_settings) as engine:
            order = await order_for(
                engine.releases, asked["journey"], asked["version"], asked["from"], asked["how"],
                renamed=asked["renamed"], by=control.who(),
            )  # fmt: skip
            if not await left(engine, order):
                typer.echo(t("Nobody stands in another version of {journey}.", journey=order.journey))
                return
            await bring(engine, await give(engine, order, datetime.now(UTC)), t)

    asyncio.run(move())


def _tell_only(folder: Path, asked: dict[str, Any], t: Tongue) -> None:
    import asyncio
    from datetime import UTC, datetime

    from postventa.cli.planning import told_one
    from postventa.cli.reach import reading
    from postventa.engine.moving import checked, order_for
    from postventa.engine.plan import JourneyPlan, would_do
    from postventa.engine.release import Releases

    async def look() -> JourneyPlan:
        async with reading(folder) as store:
            releases = Releases(store)
            order = await order_for(
                releases, asked["journey"], asked["version"], asked["from"], asked["how"], renamed=asked["renamed"]
            )
            return await would_do(releases, await checked(releases, order), datetime.now(UTC))

    typer.echo(told_one(asyncio.run(look()), t))
    typer.echo(t("nothing was changed"))
