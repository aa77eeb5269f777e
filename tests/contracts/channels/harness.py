"""The other side of each channel, real where there is a network: what it received, and ways to make it fail."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from email import message_from_bytes
from email.policy import default
from typing import Any, Protocol

from aiosmtpd import smtp as aiosmtpd

from postventa.channels.base import Channel, Envelope, message_id_for
from postventa.channels.mailbox import MailboxChannel
from postventa.channels.smtp import SmtpChannel, SmtpSettings
from postventa.channels.webhook import WebhookChannel, WebhookSettings

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
NOBODY = "nobody@example.com"


def envelope(effect_id: str = "e1", **changes: Any) -> Envelope:
    base = Envelope(
        effect_id=effect_id,
        message="thank-you",
        to="ana@example.com",
        to_name="Ana Núñez",
        sender="hola@tiendaclara.example",
        sender_name="Tienda Clara",
        subject="Gracias por tu compra, Ana: ya está en camino",
        html="<p>Hola, Ana · 39,90 €</p>\n",
        text="Hola, Ana · 39,90 €\n.una línea con punto\n",
        date=datetime(2026, 3, 10, 17, 42, tzinfo=UTC),
        message_id=message_id_for(effect_id, "hola@tiendaclara.example"),
    )
    return replace(base, **changes)


class Far(Protocol):
    """The other side as the contract sees it: ids of what it holds, in order of arrival."""

    channel: Channel
    received: list[str]
    refuses: str
    """An address this side refuses for good."""
    attempts: int
    """How many of the next deliveries break before the hand-over."""
    swallow: int
    """How many of the next deliveries are taken, and the connection cut before the answer."""

    def breaks_before(self) -> None: ...


@dataclass
class MailServer:
    """aiosmtpd on loopback."""

    received: list[str] = field(default_factory=list)
    contents: list[bytes] = field(default_factory=list)
    refuses: str = NOBODY
    swallow: int = 0
    cut_rcpt: int = 0
    connections: int = 0
    sessions: set[int] = field(default_factory=set)
    data_answer: str = "250 2.0.0 Ok: queued as 4B1F2"
    port: int = 0
    channel: Channel = None  # type: ignore[assignment]

    def breaks_before(self) -> None:
        self.cut_rcpt = 2  # the channel takes a fresh connection once

    async def handle_RCPT(self, server: Any, session: Any, envelope: Any, address: str, options: Any) -> str:  # noqa: N802
        if self.cut_rcpt:
            self.cut_rcpt -= 1
            server.transport.abort()
            return "421 bye"
        if address == NOBODY:
            return "550 5.1.1 no such mailbox"
        if address.startswith("greylisted"):
            return "451 4.7.1 try again later"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802
        if self.data_answer.startswith("250"):
            self.contents.append(envelope.original_content)
            self.received.append(message_from_bytes(envelope.original_content, policy=default)["Message-ID"])
        self.sessions.add(id(session))
        if self.swallow:
            self.swallow -= 1
            server.transport.abort()
        return self.data_answer


@contextlib.asynccontextmanager
async def mail_server(server_options: dict[str, Any] | None = None, **settings: Any) -> AsyncIterator[MailServer]:
    far = MailServer()
    options = {"hostname": "mx.example", **(server_options or {})}
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: aiosmtpd.SMTP(far, **options), "127.0.0.1", 0)
    far.port = server.sockets[0].getsockname()[1]
    ours = {"security": "none", "local_hostname": "shop.example", "connect_timeout": 5, **settings}
    far.channel = SmtpChannel(SmtpSettings("127.0.0.1", far.port, **ours))
    try:
        yield far
    finally:
        await far.channel.close()
        server.close()


@dataclass
class Hook:
    """A small HTTP server on loopback that keeps what it is sent."""

    received: list[str] = field(default_factory=list)
    requests: list[tuple[dict[str, str], bytes]] = field(default_factory=list)
    refuses: str = NOBODY
    swallow: int = 0
    answer: str = "200 OK"
    channel: Channel = None  # type: ignore[assignment]
    server: Any = None

    def breaks_before(self) -> None:
        self.server.close()  # the port answers no more

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
            lines = [line.partition(":") for line in head.split("\r\n")[1:] if line]
            headers = {name.lower(): value.strip() for name, _, value in lines}
            body = await reader.readexactly(int(headers.get("content-length", "0")))
            refused = NOBODY.encode() in body
            answer = "422 Unprocessable" if refused else self.answer
            if answer.startswith("2") and "webhook-id" in headers:
                self.requests.append((headers, body))
                self.received.append(headers["webhook-id"])
            if self.swallow:
                self.swallow -= 1
                writer.transport.abort()
                return
            writer.write(f"HTTP/1.1 {answer}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n".encode())
            await writer.drain()
            writer.close()


@contextlib.asynccontextmanager
async def hook() -> AsyncIterator[Hook]:
    far = Hook()
    far.server = await asyncio.start_server(far.handle, "127.0.0.1", 0)
    port = far.server.sockets[0].getsockname()[1]
    far.channel = WebhookChannel(WebhookSettings(f"http://127.0.0.1:{port}/in", SECRET), clock=lambda: 1614265330)
    try:
        yield far
    finally:
        await far.channel.close()
        far.server.close()


@dataclass
class Box:
    """The place where the mailbox channel keeps its mails."""

    received: list[str] = field(default_factory=list)
    refuses: str = "nobody at example"
    swallow: int = 0
    channel: Channel = None  # type: ignore[assignment]

    async def keep(self, envelope: Envelope, content: bytes) -> None:
        self.received.append(message_from_bytes(content, policy=default)["Message-ID"])
        if self.swallow:
            self.swallow -= 1
            raise OSError("disk I/O error")


@contextlib.asynccontextmanager
async def box() -> AsyncIterator[Box]:
    far = Box()
    far.channel = MailboxChannel(far.keep)
    yield far
