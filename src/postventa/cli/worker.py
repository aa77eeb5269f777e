"""`postventa worker`: events from Kafka, state in the database; start as many as wanted, they are all alike."""

from __future__ import annotations

import asyncio
import logging
import signal
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from postventa.errors import ConfigError

if TYPE_CHECKING:
    from postventa.runtimes.kafka.worker import Worker
    from postventa.runtimes.listeners import Listener

SHOWN = 10

log = logging.getLogger("postventa.kafka")


def command(
    project: Annotated[Path, typer.Option(metavar="DIR", help="The project's folder.")] = Path(),
    speed: Annotated[
        str | None, typer.Option(metavar="SPEED", help="How fast time may run: 1h=1s, or max. One worker alone.")
    ] = None,
    events: Annotated[
        Path | None, typer.Option(metavar="FILE", help="With --speed: events, published when their time has come.")
    ] = None,
    metrics: Annotated[
        str | None,
        typer.Option(metavar="HOST:PORT", help="Answer /metrics, /healthz and /readyz there. They name nobody."),
    ] = None,
    log_form: Annotated[
        Literal["text", "json"], typer.Option("--log", help="Log lines for people, or one JSON object each.")
    ] = "text",
) -> None:
    """Read the topics of agents/, advance journeys, send mail, publish what happened.

    It runs what 'postventa publish' made the live release. SIGTERM finishes the batch and the mails in hand and leaves
    the group. Exit codes: 0 stopped, 2 cannot start, 70 a fault: start it again, nothing is lost.
    """
    from postventa.runtimes.logs import write_log

    write_log(log_form)
    raise typer.Exit(asyncio.run(serve(project, speed, events, metrics)))


async def serve(project: Path, speed: str | None = None, events: Path | None = None, metrics: str | None = None) -> int:
    """Run one worker until a signal; gives the exit code."""
    from postventa.runtimes.kafka.app import FAILED, create_app
    from postventa.runtimes.kafka.worker import worker_of

    worker = worker_of(project)
    if speed is not None:
        _speed_up(worker, speed, events)
    app = create_app(worker)
    stop = asyncio.Event()
    _stop_on_signals(stop)
    probes = _probes(worker, metrics)
    try:
        await app.start()
        answering = asyncio.create_task(probes.serve()) if probes else None
        typer.echo(_welcome(worker.topics, worker.access.servers))
        ended = asyncio.create_task(app.wait_until_stopped())
        asked = asyncio.create_task(stop.wait())
        finished = asyncio.create_task(worker.finished.wait())
        await asyncio.wait([ended, asked, finished], return_when=asyncio.FIRST_COMPLETED)
        for task in (ended, asked, finished):
            task.cancel()
        if probes and answering:
            await probes.close()
            await answering
    finally:
        await app.stop()
    if app.crashed or not (stop.is_set() or worker.finished.is_set()):
        log.critical("Faust stopped by itself: %s", app.crash_reason)
        return FAILED
    return 0


def _probes(worker: Worker, address: str | None) -> Listener | None:
    """Where the numbers are read. The address is taken at once: a mistake in it is told before anything runs."""
    if address is None:
        return None
    from postventa.runtimes.listeners import Listener
    from postventa.web.metrics import probes_app
    from postventa.web.watching import Watcher

    listener = Listener("metrics", address, probes_app(Watcher(worker), worker.meters))
    listener.bind()
    return listener


def _speed_up(worker: Worker, speed: str, events: Path | None) -> None:
    """Time that steps from event to due time, until the last event."""
    from postventa.runtimes.clock import SteppingClock, parse_speed
    from postventa.runtimes.feed import read_feed

    if events is None:
        raise ConfigError("fast time needs events to step to", "--speed", "name a file: --events FILE")
    feed, refused = read_feed(events, worker.project.registry, datetime.now(UTC))
    for number, error in refused[:SHOWN]:
        typer.echo(f"{events}:{number}: {error}", err=True)
    if not feed:
        raise ConfigError("there are no events in it", str(events))
    worker.feed, worker.until = feed, feed[-1].at
    worker.clock = SteppingClock(feed[0].at, parse_speed(speed))


def _welcome(topics: tuple[str, ...], servers: tuple[str, ...]) -> str:
    return f"\npostventa worker reads {', '.join(topics)} from {', '.join(servers)}\n\nCtrl-C stops it."


def _stop_on_signals(stop: asyncio.Event) -> None:
    """The first signal stops in order; a second one, as the system does it."""
    loop = asyncio.get_running_loop()

    def asked(number: signal.Signals) -> None:
        typer.echo("\nstopping: the batch and the mails in hand are finished first", err=True)
        loop.remove_signal_handler(number)
        stop.set()

    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, asked, number)
