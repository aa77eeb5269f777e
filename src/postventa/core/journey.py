"""A compiled journey: a flat program of steps with explicit `next`, so that a run's place is one number.

`journeys.compile` makes these from YAML; nothing here reads a file. Every step knows the line it came from, so that
each decision can name it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Literal

from postventa.core.event import Plain

END = -1
"""The index after the last step: arriving there completes the run."""


# --- time ------------------------------------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class Duration:
    """Months and days are calendar spans on the local clock; seconds are exact. "3 days" is days=3, "72 hours" seconds."""

    months: int = 0
    days: int = 0
    seconds: int = 0


Shift = tuple[Literal[1, -1], Duration]
"""A signed span; a tuple of shifts is applied from left to right: `3 years - 30 days`."""


@dataclass(frozen=True, slots=True)
class LocalTime:
    """A time of day on the local clock."""

    hour: int
    minute: int = 0


@dataclass(frozen=True, slots=True)
class Window:
    """Sending is allowed from `opens` to `closes` (may cross midnight) on `days` (0 = Monday; empty = every day)."""

    opens: LocalTime
    closes: LocalTime
    days: frozenset[int] = frozenset()


# --- conditions ------------------------------------------------------------------------------------------------------
Kind = Literal["text", "number", "time", "bool", "list", "any"]


@dataclass(frozen=True, slots=True)
class Path:
    """`order.total` is root "order", parts ("total",). For root "event", `scope` is the id of the step whose match is
    meant; None is the start event. `kind` says how values of the path compare."""

    root: str
    parts: tuple[str, ...]
    kind: Kind = "any"
    scope: str | None = None

    def __str__(self) -> str:
        return ".".join((self.root, *self.parts))


@dataclass(frozen=True, slots=True)
class Fact:
    """An operand that is itself a fact, perhaps moved: `{path: order.promised_at, plus: 2 days}`."""

    path: Path
    shifts: tuple[Shift, ...] = ()
    add: Decimal = Decimal(0)


Operand = Plain | Fact | tuple["Plain | Fact", ...]

Op = Literal[
    "is", "is_not", "in", "at_least", "at_most", "more_than", "less_than", "between", "contains", "exists",
    "before", "after", "within", "any", "none", "all",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Test:
    """`path op operand`. For `any`, `none`, `all` the operand is a Condition read against each item (root "item").
    `within` takes a Duration: the time lies at most that long before now."""

    path: Path
    op: Op
    operand: Operand | Condition


@dataclass(frozen=True, slots=True)
class AllOf:
    parts: tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class AnyOf:
    parts: tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class Not:
    part: Condition


Condition = Test | AllOf | AnyOf | Not
ALWAYS = AllOf(())


def reads_facts(condition: Condition) -> bool:
    """Whether it reads anything beside the event itself, so that its answer can change after the event."""
    if isinstance(condition, AllOf | AnyOf):
        return any(map(reads_facts, condition.parts))
    if isinstance(condition, Not):
        return reads_facts(condition.part)
    operands = condition.operand if isinstance(condition.operand, tuple) else (condition.operand,)
    facts = (one for one in operands if isinstance(one, Fact))
    return condition.path.root not in ("event", "item") or any(fact.path.root != "event" for fact in facts)


@dataclass(frozen=True, slots=True)
class On:
    """An event of one of these types for which `where` holds."""

    types: frozenset[str]
    where: Condition = ALWAYS


# --- steps -----------------------------------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """`path` is the place in the file's tree ("steps/2/then/0"); `repeats` the enclosing repeat steps' indexes,
    outermost first. The last step of a repeat's body has the repeat itself as `next`."""

    index: int
    id: str
    path: str
    line: int
    next: int
    repeats: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class IfBlocked:
    """What a send does while a cap or a hold blocks it: wait up to `wait`, then skip. None: skip at once."""

    wait: Duration | None = Duration(days=3)


@dataclass(frozen=True, slots=True, kw_only=True)
class Send(Step):
    message: str
    with_: Mapping[str, Plain | Path] = field(default_factory=dict)
    choose_by: Path | None = None
    together: str | None = None
    reward: str | None = None
    to: str = "customer"
    channels: tuple[str, ...] = ("email",)
    if_blocked: IfBlocked = IfBlocked()
    duplicates: Literal["allow", "avoid"] | None = None
    """None: the default of the message's class (transactional allows, all others avoid)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wait(Step):
    span: Duration
    at: LocalTime | None = None
    on_days: frozenset[int] = frozenset()
    spread: Duration | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class WaitUntil(Step):
    fact: Path
    shifts: tuple[Shift, ...] = ()
    at: LocalTime | None = None
    if_past: Literal["go_on", "exit"] = "go_on"
    timeout: Duration | None = None
    on_timeout: int = END


@dataclass(frozen=True, slots=True, kw_only=True)
class WaitFor(Step):
    events: tuple[On, ...]
    then: tuple[int, ...] = ()
    """The target per entry of `events`, the same number of entries."""
    timeout: Duration | Fact | None = None
    on_timeout: int = END
    since: str = "start"
    """"start", "here" or the id of a step: only events that occurred at or after that moment match."""
    times: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Branch(Step):
    cases: tuple[tuple[Condition, int], ...]
    otherwise: int


@dataclass(frozen=True, slots=True)
class Variant:
    name: str
    weight: int
    target: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Experiment(Step):
    name: str
    variants: tuple[Variant, ...]
    measure: str = "goal"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask(Step):
    survey: str
    message: str
    timeout: Duration
    remind_after: Duration | None = None
    reminder: str | None = None
    """The message of the reminder; None sends `message` again."""
    then: int = END
    on_timeout: int = END
    if_blocked: IfBlocked = IfBlocked()
    with_: Mapping[str, Plain | Path] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Award(Step):
    points: int
    reason: str
    per: Literal["order", "line"] | Decimal = "order"
    """A Decimal is an amount of the shop's currency: so many points per started... full amount spent on the order."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SetFacts(Step):
    values: Mapping[str, Plain | Path]
    """Keys are `customer.<field>` or `run.<field>`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Emit(Step):
    event: str
    with_: Mapping[str, Plain | Path] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Hold(Step):
    what: str
    at_most: Duration


@dataclass(frozen=True, slots=True, kw_only=True)
class Release(Step):
    what: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Repeat(Step):
    body: int
    every: Duration | None
    """None is `repeat: round`: the next round starts as soon as one ends."""
    at_most: int | None = None
    until: Condition | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Exit(Step):
    reason: str


AnyStep = (
    Send | Wait | WaitUntil | WaitFor | Branch | Experiment | Ask | Award | SetFacts | Emit | Hold | Release | Repeat | Exit
)  # fmt: skip


# --- the journey -----------------------------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class Start:
    on: On
    again: Literal["always", "never"] | Duration = "always"
    while_running: Literal["ignore", "restart"] = "ignore"


@dataclass(frozen=True, slots=True)
class Goal:
    on: On
    within: Duration
    then: Literal["go_on", "exit"] = "go_on"


@dataclass(frozen=True, slots=True)
class Journey:
    """`version` is the hash of the canonical form. `first` is the index of the first step (END for none)."""

    id: str
    version: str
    title: str
    file: str
    subject: str
    start: Start
    steps: tuple[AnyStep, ...]
    first: int = 0
    exit_on: tuple[On, ...] = ()
    goal: Goal | None = None
    owner: str = ""
    edits: Literal["finish", "follow", "retime"] = "finish"
    marked: frozenset[str] = field(init=False, repr=False, compare=False)
    """Steps whose arrival is remembered, because a wait_for says `since: <step id>`."""
    exit_types: frozenset[str] = field(init=False, repr=False, compare=False)
    """Every event type that may end a run."""

    def __post_init__(self) -> None:
        since = {step.since for step in self.steps if isinstance(step, WaitFor)} - {"start", "here"}
        object.__setattr__(self, "marked", frozenset(since))
        object.__setattr__(self, "exit_types", frozenset(name for on in self.exit_on for name in on.types))

    def fact_wheres(self) -> list[tuple[str, On]]:
        """(place, on) of exits and waits whose `where` reads facts: their answers are kept from when an event came."""
        places = [(f"exit/{number}", on) for number, on in enumerate(self.exit_on)]
        waits = (step for step in self.steps if isinstance(step, WaitFor))
        places += [(f"{step.id}/{number}", on) for step in waits for number, on in enumerate(step.events)]
        return [(place, on) for place, on in places if reads_facts(on.where)]


# --- what else advance sees ------------------------------------------------------------------------------------------
MessageClass = Literal["transactional", "soft_opt_in", "marketing"]


@dataclass(frozen=True, slots=True)
class Message:
    """What the policy needs to know of a message. A lower `priority` number goes first."""

    name: str
    klass: MessageClass
    priority: int = 100
    purpose: str = "marketing"
    duplicates: Literal["allow", "avoid"] | None = None


@dataclass(frozen=True, slots=True)
class Survey:
    """`low` and `high` bound the score; `kind` is nps, csat, ces, stars, choice or text."""

    id: str
    kind: str
    message: str
    low: int
    high: int
    reminder: str | None = None


@dataclass(frozen=True, slots=True)
class Cap:
    """At most `count` messages of soft_opt_in and marketing per rolling `per`; `channel` None counts all channels."""

    count: int
    per: Duration
    channel: str | None = "email"


@dataclass(frozen=True, slots=True)
class Tier:
    name: str
    from_points: int


@dataclass(frozen=True, slots=True)
class Reward:
    name: str
    codes: Literal["generated", "file", "webhook"] = "generated"
    prefix: str = ""


@dataclass(frozen=True, slots=True)
class Loyalty:
    """Points programme: `expire` None keeps points for ever; tiers by points earned, lowest first."""

    expire: Duration | None = None
    tiers: tuple[Tier, ...] = ()
    rewards: Mapping[str, Reward] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Shop:
    """The part of postventa.yaml that decides. Times of day are on the customer's clock, else on the shop's zone."""

    timezone: str = "UTC"
    locale: str = "en"
    country: str = ""
    currency: str = "EUR"
    caps: tuple[Cap, ...] = ()
    windows: tuple[Window, ...] = ()
    """Empty: any time. Several: any of them."""
    catch_up: Duration = Duration(seconds=3600)
    delivery_settles: Duration = Duration()
    live_from: datetime | None = None
    max_start_lateness: Duration | None = Duration(days=2)
    groups: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Named groups of addresses for `to:`."""


@dataclass(frozen=True, slots=True)
class EventKind:
    """What the core must know of an event type. `thing` is whose facts it carries ("order", "shipment", … or own)."""

    type: str
    thing: str
    once: bool = False


@dataclass(frozen=True, slots=True)
class Catalog:
    """One release, compiled. `versions` also holds older journeys that runs still stand in."""

    release: str
    live: Mapping[str, Journey]
    versions: Mapping[tuple[str, str], Journey]
    messages: Mapping[str, Message] = field(default_factory=dict)
    surveys: Mapping[str, Survey] = field(default_factory=dict)
    products: Mapping[str, Mapping[str, Plain]] = field(default_factory=dict)
    kinds: Mapping[str, EventKind] = field(default_factory=dict)
    loyalty: Loyalty = Loyalty()
    shop: Shop = Shop()
    starts: Mapping[str, tuple[Journey, ...]] = field(init=False, repr=False, compare=False)
    """Live journeys by the event type that starts them: derived, so that an event asks only those it may start."""
    fact_wheres: Mapping[str, tuple[tuple[str, On], ...]] = field(init=False, repr=False, compare=False)
    """By event type: ("<version>:<place>", on) of every `where` whose answer must be kept when an event comes."""

    def __post_init__(self) -> None:
        found: dict[str, list[Journey]] = {}
        for journey in sorted(self.live.values(), key=lambda one: one.id):
            for event_type in sorted(journey.start.on.types):
                found.setdefault(event_type, []).append(journey)
        object.__setattr__(self, "starts", {event_type: tuple(them) for event_type, them in found.items()})
        wheres: dict[str, list[tuple[str, On]]] = {}
        for journey in (*self.live.values(), *self.versions.values()):
            for place, on in journey.fact_wheres():
                for event_type in on.types:
                    wheres.setdefault(event_type, []).append((f"{journey.version}:{place}", on))
        object.__setattr__(self, "fact_wheres", {event_type: tuple(them) for event_type, them in wheres.items()})

    def journey_of(self, journey: str, version: str) -> Journey | None:
        """The version a run stands in, else None (it was never published here)."""
        return self.versions.get((journey, version)) or (
            live if (live := self.live.get(journey)) and live.version == version else None
        )
