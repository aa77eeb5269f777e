"""Three workers as processes: signalled at random, started again by the same rule a supervisor would follow."""

from __future__ import annotations

import random
import signal
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from worker_shop import POSTVENTA, KafkaShop

from postventa.testing.part import Kept

STOPPED_FOR = 66.0
"""Seconds: longer than a lease (60), a database's patience with an idle transaction (15), a Kafka session (15)."""
PATIENCE = 90.0


@dataclass(frozen=True)
class Fault:
    """One thing that was done: `who` is a worker, "database" or "broker". Times are the machine's."""

    who: str
    what: str
    began: float
    ended: float


@dataclass
class WorkerProcess:
    """One worker; its name is what the database knows it by."""

    name: str
    shop: KafkaShop
    process: Kept | None = None
    wakes_at: float | None = None
    """When it is told to go on; None while it runs."""

    @property
    def log(self) -> Path:
        return self.shop.folder / f"{self.name}.log"

    @property
    def up(self) -> bool:
        return self.process is not None and self.process.running

    def start(self, *program: str) -> None:
        """`postventa worker`, or another program that takes the same words."""
        own = self.shop.environ(self.name)
        names = ("POSTVENTA_KEYS", "SHOP_DATABASE", "KAFKA_BOOTSTRAP_SERVERS")
        given = [f"{name}={own[name]}" for name in names]
        command = ["env", *given, *(program or POSTVENTA), "worker", "--project", str(self.shop.folder)]
        self.process = Kept(command, self.log)
        self.wakes_at = None

    def signal(self, number: signal.Signals) -> None:
        assert self.process is not None
        self.process.signal(number)

    def end(self, number: signal.Signals) -> float:
        """Seconds it took to end."""
        began = time.monotonic()
        self.signal(number)
        assert self.process is not None
        assert self.process.wait(PATIENCE), f"{self.name} did not end: {self.tail()}"
        return time.monotonic() - began

    def resume_and_finish(self) -> None:
        """After SIGSTOP: it does what it had in hand, and ends."""
        self.signal(signal.SIGCONT)
        self.end(signal.SIGTERM)

    def tail(self) -> str:
        return self.log.read_text(errors="replace")[-3000:]


@dataclass
class Troop:
    """The workers, and everything that was done to them."""

    workers: list[WorkerProcess]
    rng: random.Random
    faults: list[Fault] = field(default_factory=list)
    signals: Counter[str] = field(default_factory=Counter)
    gave_up: Counter[str] = field(default_factory=Counter)
    """How often a worker ended by itself (exit 70) and was started again."""

    def start(self) -> None:
        for worker in self.workers:
            worker.start()

    def supervise(self) -> None:
        """Wake who has been stopped long enough, start again who ended by itself."""
        for worker in self.workers:
            if worker.wakes_at is not None and time.time() >= worker.wakes_at:
                worker.signal(signal.SIGCONT)
                worker.wakes_at = None
            if not worker.up:
                self.gave_up[worker.name] += worker.process is not None
                worker.start()

    def awake(self) -> list[WorkerProcess]:
        return [one for one in self.workers if one.wakes_at is None and one.up]

    def choose(self) -> tuple[WorkerProcess, signal.Signals]:
        """Whom next, and with what; one at most is stopped at a time."""
        may_stop = all(one.wakes_at is None for one in self.workers)
        kinds = [signal.SIGKILL, signal.SIGKILL, signal.SIGTERM] + [signal.SIGSTOP] * may_stop
        return self.rng.choice(self.awake()), self.rng.choice(kinds)

    def strike(self, worker: WorkerProcess, number: signal.Signals) -> None:
        """SIGSTOP leaves it standing for longer than any lease; after the others it is gone."""
        began = time.time()
        self.signals[number.name] += 1
        if number == signal.SIGSTOP:
            worker.signal(number)
            worker.wakes_at = began + STOPPED_FOR
            self.faults.append(Fault(worker.name, number.name, began, began + STOPPED_FOR))
            time.sleep(0.1)
        else:
            worker.end(number)
            worker.process = None
            self.faults.append(Fault(worker.name, number.name, began, time.time()))

    def wake_all(self) -> None:
        """Until nobody is stopped any more."""
        while any(one.wakes_at is not None for one in self.workers):
            self.supervise()
            time.sleep(0.2)

    def stop(self) -> None:
        for worker in self.workers:
            if worker.up:
                worker.end(signal.SIGTERM)

    def kill(self) -> None:
        """Whatever is left, at the end of a test that failed."""
        for worker in self.workers:
            if worker.up:
                worker.end(signal.SIGKILL)
