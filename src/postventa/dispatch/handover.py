"""One message on its way: rendered, offered, its intent committed, its end put into a word the core understands."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Literal

from postventa.channels.base import Channel, Envelope, Refused
from postventa.dispatch.context import Links
from postventa.dispatch.envelope import envelope_for
from postventa.dispatch.intents import Attempt
from postventa.dispatch.shared import SharedCommit
from postventa.dispatch.wordings import Wordings
from postventa.engine.receipts import ClaimedMessage
from postventa.errors import ChannelError, PostventaError, StoreError

log = logging.getLogger("postventa.dispatch")

Ending = Literal["sent", "withdrawn", "refused", "unrenderable", "later", "in_doubt"]


@dataclass(frozen=True, slots=True)
class End:
    """How one attempt ended. `at` is the moment of sending, None when it never came to an intent."""

    ending: Ending
    detail: str = ""
    at: datetime | None = None
    bounced: bool = False
    """The other side does not know the address: it should not be written to again."""
    channel_down: bool = False
    """Not this message but the whole channel does not work (connect, login)."""


@dataclass(slots=True)
class _Permission:
    """Asks for the intent of one attempt, once, and remembers when it was granted."""

    message: ClaimedMessage
    desk: SharedCommit[Attempt, datetime | None]
    at: datetime | None = None
    refused: bool = field(default=False)

    async def commit(self) -> bool:
        if self.at is None and not self.refused:
            self.at = await self.desk.ask((self.message.record.effect_id, self.message.attempt))
            self.refused = self.at is None
        return self.at is not None


async def hand_over(
    message: ClaimedMessage,
    channels: Mapping[str, Channel],
    wordings: Wordings,
    links: Links,
    desk: SharedCommit[Attempt, datetime | None],
    now: datetime,
) -> End:
    """Try once to hand over a claimed message. Never raises: whatever happens is an `End`."""
    row, live = message.record, message.live
    channel = channels.get(row.channel or "")
    if channel is None:
        return End("unrenderable", f"no channel '{row.channel}' is set up in postventa.yaml")
    try:
        messages = await wordings.of(row, live)
        envelope = envelope_for(row, message.state, messages, live.catalog, links, now)
    except StoreError as error:
        return End("later", str(error))
    except PostventaError as error:
        return End("unrenderable", str(error))
    except Exception as error:  # a defect of ours must not stop the other messages
        log.exception("message '%s' of %s could not be made", row.message, row.effect_id)
        return End("unrenderable", f"{type(error).__name__}: {error}")
    permission = _Permission(message, desk)
    try:
        return await _deliver(channel, envelope, permission)
    except ChannelError as error:
        return _end_of(error, permission.at)
    except StoreError as error:  # the intent could not be committed
        return End("in_doubt" if permission.at else "later", str(error), permission.at)
    except Exception as error:  # after the intent nobody knows, before it nothing left
        log.exception("channel '%s' failed on %s", row.channel, row.effect_id)
        return End("in_doubt" if permission.at else "later", f"{type(error).__name__}: {error}", permission.at)


async def _deliver(channel: Channel, envelope: Envelope, permission: _Permission) -> End:
    """To one address, or to each of a group's: they share the intent, and one that fails does not undo the others."""
    first, *others = [one.strip() for one in envelope.to.split(",") if one.strip()] or [""]
    receipt = await channel.deliver(replace(envelope, to=first), permission.commit)
    if receipt.status == "withdrawn":
        return End("withdrawn")
    detail = receipt.detail
    for address in others:
        try:
            await channel.deliver(replace(envelope, to=address), permission.commit)
        except ChannelError as error:
            detail += f"; not to {address}: {error}"
    return End("sent", detail, permission.at)


def _end_of(error: ChannelError, at: datetime | None) -> End:
    bounced = isinstance(error, Refused) and error.recipient and error.enhanced.startswith("5.1.")
    if error.permanent:
        return End("refused", str(error), at, bounced=bounced)
    if error.phase == "after_intent":
        return End("in_doubt", str(error), at)
    return End("later", str(error), at, channel_down=error.phase in ("connect", "login"))
