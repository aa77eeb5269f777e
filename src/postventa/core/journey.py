"""A compiled journey: a flat program of steps with explicit `next`, so that a run's place is one number.

`journeys.compile` makes these from YAML; nothing here reads a file. Every step knows the line it came from, so that
each decision can name it. The data of times and conditions (`core.condition`) can be had from here too.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Literal

from postventa.core.condition import ALWAYS as ALWAYS
from postventa.core.condition import AllOf as AllOf
from postventa.core.condition import AnyOf as AnyOf
from postventa.core.condition import Condition as Condition
from postventa.core.condition import Duration as Duration
from postventa.core.condition import Fact as Fact
from postventa.core.condition import Kind as Kind
from postventa.core.condition import LocalTime as LocalTime
from postventa.core.condition import Not as Not
from postventa.core.condition import On as On
from postventa.core.condition import Op as Op
from postventa.core.condition import Operand as Operand
from postventa.core.condition import Path as Path
from postventa.core.condition import Shift as Shift
from postventa.core.condition import Test as Test
from postventa.core.condition import Window as Window
from postventa.core.condition import reads_facts as reads_facts
from postventa.core.event import Plain
from postventa.core.shop import Cap as Cap
from postventa.core.shop import Loyalty as Loyalty
from postventa.core.shop import Message as Message
from postventa.core.shop import MessageClass as MessageClass
from postventa.core.shop import Reward as Reward
from postventa.core.shop import Shop as Shop
from postventa.core.shop import Survey as Survey
from postventa.core.shop import Tier as Tier

END = -1
"""The index after the last step: arriving there completes the run."""


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
    """`send`: hand a message over, then go on."""

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
    """`wait`: a span from `at`, perhaps to a clock time or a day, perhaps spread over a width."""

    span: Duration
    at: LocalTime | None = None
    on_days: frozenset[int] = frozenset()
    spread: Duration | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class WaitUntil(Step):
    """`wait_until`: the time of a fact, moved by `shifts`; `timeout` counts while the fact is unknown."""

    fact: Path
    shifts: tuple[Shift, ...] = ()
    at: LocalTime | None = None
    if_past: Literal["go_on", "exit"] = "go_on"
    timeout: Duration | None = None
    on_timeout: int = END


@dataclass(frozen=True, slots=True, kw_only=True)
class WaitFor(Step):
    """`wait_for`: an event that belongs to the run, or a timeout (None: for ever)."""

    events: tuple[On, ...]
    then: tuple[int, ...] = ()
    """The target per entry of `events`, the same number of entries."""
    timeout: Duration | Fact | None = None
    on_timeout: int = END
    since: str = "start"
    """"start", "here" or the id of a step: only events that occurred at or after that moment match."""
    times: int = 1
    types: frozenset[str] = field(init=False, repr=False, compare=False)
    """Every type among `events`."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "types", frozenset(name for on in self.events for name in on.types))


@dataclass(frozen=True, slots=True, kw_only=True)
class Branch(Step):
    """`branch`: the target of the first case that holds, else `otherwise`."""

    cases: tuple[tuple[Condition, int], ...]
    otherwise: int


@dataclass(frozen=True, slots=True)
class Variant:
    """One arm of an experiment; weights are shares of their sum."""

    name: str
    weight: int
    target: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Experiment(Step):
    """`experiment`: the variant a customer drew once and keeps. `size` customers are planned; it decides nothing."""

    name: str
    variants: tuple[Variant, ...]
    measure: str = "goal"
    size: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask(Step):
    """`ask`: a survey's mail, then its answer or the timeout."""

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
    """`award`: points, once per step and round."""

    points: int
    reason: str
    per: Literal["order", "line"] | Decimal = "order"
    """A Decimal is an amount of the shop's currency: so many points per started... full amount spent on the order."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SetFacts(Step):
    """`set`: facts of the customer or of the run."""

    values: Mapping[str, Plain | Path]
    """Keys are `customer.<field>` or `run.<field>`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Emit(Step):
    """`emit`: an event of our own, for this customer and for the outside."""

    event: str
    with_: Mapping[str, Plain | Path] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Hold(Step):
    """`hold`: other runs' advertising waits while this run holds it."""

    what: str
    at_most: Duration


@dataclass(frozen=True, slots=True, kw_only=True)
class Release(Step):
    """`release`: the end of this run's hold."""

    what: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Repeat(Step):
    """`repeat`: its body in rounds, the first at once."""

    body: int
    every: Duration | None
    """None is `repeat: round`: the next round starts as soon as one ends."""
    at_most: int | None = None
    until: Condition | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Exit(Step):
    """`exit`: the run ends."""

    reason: str


AnyStep = (
    Send | Wait | WaitUntil | WaitFor | Branch | Experiment | Ask | Award | SetFacts | Emit | Hold | Release | Repeat
    | Exit
)  # fmt: skip


# --- the journey -----------------------------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class Start:
    """What begins a run, and whether it may begin again."""

    on: On
    again: Literal["always", "never"] | Duration = "always"
    while_running: Literal["ignore", "restart"] = "ignore"


@dataclass(frozen=True, slots=True)
class Goal:
    """What counts as success, watched for `within` from the start event on."""

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
    heeded: frozenset[str] = field(init=False, repr=False, compare=False)
    """Every event type that may end or move a run, or is its goal."""

    def __post_init__(self) -> None:
        since = {step.since for step in self.steps if isinstance(step, WaitFor)} - {"start", "here"}
        object.__setattr__(self, "marked", frozenset(since))
        exits = frozenset(name for on in self.exit_on for name in on.types)
        object.__setattr__(self, "exit_types", exits)
        waits = (step.types for step in self.steps if isinstance(step, WaitFor))
        object.__setattr__(self, "heeded", exits.union(*waits, self.goal.on.types if self.goal else ()))

    def fact_wheres(self) -> list[tuple[str, On]]:
        """(place, on) of exits and waits whose `where` reads facts: their answers are kept from when an event came."""
        places = [(f"exit/{number}", on) for number, on in enumerate(self.exit_on)]
        waits = (step for step in self.steps if isinstance(step, WaitFor))
        places += [(f"{step.id}/{number}", on) for step in waits for number, on in enumerate(step.events)]
        return [(place, on) for place, on in places if reads_facts(on.where)]


# --- what else advance sees ------------------------------------------------------------------------------------------
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
    loyalty: Loyalty = field(default_factory=Loyalty)
    shop: Shop = field(default_factory=Shop)
    starts: Mapping[str, tuple[Journey, ...]] = field(init=False, repr=False, compare=False)
    """Live journeys by the event type that starts them: derived, so that an event asks only those it may start."""
    fact_wheres: Mapping[str, tuple[tuple[str, On], ...]] = field(init=False, repr=False, compare=False)
    """By event type: ("<version>:<place>", on) of every `where` whose answer must be kept when an event comes."""
    heeded: frozenset[str] = field(init=False, repr=False, compare=False)
    """Every event type that begins, moves or ends a run of any journey here, or is its goal."""
    places: Mapping[str, int] = field(init=False, repr=False, compare=False)
    """The number of each event type among the kinds: the order in which things happen to an order, a parcel, …"""

    def __post_init__(self) -> None:
        object.__setattr__(self, "places", {name: place for place, name in enumerate(self.kinds)})
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
        known = (*self.live.values(), *self.versions.values())
        object.__setattr__(self, "heeded", frozenset(found).union(*(one.heeded for one in known)))
        object.__setattr__(self, "fact_wheres", {event_type: tuple(them) for event_type, them in wheres.items()})

    def journey_of(self, journey: str, version: str) -> Journey | None:
        """The version a run stands in, else None (it was never published here)."""
        return self.versions.get((journey, version)) or (
            live if (live := self.live.get(journey)) and live.version == version else None
        )
