"""What the two applications need from whoever runs them. A runtime fills `Services` and mounts the apps.

    services = Services(views=store.views, mailbox=store.mailbox, tokens=tokens, now=clock.now, read=..., ingest=...)
    public, private = public_app(services), private_app(services)

Everything that may change while the engine runs (a new release) is asked through a callable, never kept.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, Protocol

from postventa.core.journey import Catalog
from postventa.core.quick import quick
from postventa.engine.batch import Answer as Taken
from postventa.engine.meters import Meters
from postventa.engine.operate import Operators
from postventa.errors import RecordError
from postventa.project import Project
from postventa.schemas.parse import Incoming
from postventa.store.base import Mailbox, Views
from postventa.tokens import Tokens

Status = Literal["accepted", "duplicate", "waiting", "rejected", "erased"]
"""`erased`: about a person who asked to be forgotten; dropped on purpose, nothing to mend."""
Headers = Sequence[tuple[str, str]]


@quick
@dataclass(frozen=True, slots=True)
class Answer:
    """What became of one event. Of a rejected one `reason`, `field` (a JSON pointer) and `mend` say why."""

    status: Status
    id: str | None = None
    reason: str = ""
    field: str | None = None
    mend: str | None = None
    customer_id: str | None = None
    runs_started: tuple[str, ...] = ()
    """Ids of the journeys that began with it."""

    @classmethod
    def of(cls, reply: Taken | RecordError) -> Answer:
        """What the engine answered, or a record that was refused before it came there."""
        if isinstance(reply, RecordError):
            return cls("rejected", None, reply.message, reply.field, reply.mend)
        started = tuple(dict.fromkeys(journey for journey, _ in reply.started))
        return cls(reply.status, reply.id, reply.reason, customer_id=reply.customer, runs_started=started)


class Read(Protocol):
    """Makes events of a request's body."""

    def __call__(self, body: bytes, headers: Headers, topic: str | None) -> Sequence[Incoming | RecordError]:
        """The events, the bad ones as the RecordError they are. `topic`: through the agent that reads it.

        Raises RecordError (field "topic") when no agent reads that topic.
        """


class Ingest(Protocol):
    """Takes events into the store."""

    async def __call__(self, items: Sequence[Incoming | RecordError], source: str) -> Sequence[Answer]:
        """Answers in the same order, after the commit. `source` names the origin of a dead letter.

        A RecordError among them was refused already: it is kept as a dead letter and answered as rejected.
        Raises StoreError when nothing could be taken.
        """


async def _no_lag() -> Mapping[tuple[str, int], int]:
    """Where no topic is read."""
    return {}


async def _no_oldest() -> Mapping[tuple[str, int], datetime]:
    """Where nothing waits to be read."""
    return {}


async def _no_last() -> Mapping[str, datetime]:
    """Where nobody else reads a topic."""
    return {}


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """All the pages need. `private_token` empty: the private app answers this machine alone."""

    views: Views
    mailbox: Mailbox
    tokens: Tokens
    now: Callable[[], datetime]
    read: Read
    ingest: Ingest
    project: Callable[[], Project]
    """The live release as a project: brand, surveys, settings."""
    catalog: Callable[[], Catalog]
    """The live release compiled, with the older versions that runs stand in."""
    publish: Callable[[str, str], Awaitable[Mapping[str, Any]]]
    """(message, by). Raises JourneyError with every problem."""
    activate: Callable[[str, str, str], Awaitable[Mapping[str, Any]]] | None = None
    """(release, message, by): make an earlier release the live one; None where nobody may."""
    pause: Callable[[str, str, str], Awaitable[None]]
    """(scope, reason, by); scope as in `store.base.Pause`."""
    resume: Callable[[str, str, datetime | None], Awaitable[Mapping[str, Any]]]
    """(scope, by, skip_before); gives what it did, such as {"skipped": 3}."""
    public_url: str = ""
    language: str = "en"
    """Of the shop's own pages; customers are spoken to in theirs."""
    private_token: str = ""
    private_hosts: frozenset[str] = frozenset()
    """Names the private app is reached by, beside this machine's own."""
    status: Callable[[], Mapping[str, Any]] = field(default=dict)
    """What only the running engine knows (intake caught up, speed, process), shown on the first page."""
    meters: Meters = field(default_factory=Meters)
    """What the running engine has counted."""
    lag: Callable[[], Awaitable[Mapping[tuple[str, int], int]]] = _no_lag
    """(topic, partition) -> records still to be read."""
    oldest: Callable[[], Awaitable[Mapping[tuple[str, int], datetime]]] = _no_oldest
    """(topic, partition) -> when the first record was written that is still to be read."""
    last: Callable[[], Awaitable[Mapping[str, datetime]]] = _no_last
    """Topic -> when other processes last committed an event of it."""
    operators: Operators | None = None
    """The acts behind `postventa dead-letters`, `messages`, `runs` and `suppress`; None where nobody may act."""
