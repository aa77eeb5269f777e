"""Puts the embedded engine together from a project's folder: store, release, clock, channels, listeners, pages."""

from __future__ import annotations

import shutil
import webbrowser
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import typer

from postventa.cli.hosting import listeners_of, stop_on_signals
from postventa.cli.pages import services_of
from postventa.cli.reach import own_database
from postventa.core.values import as_time, time_text
from postventa.dispatch.dispatcher import Dispatcher
from postventa.dispatch.links import signed_links
from postventa.dispatch.outlet import Outlet
from postventa.engine.engine import open_engine
from postventa.engine.release import CLOCK, STEPPING
from postventa.errors import ConfigError, StoreBusy
from postventa.project import Project
from postventa.runtimes import beacon
from postventa.runtimes.clock import Clock, SteppingClock, SystemClock, parse_speed
from postventa.runtimes.demo import demo_events
from postventa.runtimes.embedded import Embedded
from postventa.runtimes.feed import Fed, feed_of, read_feed
from postventa.runtimes.listeners import Listener
from postventa.runtimes.logs import Form, write_log
from postventa.runtimes.outward import channels_of, is_real, tokens_of, webhook_of
from postventa.runtimes.stores import store_of
from postventa.runtimes.watch import publish_if_changed, watch
from postventa.settings import Channels, Settings
from postventa.store.base import Store
from postventa.store.sqlite import SqliteStore
from postventa.tokens import Tokens
from postventa.web.private import private_app
from postventa.web.public import public_app

DEMO_SPEED = "1h=1s"
STEPPED_TO = "stepped_to"
_SHOWN = 10


@dataclass(frozen=True, slots=True)
class Options:
    """The command line of `run`."""

    project: Path
    dev: bool = False
    demo: bool = False
    speed: str | None = None
    events: Path | None = None
    until: str | None = None
    port: int | None = None
    open: bool = False
    log: Form = "text"


async def serve(options: Options) -> int:
    """Run until Ctrl-C (or until the end of a stepped run); gives the exit code."""
    write_log(options.log)
    if not options.dev:
        Project.load(options.project)
    settings = settings_of(options)
    database = own_database(options.project, settings, demo=options.demo)
    if options.demo:
        _fresh(database)
    database.parent.mkdir(parents=True, exist_ok=True)
    store = _store(options, settings, database)
    await store.open()
    try:
        listeners = listeners_of(settings.listen, options.port, else_any=options.dev)
        return await _run(options, settings, store, database, listeners)
    finally:
        beacon.put_out(database)
        await store.close()


def settings_of(options: Options) -> Settings:
    """This machine's settings. A demo never has a way to the outside, whatever the file says."""
    settings = Project.load(options.project).sound_settings
    return settings.model_copy(update={"channels": Channels(), "public_url": None}) if options.demo else settings


def _fresh(database: Path) -> None:
    """Every demo begins anew."""
    running = beacon.find(database)
    if running is not None:
        raise StoreBusy(f"a demo runs here already (process {running.pid})", running.url, "stop that one first")
    shutil.rmtree(database.parent, ignore_errors=True)


def _store(options: Options, settings: Settings, database: Path) -> Store:
    """A demo's is always a file of its own, whatever the settings name."""
    return SqliteStore(database) if options.demo else store_of(settings, database)


async def _run(
    options: Options, settings: Settings, store: Store, database: Path, listeners: tuple[Listener, Listener]
) -> int:
    private, public = listeners
    tokens = tokens_of(settings, database.parent)
    engine = await open_engine(store, _oldest(tokens))
    started = datetime.now(UTC)
    feed = _feed(options, started)
    clock = await clock_of(options, store, feed, started)
    if options.dev:
        await publish_if_changed(options.project, engine.releases, clock.now, typer.echo)
    live = await engine.releases.live()
    channels = channels_of(settings, store.mailbox)
    public_url = settings.public_url or public.url
    dispatcher = Dispatcher(engine, channels, clock.now, signed_links(tokens, public_url))
    until = _until(options, feed)
    embedded = Embedded(
        engine, clock, dispatcher, Outlet(store, webhook_of(settings), clock.now), listeners, feed, until,
        real_channel=is_real(settings),
    )  # fmt: skip
    services = services_of(embedded, options.project, settings, tokens, live, public_url)
    private.app, public.app = private_app(services.services), public_app(services.services)
    if options.dev:
        changed = partial(_changed, embedded, services.refresh)
        watching = partial(watch, options.project, engine.releases, clock.now, typer.echo, changed)
        embedded.extra = (("watch", watching),)
    embedded.started = partial(_welcome, options, settings, database, live.hash, private.url)
    stop_on_signals(embedded.stop, "what is being sent is finished first")
    code = await embedded.run()
    if clock.stepping:
        async with store.transaction() as tx:
            await tx.set_control(STEPPED_TO, time_text(clock.now()))
    return code


def _changed(embedded: Embedded, refresh: object) -> None:
    """A save became a release: pages and parts look again."""
    assert callable(refresh)
    refresh()
    embedded.changed()


def _oldest(tokens: Tokens) -> str:
    """The secret behind guests' ids and codes: the oldest key, which a rotation removes last."""
    return tokens.keys[-1].secret.decode()


# --- time ------------------------------------------------------------------------------------------------------------
def _feed(options: Options, started: datetime) -> Sequence[Fed]:
    registry = Project.load(options.project).registry
    if options.demo:
        return feed_of(demo_events(started.replace(minute=0, second=0, microsecond=0)), registry, started)
    if options.events is None:
        return ()
    fed, refused = read_feed(options.events, registry, started)
    for number, error in refused[:_SHOWN]:
        typer.echo(f"{options.events}:{number}: {error}", err=True)
    if refused:
        typer.echo(f"{len(refused)} lines of {options.events} were left out", err=True)
    return fed


async def clock_of(options: Options, store: Store, feed: Sequence[Fed], started: datetime) -> Clock:
    """The clock this store lives by; one that steps goes on where the last run was, stopped or killed. ConfigError when
    the store has lived by the other one: its times would make no sense."""
    speed = options.speed or (DEMO_SPEED if options.demo else None)
    wanted = "real" if speed is None else STEPPING
    known = await store.views.control(CLOCK)
    if known not in {None, wanted}:
        raise ConfigError(
            f"this database has lived by {'fast' if known == STEPPING else 'real'} time and cannot change",
            where="postventa.yaml: store",
            mend="name another file (store.sqlite) or schema (store.postgres_schema), or use --demo",
        )
    if known is None:
        async with store.transaction() as tx:
            await tx.set_control(CLOCK, wanted)
    if speed is None:
        return SystemClock()
    ratio = parse_speed(speed)
    start = feed[0].at if feed and not options.demo else started
    before = (as_time(await store.views.control(STEPPED_TO)), await store.views.latest())
    return SteppingClock(max(filter(None, (start, *before))), ratio)


def _until(options: Options, feed: Sequence[Fed]) -> datetime | None:
    if options.until is None:
        return None
    if options.until == "events":
        return feed[-1].at if feed else None
    moment = as_time(options.until)
    if moment is None:
        raise ConfigError(f"'{options.until}' is not a time", where="--until", mend="like 2026-06-30T00:00:00Z")
    return moment


# --- words and signals -----------------------------------------------------------------------------------------------
def _welcome(options: Options, settings: Settings, database: Path, release: str, url: str) -> None:
    beacon.light(database, url)
    clock = options.speed or (DEMO_SPEED if options.demo else "real time")
    say = typer.echo
    say(f"\npostventa runs {options.project.resolve().name} · release {release[:12]} · {clock}\n")
    say(f"  mails    {url}/mailbox" if not is_real(settings) else f"  mails    leave by {_server(settings)}")
    say(f"  pages    {url}/")
    say(f"  events   POST {url}/v1/events\n")
    if not is_real(settings):
        say("NO MAIL LEAVES THIS MACHINE: every mail is kept on the mailbox page.\n")
    elif options.speed:
        say("TIME RUNS FAST AND MAIL LEAVES THIS MACHINE.\n")
    say("Ctrl-C stops it.")
    if options.open:
        webbrowser.open(f"{url}/mailbox")


def _server(settings: Settings) -> str:
    email = settings.channels.email
    return f"{getattr(email, 'host', '')}:{getattr(email, 'port', '')}"
