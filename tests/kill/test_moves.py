"""The files change again and again under load, and the engine is killed while people go over to the new version.

`run --dev` publishes each save; the file says `retime` and `follow` in turn, with another wait and a step more or less.
The engine dies in turn at any moment after a save, within a batch of people, with a batch written and not committed,
and between two batches. KILLS says how often (default 8); SEED repeats a run's choices.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import subprocess
import sys
import time
import urllib.request
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

KILLS = int(os.environ.get("KILLS", "8"))
SEED = int(os.environ.get("SEED", str(time.time_ns() % 100_000)))
CARE = FILES["journeys/care.yaml"]
STRUCK = Path(__file__).parent / "struck_moving.py"
POINTS = ("", "one", "audit", "batch")
"""Where the engine dies; the first is anywhere."""
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
    engine, dying = Engine(project), Dying(tmp_path, rng)
    engine.start()
    shop = Shop(engine, rng)
    shop.start()
    in_doubt: set[str] = set()
    for number in range(KILLS):
        point = POINTS[number % len(POINTS)]
        if point:  # nobody is killed yet, this only puts another process in its place
            assert engine.stop() == 0
            engine.start(*dying.at(point))
        await asyncio.sleep(2 + rng.random() * 2)
        everybody_is_over(engine)
        dying.armed.touch()
        file.write_text(VERSIONS[number % len(VERSIONS)], encoding="utf-8")
        if point:
            dying.struck(engine)
        else:
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
    print(f"\nseed {SEED}: {KILLS} kills {dict(dying.marks)}, {len(shop.accepted)} events, "
          f"{moved} runs moved in {len(moves)} batches, "
          f"{len(rows)} messages: {dict(Counter(row.state for row in rows))}; {sum(taken.values())} mails")  # fmt: skip
    assert moved
    assert dying.marks.keys() == set(POINTS[1:KILLS]), "it died everywhere it was to"
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


class Dying:
    """An engine that kills itself at a point of its way, and how often it did."""

    def __init__(self, folder: Path, rng: random.Random) -> None:
        self.rng = rng
        self.armed, self.mark = folder / "armed", folder / "mark"
        self.marks: Counter[str] = Counter()

    def at(self, point: str) -> list[str]:
        """What starts it; it dies at the first, second or third time."""
        self.armed.unlink(missing_ok=True)
        self.mark.unlink(missing_ok=True)
        return [str(STRUCK), point, str(self.rng.randint(1, 3)), str(self.armed), str(self.mark)]

    def struck(self, engine: Engine) -> None:
        """Wait until it is dead; it is left alive when too few people are inside."""
        end = time.monotonic() + 20
        assert engine.process is not None
        while engine.process.poll() is None and time.monotonic() < end:
            time.sleep(0.02)
        if self.mark.exists():
            self.marks[self.mark.read_text()] += 1


def everybody_is_over(engine: Engine) -> None:
    """What a killed engine left undone is done by the next one: nobody stays behind in an older version."""
    end = time.monotonic() + 60
    while time.monotonic() < end:
        with urllib.request.urlopen(f"{engine.url}/v1/moves", timeout=10) as answer:
            left = [one["left"] for one in json.load(answer)["moves"]]
        if not sum(left):
            return
        time.sleep(0.2)
    raise AssertionError(f"people stayed behind: {left}")


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
    """Until everybody is through and every message has left; the longest wait is nine seconds."""
    end = time.monotonic() + 180
    while time.monotonic() < end:
        status = engine.status()
        if not status["running"] and not sum(
            status["messages"].get(one, 0) for one in ("pending", "claimed", "sending")
        ):
            return
        time.sleep(0.5)
    raise AssertionError(f"people stand for ever: {status['runs']}, {status['messages']}")
