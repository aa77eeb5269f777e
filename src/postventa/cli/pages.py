"""What the web applications ask for, answered by the engine of this process."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol

from postventa.agents.declare import Agent
from postventa.agents.loader import load_agents
from postventa.engine.engine import Engine
from postventa.engine.meters import Meters
from postventa.engine.moving import progress
from postventa.engine.operate import Operators
from postventa.engine.release import Live
from postventa.errors import RecordError
from postventa.project import Project
from postventa.runtimes import operate
from postventa.runtimes.clock import Clock
from postventa.runtimes.reception import Item, Reply
from postventa.schemas.parse import Incoming, parse_many
from postventa.settings import Settings, secret
from postventa.source.nearest import suggest
from postventa.tokens import Tokens
from postventa.web.services import Answer, Headers, Services


class Host(Protocol):
    """The process behind the pages: the embedded engine, or the pages' own beside workers."""

    engine: Engine
    clock: Clock
    meters: Meters

    async def submit(self, items: Sequence[Item], source: str) -> list[Reply]:
        """See `Reception.submit`."""

    def changed(self) -> None:
        """An operator did something: whoever sleeps here looks again."""

    def status(self) -> dict[str, Any]:
        """What only this process knows."""


@dataclass
class Pages:
    """The live release as the pages see it, and what they may ask of the engine."""

    host: Host
    root: Path
    live: Live
    agents: Mapping[str, Agent] = field(default_factory=dict)
    services: Services = field(init=False)
    _refreshing: asyncio.Task[None] | None = None

    def refresh(self) -> None:
        """A release was published: show that one."""
        self._refreshing = asyncio.create_task(self._refresh(), name="refresh pages")

    async def _refresh(self) -> None:
        await self.host.engine.releases.changed()
        self.live = await self.host.engine.releases.live()

    # --- events --------------------------------------------------------------------------------------------------
    def read(self, body: bytes, headers: Headers, topic: str | None) -> Sequence[Incoming | RecordError]:
        """A request's body as events; through an agent where a topic is named."""
        registry, now = self.live.project.registry, self.host.clock.now()
        if topic is None:
            return list(parse_many(body, registry=registry, headers=headers, now=now))
        agent = self.agents.get(topic)
        if agent is None:
            mend = suggest(topic, self.agents, "topics") if self.agents else "agents/ declares none"
            raise RecordError("topic", topic, "a topic that an agent in agents/ reads", mend)
        found: list[Incoming | RecordError] = []
        for record in _records(body):
            try:
                incoming = agent.read(record, registry, headers=headers, now=now)
            except RecordError as error:
                error.record = record if isinstance(record, bytes) else json.dumps(record, ensure_ascii=False)
                found.append(error)
                continue
            if incoming is not None:
                found.append(incoming)
        return found

    async def ingest(self, items: Sequence[Incoming | RecordError], source: str) -> Sequence[Answer]:
        """Into the store; answered after the commit."""
        return [Answer.of(one) for one in await self.host.submit(items, source)]

    # --- operators -----------------------------------------------------------------------------------------------
    async def publish(self, message: str, by: str) -> Mapping[str, Any]:
        """The folder as it is now becomes the live release."""
        project = await asyncio.to_thread(Project.load, self.root)
        release = await self.host.engine.releases.publish(project, self.host.clock.now(), by, message)
        self.agents = load_agents(self.root / "agents", project.registry)[0]
        await self._refresh()
        moves = await progress(self.host.engine)
        self.host.changed()
        return {"release": release.hash, "journeys": sorted(project.journeys), "moves": moves}

    async def activate(self, release: str, message: str, by: str) -> Mapping[str, Any]:
        """An earlier release becomes the live one again."""
        back = await self.host.engine.releases.activate(release, self.host.clock.now(), by, message)
        await self._refresh()
        moves = await progress(self.host.engine)
        self.host.changed()
        return {"release": back.hash, "moves": moves}

    async def pause(self, scope: str, reason: str, by: str) -> None:
        """See `operate.pause`."""
        await operate.pause(self.host.engine.store, scope, reason, by, self.host.clock.now())

    async def resume(self, scope: str, by: str, skip_before: datetime | None) -> Mapping[str, Any]:
        """See `operate.resume`."""
        done = await operate.resume(self.host.engine, scope, by, self.host.clock.now(), skip_before)
        self.host.changed()
        return done


def services_of(host: Host, root: Path, settings: Settings, tokens: Tokens, live: Live, public_url: str) -> Pages:
    """Everything the two applications need."""
    agents, _ = load_agents(root / "agents", live.project.registry)
    pages = Pages(host, root, live, agents)
    pages.services = Services(
        views=host.engine.store.views,
        mailbox=host.engine.store.mailbox,
        tokens=tokens,
        now=host.clock.now,
        read=pages.read,
        ingest=pages.ingest,
        project=lambda: pages.live.project,
        catalog=lambda: pages.live.catalog,
        publish=pages.publish,
        activate=pages.activate,
        pause=pages.pause,
        resume=pages.resume,
        public_url=public_url,
        language=settings.language,
        private_token=secret(settings.listen.token_env, os.environ) or "",
        status=host.status,
        meters=host.meters,
        operators=Operators(host.engine, host.clock.now, lambda: pages.agents, host.changed),
    )
    return pages


def _records(body: bytes) -> list[bytes | Mapping[str, Any]]:
    """A platform's body: one record, or a list of them. What is no JSON is left to the agent's own decoder."""
    try:
        value = json.loads(body)
    except ValueError:
        return [body]
    if isinstance(value, list):
        return [json.dumps(one, ensure_ascii=False).encode() for one in value]
    return [body]
