"""A proxy that gives every transaction another connection, as PgBouncer does in transaction mode; only what tests need.

A client is bound to a connection from its first message until the server says "idle, outside a transaction". The
connections take turns, so that whatever a client leaves on one is not there the next time.
"""

from __future__ import annotations

import asyncio
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

SSL = 80877103


class Connection:
    """One of the proxy's own connections to the server."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer


async def message(reader: asyncio.StreamReader) -> bytes:
    """A message with its head: a letter, a length, a body."""
    head = await reader.readexactly(5)
    return head + await reader.readexactly(struct.unpack("!I", head[1:])[0] - 4)


class Proxy:
    """See the file. `turns` counts how many transactions went through."""

    def __init__(self, host: str, port: int, size: int) -> None:
        self.turns = 0
        self._server = (host, port)
        self._size = size
        self._idle: asyncio.Queue[Connection] = asyncio.Queue()
        self._greeting = b""
        self._opening = asyncio.Lock()
        self._open: list[Connection] = []

    async def _fill(self, startup: bytes) -> None:
        async with self._opening:
            while len(self._open) < self._size:
                connection = Connection(*await asyncio.open_connection(*self._server))
                connection.writer.write(startup)
                self._greeting = b""
                while not self._greeting.endswith(b"Z\0\0\0\5I"):
                    self._greeting += await message(connection.reader)
                self._open.append(connection)
                self._idle.put_nowait(connection)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One client."""
        bound: list[Connection] = []

        async def answers(connection: Connection) -> None:
            while True:
                answer = await message(connection.reader)
                if answer[:1] == b"Z" and answer[-1:] == b"I":
                    bound.clear()
                    self._idle.put_nowait(connection)
                    writer.write(answer)
                    return
                writer.write(answer)

        turn: asyncio.Task[None] | None = None
        try:
            await self._fill(await self._startup(reader, writer))
            writer.write(self._greeting)
            while (asked := await message(reader))[:1] != b"X":
                if not bound:
                    bound.append(await self._idle.get())
                    self.turns += 1
                    turn = asyncio.create_task(answers(bound[0]))
                bound[0].writer.write(asked)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            if turn is not None:
                turn.cancel()
            writer.close()

    async def _startup(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bytes:
        while True:
            head = await reader.readexactly(8)
            length, code = struct.unpack("!II", head)
            if code != SSL:
                return head + await reader.readexactly(length - 8)
            writer.write(b"N")


@asynccontextmanager
async def pooling(host: str, port: int, size: int = 3) -> AsyncIterator[tuple[Proxy, int]]:
    """The proxy and the port it listens on. The server behind it must trust this machine."""
    proxy = Proxy(host, port, size)
    server = await asyncio.start_server(proxy.serve, "127.0.0.1", 0)
    try:
        yield proxy, server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for connection in proxy._open:
            connection.writer.close()
