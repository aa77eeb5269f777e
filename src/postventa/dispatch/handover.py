"""One message on its way: rendered, offered, its intent committed, its end put into a word the core understands."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Literal

from postventa.channels.base import Channel, Envelope, Refused
from postventa.core.state import CustomerState
from postventa.dispatch.context import Links
from postventa.dispatch.envelope import Wordings, envelope_for
from postventa.dispatch.intents import IntentDesk
from postventa.errors import ChannelError, PostventaError
from postventa.store.base import OutboxRecord

log = logging.getLogger("postventa.dispatch")

Ending = Literal["sent", "withdrawn", "refused", "unrenderable", "later", "in_doubt"]


@dataclass(frozen=True, slots=True)
class Work:
    """A claimed row with its attempt, and its customer as of the claim."""

    row: OutboxRecord
    state: CustomerState


@dataclass(frozen=True, slots=True)
class End:
    """How one attempt ended. `at` is the moment of sending, None when it never came to an intent."""

    ending: Ending
    detail: str = ""
    at: datetime | None = None
    bad_address: bool = False
    """The other side does not know the address: it should not be written to again."""
    channel_down: bool = False
    """Not this message but the whole channel does not work (connect, login)."""


@dataclass(slots=True)
class _Permission:
    """Asks for the intent of one attempt, once, and remembers when it was granted."""

    work: Work
    desk: IntentDesk
    at: datetime | None = None
    refused: bool = field(default=False)

    async def commit(self) -> bool:
        if self.at is None and not self.refused:
            self.at = await self.desk.ask(self.work.row.effect_id, self.work.row.attempt)
            self.refused = self.at is None
        return self.at is not None


async def hand_over(
    work: Work, channels: Mapping[str, Channel], wordings: Wordings, links: Links, desk: IntentDesk, now: datetime
) -> End:
    """Try once to hand over a claimed message. Never raises: whatever happens is an `End`."""
    channel = channels.get(work.row.channel or "")
    if channel is None:
        return End("unrenderable", f"no channel '{work.row.channel}' is set up in postventa.yaml")
    try:
        envelope = await envelope_for(work.row, work.state, wordings, links, now)
    except PostventaError as error:
        return End("unrenderable", str(error))
    except Exception as error:  # a defect of ours must not stop the other messages
        log.exception("message '%s' of %s could not be made", work.row.message, work.row.effect_id)
        return End("unrenderable", f"{type(error).__name__}: {error}")
    permission = _Permission(work, desk)
    try:
        return await _deliver(channel, envelope, permission)
    except ChannelError as error:
        return _end_of(error, permission.at)
    except Exception as error:  # after the intent nobody knows, before it nothing left
        log.exception("channel '%s' failed on %s", work.row.channel, work.row.effect_id)
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
    bad_address = isinstance(error, Refused) and error.recipient and error.enhanced.startswith("5.1.")
    if error.permanent:
        return End("refused", str(error), at, bad_address=bad_address)
    if error.phase == "after_intent":
        return End("in_doubt", str(error), at)
    return End("later", str(error), at, channel_down=error.phase in ("connect", "login"))
