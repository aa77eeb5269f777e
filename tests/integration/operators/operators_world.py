"""A project on disk in trouble: mails in doubt, a run that failed, records that could not be used; its engine."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from engine_shop import FILES, T0, paid, placed, project

from postventa.core.state import Stand
from postventa.engine.batch import take
from postventa.engine.engine import Engine, open_engine
from postventa.engine.receipts import Settled, claim, settle
from postventa.store.base import CustomerWrite, DeadLetter, HistoryRow
from postventa.store.sqlite import SqliteStore

NOW = T0 + timedelta(hours=1)
KEYS = "test:0123456789abcdef0123456789abcdef"
SETTINGS = FILES["postventa.yaml"] + b"listen: {public: '127.0.0.1:0', private: '127.0.0.1:0'}\n"
THANKS = FILES["journeys/thanks.yaml"].replace(b"2 days", b"9000 days")  # on the real clock nobody's time comes
READABLE = {"id": "o-9/placed", "source": "shop", "type": "order.placed", "time": "2026-03-02T09:00:00Z",
            "data": {"order_id": "o-9", "customer": {"customer_id": "zoe", "email": "zoe@example.com"}}}  # fmt: skip


def make(folder: Path) -> Path:
    """The project with its database. ana's and bob's mails are in doubt, cleo's run failed, dan's waits at a timer."""
    for name, raw in (FILES | {"postventa.yaml": SETTINGS, "journeys/thanks.yaml": THANKS}).items():
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(raw)
    (folder / ".postventa").mkdir()
    asyncio.run(_fill(folder / ".postventa" / "state.db"))
    return folder


async def _fill(database: Path) -> None:
    store = SqliteStore(database)
    await store.open()
    engine = await open_engine(store, KEYS.partition(":")[2])
    await engine.releases.publish(project(postventa=SETTINGS, journeys__thanks=THANKS), T0)
    for name in ("ana", "bob", "cleo", "dan"):
        await take(engine, [placed(f"o-{name}", customer_id=name, email=f"{name}@example.com"), paid(f"o-{name}")], NOW)
    for message in await claim(engine, NOW):
        async with store.transaction() as tx:
            await tx.intents({message.record.effect_id: message.attempt}, NOW)
        doubt = message.record.customer_id in {"ana", "bob"}
        result, detail = ("uncertain", "the connection was lost") if doubt else ("sent", "250 ok")
        row = message.record
        ended = Settled(row.effect_id, row.customer_id, result, NOW, message.attempt, detail)
        await settle(engine, [ended], NOW)
    await _park(engine, "cleo")
    letters = [
        DeadLetter("http", "expected a known event type", json.dumps(READABLE), NOW, "/type"),
        DeadLetter("orders/0/17", "expected JSON", "not JSON at all", NOW),
        DeadLetter("http", "expected JSON", "neither is this", NOW),
    ]
    async with store.transaction() as tx:
        await tx.put_dead_letters(letters)
    await store.close()


async def _park(engine: Engine, customer: str) -> None:
    async with engine.store.transaction() as tx:
        before = (await tx.lock_customers([customer]))[customer]
        after = before.fork()
        (run,) = after.runs.values()
        stand = Stand("parked", NOW, reason="KeyError: 'weight'", resume=run.stand)
        after.runs = {run.run_id: replace(run, stand=stand)}
        row = HistoryRow(customer, tx.seq_of(customer) + 1, NOW, "timer", "r")
        await tx.save([CustomerWrite(before, after, (row,))])


class Running:
    """`postventa run` on the project, as a process."""

    def __init__(self, folder: Path, *words: str) -> None:
        self.log = folder / "engine.log"
        beacon = folder / ".postventa" / "state.db.engine"
        command = [sys.executable, "-m", "postventa.cli.main", "run", "--project", str(folder), *words]
        env = os.environ | {"POSTVENTA_KEYS": KEYS}
        with self.log.open("ab") as out:
            self.process = subprocess.Popen(command, env=env, stdout=out, stderr=out)
        while not beacon.exists():
            assert self.process.poll() is None, self.log.read_text(encoding="utf-8")
            time.sleep(0.02)
        self.url = json.loads(beacon.read_text())["url"]

    def stop(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout=30)
