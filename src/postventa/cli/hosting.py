"""What every process with pages needs around it: its two addresses, and an orderly end."""

from __future__ import annotations

import asyncio
import signal

import typer

from postventa.errors import ConfigError
from postventa.runtimes.listeners import Listener
from postventa.settings import Listen

_HERE = {"127.0.0.1", "localhost", "[::1]"}


def listeners_of(listen: Listen, port: int | None, *, else_any: bool = False) -> tuple[Listener, Listener]:
    """Both addresses, taken: private and public. `port` goes before the settings, the public pages take the next one.

    `else_any`: a free port is found when the usual one is in use. ConfigError for an address that cannot be had, and
    for private pages that would be open to the network.
    """
    private, public = listen.private, listen.public
    if port is not None:
        private, public = f"127.0.0.1:{port}", f"127.0.0.1:{port + 1 if port else 0}"
    if listen.token_env is None and private.rpartition(":")[0] not in _HERE:
        raise ConfigError(
            "the private pages would be open to the network",
            where=f"listen.private: {private}",
            mend="set listen.token_env, or listen on 127.0.0.1",
        )
    may_move = else_any and port is None
    return _bound("private", private, may_move), _bound("public", public, may_move)


def _bound(name: str, address: str, may_move: bool) -> Listener:
    listener = Listener(name, address)
    try:
        listener.bind()
    except ConfigError:
        if not may_move:
            raise
        listener = Listener(name, f"{address.rpartition(':')[0]}:0")
        listener.bind()
    return listener


def stop_on_signals(stop: asyncio.Event, said: str) -> None:
    """The first signal stops in order, saying so; a second one, as the system does it."""
    loop = asyncio.get_running_loop()

    def asked(number: signal.Signals) -> None:
        typer.echo(f"\nstopping: {said}", err=True)
        loop.remove_signal_handler(number)
        stop.set()

    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, asked, number)
