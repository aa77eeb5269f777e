"""The shop around its journeys: messages, surveys, caps, points, hours. `core.journey` gives all of it, too."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from postventa.core.condition import Duration, Window

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
    """A level of the points programme, reached at so many points earned."""

    name: str
    from_points: int


@dataclass(frozen=True, slots=True)
class Reward:
    """What a send can carry, and where its codes come from."""

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
