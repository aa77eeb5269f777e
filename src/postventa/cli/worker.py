"""`postventa worker`: events from Kafka, state in the database; start as many as wanted, they are all alike."""

from __future__ import annotations

import asyncio
import logging
import signal
from pathlib import Path
from typing import Annotated

import typer

log = logging.getLogger("postventa.kafka")


def command(
    project: Annotated[Path, typer.Option(metavar="DIR", help="The project's folder.")] = Path(),
) -> None:
    """Read the topics of agents/, advance journeys, send mail, publish what happened.

    It runs what 'postventa publish' made the live release. SIGTERM finishes the batch and the mails in hand and leaves
    the group. Exit codes: 0 stopped, 2 cannot start, 70 a fault: start it again, nothing is lost.
    """
    raise typer.Exit(asyncio.run(serve(project)))


async def serve(project: Path) -> int:
    """Run one worker until a signal; gives the exit code."""
    from postventa.runtimes.kafka.app import FAILED, create_app
    from postventa.runtimes.kafka.worker import worker_of

    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    for noisy in ("faust", "aiokafka", "kafka", "mode", "httpx", "postventa.runtimes.kafka.app"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
    worker = worker_of(project)
    app = create_app(worker)
    stop = asyncio.Event()
    _stop_on_signals(stop)
    try:
        await app.start()
        typer.echo(_welcome(worker.topics, worker.access.servers))
        ended = asyncio.create_task(app.wait_until_stopped())
        asked = asyncio.create_task(stop.wait())
        await asyncio.wait([ended, asked], return_when=asyncio.FIRST_COMPLETED)
        for task in (ended, asked):
            task.cancel()
    finally:
        await app.stop()
    if app.crashed or not stop.is_set():
        log.critical("Faust stopped by itself: %s", app.crash_reason)
        return FAILED
    return 0


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
