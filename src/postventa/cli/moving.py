"""What `publish` and `migrate` share: people go over in the running engine, else here; how far it is, in words."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import typer

from postventa.cli import control
from postventa.cli.progress import progress
from postventa.cli.reach import Api, url_of
from postventa.engine.engine import Engine
from postventa.engine.moving import Pass, carry_out, left
from postventa.engine.orders import Order, standing_orders
from postventa.project import Project
from postventa.web.tongue import Tongue

PATIENCE = 30.0
"""Real seconds without anybody going over, after which the rest is left to the engine."""
TRIES = 10
Moves = Sequence[Mapping[str, Any]]
_BETWEEN = 0.5


def wait_for_moves(folder: Path, loaded: Project, t: Tongue, moves: Moves = ()) -> None:
    """See to it that every order in force is carried out. `moves`: as the running engine told before it began."""
    url = url_of(folder, loaded.sound_settings)
    if url is not None:
        _watch(Api(url, loaded.sound_settings), moves, t)
        return

    async def here() -> None:
        async with control.opened(folder, loaded.sound_settings) as engine:
            for order in await standing_orders(engine.store.views):
                await bring(engine, order, t)

    asyncio.run(here())


def _watch(api: Api, moves: Moves, t: Tongue) -> None:
    """The engine does it; look on until nobody is left, or nothing moves any more."""
    for one in moves:
        if one["left"]:
            tell(t, one["journey"], one["version"], one["how"], one["left"])
    total, last, since = _left(moves), _left(moves), time.monotonic()
    if not total:
        return
    with progress("moving people", t.language) as bar:
        while last and time.monotonic() - since < PATIENCE:
            time.sleep(_BETWEEN)
            now = _left(api.get("/v1/moves")["moves"])
            if now != last:
                last, since = now, time.monotonic()
            if bar is not None:
                bar("moving people", total - last, total)
    typer.echo(t("{count} went over.", count=total - last))
    if last:
        rest = "{count} are still to go over; the engine brings them when their mail has left or when it starts."
        typer.echo(t(rest, count=last))


def _left(moves: Moves) -> int:
    return sum(int(one["left"]) for one in moves)


async def bring(engine: Engine, order: Order, t: Tongue) -> None:
    """Carry an order out on the store, and again while somebody's mail is in hand."""
    total = await left(engine, order)
    if not total:
        return
    tell(t, order.journey, order.version, order.how, total)
    done = Pass()
    with progress("moving people", t.language) as bar:

        def on(moved: int) -> None:
            if bar is not None:
                bar("moving people", moved, total)

        for number in range(TRIES):
            if number:
                await asyncio.sleep(_BETWEEN)
            one = await carry_out(engine, order, _now, on)
            done = Pass(done.moved + one.moved, one.stayed)
            if one.over:
                break
    typer.echo(t("{count} went over.", count=done.moved))
    for why, count in sorted(done.stayed.items()):
        typer.echo(t("{count} stay in their version: {why}", count=count, why=t(why)))


def tell(t: Tongue, journey: str, version: str, how: str, count: int) -> None:
    """One line about an order."""
    said = "journey {journey}: {count} go over to version {version} ({how})"
    typer.echo(t(said, journey=journey, version=version[:8], how=how, count=count))


_now: Callable[[], datetime] = lambda: datetime.now(UTC)  # noqa: E731 - what a pass asks before each batch
