"""The local mailbox: mails are kept instead of sent, and shown on the engine's own page. Nothing leaves the machine."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from postventa.channels.base import CommitIntent, Envelope, Receipt
from postventa.channels.mime import mime_bytes
from postventa.errors import ChannelError

Keep = Callable[[Envelope, bytes], Awaitable[None]]
"""Stores one mail and its bytes; the same `message_id` a second time replaces the first."""


class MailboxChannel:
    """See `channels.base.Channel`. `keep` is the place where mails are kept; the bytes are those SMTP would send."""

    name = "email"
    real = False

    def __init__(self, keep: Keep) -> None:
        self._keep = keep

    async def deliver(self, envelope: Envelope, commit_intent: CommitIntent) -> Receipt:
        """Build the mail as SMTP would (so what it would refuse is refused here), then keep it."""
        content = mime_bytes(envelope)
        if not await commit_intent():
            return Receipt("withdrawn")
        try:
            await self._keep(envelope, content)
        except Exception as error:
            raise ChannelError(f"the mail could not be kept: {error}", where="mailbox", phase="after_intent") from error
        return Receipt("sent", "kept in the local mailbox", envelope.message_id)

    async def check(self) -> str:
        """Nothing to reach."""
        return "mails are kept in the local mailbox; nothing is sent"

    async def close(self) -> None:
        """Nothing is open."""
