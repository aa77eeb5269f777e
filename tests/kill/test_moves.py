"""The files change again and again under load, and the engine is killed while people go over to the new version.

`run --dev` publishes each save; the file says `retime` and `follow` in turn, with another wait and a step more or less.
KILLS sets how often the engine is killed right after a save (default 6); SEED repeats a run's choices.
"""

from __future__ import annotations

import asyncio
import os
import random
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from kill_checks import (
    each_took_effect_once,
    every_message_left_or_is_uncertain,
    every_repetition_is_explained,
    messages_of,
    the_history_gives_the_store,
)
from mail_sink import FAST, Sink, running_sink
from world import FILES, Engine, Shop, write_project

from postventa.store.sqlite import SqliteStore

pytestmark = pytest.mark.kill

KILLS = int(os.environ.get("KILLS", "6"))
SEED = int(os.environ.get("SEED", str(time.time_ns() % 100_000)))
CARE = FILES["journeys/care.yaml"]
VERSIONS = [
    CARE.replace("steps:", f"edits: {word}\nsteps:").replace(
        "  - wait: 3 seconds\n", f"  - wait: {wait}\n    id: pause\n{more}"
    )
    for word, wait, more in (
        ("retime", "6 seconds", ""),
        ("follow", "2 seconds", "  - wait: 1 second\n    id: nap\n"),
        ("retime", "1 second", ""),
        ("follow", "9 seconds", "  - set: {run.seen: true}\n    id: seen\n"),
    )
]


@pytest.fixture
def sink(tmp_path: Path) -> Iterator[Sink]:
    with running_sink(tmp_path) as sink:
        yield sink


async def test_a_kill_while_people_go_over_loses_and_repeats_nothing(tmp_path: Path, sink: Sink) -> None:
    rng, project = random.Random(SEED), tmp_path / "project"
    write_project(project, sink.port)
    file, database = project / "journeys" / "care.yaml", project / ".postventa" / "state.db"
    engine = Engine(project)
    engine.start()
    shop = Shop(engine, rng)
    shop.start()
    in_doubt: set[str] = set()
    for number in range(KILLS):
        await asyncio.sleep(2 + rng.random() * 2)
        file.write_text(VERSIONS[number % len(VERSIONS)], encoding="utf-8")
        await asyncio.sleep(0.2 + rng.random())  # the watcher waits 0.3 s, then people go over
        engine.kill()
        store = SqliteStore(database, readonly=True)
        await store.open()
        in_doubt |= {row.effect_id for row in await messages_of(store) if row.state == "sending"}
        await store.close()
        engine.start()
    shop.closed.set()
    shop.join(timeout=60)
    sink.pace(FAST)
    first = run("publish", "--list", project=project).splitlines()[-1].split()[0]
    assert "is live again" in run("publish", "--to", first, project=project)
    wait_until_quiet(engine)
    assert engine.stop() == 0
    store = SqliteStore(database, readonly=True)
    await store.open()
    rows, taken = await messages_of(store), sink.taken()
    moves = [one["detail"] for one in await store.views.audited(100_000) if one["what"] == "move people"]
    moved = sum(one["moved"] for one in moves)
    print(f"\nseed {SEED}: {KILLS} kills, {len(shop.accepted)} events, {moved} runs moved in {len(moves)} batches, "
          f"{len(rows)} messages: {dict(Counter(row.state for row in rows))}; {sum(taken.values())} mails")  # fmt: skip
    assert moved
    await each_took_effect_once(store, shop.accepted)
    await the_history_gives_the_store(store)
    await store.close()
    every_message_left_or_is_uncertain(rows, taken)
    every_repetition_is_explained(rows, taken, in_doubt)
    told = Counter((row.run_ids[0], row.message) for row in rows)
    assert set(told.values()) == {1}
    thanked = {row.run_ids[0] for row in rows if row.message == "thanks" and row.state != "cancelled"}
    tipped = {row.run_ids[0] for row in rows if row.message == "tip"}
    ended = await cancelled_runs(database)
    assert thanked - tipped <= ended, "a run that nobody cancelled went without its tip"


async def cancelled_runs(database: Path) -> set[str]:
    """Runs that their order's end ended."""
    store = SqliteStore(database, readonly=True)
    await store.open()
    ended = await store.views.ended_runs(limit=100_000)
    found = {one["run_id"] for one in ended if one["outcome"] == "exited"}
    await store.close()
    return found


def run(*words: str, project: Path) -> str:
    command = [sys.executable, "-m", "postventa.cli.main", *words, "--project", str(project)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stdout


def wait_until_quiet(engine: Engine) -> None:
    while True:
        status = engine.status()
        if not status["running"] and not sum(
            status["messages"].get(one, 0) for one in ("pending", "claimed", "sending")
        ):
            return
        time.sleep(0.5)
