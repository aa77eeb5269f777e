"""What the commands of an operator share: by the running engine's API, else on the database; one line per thing."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from postventa.agents.loader import load_agents
from postventa.cli.control import who
from postventa.cli.reach import Api, database_of, reading, url_of
from postventa.engine.engine import open_engine
from postventa.engine.operate import Done, Operators
from postventa.errors import ConfigError
from postventa.project import Project
from postventa.runtimes.outward import tokens_of
from postventa.runtimes.stores import store_of
from postventa.store.base import Store

PART = 500
"""Things in one request."""

Folder = Annotated[Path, typer.Option("--project", metavar="DIR", help="The project's folder.")]
AsJson = Annotated[bool, typer.Option("--json", help="JSON for programs.")]
Reason = Annotated[str, typer.Option("--reason", help="Why, for the audit.")]
All = Annotated[bool, typer.Option("--all", help="All of them.")]
Act = Callable[[Operators, Sequence[Any]], Awaitable[Sequence[Done]]]


def listed(project: Path, look: Callable[[Store], Awaitable[Any]]) -> Any:
    """What `look` gives, from the project's database; works beside a running engine."""

    async def ask() -> Any:
        async with reading(project) as store:
            return await look(store)

    return asyncio.run(ask())


def act(
    project: Path, path: str, name: str, things: Sequence[Any], body: dict[str, Any], directly: Act
) -> list[dict[str, Any]]:
    """Do it: POST `body` with the things as its field `name` to the running engine, else `directly` on the store."""
    loaded = Project.load(project)
    url = url_of(project, loaded.sound_settings)
    api = Api(url, loaded.sound_settings) if url else None
    told: list[dict[str, Any]] = []
    for start in range(0, len(things), PART):
        part = list(things[start : start + PART])
        if api is None:
            told.extend(asdict(one) for one in asyncio.run(_directly(project, loaded, part, directly)))
        else:
            asked = json.dumps({**body, name: part, "by": who()}).encode()
            told.extend(api.post(path, asked, "application/json")["results"])
    return told


async def _directly(project: Path, loaded: Project, things: Sequence[Any], directly: Act) -> Sequence[Done]:
    agents, _ = load_agents(project / "agents", loaded.registry)
    database = database_of(project, loaded.sound_settings)
    store = store_of(loaded.sound_settings, database)
    await store.open()
    try:
        engine = await open_engine(store, tokens_of(loaded.sound_settings, database.parent).keys[-1].secret.decode())
        return await directly(Operators(engine, lambda: datetime.now(UTC), lambda: agents), things)
    finally:
        await store.close()


def tell(told: Sequence[dict[str, Any]], as_json: bool, nothing: str) -> None:
    """One line per thing, or one JSON document; exit code 1 when one was refused."""
    if as_json:
        typer.echo(json.dumps({"results": list(told)}, ensure_ascii=False, indent=1))
    for one in told if not as_json else ():
        typer.echo(f"{one['id']}: {one['how']}", err=not one["ok"])
    if not told and not as_json:
        typer.echo(nothing)
    if not all(one["ok"] for one in told):
        raise typer.Exit(1)


def table(rows: Sequence[dict[str, Any]], columns: Sequence[str], as_json: bool, nothing: str) -> None:
    """Rows one below the other, their columns aligned; the last may be as long as it likes."""
    if as_json:
        typer.echo(json.dumps(list(rows), ensure_ascii=False, indent=1, default=str))
        return
    if not rows:
        typer.echo(nothing)
        return
    lines = [list(columns), *([_cell(row.get(name)) for name in columns] for row in rows)]
    widths = [max(len(line[place]) for line in lines) for place in range(len(columns) - 1)]
    for line in lines:
        typer.echo("  ".join([*(cell.ljust(width) for cell, width in zip(line, widths, strict=False)), line[-1]]))


def _cell(value: Any) -> str:
    if isinstance(value, list):
        return "/".join(map(str, value))
    return "–" if value is None or value == "" else " ".join(str(value).split())


def chosen(named: Sequence[Any], everything: bool, known: Callable[[], list[Any]], usage: str) -> list[Any]:
    """The things named on the command line, or all there are. ConfigError unless it is one of the two."""
    if bool(named) == everything:
        raise ConfigError("say which: their ids, or --all", mend=usage)
    return known() if everything else list(named)
