"""A worker as a process of its own: `python worker.py DSN SCHEMA MODE WORDS…`. It prints one JSON line per thing told.

Every mode says "ready" and begins when a line comes in, so that several begin at the same moment.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1] / "engine"))

from engine_shop import T0, paid, placed

from postventa.core.event import Event
from postventa.engine.batch import take
from postventa.engine.engine import open_engine
from postventa.engine.receipts import claim
from postventa.errors import StoreBusy
from postventa.store.base import CustomerWrite, HistoryRow
from postventa.store.postgres import Limits, PostgresStore

LIMITS = Limits(idle_in_transaction=timedelta(seconds=1))
NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)


def tell(**what: Any) -> None:
    print(json.dumps(what), flush=True)


def wait_for_the_gate() -> None:
    tell(ready=True)
    sys.stdin.readline()


async def count_up(store: PostgresStore, customer: str, times: str) -> None:
    """Add one to a fact, so many times, each in a transaction of its own."""
    wait_for_the_gate()
    for _ in range(int(times)):
        async with store.transaction() as tx:
            state = (await tx.lock_customers([customer]))[customer]
            after = state.fork()
            after.now, after.facts = NOON, {"n": state.facts.get("n", 0) + 1}
            row = HistoryRow(customer, tx.seq_of(customer) + 1, NOON, "timer", "r")
            await tx.save([CustomerWrite(state, after, (row,))])
    tell(done=True)


async def stop_inside(store: PostgresStore, customer: str) -> None:
    """Take an event in; stand still (SIGSTOP) in the middle of the first try; on waking, do as every worker does."""
    event = Event("e-1", "shop", "order.paid", NOON)
    wait_for_the_gate()
    while True:
        try:
            async with store.transaction() as tx:
                state = (await tx.lock_customers([customer]))[customer]
                fresh = await tx.fresh_events([(customer, *event.key)])
                if "stopped" not in seen:
                    seen.add("stopped")
                    os.kill(os.getpid(), signal.SIGSTOP)
                if fresh:
                    after = state.fork()
                    after.now, after.facts = NOON, {"by": "the one that slept"}
                    row = HistoryRow(customer, tx.seq_of(customer) + 1, NOON, "event", "r")
                    await tx.save([CustomerWrite(state, after, (row,), ((event, NOON),))])
        except StoreBusy as error:
            tell(cut=str(error))
        else:
            tell(fresh=len(fresh))
            return


seen: set[str] = set()


async def dispatch(store: PostgresStore) -> None:
    """Claim until nothing is left; tell what came into these hands."""
    wait_for_the_gate()
    mine: dict[str, int] = {}
    while True:
        async with store.transaction() as tx:
            rows = await tx.claimable(NOON, 3, ())
            if not rows:
                break
            mine |= await tx.set_claimed({row.effect_id: None for row in rows}, timedelta(minutes=5))
    tell(claimed=mine)


async def buy_and_claim(store: PostgresStore, order: str) -> None:
    """One order of a customer whose shop sends one mail a week; then whatever may leave is claimed."""
    engine = await open_engine(store, "a secret for tests")
    await take(engine, [placed(order, customer_id="ana", email="ana@example.com")], T0)
    wait_for_the_gate()
    hour = T0 + timedelta(hours=1)
    await take(engine, [paid(order)], hour)
    claimed = await claim(engine, hour)
    tell(claimed=[one.record.effect_id for one in claimed])


MODES: dict[str, Callable[..., Awaitable[None]]] = {
    "count": count_up, "stop": stop_inside, "dispatch": dispatch, "buy": buy_and_claim,
}  # fmt: skip


async def main(dsn: str, schema: str, mode: str, *words: str) -> None:
    store = PostgresStore(dsn, schema=schema, limits=LIMITS)
    await store.open()
    await MODES[mode](store, *words)
    await store.close()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
