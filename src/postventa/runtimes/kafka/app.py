"""The Faust app: every agent of the project as one stream agent, reading for one `Worker`.

`postventa worker` runs it, and so does `faust -A postventa.runtimes.kafka.app worker --without-web` in a project's
folder (or with POSTVENTA_PROJECT naming one). Faust consumes, assigns and rebalances; it holds no state of ours.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

import click
import faust
from aiokafka import AIOKafkaConsumer
from faust.auth import SASLCredentials, SSLCredentials
from faust.transport.drivers.aiokafka import AIOKafkaConsumerThread, Consumer

from postventa.agents.declare import Agent
from postventa.errors import PostventaError
from postventa.publish import Access
from postventa.runtimes.kafka import admin
from postventa.runtimes.kafka.reading import AT_ONCE, BATCH, WITHIN, Message
from postventa.runtimes.kafka.worker import FAILED, Worker, worker_of

NO_WEB = "Faust's own web server would be open to everybody on this machine's network: add --without-web"
SESSION, HEARTBEAT = 15.0, 3.0
"""Real seconds: how soon the partitions of a worker that died go to others."""


class _ConsumerThread(AIOKafkaConsumerThread):
    """Records of transactions that were not committed are none; Faust reads that way only in its own transactions."""

    def _create_worker_consumer(self, transport: Any) -> AIOKafkaConsumer:
        consumer = super()._create_worker_consumer(transport)
        consumer._isolation_level = "read_committed"
        return consumer


class _Consumer(Consumer):
    """Begins where the store says."""

    def _new_consumer_thread(self) -> AIOKafkaConsumerThread:
        return _ConsumerThread(self, loop=self.loop, beacon=self.beacon)

    async def seek_to_committed(self) -> Mapping[Any, int]:
        """Kafka's committed offsets, except where the store knows better."""
        committed = await super().seek_to_committed()
        asked = {(one.topic, one.partition): _offset(done) for one, done in committed.items()}
        starts = await cast(PostventaApp, self.app).worker.positions.starts(asked)
        otherwise = {one: starts[one.topic, one.partition] for one in committed if (one.topic, one.partition) in starts}
        if otherwise:
            await self.seek_wait(otherwise)
        return {**committed, **otherwise}


def _offset(told: int | None) -> int | None:
    return told if told is not None and told >= 0 else None


class _Worker(faust.Worker):
    """What Faust's own command line runs. Refuses the one that opens a port to the world."""

    def __init__(self, app: Any, *services: Any, **options: Any) -> None:
        if app.conf.web_enabled:
            click.echo(f"error: {NO_WEB}", err=True)
            raise SystemExit(2)
        super().__init__(app, *services, **options)


class PostventaApp(faust.App):
    """A worker's life is bound to the app's: opened before anything is consumed, closed after the last commit."""

    worker: Worker

    async def on_first_start(self) -> None:
        """Faust would make a folder for tables that we do not have."""

    async def on_start(self) -> None:
        """The store first: nothing is consumed that could not be kept."""
        if self.conf.web_enabled:
            raise PostventaError(NO_WEB)
        # Faust would leave with a traceback where nobody answers; this waits a little and says where and how to mend.
        await asyncio.to_thread(admin.ask, self.worker.access, lambda _: None)
        await self.worker.open(self._is_ours)
        await super().on_start()

    async def on_started(self) -> None:
        """Timers, mail and what leaves."""
        self.worker.begin()
        await super().on_started()

    async def on_stop(self) -> None:
        """Finish the batch in hand, then let Faust commit what was acknowledged and leave the group."""
        if hasattr(self.worker, "reader"):
            await self.worker.drain()
        await super().on_stop()

    async def on_shutdown(self) -> None:
        """After everything of Faust's: finish what is being sent, close the store."""
        await super().on_shutdown()
        await self.worker.close()

    def on_rebalance_end(self) -> None:
        """Partitions changed hands: what is in the topics now is read before timers and mail go on."""
        super().on_rebalance_end()
        self.worker.caught_up.look_again()

    def _new_consumer(self) -> Any:
        vars(self.transport)["Consumer"] = _Consumer
        return super()._new_consumer()

    def _is_ours(self, message: Message) -> bool:
        """False for a record that came before a rebalance: whoever has its partition now reads it again."""
        return message.generation_id == self.consumer_generation_id


def create_app(worker: Worker) -> PostventaApp:
    """A Faust app that reads for this worker. `web_enabled` is off; switched on, it refuses to start."""
    access, kafka = worker.access, worker.settings.kafka
    app = PostventaApp(
        kafka.group,
        broker=[f"kafka://{server}" for server in access.servers],
        broker_credentials=credentials(access),
        broker_session_timeout=SESSION,
        broker_heartbeat_interval=HEARTBEAT,
        store="memory://",
        key_serializer="raw",
        value_serializer="raw",
        topic_disable_leader=True,
        topic_allow_declare=False,
        consumer_auto_offset_reset="earliest",
        consumer_metadata_max_age_ms=30_000,
        stream_wait_empty=False,
        web_enabled=False,
        Worker=_Worker,
        worker_redirect_stdouts=False,
        autodiscover=False,
    )
    app.worker = worker
    for agent in worker.agents.values():
        _host(app, worker, agent)
    return app


def _host(app: PostventaApp, worker: Worker, agent: Agent) -> None:
    """One stream agent. Its body never raises (see `Worker.read`): Faust would acknowledge what it never did."""
    topic = app.topic(agent.topic, key_type=bytes, value_type=bytes, key_serializer="raw", value_serializer="raw")
    within = AT_ONCE if worker.clock.stepping else WITHIN

    @app.agent(topic, name=f"postventa.{agent.topic}")
    async def read(stream: Any) -> None:
        before: asyncio.Task[None] | None = None
        async for records in stream.noack_take(BATCH, within=within):
            # While the database works on one batch the next one is read and checked; a third waits.
            now = asyncio.create_task(worker.read(agent, records, before), name=f"batch of {agent.topic}")
            if before is not None:
                await asyncio.shield(before)
            before = now


def credentials(access: Access) -> Any:
    """Faust's own form of how to log in; None for a plain connection."""
    if access.mechanism is not None:
        return SASLCredentials(
            username=access.username, password=access.password, ssl_context=access.tls, mechanism=access.mechanism
        )
    return SSLCredentials(context=access.tls) if access.tls is not None else None


def __getattr__(name: str) -> Any:
    """`app`, made when Faust's command line asks for it."""
    if name != "app":
        raise AttributeError(name)
    return create_app(worker_of(Path(os.environ.get("POSTVENTA_PROJECT", "."))))


__all__ = ["FAILED", "PostventaApp", "create_app"]
