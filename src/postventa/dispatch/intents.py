"""The moment of sending: intents of one pool, asked for one by one, committed together."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

from postventa.dispatch.shared import SharedCommit
from postventa.store.base import Store

Attempt = tuple[str, int]
"""(effect id, attempt)."""


def intent_desk(store: Store, now: Callable[[], datetime]) -> SharedCommit[Attempt, datetime | None]:
    """Replies with the moment of sending once it is committed; None: withdrawn, or another's by now. Send nothing."""

    async def grant(asked: Sequence[Attempt]) -> list[datetime | None]:
        at = now()
        async with store.transaction() as tx:
            granted = await tx.intents(dict(asked), at)
        return [at if effect_id in granted else None for effect_id, _ in asked]

    return SharedCommit(grant, key=lambda attempt: attempt[0], name="intents")
