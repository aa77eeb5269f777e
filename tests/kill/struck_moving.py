"""An engine that dies while people go over: `struck_moving.py POINT NTH ARMED MARK run --dev --project DIR`.

The ports are wrapped from outside, the product knows nothing of it. Once the file ARMED is there, the NTH time that the
point is reached MARK is written and the process kills itself: within a batch (`one`), with all of it written and
nothing committed (`audit`), or with one batch committed and the next to come (`batch`).
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Awaitable, Callable
from itertools import count
from pathlib import Path
from typing import Any

from postventa.cli.main import run
from postventa.engine import moving
from postventa.store.sqlite_transaction import SqliteTransaction

POINT, NTH, ARMED, MARK = sys.argv[1], int(sys.argv[2]), Path(sys.argv[3]), Path(sys.argv[4])
moving.TOGETHER = 3  # many batches, so that there is something between them
reached = count(1)


def strike() -> None:
    """The process is gone before the next line runs."""
    if ARMED.exists() and next(reached) == NTH:
        MARK.write_text(POINT)
        os.kill(os.getpid(), signal.SIGKILL)


def one(original: Callable[..., moving.Pass]) -> Callable[..., moving.Pass]:
    """Some customers of the batch have gone over, in memory."""

    def struck(*values: Any) -> moving.Pass:
        done = original(*values)
        if done.moved:
            strike()
        return done

    return struck


def audit(original: Callable[..., Awaitable[None]]) -> Callable[..., Awaitable[None]]:
    """Everything is written, nothing committed."""

    async def struck(self: SqliteTransaction, *values: Any) -> None:
        await original(self, *values)
        if "move people" in values:
            strike()

    return struck


def batch(original: Callable[..., Awaitable[moving.Pass]]) -> Callable[..., Awaitable[moving.Pass]]:
    """A batch is committed, the next one has not begun."""

    async def struck(*values: Any) -> moving.Pass:
        done = await original(*values)
        if done.moved:
            strike()
        return done

    return struck


if POINT == "one":
    moving._one = one(moving._one)
elif POINT == "audit":
    SqliteTransaction.audit = audit(SqliteTransaction.audit)  # type: ignore[method-assign]
else:
    moving._batch = batch(moving._batch)
sys.exit(run(sys.argv[5:]))
