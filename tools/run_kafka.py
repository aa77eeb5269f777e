"""`make run-kafka`: everything of the distributed engine on this machine, and a worker killed on the way.

A real Kafka and PostgreSQL, two workers, the pages, sample events published with kafka-python; at the end a table of
what was sent and what was lost. Exit code 0: every event is there and every kind of message left; 1: not; 2: it could
not run. `--stay` leaves the pages open until Ctrl-C. KAFKA_BOOTSTRAP_SERVERS and DATABASE_URL name servers to use
instead of own ones; topics and schema get names of their own there and are removed at the end.
"""

from __future__ import annotations

import argparse
import asyncio
import fcntl
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from secrets import token_hex
from typing import Any, TypeVar

import httpx

from postventa.errors import ConfigError, PostventaError
from postventa.publish import Publisher
from postventa.store.postgres import PostgresStore
from postventa.testing.broker import Broker, java
from postventa.testing.database import Database, programs
from postventa.testing.fast_shop import DAY, Places, Planned, story, topics, write_shop
from postventa.testing.jars import jars
from postventa.testing.part import Kept, free_port
from postventa.testing.tally import Tally, tally

T = TypeVar("T")
POSTVENTA = [sys.executable, "-m", "postventa.cli.main"]
KEYS = "demo:made-up-for-one-run-0123456789abcdef"
SET_UP = {"kafka setup": "the topics are made", "db upgrade": "the tables, too", "publish": "the journeys are live"}
PATIENCE = 90.0
"""Real seconds a part may take to come up, and the last mails to leave."""
KILL_AFTER, BACK_AFTER = 0.35, 0.45
"""Parts of the events after which worker 1 is killed, and started again."""
TELL_EVERY = 5.0


def say(text: str) -> None:
    """A line for whoever watches, at once."""
    print(text, flush=True)


@dataclass
class Demo:
    """The processes of one run. `places` and the environment say where everything is."""

    folder: Path
    broker: Broker
    database: Database
    stack: ExitStack
    places: Places = field(init=False)
    running: dict[str, Kept] = field(default_factory=dict)

    @property
    def shop(self) -> Path:
        """The project's folder."""
        return self.folder / "shop"

    @property
    def url(self) -> str:
        """The private pages."""
        return f"http://127.0.0.1:{self.places.private}"

    # --- up ------------------------------------------------------------------------------------------------------
    def up(self) -> None:
        """Servers, topics, tables, a published project, two workers, the pages."""
        own, mark = self.broker.ours, token_hex(3)
        self._part("PostgreSQL", self.database)
        self._part("Kafka", self.broker)
        schema = "postventa" if self.database.ours else f"postventa_demo_{mark}"
        self.places = Places(schema, free_port(), free_port(), "" if own else f"postventa-demo-{mark}.")
        os.environ |= {
            "KAFKA_BOOTSTRAP_SERVERS": self.broker.bootstrap_servers, "DATABASE_URL": self.database.dsn,
            "POSTVENTA_KEYS": KEYS,
        }  # fmt: skip
        write_shop(self.shop, self.places)
        self.stack.callback(self._leave_no_trace)
        for command, done in SET_UP.items():
            self._command(command)
            say(f"  {command:<18} {done}")
        for name in ("worker 1", "worker 2", "web"):
            self.begin(name)
        for name in self.running:
            self._await(name)

    def _part(self, name: str, part: Broker | Database) -> None:
        started = time.monotonic()
        self.stack.enter_context(part)
        where = f"127.0.0.1:{part.port}" if part.ours else "the one that is there"
        say(f"  {name:<18} {where}, {time.monotonic() - started:.0f} s")

    def _command(self, words: str) -> None:
        """One of postventa's commands, to its end. PostventaError with its words when it fails."""
        done = subprocess.run(
            [*POSTVENTA, *words.split(), "--project", str(self.shop)], capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise PostventaError(f"'postventa {words}' failed: {done.stderr or done.stdout}")

    def begin(self, name: str) -> None:
        """Start `worker 1`, `worker 2` or `web`; it ends with this process, however this process ends."""
        command = [*POSTVENTA, name.split()[0], "--project", str(self.shop)]
        kept = self.running[name] = Kept(command, self.log(name))
        self.stack.callback(_end, kept)

    def _await(self, name: str) -> None:
        """Wait until it says that it works."""
        deadline = time.monotonic() + PATIENCE
        while "Ctrl-C stops it" not in self.log(name).read_text(encoding="utf-8", errors="replace"):
            if not self.running[name].running or time.monotonic() > deadline:
                raise PostventaError(f"{name} did not start", str(self.log(name)), "its log says why")
            time.sleep(0.1)
        say(f"  {name:<18} process {self.running[name].pid}")

    def log(self, name: str) -> Path:
        """Where a process writes."""
        return self.folder / f"{name.replace(' ', '-')}.log"

    def _leave_no_trace(self) -> None:
        """On servers that are not ours: remove what was made there."""
        if not self.broker.ours:
            made = set(topics(self.places.prefix)) & set(self.broker.topics.names())
            self.broker.topics.delete(*made)
        if not self.database.ours:
            self.database.sql(f"drop schema if exists {self.places.schema} cascade")

    # --- the run -------------------------------------------------------------------------------------------------
    def publish(self, planned: list[Planned]) -> None:
        """Each event at its time; worker 1 is killed on the way and started again. Tells how it goes."""
        begun, told = datetime.now(UTC), time.monotonic()
        kill, back = (int(len(planned) * part) for part in (KILL_AFTER, BACK_AFTER))
        with Publisher.of_project(self.shop) as publisher:
            for number, one in enumerate(planned):
                if number == kill:
                    self.running["worker 1"].signal(signal.SIGKILL)
                    say("  worker 1 is killed (SIGKILL); its partitions go to worker 2 within 15 seconds")
                if number == back:
                    self.begin("worker 1")
                    say("  worker 1 is started again")
                time.sleep(max(0.0, (one.at - datetime.now(UTC)).total_seconds()))
                publisher.send(one.topic, one.record)
                if time.monotonic() - told >= TELL_EVERY:
                    told = time.monotonic()
                    self._tell(int((datetime.now(UTC) - begun) / DAY), number + 1)
        say(f"  all {len(planned)} events are published; the last mails follow")

    def _tell(self, day: int, published: int) -> None:
        say(f"  day {day:>2}   {published:>4} events published   {self._status()['messages'].get('sent', 0):>4} mails")

    def settle(self) -> None:
        """Wait until nobody has anything due within a week of the journeys, or for as long as patience lasts."""
        deadline = time.monotonic() + PATIENCE
        quiet = 0
        while quiet < 3 and time.monotonic() < deadline:
            facts = self._status()
            due = datetime.fromisoformat(facts["next_due"]) if facts["next_due"] else None
            busy = any(facts["messages"].get(state) for state in ("pending", "claimed", "sending"))
            week = datetime.now(UTC) + 7 * DAY
            quiet = 0 if busy or facts["waiting"] or (due is not None and due < week) else quiet + 1
            time.sleep(0.5)

    def _status(self) -> dict[str, Any]:
        answer = httpx.get(f"{self.url}/v1/status", timeout=10, trust_env=False, headers={"accept": "application/json"})
        return dict(answer.raise_for_status().json())

    def decide_doubts(self) -> None:
        """A worker that was killed between handing a mail over and hearing the answer leaves a question to a person.

        That person looks whether the mail arrived, and says so: here the mailbox is looked into.
        """
        arrived = {mail["effect_id"] for mail in asyncio.run(self._look(_mails))}
        for one in asyncio.run(self._look(lambda store: store.views.uncertain())):
            word = "drop" if one.effect_id in arrived else "resend"
            seen = "it is in the mailbox" if one.effect_id in arrived else "it is not in the mailbox"
            say(f"  '{one.message}' to {one.address} is in doubt; {seen}: postventa messages uncertain {word}")
            self._command(f"messages uncertain {word} {one.effect_id}")

    def count(self, planned: list[Planned]) -> Tally:
        """What became of everything."""
        published = [(one.record["source"], one.record["id"]) for one in planned]

        async def counted(store: PostgresStore) -> Tally:
            return await tally(store.views, published, await _mails(store))

        return asyncio.run(self._look(counted))

    async def _look(self, what: Callable[[PostgresStore], Awaitable[T]]) -> T:
        store = PostgresStore(self.database.dsn, schema=self.places.schema, readonly=True)
        await store.open()
        try:
            return await what(store)
        finally:
            await store.close()


async def _mails(store: PostgresStore) -> list[dict[str, Any]]:
    return await store.mailbox.mails(1_000_000)


def _end(kept: Kept) -> None:
    """In order; at once when it takes too long."""
    kept.signal(signal.SIGTERM)
    if not kept.wait(20):
        kept.signal(signal.SIGKILL)
        kept.wait(5)


@contextmanager
def fresh(folder: Path) -> Iterator[Path]:
    """An empty folder of our own. ConfigError when another run uses it."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise ConfigError("another 'make run-kafka' runs here", str(folder), "wait for it, or end it") from error
        for found in folder.iterdir():
            if found.is_dir():
                shutil.rmtree(found)
            elif found.name != "lock":
                found.unlink()
        yield folder


def run(folder: Path, stay: bool) -> int:
    """Everything from start to stop; gives the exit code."""
    with ExitStack() as stack:
        stack.enter_context(fresh(folder))
        broker, database = Broker.start(folder / "kafka"), Database.start(folder / "postgres")
        if broker.ours:
            say("\nlooking for Kafka's jars (45 MB, fetched once) and Java")
            java()
            jars()
        if database.ours:
            programs()
        say("starting")
        demo = Demo(folder, broker, database, stack)
        demo.up()
        say(f"\n  mails    {demo.url}/mailbox\n  pages    {demo.url}/\n\na day passes every {DAY.seconds} seconds")
        planned = story(datetime.now(UTC) + timedelta(seconds=1), demo.places.prefix)
        demo.publish(planned)
        demo.settle()
        demo.decide_doubts()
        demo.settle()
        result = demo.count(planned)
        say(f"\n{result.table()}")
        for source, id_ in result.lost[:10]:
            say(f"  LOST {source} {id_}")
        if stay:
            say(f"the pages stay open: {demo.url}/mailbox\nCtrl-C stops everything.")
            _until_interrupted()
        say("stopping")
    return 0 if result.sound else 1


def _until_interrupted() -> None:
    try:
        while True:
            time.sleep(3600)
    except KeyboardInterrupt:
        say("")


def _interrupt(*_: object) -> None:
    raise KeyboardInterrupt


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--folder", type=Path, default=Path(".postventa", "kafka-demo"), help="where everything is kept"
    )
    parser.add_argument("--stay", action="store_true", help="leave the pages open until Ctrl-C")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        return run(options.folder.absolute(), options.stay)
    except PostventaError as error:
        print(f"error: {error.block()}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        say("\nstopped")
        return 130


if __name__ == "__main__":
    sys.exit(main())
