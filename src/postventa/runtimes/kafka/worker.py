"""One worker: events in by Faust, timers, mail and what leaves by Kafka, around one store. All workers are alike.

Its parts run side by side; a store that is away is waited for, anything else that ends a part ends the process (70).
"""

from __future__ import annotations

import asyncio
import logging
import os
import random
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, NoReturn

from postventa.agents.declare import Agent
from postventa.agents.loader import load_agents
from postventa.core.journey import Duration
from postventa.core.values import as_time
from postventa.dispatch.dispatcher import Dispatcher
from postventa.dispatch.links import signed_links
from postventa.engine.engine import Engine, open_engine
from postventa.engine.meters import Meters
from postventa.engine.release import CLOCK, STEPPING
from postventa.errors import ConfigError, JourneyError, StoreError
from postventa.project import Project
from postventa.publish import Access
from postventa.runtimes import heartbeat, retention
from postventa.runtimes.clock import Clock, SteppingClock, SystemClock
from postventa.runtimes.feed import Fed
from postventa.runtimes.garbage import collect_rarely
from postventa.runtimes.kafka import restored
from postventa.runtimes.kafka.admin import Place
from postventa.runtimes.kafka.caught_up import CaughtUp
from postventa.runtimes.kafka.driver import Driver
from postventa.runtimes.kafka.lag import Lag, note
from postventa.runtimes.kafka.out import Out, Producer
from postventa.runtimes.kafka.positions import Positions
from postventa.runtimes.kafka.reading import Message, Reader
from postventa.runtimes.kafka.restored import Restored
from postventa.runtimes.mover import Mover
from postventa.runtimes.outward import channels_of, is_real, tokens_of, webhook_of
from postventa.runtimes.scheduler import Scheduler
from postventa.runtimes.stepper import Stepper, in_order
from postventa.settings import Settings
from postventa.source.problem import errors
from postventa.store.base import PULSE, Store, Views
from postventa.tokens import Tokens

log = logging.getLogger("postventa.kafka")

FAILED = 70
RELEASES_EVERY = 5.0
DOUBTS_EVERY = 30.0
LONGEST_PAUSE = 30.0
GATHER = 0.1
"""Real seconds until timers are looked at again after a batch or a receipt: there are a hundred of those a second."""
Part = Callable[[asyncio.Event], Coroutine[Any, Any, None]]


def leave(code: int) -> NoReturn:
    """End this process at once: what is not committed is read again, what is not acknowledged too."""
    logging.shutdown()
    os._exit(code)


@dataclass(slots=True)
class Worker:
    """Made before the loop runs; Faust's app opens, begins and closes it. `fail` ends the process."""

    project: Project
    agents: Mapping[str, Agent]
    settings: Settings
    store: Store
    access: Access
    tokens: Tokens
    clock: Clock = field(default_factory=SystemClock)
    feed: Sequence[Fed] = ()
    """With a stepping clock: the events that are published when the clock gets there."""
    until: datetime | None = None
    """With a stepping clock: stop there."""
    fail: Callable[[int], Any] = leave
    stop: asyncio.Event = field(default_factory=asyncio.Event)
    engine: Engine = field(init=False)
    reader: Reader = field(init=False)
    positions: Positions = field(init=False)
    caught_up: CaughtUp = field(init=False)
    watched: Lag = field(init=False)
    dispatcher: Dispatcher = field(init=False)
    scheduler: Scheduler = field(init=False)
    mover: Mover = field(init=False)
    out: Out = field(init=False)
    restored: Restored = field(init=False)
    pulse: datetime | None = None
    """The last one before this worker's."""
    driver: Driver | None = None
    finished: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when a stepping clock has reached `until`."""
    meters: Meters = field(default_factory=Meters)
    _tasks: list[asyncio.Task[None]] = field(default_factory=list)
    _telling: asyncio.TimerHandle | None = None

    @property
    def topics(self) -> tuple[str, ...]:
        """The input topics."""
        return tuple(sorted(self.agents))

    # --- for whoever watches -------------------------------------------------------------------------------------
    async def lag(self) -> Mapping[Place, int]:
        """(topic, partition) -> records still to be read, of every partition of every topic."""
        return await self.watched.lag()

    async def oldest(self) -> Mapping[Place, datetime]:
        """(topic, partition) -> since when the first unread record waits."""
        return await self.watched.oldest()

    async def last(self) -> Mapping[str, datetime]:
        """Its own numbers tell when it last committed an event."""
        return {}

    @property
    def views(self) -> Views:
        """The store's queries."""
        return self.store.views

    def now(self) -> datetime:
        """The journeys' clock."""
        return self.clock.now()

    def status(self) -> dict[str, Any]:
        """What only this process knows."""
        return {"caught_up": self.caught_up.done.is_set()}

    # --- from start to stop --------------------------------------------------------------------------------------
    async def open(self, current: Callable[[Message], bool]) -> None:
        """Open the store and make the parts. Raises what the store raises, ConfigError for a missing secret."""
        await self.store.open()
        await self._one_clock()
        kafka, now = self.settings.kafka, self.clock.now
        self.engine = await open_engine(self.store, self.tokens.keys[-1].secret.decode())
        known_for = timedelta(seconds=_seconds(kafka.known_for))
        self.positions = Positions(self.store, self.access, self.topics, known_for, self._behind)
        self.reader = Reader(self.engine, now, self.positions, current, self.changed, self.meters)
        self.caught_up = CaughtUp(self.store, self.access, self.topics, _seconds(kafka.caught_up_within), self.changed)
        self.watched = Lag(self.store.views, self.access, self.topics)
        public_url = self.settings.public_url or f"http://{self.settings.listen.public}"
        links = signed_links(self.tokens, public_url)
        self.restored = Restored(self.engine, self.access, kafka.out, kafka.group)
        self.dispatcher = Dispatcher(
            self.engine, channels_of(self.settings, self.store.mailbox), now, links, alone=self._alone,
            may_claim=self.caught_up.done.is_set, moved=self._receipt, meters=self.meters,
            ended=self.restored.settled,
        )  # fmt: skip
        self.scheduler = Scheduler(self.engine, self.clock, self.caught_up.done, self.changed)
        self.mover = Mover(self.engine, now, self.changed, self.caught_up.done)
        producer = Producer(self.access, kafka.group)
        self.out = Out(self.store, producer, kafka.out, kafka.dead_letters, now, webhook_of(self.settings))
        stepping = self.clock.stepping
        self.dispatcher.stepping = stepping
        if is_real(self.settings) and not stepping:
            await self._ask_after_a_restore()

    async def _ask_after_a_restore(self) -> None:
        """A database that knows less than Kafka, or a long silence: everything waits for a person's word."""
        self.pulse, kafka = as_time(await self.store.views.control(PULSE)), self.settings.kafka
        why = await restored.found(self.store, self.access, kafka.out, kafka.group, self.topics)
        pause = await heartbeat.hold(self.store, why) if why else await heartbeat.guard(self.store, real_channel=True)
        await self.restored.look()
        if pause is not None:
            log.warning("NOTHING IS SENT: %s", pause.reason)

    async def _one_clock(self) -> None:
        """A store lives by one clock: times of the other would make no sense to it."""
        wanted = STEPPING if self.clock.stepping else "real"
        known = await self.store.views.control(CLOCK)
        if known not in {None, wanted}:
            raise ConfigError(
                f"this database has lived by {'fast' if known == STEPPING else 'real'} time and cannot change",
                mend="name another one in postventa.yaml (store)",
            )
        if known is None:
            async with self.store.transaction() as tx:
                await tx.set_control(CLOCK, wanted)

    @property
    def _alone(self) -> bool:
        """A SQLite file admits one engine, PostgreSQL any number."""
        return self.settings.store.postgres_env is None

    def begin(self) -> None:
        """Start everything but the reading, which is Faust's."""
        collect_rarely()
        parts: list[tuple[str, Part]] = [
            ("heartbeat", lambda stop: heartbeat.beat(self.store, stop)),
            ("intake", self.caught_up.run),
            ("out", self.out.run),
            ("releases", self._releases),
            ("moves", self.mover.run),
            ("notes", lambda stop: note(self.store, self.meters, stop)),
        ]
        if isinstance(self.clock, SteppingClock):
            parts.append(("time", self._step))
        else:
            parts += [
                ("timers", self.scheduler.run),
                ("mail", self.dispatcher.run),
                ("doubts", self._doubts),
                ("retention", lambda stop: retention.keep_to_it(self.engine, self.clock.now, stop)),
            ]
        self._tasks = [asyncio.create_task(self._patiently(name, part), name=name) for name, part in parts]

    async def drain(self) -> None:
        """Take no new batch, and wait for the one in hand; bounded, since it may wait for the store."""
        self.reader.stopping = True
        await _wait(self.reader.idle, 10)

    async def close(self) -> None:
        """Finish what is being sent, then stop every part and close the store."""
        self.stop.set()
        if self._tasks:  # none where it could not begin
            self.mover.wake.set()
            self.dispatcher.wake.set()
            self._tell()
            await asyncio.gather(*self._tasks, return_exceptions=True)
            await self.dispatcher.finish()
            await self.out.last()
            for channel in self.dispatcher.channels.values():
                await channel.close()
            await self.out.producer.close()
            try:
                await heartbeat.mark(self.store)
            except StoreError as error:
                log.warning("the last heartbeat could not be written: %s", error)
        await self.store.close()

    # --- reading -------------------------------------------------------------------------------------------------
    async def read(
        self,
        agent: Agent,
        records: Sequence[Any],
        after: Awaitable[Any] | None = None,
    ) -> None:
        """A batch of one topic, behind the one before. Never raises: what is not expected ends the process."""
        try:
            await self.reader.read(agent, records, after)
        except Exception as error:
            log.critical("a batch of '%s' failed in a way nobody expected: %s", agent.topic, error, exc_info=error)
            self.fail(FAILED)

    async def _behind(self, places: Mapping[Place, tuple[int, int]]) -> None:
        """A restored database: mail waits for a person's word."""
        if not is_real(self.settings):
            return
        told = ", ".join(f"{topic}/{number}" for topic, number in sorted(places))
        why = f"the database knows less than was read from Kafka ({told}): a restored backup"
        if self.pulse is not None and self.restored.mark is None:
            await restored.since(self.store, self.pulse)
            await self.restored.look()
        if (pause := await heartbeat.hold(self.store, why)) is not None:
            log.warning("NOTHING IS SENT: %s", pause.reason)

    # --- parts ---------------------------------------------------------------------------------------------------
    async def _patiently(self, name: str, part: Part) -> None:
        """Run a part until we stop; while the store is away, begin it anew."""
        pause = 0.5
        while not self.stop.is_set():
            try:
                await part(self.stop)
                if self.stop.is_set():
                    return
                log.critical("the part '%s' ended by itself", name)
                self.fail(FAILED)
                return
            except StoreError as error:
                log.error("the part '%s' waits, the store is not there: %s", name, error)  # noqa: TRY400
                await asyncio.sleep(pause * random.uniform(0.5, 1))
                pause = min(LONGEST_PAUSE, pause * 2)
            except Exception as error:
                log.critical("the part '%s' stopped: %s", name, error, exc_info=error)
                self.fail(FAILED)
                return

    async def _step(self, stop: asyncio.Event) -> None:
        """Everything of one moment before the next, through Kafka all the same. For one worker alone."""
        assert isinstance(self.clock, SteppingClock)
        await self.caught_up.done.wait()
        self.driver = Driver(self.access, self.agents, self.positions)
        stepper = Stepper(
            self.engine, self.clock, self.dispatcher, self.driver.submit, self.reader.idle.is_set,
            in_order(self.feed), self.until,
        )  # fmt: skip
        await stepper.run(stop)
        await self.driver.close()
        self.finished.set()
        await stop.wait()

    async def _doubts(self, stop: asyncio.Event) -> None:
        """Messages that a worker took to the mail server and never came back from."""
        after = timedelta(seconds=_seconds(self.settings.kafka.in_doubt_after))
        while not stop.is_set():
            if not self._alone:
                await self.dispatcher.recover(after)
            await _wait(stop, min(DOUBTS_EVERY, after.total_seconds() / 2))

    async def _releases(self, stop: asyncio.Event) -> None:
        """Another process may have published, or found that a backup was restored."""
        while not stop.is_set():
            await self.restored.look()
            if await self.engine.releases.changed():
                log.info("release %s runs", (await self.engine.releases.live()).hash[:12])
                self.mover.wake.set()
                self.changed()
            await _wait(stop, RELEASES_EVERY)

    # --- waking --------------------------------------------------------------------------------------------------
    def changed(self) -> None:
        """Something changed: everybody looks again, whoever sends mail at once."""
        self.dispatcher.wake.set()
        self._receipt()

    def _receipt(self) -> None:
        """There may be a nearer due time, or an event to publish. Told once for all that happens within a moment."""
        if self._telling is None:
            self._telling = asyncio.get_running_loop().call_later(GATHER, self._tell)

    def _tell(self) -> None:
        self._telling = None
        self.scheduler.wake.set()
        self.out.wake.set()


def worker_of(folder: Path, store: Store | None = None, *, project: Project | None = None) -> Worker:
    """A worker for a project's folder. ConfigError, or JourneyError where an agent does not load."""
    from postventa.runtimes.stores import store_of

    project = project or Project.load(folder)
    agents, problems = load_agents(folder / "agents", project.registry)
    if errors(problems):
        raise JourneyError(problems, where=str(folder / "agents"), mend="postventa validate")
    if not agents:
        raise ConfigError("no agent reads a topic", str(folder / "agents"), "declare one: docs/kafka.md shows how")
    settings = project.sound_settings
    database = folder / settings.store.sqlite
    database.parent.mkdir(parents=True, exist_ok=True)
    return Worker(
        project, agents, settings, store or store_of(settings, database), Access.of(settings.kafka),
        tokens_of(settings, database.parent),
    )  # fmt: skip


def _seconds(span: Duration) -> float:
    return float(span.seconds + 86400 * (span.days + 30 * span.months))


async def _wait(event: asyncio.Event, seconds: float) -> None:
    try:
        await asyncio.wait_for(event.wait(), seconds)
    except TimeoutError:
        return
