"""What an operator does to an engine: pause, resume, skip. The same for the private pages and for the command line."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from postventa.engine.engine import Engine
from postventa.engine.receipts import Settled, settle
from postventa.store.base import SKIPPED, Pause, Store

_TOGETHER = 200
_ALL = 1_000_000


async def pause(store: Store, scope: str, reason: str, by: str, now: datetime) -> None:
    """Nothing of `scope` ("all", "journey:<id>", "channel:<name>") leaves from now on; nothing is dropped."""
    async with store.transaction() as tx:
        await tx.set_pause(Pause(scope, reason, now, by))
        await tx.audit(now, by, "pause", {"scope": scope, "reason": reason})


async def resume(
    engine: Engine, scope: str, by: str, now: datetime, skip_before: datetime | None = None
) -> dict[str, Any]:
    """Let `scope` go on, after leaving out what was decided before `skip_before`. Tells what it did."""
    skipped = 0 if skip_before is None else await skip(engine, scope, by, now, skip_before)
    async with engine.store.transaction() as tx:
        was_paused = await tx.clear_pause(scope)
        await tx.audit(now, by, "resume", {"scope": scope, "skipped": skipped})
    return {"was_paused": was_paused, "skipped": skipped}


async def skip(engine: Engine, scope: str, by: str, now: datetime, before: datetime) -> int:
    """Give up pending messages of `scope` decided before a moment; their runs go on without them."""
    rows = [
        row
        for row in await engine.store.views.messages(limit=_ALL)
        if row.state == "pending" and row.created_at < before and _within(scope, row.journey, row.channel)
    ]
    why = f"{SKIPPED} ({by})" if by else SKIPPED
    for start in range(0, len(rows), _TOGETHER):
        group = rows[start : start + _TOGETHER]
        ends = [Settled(row.effect_id, row.customer_id, "gave_up", now, row.attempt, why) for row in group]
        await settle(engine, ends, now)
    return len(rows)


def _within(scope: str, journey: str | None, channel: str | None) -> bool:
    return scope in {"all", f"journey:{journey}", f"channel:{channel}"}
