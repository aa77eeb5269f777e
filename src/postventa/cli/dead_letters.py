"""`postventa dead-letters list | show | replay | discard`: records that could not be used, and what becomes of them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from postventa.cli.acting import All, AsJson, Folder, Reason, act, chosen, listed, table, tell
from postventa.cli.control import who
from postventa.core.values import time_text
from postventa.errors import ConfigError
from postventa.store.base import DeadLetter, Store

MANY = 100_000
NONE = "There are no dead letters."

command = typer.Typer(no_args_is_help=True)

Ids = Annotated[list[int] | None, typer.Argument(metavar="[ID]...", help="Their numbers, see 'list'.")]
Source = Annotated[str, typer.Option(metavar="TEXT", help="Only those whose source begins so, such as 'orders/'.")]


@command.command("list")
def list_(
    project: Folder = Path(),
    source: Source = "",
    limit: Annotated[int, typer.Option(help="At most so many, the newest.")] = 50,
    as_json: AsJson = False,
) -> None:
    """Where each came from, and why it was refused."""
    table([_row(one) for one in _letters(project, source)[:limit]], ("id", "at", "source", "field", "reason"), as_json,
          NONE)  # fmt: skip


@command.command()
def show(
    number: Annotated[int, typer.Argument(metavar="ID", help="Its number, see 'list'.")],
    project: Folder = Path(),
    as_json: AsJson = False,
) -> None:
    """One of them whole, with its record."""

    async def look(store: Store) -> DeadLetter | None:
        return await store.views.dead_letter(number)

    letter: DeadLetter | None = listed(project, look)
    if letter is None:
        raise ConfigError(f"there is no dead letter {number}", mend="postventa dead-letters list")
    facts = {**_row(letter), "event": letter.event_id, "record": letter.record}
    if as_json:
        typer.echo(json.dumps(facts, ensure_ascii=False, indent=1))
        return
    for name in ("at", "source", "event", "field", "reason"):
        typer.echo(f"{name:<7} {facts[name] or '–'}")
    typer.echo(f"\n{letter.record}")


@command.command()
def replay(
    ids: Ids = None, everything: All = False, source: Source = "", project: Folder = Path(), as_json: AsJson = False
) -> None:
    """Read them again as if they came in now: what was mended since counts. What is still refused stays."""
    numbers = chosen(ids or [], everything, lambda: _numbers(project, source), "postventa dead-letters replay --all")
    told = act(project, "/v1/dead-letters/replay", "ids", numbers, {}, lambda to, part: to.replay(part, who()))
    tell(told, as_json, NONE)


@command.command()
def discard(
    reason: Reason,
    ids: Ids = None,
    everything: All = False,
    source: Source = "",
    project: Folder = Path(),
    as_json: AsJson = False,
) -> None:
    """Remove them for good. The audit keeps where each came from and why it was refused."""
    numbers = chosen(ids or [], everything, lambda: _numbers(project, source), "postventa dead-letters discard ID")
    told = act(project, "/v1/dead-letters/discard", "ids", numbers, {"reason": reason},
               lambda to, part: to.discard(part, who(), reason))  # fmt: skip
    tell(told, as_json, NONE)


def _letters(project: Path, source: str) -> list[DeadLetter]:
    async def look(store: Store) -> list[DeadLetter]:
        return await store.views.dead_letters(MANY)

    return [one for one in listed(project, look) if one.source.startswith(source)]


def _numbers(project: Path, source: str) -> list[int]:
    """Oldest first: the order in which they came."""
    return sorted(one.id for one in _letters(project, source) if one.id is not None)


def _row(one: DeadLetter) -> dict[str, Any]:
    return {"id": one.id, "at": time_text(one.at), "source": one.source, "field": one.field, "reason": one.reason}
