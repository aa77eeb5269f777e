"""Faust agents as anybody writes them, to measure ours by: `python -m bench.faust_agents ack|row SERVERS TOPIC TOTAL`.

`ack` does nothing with a record but take it, and Faust acknowledges it. `row` writes one row for each record into
PostgreSQL (its address in BENCH_DATABASE), committed before the next one. Prints what the records after the first tenth
took: how many they were, seconds, and seconds of processor time.
"""

from __future__ import annotations

import json
import os
import sys
import time
from typing import Any

import asyncpg
import faust

KIND, SERVERS, TOPIC, TOTAL = (sys.argv[1:] + [""] * 4)[:4]
INSERT = "insert into seen (source, id, at, data) values ($1, $2, $3, $4)"
TABLE = """
    create table seen (source text, id text, at text, data jsonb, primary key (source, id))"""


def app_of(kind: str, servers: str, topic: str, total: int) -> faust.App:
    """The app with its one agent; ends itself after the last record."""
    app = faust.App(
        f"bench-{kind}-{os.getpid()}", broker=f"kafka://{servers}", web_enabled=False, topic_disable_leader=True
    )
    records = app.topic(topic, value_type=bytes, value_serializer="raw")
    watch = _Watch(total)

    async def ack(stream: Any) -> None:
        async for _ in stream:
            watch.one()

    async def row(stream: Any) -> None:
        database = await asyncpg.connect(os.environ["BENCH_DATABASE"])
        await database.execute(TABLE)
        async for value in stream:
            event = json.loads(value)
            await database.execute(INSERT, event["source"], event["id"], event["time"], json.dumps(event["data"]))
            watch.one()

    app.agent(records)({"ack": ack, "row": row}[kind])
    return app


class _Watch:
    """Counts, and tells the times."""

    def __init__(self, total: int) -> None:
        self._total = total
        self._done = 0
        self._warm = (0.0, 0.0)

    def one(self) -> None:
        self._done += 1
        if self._done == self._total // 10:
            self._warm = (time.perf_counter(), time.process_time())
        if self._done == self._total:
            took, busy = time.perf_counter() - self._warm[0], time.process_time() - self._warm[1]
            print("done", self._total - self._total // 10, took, busy, file=sys.__stdout__, flush=True)


if __name__ == "__main__":
    app = app_of(KIND, SERVERS, TOPIC, int(TOTAL))
    faust.Worker(app, loglevel="warning", redirect_stdouts=False, quiet=True).execute_from_commandline()
