"""Events the engine made itself, on their way to the shop's own systems: one signed POST each, at least once.

The receiver tells repetitions by the id, which never changes. Without an outlet they are settled in batches, and say
so: they have already had their effect here. One that the receiver refuses for good is kept as refused, with its answer.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol

from postventa.channels.base import Receipt
from postventa.core.event import Event
from postventa.core.values import time_text
from postventa.dispatch import retry
from postventa.errors import ChannelError, StoreError
from postventa.store.base import OutboxRecord, Store

log = logging.getLogger("postventa.outlet")

BATCH = 200
LOOK_AGAIN = 5.0
NOBODY = "no outlet configured"


class Poster(Protocol):
    """Whoever signs and posts; `channels.webhook.WebhookChannel` is one."""

    async def post(self, message_id: str, body: bytes) -> Receipt:
        """One body under an id that stays the same over all attempts. Raises ChannelError."""
        ...


@dataclass(slots=True)
class Outlet:
    """Publishes rows of kind `event` in the order in which they were saved. `poster` None: nobody is told."""

    store: Store
    poster: Poster | None
    now: Callable[[], datetime]
    wake: asyncio.Event = field(default_factory=asyncio.Event)
    published: int = 0
    _failures: int = 0

    async def run(self, stop: asyncio.Event) -> None:
        """Publish until `stop` is set. Whoever sets `stop` sets `wake` too."""
        while not stop.is_set():
            self.wake.clear()
            pause = LOOK_AGAIN
            try:
                if await self.drain():
                    continue
                self._failures = 0
            except (ChannelError, StoreError) as error:
                self._failures += 1
                pause = min(retry.delay("outlet", self._failures), timedelta(minutes=5)).total_seconds()
                log.error("events wait, next try in %.0f s; nothing is lost: %s", pause, error)  # noqa: TRY400
                await _sleep_or_stop(stop, pause)
                continue
            with contextlib.suppress(asyncio.TimeoutError):
                await asyncio.wait_for(self.wake.wait(), pause)

    async def drain(self) -> int:
        """One batch; gives how many are settled: out, or refused for good."""
        async with self.store.transaction() as tx:
            rows = await tx.pending_events(BATCH)
        return await post_and_settle(self, rows, NOBODY)


class Outgoing(Protocol):
    """Whoever publishes events: where they are kept, who is told of them, and how many are out."""

    store: Store
    poster: Poster | None
    published: int

    def now(self) -> datetime:
        """The moment it is."""
        ...


async def post_and_settle(out: Outgoing, rows: Sequence[OutboxRecord], unposted: str = "") -> int:
    """Hand these events to the receiver and note what became of each; gives how many are settled.

    Without a receiver they are settled with the detail `unposted`. Raises what `posted` raises, after what was handed
    over until then is noted.
    """
    if out.poster is None:
        return await _settle(out, [row.effect_id for row in rows], {}, unposted)
    done: list[str] = []
    refused: dict[str, str] = {}
    try:
        for row in rows:
            why = await posted(out.poster, row)
            if why is None:
                done.append(row.effect_id)
            else:
                refused[row.effect_id] = why
    finally:
        settled = await _settle(out, done, refused)
    return settled


async def _settle(out: Outgoing, done: Sequence[str], refused: Mapping[str, str], detail: str = "") -> int:
    if done or refused:
        async with out.store.transaction() as tx:
            await tx.published(done, out.now(), detail=detail)
            for effect_id, why in refused.items():
                await tx.published([effect_id], out.now(), "refused", why)
    out.published += len(done)
    return len(done) + len(refused)


async def posted(poster: Poster, row: OutboxRecord) -> str | None:
    """Why the receiver refuses it for good; None when it has it. Raises ChannelError when it may be tried again."""
    if row.event is None:
        return None
    try:
        await poster.post(f"{row.event.source}/{row.event.id}", body_of(row.event, row.customer_id))
    except ChannelError as error:
        if not error.permanent:
            raise
        log.error("the receiver refused event %s for good, it is passed over: %s", row.event.id, error)  # noqa: TRY400
        return str(error)
    return None


def body_of(event: Event, customer_id: str) -> bytes:
    """The event as CloudEvents JSON, the customer as its subject."""
    plain = {
        "specversion": "1.0",
        "id": event.id,
        "source": event.source,
        "type": event.type,
        "time": time_text(event.occurred_at),
        "subject": customer_id,
        "datacontenttype": "application/json",
        "data": dict(event.data),
    }
    return json.dumps(plain, ensure_ascii=False, separators=(",", ":")).encode()


async def _sleep_or_stop(stop: asyncio.Event, seconds: float) -> None:
    with contextlib.suppress(asyncio.TimeoutError):
        await asyncio.wait_for(stop.wait(), seconds)
