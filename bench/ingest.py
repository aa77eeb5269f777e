"""Durable events per second of the whole path beside a raw sqlite3 loop that writes the same rows.

The whole path: JSON lines are posted to the private address of a real `postventa run` in a process of its own; each
answer comes after its commit. The raw loop runs the very statements that such a batch gave the database (recorded once,
the same rows, bytes and transactions, synchronous=FULL), and nothing else. Both take turns. Sending is paused: the
mails wait in the outbox, for their dispatch is no part of taking events in.
"""

from __future__ import annotations

import asyncio
import http.client
import json
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from time import perf_counter

from bench.figure import Figure
from bench.people import bodies
from bench.recorder import Log, Recorder, replay
from postventa.engine.batch import take
from postventa.engine.engine import open_engine
from postventa.errors import RecordError
from postventa.project import Project
from postventa.schemas.parse import parse_many
from postventa.starter import copy_to
from postventa.store.sqlite import SqliteStore


def measure(rounds: int, customers: int = 500) -> Figure:
    """Median of the ratios of `rounds` rounds, each of three batches of `customers` events."""
    with tempfile.TemporaryDirectory(prefix="postventa-bench-") as folder:
        copy_to(project := Path(folder) / "project")
        logs = asyncio.run(recorded(project, Path(folder) / "recorded.db", rounds, customers))
        asyncio.run(_empty(Path(folder) / "raw.db"))
        whole, ratios = [], []
        with engine(project) as address:
            for number, (log, requests) in enumerate(zip(logs, bodies(range(rounds), customers), strict=True)):
                events = sum(body.count(b"\n") for body in requests)
                here = events / _posted(address, requests)
                ratio = here / (events / replay(Path(folder) / "raw.db", log))
                if number or rounds == 1:  # the first warms both up
                    whole.append(here)
                    ratios.append(ratio)
    beside = f"{median(whole):,.0f} events/s beside {median(whole) / median(ratios):,.0f} raw"
    return Figure("durable events, of a raw loop", median(ratios), "", 0.4, 0.25, "more", beside)


@contextmanager
def engine(project: Path) -> Iterator[str]:
    """A running engine: its private address."""
    postventa = [sys.executable, "-m", "postventa.cli.main"]
    subprocess.run([*postventa, "publish", "--project", str(project)], check=True, capture_output=True)
    running = subprocess.Popen(
        [*postventa, "run", "--project", str(project), "--port", "0"],
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
    )  # fmt: skip
    try:
        assert running.stdout is not None
        found = next(one for line in running.stdout if (one := re.search(r"POST http://([^/]+)/", line)))
        _ask(found[1], "/v1/pause", json.dumps({"scope": "all", "reason": "bench"}).encode())
        yield found[1]
    finally:
        running.terminate()
        running.wait(30)


def _posted(address: str, requests: list[bytes]) -> float:
    """Seconds for these requests, one after the other on one connection."""
    connection = http.client.HTTPConnection(address)
    begun = perf_counter()
    for body in requests:
        told = _ask(address, "/v1/events", body, connection)
        assert told["accepted"] == body.count(b"\n"), told
    took = perf_counter() - begun
    connection.close()
    return took


def _ask(address: str, path: str, body: bytes, connection: http.client.HTTPConnection | None = None) -> dict[str, int]:
    connection = connection or http.client.HTTPConnection(address)
    connection.request("POST", path, body, {"Content-Type": "application/x-ndjson" if "events" in path else _JSON})
    answer = connection.getresponse()
    told: dict[str, int] = json.loads(answer.read())
    assert answer.status < 300, told
    return told


_JSON = "application/json"


async def recorded(project: Path, database: Path, rounds: int, customers: int) -> list[Log]:
    """What each round's batches give the database, taken down from an engine in this process."""
    loaded = Project.load(project)
    store = SqliteStore(database)
    await store.open()
    logs: list[Log] = []
    try:
        engine = await open_engine(store, "bench")
        await engine.releases.publish(loaded, datetime.now(UTC), "bench", "")
        await engine.releases.live()
        recorder = Recorder(store)
        for requests in bodies(range(rounds), customers):
            for body in requests:
                now = datetime.now(UTC)
                read = parse_many(body, registry=loaded.registry, now=now)
                await take(engine, [one for one in read if not isinstance(one, RecordError)], now)
            logs.append(recorder.taken())
    finally:
        await store.close()
    return logs


async def _empty(database: Path) -> None:
    store = SqliteStore(database)
    await store.open()
    await store.close()
