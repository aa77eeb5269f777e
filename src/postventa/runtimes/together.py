"""Parts of one process that run side by side until it is stopped, or until one of them ends: then all do.

An engine that only half works is worse than one that is started again.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from typing import Any

log = logging.getLogger("postventa.engine")

FAILED = 70
Work = Sequence[asyncio.Task[None]]


async def run_together(
    parts: Sequence[tuple[str, Coroutine[Any, Any, None]]],
    stop: asyncio.Event,
    end: Callable[[Work], Awaitable[None]],
    started: Callable[[], None],
) -> int:
    """Start every part by name, call `started`, wait for `stop` or the first that ends, then for `end`, which must see
    every part off. Gives the exit code: 70 when a part ended by itself, with the reason in the log.
    """
    work = [asyncio.create_task(part, name=name) for name, part in parts]
    started()
    stopping = asyncio.create_task(stop.wait(), name="stop")
    await asyncio.wait([stopping, *work], return_when=asyncio.FIRST_COMPLETED)
    alone = [] if stop.is_set() else [task for task in work if task.done()]
    await end(work)
    stopping.cancel()
    return _explain(work, alone)


def _explain(work: Work, alone: Work) -> int:
    """Say which part ended and why; 70 when one did by an error, or by itself (`alone`)."""
    code = 0
    for task in work:
        error = None if task.cancelled() else task.exception()
        if error is not None:
            log.critical("the part '%s' stopped: %s", task.get_name(), error, exc_info=error)
            code = FAILED
        elif task in alone:
            log.critical("the part '%s' ended by itself", task.get_name())
            code = FAILED
    return code
