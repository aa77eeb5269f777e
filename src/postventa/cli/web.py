"""`postventa web`: the pages and the HTTP way in, beside the workers."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from postventa.errors import ConfigError

if TYPE_CHECKING:
    from postventa.runtimes.listeners import Listener
    from postventa.runtimes.logs import Form
    from postventa.settings import Settings
    from postventa.store.base import Store


def command(
    project: Annotated[Path, typer.Option(metavar="DIR", help="The project's folder.")] = Path(),
    port: Annotated[
        int | None, typer.Option(metavar="N", help="The private pages' port; the public ones take the next. 0: any.")
    ] = None,
    log: Annotated[
        Literal["text", "json"], typer.Option(help="Log lines for people, or one JSON object each.")
    ] = "text",
) -> None:
    """Serve the shop's pages, the customers' pages and POST /v1/events, with the state in PostgreSQL.

    Timers and mail are the workers' ('postventa worker'), as many as wanted; without any, what comes in is kept until
    one starts. Exit codes: 0 stopped, 2 cannot start, 70 a fault: start it again, nothing is lost.
    """
    raise typer.Exit(asyncio.run(serve(project, port, log)))


async def serve(project: Path, port: int | None = None, log: Form = "text") -> int:
    """Run until a signal; gives the exit code."""
    from postventa.cli.hosting import listeners_of
    from postventa.project import Project
    from postventa.runtimes import beacon
    from postventa.runtimes.logs import write_log
    from postventa.runtimes.stores import store_of

    write_log(log)
    settings = Project.load(project).sound_settings
    if settings.store.postgres_env is None:
        raise ConfigError(
            "pages in a process of their own need PostgreSQL: a SQLite file admits one engine",
            where="postventa.yaml: store",
            mend="'postventa run' serves them itself; beside workers: 'store: {postgres_env: DATABASE_URL}'",
        )
    notes = project / settings.store.sqlite
    notes.parent.mkdir(parents=True, exist_ok=True)
    store = store_of(settings, notes)
    await store.open()
    try:
        return await _run(project, settings, store, notes, listeners_of(settings.listen, port))
    finally:
        beacon.put_out(notes)
        await store.close()


async def _run(
    project: Path, settings: Settings, store: Store, notes: Path, listeners: tuple[Listener, Listener]
) -> int:
    from postventa.cli.hosting import stop_on_signals
    from postventa.cli.pages import services_of
    from postventa.engine.engine import open_engine
    from postventa.publish import Access
    from postventa.runtimes import beacon
    from postventa.runtimes.clock import SystemClock
    from postventa.runtimes.kafka.lag import Lag
    from postventa.runtimes.outward import tokens_of
    from postventa.runtimes.served import Served
    from postventa.web.private import private_app
    from postventa.web.public import public_app

    private, public = listeners
    tokens = tokens_of(settings, notes.parent)
    engine = await open_engine(store, tokens.keys[-1].secret.decode())
    live = await engine.releases.live()
    served = Served(engine, SystemClock(), listeners)
    pages = services_of(served, project, settings, tokens, live, settings.public_url or public.url)
    if pages.agents:
        topics = Lag(store.views, Access.of(settings.kafka), tuple(sorted(pages.agents)))
        pages.services = replace(pages.services, lag=topics.lag, oldest=topics.oldest, last=topics.last)
    private.app, public.app = private_app(pages.services), public_app(pages.services)
    served.republished = pages.refresh

    def started() -> None:
        beacon.light(notes, private.url)  # commands on this machine go through here
        typer.echo(f"\npostventa web: the pages of {project.resolve().name} · release {live.hash[:12]}\n")
        typer.echo(f"  mails    {private.url}/mailbox\n  pages    {private.url}/")
        typer.echo(f"  events   POST {private.url}/v1/events\n  public   {public.url}/\n\nCtrl-C stops it.")

    served.started = started
    stop_on_signals(served.stop, "those who are here are answered first")
    return await served.run()
