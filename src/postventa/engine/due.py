"""What time brings: due customers go through `advance`, and what waited too long leaves the waiting room."""

from __future__ import annotations

from datetime import datetime, timedelta

from postventa.core.event import Tick
from postventa.engine.batch import dead_letter
from postventa.engine.engine import Engine
from postventa.engine.identity import WAITING
from postventa.engine.work import Work


async def sweep(engine: Engine, now: datetime, limit: int = 500) -> int:
    """Fire what is due by `now` for up to `limit` customers in one transaction; gives how many it moved.

    Call it again while it gives `limit`.
    """

    async def body(work: Work) -> int:
        customers = await work.tx.due_customers(now, limit)
        if not customers:
            return 0
        await work.lock(customers)
        moved = 0
        for customer in customers:
            due = work.state(customer).due_at
            if due is not None and due <= now:
                work.advance(customer, Tick(), now)
                moved += 1
        await work.save()
        return moved

    return await engine.transact(body)


async def expire_waiting(engine: Engine, now: datetime, longest: timedelta = WAITING) -> int:
    """Events whose order did not come within `longest` become dead letters; gives how many."""
    async with engine.store.transaction() as tx:
        expired = await tx.expire_waiting(now - longest)
        if expired:
            hours = f"{longest.total_seconds() / 3600:g} hours"
            await tx.put_dead_letters([
                dead_letter(one.event, f"order {one.order_id} did not come within {hours}", now) for one in expired
            ])  # fmt: skip
        return len(expired)
