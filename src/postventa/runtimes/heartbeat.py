"""The engine's pulse, and what its absence means: after a restore or a long stop mail waits for a word."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from datetime import UTC, datetime, timedelta

from postventa.core.values import as_time, time_text
from postventa.errors import StoreError
from postventa.store.base import PULSE, Pause, Store

log = logging.getLogger("postventa.engine")

EVERY = 30.0
TOO_OLD = timedelta(minutes=15)


async def beat(store: Store, stop: asyncio.Event) -> None:
    """Write the real time into the store twice a minute until `stop` is set."""
    while not stop.is_set():
        try:
            await mark(store)
        except StoreError as error:
            log.error("the heartbeat cannot be written: %s", error)  # noqa: TRY400
        with contextlib.suppress(asyncio.TimeoutError):
            await asyncio.wait_for(stop.wait(), EVERY)


async def mark(store: Store) -> None:
    """One pulse."""
    async with store.transaction() as tx:
        await tx.set_control(PULSE, time_text(datetime.now(UTC)))


async def guard(store: Store, *, real_channel: bool) -> Pause | None:
    """At start: pause everything when the last pulse is old and mail would reach people. Gives the pause it set.

    What became due meanwhile, or was already sent before a backup was restored, would leave at once otherwise.
    """
    last = as_time(await store.views.control(PULSE))
    if not real_channel or last is None or datetime.now(UTC) - last < TOO_OLD:
        return None
    return await hold(store, f"the engine last ran at {last:%Y-%m-%d %H:%M} UTC: a restored backup or a long stop")


async def hold(store: Store, why: str) -> Pause | None:
    """Pause everything until a person says how to go on; None where everything is paused already."""
    if any(pause.scope == "all" for pause in await store.views.pauses()):
        return None
    reason = (
        f"{why}. Mail that is due waits for your word: 'postventa resume --all', or '--skip-before TIME' to leave out "
        f"what is older"
    )
    pause = Pause("all", reason, datetime.now(UTC), "postventa")
    async with store.transaction() as tx:
        await tx.set_pause(pause)
        await tx.audit(pause.at, "postventa", "pause", {"scope": "all", "reason": reason})
    return pause
