"""All we know of one customer: the value `advance` takes and gives back.

Containers are copied on entry (`fork`), the values in them are frozen, so a state handed out never changes and what
changed is found by identity.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any, Literal

from postventa.core.event import Event, Ids, Plain
from postventa.core.quick import but, quick

Ref = tuple[str, str]
"""(type, id) of a thing: ("order", "o-1"), ("line", "o-1/2"), ("customer", "")."""


@quick
@dataclass(frozen=True, slots=True)
class Thing:
    """Facts of one order, line, shipment, return … `stamps` holds when each field last changed (newest wins)."""

    facts: Mapping[str, Plain] = field(default_factory=dict)
    stamps: Mapping[str, datetime] = field(default_factory=dict)
    ids: Ids = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Consent:
    """A yes or an objection, when it was said, and where."""

    given: bool
    at: datetime
    source: str = ""


@dataclass(frozen=True, slots=True)
class HoldUntil:
    """A run's hold on other runs' advertising, and when it ends by itself."""

    what: str
    since: datetime
    until: datetime


@quick
@dataclass(frozen=True, slots=True)
class Counted:
    """A message that counts toward caps: claimed, sending, sent or uncertain."""

    at: datetime
    channel: str


@quick
@dataclass(frozen=True, slots=True)
class Lot:
    """Points earned and not yet used, reversed or expired."""

    posting_id: str
    points: int
    at: datetime
    expires_at: datetime | None = None
    order: str | None = None


@quick
@dataclass(frozen=True, slots=True)
class Watch:
    """A goal that is still watched, perhaps after its run ended."""

    journey: str
    version: str
    subject: Ref
    started_at: datetime
    until: datetime


@quick
@dataclass(frozen=True, slots=True)
class Ended:
    """What stays of a finished run."""

    at: datetime
    run_id: str


@quick
@dataclass(frozen=True, slots=True)
class Heard:
    """An event told to a customer of whom nothing has left yet: when, and under which release."""

    at: datetime
    release: str
    event: Event | None = None
    """The event itself where it is not among the remembered ones."""
    took_back: tuple[str, ...] = ()
    """Postings that were taken back when it was told anew."""


StandKind = Literal[
    "new", "timer", "fact", "event", "held", "outbox", "siblings", "answer", "round", "parked"
]  # fmt: skip


@quick
@dataclass(frozen=True, slots=True)
class Stand:
    """How a run stands at its step. `due_at` None: it waits for something other than time.

    kinds: `timer` a known time; `fact` a fact not known yet; `event` an event or its timeout; `held` a send that may
    not leave yet; `outbox` a hand-over; `siblings` the lines that share its mail; `answer` a survey's answer; `round`
    the next round; `parked` a failure, see `reason`.
    """

    kind: StandKind
    since: datetime
    due_at: datetime | None = None
    deadline: datetime | None = None
    """`held`: when it gives up and skips; `answer`: when the survey times out."""
    effect_id: str | None = None
    reason: str = ""
    count: int = 0
    """`event`: matches so far (`times`); `answer`: mails sent so far (1 = asked, 2 = reminded)."""
    held_from: datetime | None = None
    """Since when a hold stops this send; that time is added to `deadline` when it ends."""
    resume: Stand | None = None
    """`parked`: how it stood before."""


@quick
@dataclass(frozen=True, slots=True)
class Run:
    """One customer in one journey version for one subject. `at` is when what moved it happened; never goes back."""

    run_id: str
    journey: str
    version: str
    subject: Ref
    ids: Ids
    start: Event
    started_at: datetime
    """`now` of the call that began it; `start.occurred_at` is when the start event occurred."""
    at: datetime
    step: int
    stand: Stand
    vars: Mapping[str, Plain] = field(default_factory=dict)
    matched: Mapping[str, Event] = field(default_factory=dict)
    """The event last matched by each wait_for or ask, by step id."""
    marks: Mapping[str, datetime] = field(default_factory=dict)
    """When each step was last reached (`at` on arrival), by step id: what `since: <step id>` reads."""
    rounds: Mapping[str, tuple[int, datetime]] = field(default_factory=dict)
    """Round number and first start of each active repeat, by step id; a "<id>/round" mark says when it began."""
    variants: Mapping[str, str] = field(default_factory=dict)
    queued: tuple[Event, ...] = ()
    """Events that came while it was parked."""

    def but(self, **changes: Any) -> Run:
        """A copy with these fields changed."""
        return but(self, **changes)


@dataclass(slots=True)
class CustomerState:
    """One customer; `fork` it before changing a container."""

    customer_id: str
    now: datetime | None = None
    facts: dict[str, Plain] = field(default_factory=dict)
    """customer.*: email, first_name, locale, timezone, country, tags, orders{count, first_at, last_at, spent}, …"""
    stamps: dict[str, datetime] = field(default_factory=dict)
    consents: dict[tuple[str, str], Consent] = field(default_factory=dict)
    """(channel or "*", purpose or "*")."""
    things: dict[Ref, Thing] = field(default_factory=dict)
    events: dict[tuple[str, str], Event] = field(default_factory=dict)
    """By (source, id): the events of unfinished subjects, for waits, exits and answers known before they are asked."""
    runs: dict[str, Run] = field(default_factory=dict)
    ended: dict[tuple[str, Ref], Ended] = field(default_factory=dict)
    """The last finished run of each (journey, subject)."""
    watches: dict[str, Watch] = field(default_factory=dict)
    holds: dict[str, HoldUntil] = field(default_factory=dict)
    """By run id."""
    assignments: dict[str, str] = field(default_factory=dict)
    counted: dict[str, Counted] = field(default_factory=dict)
    """By effect id, within the longest cap."""
    lots: dict[str, Lot] = field(default_factory=dict)
    settling: dict[str, datetime] = field(default_factory=dict)
    """Order id -> when `delivery_settles` has passed and its delivery may be derived."""
    outbox: dict[str, OutboxRow] = field(default_factory=dict)
    """The core's own view of messages on their way out, by effect id, until their receipt. It is stored with the
    customer as it stands, never derived from the outbox table: so a fold of the history gives the same."""
    verdicts: dict[tuple[str, str], tuple[str, ...]] = field(default_factory=dict)
    """By event key: each `where` that read facts when the event was applied and held ("<version>:<place>"), or did not
    ("!<version>:<place>")."""
    heard: dict[tuple[str, str], Heard] = field(default_factory=dict)
    """Every event so far, by key and in the order in which they were told, while nothing has left yet. A customer who
    has a `now` and nothing heard has grown out of it."""
    erased: bool = False

    def fork(self) -> CustomerState:
        """A copy whose containers may be changed without touching this one."""
        return CustomerState(
            self.customer_id, self.now, self.facts.copy(), self.stamps.copy(), self.consents.copy(), self.things.copy(),
            self.events.copy(), self.runs.copy(), self.ended.copy(), self.watches.copy(), self.holds.copy(),
            self.assignments.copy(), self.counted.copy(), self.lots.copy(), self.settling.copy(), self.outbox.copy(),
            self.verdicts.copy(), self.heard.copy(), self.erased,
        )  # fmt: skip

    @property
    def due_at(self) -> datetime | None:
        """When this customer next has something to do: the smallest due time of its runs, holds and deliveries."""
        times = [run.stand.due_at for run in self.runs.values() if run.stand.due_at is not None]
        times.extend(self.settling.values())
        times.extend(hold.until for hold in self.holds.values())
        times.extend(lot.expires_at for lot in self.lots.values() if lot.expires_at is not None)
        return min(times, default=None)

    @property
    def balance(self) -> int:
        """Points that can be spent now."""
        return sum(lot.points for lot in self.lots.values())


AGAIN = "again"


@quick
@dataclass(frozen=True, slots=True)
class OutboxRow:
    """A message on its way out, as the core sees it: `pending` may still be withdrawn, `claimed` is at a dispatcher,
    `withdrawn` was claimed when it was withdrawn (its dispatcher will say `cancelled`, or that it had already left)."""

    effect_id: str
    run_ids: tuple[str, ...]
    """The run it belongs to; several for a mail shared by lines, the one that gave the id first."""
    step_id: str
    message: str
    channel: str
    address: str
    state: Literal["pending", "claimed", "withdrawn"]
    created_at: datetime
    slot: str = "send"
    """"send", "remind", or "again": sent once more by an operator's word, no run waits for it."""


Facts = Mapping[str, Any]
Money = Decimal
