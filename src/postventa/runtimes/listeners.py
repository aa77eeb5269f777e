"""The two HTTP listeners of the embedded engine, served by uvicorn inside the engine's own loop."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Iterator, Sequence
from typing import Any

import uvicorn

from postventa.errors import ConfigError


class Listener:
    """One application on one address. Port 0 takes any free one; `url` tells which, after `bind`; `app` may follow."""

    def __init__(self, name: str, address: str, app: Any = None) -> None:
        self.name = name
        self.app = app
        self._address = address
        self._socket: socket.socket | None = None
        self._server: _Server | None = None
        self._ended = asyncio.Event()

    @property
    def url(self) -> str:
        """`http://127.0.0.1:8081`."""
        assert self._socket is not None, "bound first"
        host, port = self._socket.getsockname()[:2]
        return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"

    def bind(self) -> None:
        """Take the address. ConfigError when somebody else has it."""
        if self._socket is not None:
            return
        host, _, port = self._address.rpartition(":")
        host = host.strip("[]")
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        listening = socket.socket(family, socket.SOCK_STREAM)
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listening.bind((host, int(port)))
            listening.listen(128)  # callers who come before the server is up wait a moment
        except OSError as error:
            listening.close()
            raise ConfigError(
                f"the {self.name} address cannot be used: {error.strerror}",
                where=self._address,
                mend=f"stop what uses it, or set listen.{self.name} in postventa.yaml (or --port) to another one",
            ) from error
        self._socket = listening

    async def serve(self) -> None:
        """Answer until `close`."""
        assert self._socket is not None, "bound first"
        config = uvicorn.Config(
            self.app, log_config=None, access_log=False, lifespan="off", timeout_graceful_shutdown=5, ws="none"
        )
        self._server = _Server(config)
        try:
            await self._server.serve(sockets=[self._socket])
        finally:
            self._ended.set()

    async def close(self) -> None:
        """Take no new callers; those being served are answered."""
        if self._server is not None:
            self._server.should_exit = True
            await self._ended.wait()
        elif self._socket is not None:
            self._socket.close()


async def close_all(listeners: Sequence[Listener]) -> None:
    """One after the other."""
    for listener in listeners:
        await listener.close()


class _Server(uvicorn.Server):
    """Signals belong to the engine, which stops its parts in order."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield
