"""Once a day, what is older than the `retention` of postventa.yaml goes. What is not named there is kept for ever."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from postventa.core import schedule
from postventa.core.values import as_time, time_text
from postventa.engine.engine import Engine
from postventa.errors import StoreError

log = logging.getLogger("postventa.engine")

KEY = "retention"
"""Under this name the store keeps when it was last done."""
EVERY = timedelta(days=1)
LOOK_AGAIN = 600.0
"""Real seconds between looks at whether a day has passed."""


async def keep_to_it(engine: Engine, now: Callable[[], datetime], stop: asyncio.Event) -> None:
    """Drop old rows at start, if a day has passed since the last time, and daily from then on, until `stop` is set."""
    while not stop.is_set():
        try:
            await if_due(engine, now())
        except StoreError as error:
            log.error("old rows stay for now, the store is not there: %s", error)  # noqa: TRY400
        with contextlib.suppress(asyncio.TimeoutError):
            await asyncio.wait_for(stop.wait(), LOOK_AGAIN)


async def if_due(engine: Engine, now: datetime) -> dict[str, int] | None:
    """Drop what is too old; gives how many rows of each table, None where the last time is less than a day ago.

    Of several engines one does it, and one that is interrupted goes on tomorrow: it counts as done before it begins.
    """
    async with engine.store.alone(KEY) as mine:
        last = as_time(await engine.store.views.control(KEY))
        if not mine or (last is not None and now - last < EVERY):
            return None
        async with engine.store.transaction() as tx:
            await tx.set_control(KEY, time_text(now))
        return await _drop(engine, now)


async def _drop(engine: Engine, now: datetime) -> dict[str, int]:
    settings = (await engine.releases.live()).project.settings
    dropped: dict[str, int] = {}
    for table, span in settings.retention:
        if span is not None:
            before = schedule.add(now, span, ZoneInfo(settings.timezone), sign=-1)
            dropped |= await engine.store.prune({table}, before)
    if any(dropped.values()):
        log.info("dropped by age: %s", ", ".join(f"{count} {table}" for table, count in sorted(dropped.items())))
    return dropped
