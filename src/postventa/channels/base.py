"""What a channel is: it takes an Envelope and, at one exact moment, asks whether the message may still leave.

That moment is the commit of the *intent*: the moment of sending. A channel does everything that can fail first
(connect, login, sender, recipient), then awaits `commit_intent()`, and only after True hands the message over.

How it ends, and what the dispatcher does:

| end                               | what it means                                         | next               |
|-----------------------------------|-------------------------------------------------------|--------------------|
| `Receipt(status="sent")`          | the other side has it                                 | the run moves on   |
| `Receipt(status="withdrawn")`     | `commit_intent` said no; nothing left                 | nothing            |
| `ChannelError`, permanent         | refused for good, nothing left                        | given up           |
| `ChannelError`, connect or login  | the channel as a whole does not work; nothing left    | back off, all      |
| `ChannelError`, before_intent     | nothing left                                          | retry the message  |
| `ChannelError`, after_intent      | nobody knows: it broke after the hand-over began      | the in-doubt rule  |

The phase says what is known, not when it happened: a server that answers the message itself with a clear "not now", or
a webhook that cannot be reached once the intent is committed, has taken nothing, and the message is retried.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, Protocol

from postventa.errors import ChannelError

CommitIntent = Callable[[], Awaitable[bool]]


@dataclass(frozen=True, slots=True)
class Envelope:
    """One message, ready to leave. Addresses are bare (`ana@example.com`); names stand beside them.

    `message_id` comes from the effect id, so every attempt of one message carries the same (see `message_id_for`).
    `unsubscribe_url` is set on every message the customer may stop; it must be one https address (http only on
    loopback) that answers a POST.
    """

    effect_id: str
    message: str
    to: str
    sender: str
    subject: str
    html: str
    text: str
    date: datetime
    message_id: str
    sender_name: str = ""
    to_name: str = ""
    reply_to: str = ""
    locale: str = ""
    customer_id: str = ""
    unsubscribe_url: str | None = None
    feedback_id: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    """More headers, by name. Those the channel writes itself cannot be replaced."""


@dataclass(frozen=True, slots=True)
class Receipt:
    """What the other side said. `provider_id` is its own name for the message, when it gives one."""

    status: Literal["sent", "withdrawn"]
    detail: str = ""
    provider_id: str | None = None


class Refused(ChannelError):
    """The other side does not take this message, now (`permanent` False) or ever. Nothing left.

    `code` is its number (SMTP 550, HTTP 410), `enhanced` the SMTP status ("5.1.1"), `recipient` True when the address
    itself was refused (the address is then worth suppressing).
    """

    def __init__(
        self, message: str, *, code: int = 0, enhanced: str = "", permanent: bool = True, recipient: bool = False
    ) -> None:
        super().__init__(message, permanent=permanent, phase="before_intent")
        self.code = code
        self.enhanced = enhanced
        self.recipient = recipient


class Channel(Protocol):
    """A way out. One instance serves all the dispatcher's tasks at once."""

    name: str
    real: bool
    """True when messages reach people (so `public_url` is required, and a late start asks first)."""

    async def deliver(self, envelope: Envelope, commit_intent: CommitIntent) -> Receipt:
        """Hand over one message; see the table above. What `commit_intent` raises passes through."""
        ...

    async def check(self) -> str:
        """Prove that the channel works without sending (connect, log in); a sentence for `doctor`, or ChannelError."""
        ...

    async def close(self) -> None:
        """Let go of connections. A message in the middle of leaving is finished or ends as in doubt."""
        ...


def message_id_for(effect_id: str, sender: str) -> str:
    """`<effect@domain>` with the sender's domain; what an effect id may not hold there becomes a dot."""
    local = "".join(sign if sign.isascii() and (sign.isalnum() or sign in "-_.") else "." for sign in effect_id)
    domain = sender.rpartition("@")[2] or "postventa.invalid"
    return f"<{local.strip('.') or 'effect'}@{domain}>"
