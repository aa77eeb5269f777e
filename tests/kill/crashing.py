"""A worker that ends or stops itself at one exact point: `crashing.py POINT SIGNAL NTH MARK worker --project DIR`.

The ports are wrapped from outside, the product knows nothing of it. At the NTH time the point is reached, MARK is
written and the process sends itself SIGNAL.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Awaitable, Callable
from itertools import count
from pathlib import Path
from typing import Any

from postventa.channels.smtp import SmtpChannel
from postventa.cli.main import run
from postventa.store.postgres_pool import Connections
from postventa.store.postgres_transaction import PostgresTransaction

POINT, SIGNAL, NTH, MARK = sys.argv[1], signal.Signals[sys.argv[2]], int(sys.argv[3]), Path(sys.argv[4])
CALLS = {"batch": "set_positions", "ack": "set_positions", "timer": "due_customers", "claim": "set_claimed"}
"""Point -> the call by which its transaction is known."""
AFTER_COMMIT = {"ack", "claim"}
reached = count(1)
marked: set[int] = set()
"""Transactions of the kind that is looked for, by their connection's identity."""


def strike() -> None:
    """This process is gone, or stands still, before the next line runs."""
    if next(reached) == NTH:
        MARK.write_text(POINT)
        os.kill(os.getpid(), SIGNAL)


def noted(original: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
    """The call, remembered when it concerned anything."""

    async def call(self: PostgresTransaction, *values: Any) -> Any:
        found = await original(self, *values)
        if found if POINT in {"timer", "claim"} else values[0]:
            marked.add(id(self._connection))
        return found

    return call


def struck(original: Callable[..., Awaitable[None]]) -> Callable[..., Awaitable[None]]:
    """The commit, with the strike before or after it."""

    async def commit(self: Connections, connection: Any) -> None:
        ours = id(connection) in marked
        marked.discard(id(connection))
        if ours and POINT not in AFTER_COMMIT:
            strike()
        await original(self, connection)
        if ours and POINT in AFTER_COMMIT:
            strike()

    return commit


def answered(original: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
    """The mail server has taken the mail; nobody here knows yet."""

    async def deliver(self: SmtpChannel, *values: Any) -> Any:
        receipt = await original(self, *values)
        strike()
        return receipt

    return deliver


if POINT in CALLS:
    name = CALLS[POINT]
    setattr(PostgresTransaction, name, noted(getattr(PostgresTransaction, name)))
    Connections._commit = struck(Connections._commit)  # type: ignore[method-assign]
else:
    SmtpChannel.deliver = answered(SmtpChannel.deliver)  # type: ignore[method-assign]
sys.exit(run(sys.argv[5:]))
