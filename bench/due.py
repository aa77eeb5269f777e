"""A look at the timers with 1,000 and with 100,000 waiting runs; what they add to resident memory.

Each store holds so many customers whose run waits until later, and 50 that are due. A scan asks for the due ones; it
runs in a process of its own for the memory, the store being opened on a full database.
"""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median
from time import perf_counter

from bench.figure import Figure
from postventa.core.event import Event
from postventa.core.state import CustomerState, Run, Stand
from postventa.store.base import CustomerWrite, HistoryRow
from postventa.store.sqlite import SqliteStore

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
DUE = 50


def measure(rounds: int, many: int = 100_000, few: int = 1_000) -> list[Figure]:
    """The cost of a scan, and the memory, as ratios of many to few."""
    with tempfile.TemporaryDirectory(prefix="postventa-bench-") as folder:
        small, large = Path(folder) / "few.db", Path(folder) / "many.db"
        for database, waiting in ((small, few), (large, many)):
            asyncio.run(_fill(database, waiting))
        scans = asyncio.run(_scans(small, large, rounds))
        memory = [_memory(database) for database in (small, large)]
    beside = f"{scans[1] * 1e6:.0f} µs with {many:,} waiting runs, {scans[0] * 1e6:.0f} µs with {few:,}"
    grown = f"{memory[1] / 1e6:.1f} MB and {memory[0] / 1e6:.1f} MB after the scans"
    return [
        Figure("due scan, many to few waiting", scans[1] / scans[0], "", 1.3, 1.3, "less", beside),
        Figure("resident memory, many to few", memory[1] / memory[0], "", 1.1, 1.1, "less", grown),
    ]


async def _fill(database: Path, waiting: int) -> None:
    store = SqliteStore(database)
    await store.open()
    try:
        for start in range(0, waiting + DUE, 2_000):
            writes = [_write(number, due=number < DUE) for number in range(start, min(start + 2_000, waiting + DUE))]
            async with store.transaction() as tx:
                await tx.lock_customers([one.after.customer_id for one in writes])
                await tx.save(writes)
    finally:
        await store.close()


def _write(number: int, *, due: bool) -> CustomerWrite:
    name, order = f"c-{number:06}", f"o-{number:06}"
    start = Event(f"e-{number}", "bench", "order.paid", NOW, {"order_id": order, "total": "59.80"}, {"order": order})
    at = NOW - timedelta(minutes=1) if due else NOW + timedelta(days=1, seconds=number)
    run = Run(
        f"{number:032x}", "after-purchase", "v1", ("order", order), {"order": order}, start, NOW, NOW, 1,
        Stand("timer", NOW, at),
    )  # fmt: skip
    after = CustomerState(name, NOW, {"email": f"{name}@example.com"}, runs={run.run_id: run})
    row = HistoryRow(name, 1, NOW, "event", "r", {"source": "bench", "id": start.id})
    return CustomerWrite(CustomerState(name), after, (row,), ((start, NOW),))


async def _scans(small: Path, large: Path, rounds: int) -> tuple[float, float]:
    """Median seconds of a scan of each, by turns."""
    stores = [SqliteStore(path) for path in (small, large)]
    for store in stores:
        await store.open()
    took: list[list[float]] = [[], []]
    try:
        for _ in range(rounds):
            for number, store in enumerate(stores):
                async with store.transaction() as tx:
                    begun = perf_counter()
                    found = await tx.due_customers(NOW, 500)
                    took[number].append(perf_counter() - begun)
                assert len(found) == DUE, found
    finally:
        for store in stores:
            await store.close()
    return median(took[0]), median(took[1])


def _memory(database: Path) -> float:
    """Bytes resident in a process that opened this store, looked at its timers and moved who was due."""
    told = subprocess.run(
        [sys.executable, "-m", "bench.due", str(database)], check=True, capture_output=True, text=True
    )
    return float(told.stdout)


async def _open_and_look(database: Path) -> None:
    store = SqliteStore(database)
    await store.open()
    try:
        async with store.transaction() as tx:
            await tx.lock_customers(await tx.due_customers(NOW, 500))
        await store.views.next_due()
    finally:
        await store.close()


def _resident() -> int:
    """Bytes of this process in memory now; where the system does not say, at its largest."""
    status = Path(f"/proc/{os.getpid()}/status")
    if status.exists():
        lines = status.read_text().splitlines()
        return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmRSS"))
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


if __name__ == "__main__":
    asyncio.run(_open_and_look(Path(sys.argv[1])))
    print(_resident())
