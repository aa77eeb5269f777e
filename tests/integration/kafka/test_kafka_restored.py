"""A backup is put in the database's place: events it lost are read again, and nobody gets a mail twice unasked.

The backups are `pg_dump`s taken while two workers run under load. "Twenty minutes" are made by setting the backup's
pulse back by that much: nothing else in it depends on how long ago it was taken.
"""

from __future__ import annotations

import asyncio
import signal
import subprocess
import time
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Event, Thread
from unittest.mock import ANY
from urllib.parse import urlsplit

import pytest
from kafka_world import KEYS, World, delivered, order

from postventa.cli.main import run
from postventa.core.values import time_text
from postventa.store.base import PULSE
from postventa.testing.database import Database, programs

pytestmark = [pytest.mark.kafka, pytest.mark.postgres]
PER_SECOND = 10
MANY = 1_000_000


@dataclass
class Backup:
    """Of the database at `dsn`; `put_back` exchanges that one for it, ending whoever is connected."""

    database: Database
    dsn: str
    file: Path

    def take(self) -> None:
        self._program("pg_dump", "--format=custom", f"--file={self.file}", self.dsn)

    def put_back(self, older_by: timedelta = timedelta(0)) -> None:
        name = urlsplit(self.dsn).path[1:]
        restored = self.database.create(f"{name}_restored")
        self._program("pg_restore", "--exit-on-error", f"--dbname={restored}", str(self.file))
        if older_by:
            pulse = time_text(datetime.now(UTC) - older_by)
            change = f"update postventa.control set value = '{pulse}' where key = '{PULSE}'"
            self._program("psql", "-v", "ON_ERROR_STOP=1", "-c", change, restored)
        self.database.drop(name)
        self.database.sql(f'alter database "{name}_restored" rename to "{name}"')

    @staticmethod
    def _program(name: str, *words: str) -> None:
        done = subprocess.run([str(programs() / name), *words], capture_output=True, text=True)
        assert done.returncode == 0, done.stderr


@dataclass
class Load:
    """Publishes orders and their deliveries, one after another, until it is told to stop."""

    world: World
    count: int = 0
    stop: Event = field(default_factory=Event)

    def __post_init__(self) -> None:
        self.thread = Thread(target=self._publish, daemon=True)
        self.thread.start()

    def _publish(self) -> None:
        with self.world.publisher() as publisher:
            while not self.stop.wait(1 / PER_SECOND):
                publisher.send(self.world.topic("orders"), order(self.count))
                publisher.send(self.world.topic("deliveries"), delivered(self.count))
                self.count += 1

    def end(self) -> int:
        self.stop.set()
        self.thread.join()
        return self.count


def command(*words: str) -> None:
    assert run(list(words)) == 0


@pytest.fixture
def backup(shared_world: World, database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Backup:
    monkeypatch.setenv("POSTVENTA_KEYS", KEYS)
    monkeypatch.setenv("SHOP_DATABASE", shared_world.environ["SHOP_DATABASE"])
    return Backup(database, shared_world.environ["SHOP_DATABASE"], tmp_path / "backup")


async def test_mail_that_left_after_the_backup_is_asked_about_although_no_event_was_lost(
    shared_world: World, backup: Backup
) -> None:
    world, folder = shared_world, ("--project", str(shared_world.folder))
    world.make_topics()
    await world.publish()
    worker = world.start()
    world.send(("orders", order(1)))
    await world.until(lambda: world.subjects()["Thank you"] == 1)
    await asyncio.sleep(0.5)  # its receipt is stored; the tip comes two seconds after the thanks
    backup.take()
    assert world.subjects()["A tip"] == 0
    await world.until(lambda: world.subjects()["A tip"] == 1)
    await world.until(lambda: sum(world.broker.topics.end_offsets(world.topic("out")).values()) == 2)
    assert world.stop(worker) == 0

    await asyncio.to_thread(backup.put_back)
    worker = world.start()
    await world.until(lambda: "NOTHING IS SENT" in world.log())
    assert "mail left that the database does not know of" in world.log()
    before = time_text(datetime.now(UTC) - timedelta(minutes=1))  # long enough before the next order
    await asyncio.to_thread(command, "kafka", "restored", "--gone", before, *folder)
    await asyncio.to_thread(command, "resume", "--all", *folder)
    world.send(("orders", order(2)))
    await world.until(lambda: ("c2@example.com", "A tip") in {one[:2] for one in world.mails})
    assert world.stop(worker) == 0
    assert world.subjects() == {"Thank you": 2, "A tip": 2}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("age", "pulse_older_by", "killed"),
    [
        pytest.param(60, timedelta(0), False, id="1-minute"),
        pytest.param(15, timedelta(minutes=20), False, id="20-minutes"),
        pytest.param(15, timedelta(0), True, id="workers-killed"),
    ],
)
async def test_nothing_is_lost_and_nothing_sent_twice_without_a_question(
    shared_world: World, backup: Backup, age: float, pulse_older_by: timedelta, killed: bool
) -> None:
    """The database is exchanged under two workers that run, or that were killed; they start again, read again, ask."""
    world, folder = shared_world, ("--project", str(shared_world.folder))
    world.make_topics(partitions={"orders": 3})
    await world.publish()
    workers = [world.start(), world.start()]
    await world.until(lambda: world.log().count("reads") >= 2)
    load = Load(world)
    await world.until(lambda: world.subjects()["A tip"] >= 5 * PER_SECOND)
    await asyncio.to_thread(backup.take)
    taken = time.monotonic()
    await world.until(lambda: time.monotonic() - taken > age, age + 10)
    if killed:
        for worker in workers:
            world.stop(worker, signal.SIGKILL)
    gone = datetime.now(UTC)
    await asyncio.to_thread(backup.put_back, pulse_older_by)
    codes = [await asyncio.to_thread(worker.wait, 60) for worker in workers]
    assert codes == [-signal.SIGKILL if killed else 70] * 2
    assert killed or "a backup was put in its place" in world.log()

    workers = [world.start(), world.start()]
    await world.until(lambda: "NOTHING IS SENT" in world.log())
    orders, left_before = load.end(), len(world.mails)
    async with world.opened() as store:

        async def read_again() -> bool:
            return (await store.views.counts(datetime.now(UTC)))["customers"] == orders

        async def each_left_or_is_asked_about() -> bool:
            asked = {(one.address, one.effect_id) for one in await store.views.uncertain(MANY)}
            known = {(to, name.strip("<>").partition("@")[0]) for to, _, name in world.mails}
            return len(known | asked) == 3 * orders and not await store.views.outbox_busy()

        await world.until(read_again, 120)
        assert len(world.mails) == left_before, "nothing leaves unasked"
        await asyncio.to_thread(command, "kafka", "restored", "--gone", time_text(gone), *folder)
        asked_first = len(await store.views.uncertain(MANY))
        await asyncio.to_thread(command, "resume", "--all", *folder)
        await world.until(each_left_or_is_asked_about, 120)
        asked = len(await store.views.uncertain(MANY))
        assert twice(world) == [], "nobody was asked about these"
        await asyncio.to_thread(command, "messages", "uncertain", "resend", "--all", "--reason", "a test", *folder)
        await world.until(lambda: len(set(world.mails)) == 3 * orders, 120)
        for worker in workers:
            assert world.stop(worker) == 0
        noted = [one for one in await store.views.audited(MANY) if one["what"] == "note as sent"]

    print(f"{orders} orders, {left_before} mails before, noted as sent: {noted[0]['detail']}")
    print(f"in doubt: {asked_first} at once, {asked} in all; {len(twice(world))} of them had left")
    assert world.subjects() == {"Thank you": ANY, "A tip": ANY, "It is there": ANY}
    assert len(twice(world)) <= asked
    assert "GAP" not in world.log()


def twice(world: World) -> list[tuple[str, str, str]]:
    """The mails that arrived more than once."""
    return [mail for mail, times in Counter(world.mails).items() if times > 1]
