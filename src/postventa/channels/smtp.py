"""Mail through an SMTP server (a relay or provider, who signs with DKIM). The only place that knows aiosmtplib.

A small pool of connections, each used by one message at a time and kept open. Every command before the intent can be
repeated without harm; a connection the server has dropped while idle is replaced without a word.
"""

from __future__ import annotations

import asyncio
import re
import ssl
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Literal

from aiosmtplib import SMTP, SMTPException, SMTPResponseException

from postventa.channels.base import CommitIntent, Envelope, Receipt, Refused
from postventa.channels.mime import ascii_address, mime_bytes
from postventa.errors import ChannelError, Phase

_ENHANCED = re.compile(r"\b([245]\.\d{1,3}\.\d{1,3})\b")
_TROUBLE = (SMTPException, OSError, asyncio.TimeoutError, EOFError)


@dataclass(frozen=True, slots=True)
class SmtpSettings:
    """Where the server is. `security`: starttls (587), tls (465) or none (a relay on this machine). Seconds."""

    host: str
    port: int = 587
    username: str = ""
    password: str = field(default="", repr=False)
    security: Literal["starttls", "tls", "none"] = "starttls"
    connections: int = 8
    connect_timeout: float = 20
    command_timeout: float = 60
    end_of_data_timeout: float = 600  # RFC 5321: a server may think for ten minutes
    idle_check: float = 20
    local_hostname: str | None = None
    tls_context: ssl.SSLContext | None = None


@dataclass(slots=True)
class _Line:
    """One open connection and when it was last used (monotonic)."""

    client: SMTP
    used: float


class SmtpChannel:
    """See `channels.base.Channel`. Safe for any number of tasks; at most `connections` messages leave at once."""

    name = "email"
    real = True

    def __init__(self, settings: SmtpSettings) -> None:
        self.settings = settings
        self._idle: list[_Line] = []
        self._free = asyncio.Semaphore(settings.connections)
        self._closed = False

    @property
    def place(self) -> str:
        """Where this channel leads, for messages."""
        return f"{self.settings.host}:{self.settings.port}"

    async def deliver(self, envelope: Envelope, commit_intent: CommitIntent) -> Receipt:
        """Sender and recipient, the intent, then the message. ChannelError as `channels.base` tells."""
        content = mime_bytes(envelope)
        async with self._line(envelope, len(content)) as line:
            return await self._hand_over(line.client, content, commit_intent)

    async def check(self) -> str:
        """Connect, log in, NOOP."""
        client = await self._connect()
        await _quit(client)
        return f"{self.place} answers" + (f" and knows {self.settings.username}" if self.settings.username else "")

    async def close(self) -> None:
        """Say goodbye on idle connections; those in use close when their message is done."""
        self._closed = True
        idle, self._idle = self._idle, []
        await asyncio.gather(*(_quit(line.client) for line in idle))

    @asynccontextmanager
    async def _line(self, envelope: Envelope, size: int) -> AsyncIterator[_Line]:
        """A connection that has accepted sender and recipient; kept afterwards if it is still good."""
        async with self._free:
            line = await self._addressed(envelope, size)
            try:
                yield line
            except BaseException as error:
                if not isinstance(error, Refused):
                    line.client.close()
                raise
            finally:
                await self._put_back(line)

    async def _addressed(self, envelope: Envelope, size: int) -> _Line:
        """An idle connection may have died unseen: then, once, a fresh one is taken."""
        while self._idle:
            line = self._idle.pop()
            if not line.client.is_connected:
                continue
            try:
                if time.monotonic() - line.used > self.settings.idle_check:
                    await line.client.noop()
                return await self._address(line, envelope, size)
            except Refused:
                await self._put_back(line)
                raise
            except ChannelError:
                line.client.close()
            except _TROUBLE:
                line.client.close()
        line = _Line(await self._connect(), time.monotonic())
        try:
            return await self._address(line, envelope, size)
        except Refused:
            await self._put_back(line)
            raise
        except BaseException:
            line.client.close()
            raise

    async def _address(self, line: _Line, envelope: Envelope, size: int) -> _Line:
        """MAIL FROM and RCPT TO. Refused when the server says no; ChannelError when the connection fails."""
        client, to = line.client, ascii_address(envelope.to) or envelope.to
        recipient = False
        try:
            options = [f"SIZE={size}"] if client.supports_extension("size") else []
            await client.mail(ascii_address(envelope.sender) or envelope.sender, options=options)
            recipient = True
            await client.rcpt(to)
        except SMTPResponseException as error:
            if error.code == 421:
                raise self._trouble("before_intent", error) from error
            await _reset(client)
            raise self._refusal(error, recipient=recipient, to=envelope.to) from error
        except _TROUBLE as error:
            raise self._trouble("before_intent", error) from error
        return line

    async def _hand_over(self, client: SMTP, content: bytes, commit_intent: CommitIntent) -> Receipt:
        if not await commit_intent():
            await _reset(client)
            return Receipt("withdrawn")
        try:
            response = await client.data(content, timeout=self.settings.end_of_data_timeout)
        except SMTPResponseException as error:
            # A clear no: the server has not taken it, so this is no doubt, though the intent is committed.
            if error.code == 421:
                client.close()
            raise self._refusal(error, recipient=False, to="") from error
        except _TROUBLE as error:
            raise self._trouble("after_intent", error) from error
        text = " ".join(response.message.split())
        return Receipt("sent", f"{response.code} {text}"[:300], _queue_id(text))

    async def _put_back(self, line: _Line) -> None:
        line.used = time.monotonic()
        if self._closed:
            await _quit(line.client)
        elif line.client.is_connected:
            self._idle.append(line)

    async def _connect(self) -> SMTP:
        ours = self.settings
        client = SMTP(
            hostname=ours.host,
            port=ours.port,
            timeout=ours.connect_timeout,
            use_tls=ours.security == "tls",
            start_tls=ours.security == "starttls",
            tls_context=ours.tls_context,
            local_hostname=ours.local_hostname,
        )
        phase: Phase = "connect"
        try:
            await client.connect()
            phase = "login"
            if ours.username:
                await client.login(ours.username, ours.password)
        except _TROUBLE as error:
            client.close()
            raise self._trouble(phase, error) from error
        client.timeout = ours.command_timeout
        return client

    def _trouble(self, phase: Phase, error: BaseException) -> ChannelError:
        what = _one_line(str(error)) or type(error).__name__
        if isinstance(error, SMTPResponseException):
            what = f"{error.code} {_one_line(error.message)}"
        sentences: dict[Phase, tuple[str, str]] = {
            "connect": (f"the mail server cannot be reached: {what}", "check smtp.host, smtp.port and smtp.security"),
            "login": (
                f"the mail server refused the login of '{self.settings.username}': {what}",
                "check smtp.username and the password in the environment",
            ),
            "before_intent": (f"the connection failed before the mail was handed over: {what}", ""),
            "after_intent": (f"the connection failed while the mail was handed over: {what}", ""),
        }
        message, mend = sentences[phase]
        return ChannelError(message, where=self.place, mend=mend or None, phase=phase)

    def _refusal(self, error: SMTPResponseException, *, recipient: bool, to: str) -> Refused:
        text = _one_line(error.message)
        enhanced = _ENHANCED.search(text)
        about = f"the mail server refused {to}" if recipient else "the mail server refused the mail"
        return Refused(
            f"{about}: {error.code} {text}",
            code=error.code,
            enhanced=enhanced[1] if enhanced else "",
            permanent=error.code >= 500,
            recipient=recipient and error.code >= 500,
        )


async def _reset(client: SMTP) -> None:
    """Forget sender and recipient; a connection that cannot even do that is closed."""
    try:
        await client.rset()
    except _TROUBLE:
        client.close()


async def _quit(client: SMTP) -> None:
    try:
        await client.quit(timeout=5)
    except _TROUBLE:
        client.close()


def _queue_id(text: str) -> str | None:
    """The server's own name for a mail: `2.0.0 Ok: queued as 4B1F2`."""
    match = re.search(r"queued as ([\w.-]+)", text, re.IGNORECASE)
    return match[1] if match else None


def _one_line(text: str) -> str:
    return " ".join(text.split())[:300]
