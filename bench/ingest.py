"""Durable events per second of the whole path beside a raw sqlite3 loop that writes the same rows.

The whole path: JSON lines are posted to the private address of a real `postventa run` in a process of its own, over
two connections at once, as a platform does that has much to tell, and over one; each answer comes after its commit.
Every event starts a run. The raw loop runs the very statements that such batches gave the database (recorded once, the
same rows, bytes and transactions, synchronous=FULL), and nothing else. They take turns. Sending is paused: the mails
wait in the outbox, for their dispatch is no part of taking events in.
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
from concurrent.futures import ThreadPoolExecutor
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


def measure(rounds: int, customers: int = 500) -> list[Figure]:
    """Medians of the ratios of `rounds` rounds; in each, four streams of three batches of `customers` events go in: two
    at once, then two after one another."""
    with tempfile.TemporaryDirectory(prefix="postventa-bench-") as folder:
        copy_to(project := Path(folder) / "project")
        logs = asyncio.run(recorded(project, Path(folder) / "recorded.db", 4 * rounds, customers))
        asyncio.run(_empty(Path(folder) / "raw.db"))
        paces: list[tuple[float, float, float]] = []
        with engine(project) as address:
            for number in range(rounds):
                one, two, three, four = bodies(range(4 * number, 4 * number + 4), customers)
                events = 2 * sum(body.count(b"\n") for body in one)
                at_once = events / _posted(address, one, two)
                in_turn = events / (_posted(address, three) + _posted(address, four))
                raw = (
                    2 * events / sum(replay(Path(folder) / "raw.db", log) for log in logs[4 * number : 4 * number + 4])
                )
                paces.append((at_once, in_turn, raw))
    kept = paces[1:] or paces  # the first warms both up
    return [
        _figure("durable events, of a raw loop", [(at_once, raw) for at_once, _, raw in kept]),
        _figure("the same over one connection", [(in_turn, raw) for _, in_turn, raw in kept]),
    ]


def _figure(name: str, paces: list[tuple[float, float]]) -> Figure:
    ratio = median(here / raw for here, raw in paces)
    beside = f"{median(here for here, _ in paces):,.0f} events/s beside {median(raw for _, raw in paces):,.0f} raw"
    return Figure(name, ratio, "", 0.4, 0.25, "more", beside)


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


def _posted(address: str, *streams: list[bytes]) -> float:
    """Seconds until all is answered; each stream is a connection of its own, its requests one after the other."""
    begun = perf_counter()
    with ThreadPoolExecutor(len(streams)) as hands:
        for done in [hands.submit(_stream, address, requests) for requests in streams]:
            done.result()
    return perf_counter() - begun


def _stream(address: str, requests: list[bytes]) -> None:
    connection = http.client.HTTPConnection(address)
    for body in requests:
        told = _ask(address, "/v1/events", body, connection)
        assert told["accepted"] == body.count(b"\n"), told
    connection.close()


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
