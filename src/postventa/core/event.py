"""The immutable facts the engine is told about, and the other inputs that move one customer.

`Event` is what platforms publish. `Tick`, `Claim`, `Receipt` and `Command` come from our own scheduler, dispatcher and
operators. All of them enter through the same door, `core.advance.advance`, and all of them are kept in the history.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from postventa.core.quick import quick

Plain = Any
"""A JSON value: str, int, float, bool, None, list or dict. Money is a decimal text, a time an RFC 3339 text in UTC."""

Ids = Mapping[str, str | tuple[str, ...]]
"""What an event or a run is about: {"order": "o-1", "line": ("o-1/1", "o-1/2")}. Line ids are always `order/line`."""


@quick
@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened to one customer. `(source, id)` is its identity; `occurred_at` is aware UTC."""

    id: str
    source: str
    type: str
    occurred_at: datetime
    data: Mapping[str, Plain] = field(default_factory=dict)
    ids: Ids = field(default_factory=dict)
    recorded_at: datetime | None = None
    """When the source recorded it (`recordedtime`), if it says so: orders events of the same instant in a replay."""

    @property
    def key(self) -> tuple[str, str]:
        """What tells one event from every other: (source, id)."""
        return (self.source, self.id)

    @property
    def order_key(self) -> tuple[datetime, str, str]:
        """The order in which events of one customer are read: when they occurred, then source, then id."""
        return (self.occurred_at, self.source, self.id)


@dataclass(frozen=True, slots=True)
class Tick:
    """The scheduler looked: fire what is due by `now`."""


@quick
@dataclass(frozen=True, slots=True)
class Claim:
    """The dispatcher wants to hand over these outbox rows, in this order, and asks once more whether it may.

    `suppressed` maps an address that must not be written to onto the reason; `codes` brings a code per effect that
    carries a reward. Both were read and locked in the claim's own transaction and stay in the history row.
    """

    effect_ids: tuple[str, ...]
    suppressed: Mapping[str, str] = field(default_factory=dict)
    codes: Mapping[str, str] = field(default_factory=dict)


ReceiptResult = Literal["sent", "refused", "gave_up", "uncertain", "cancelled"]
"""`cancelled`: withdrawn after its claim and before its intent; nothing left."""


@quick
@dataclass(frozen=True, slots=True)
class Receipt:
    """How the hand-over of one effect ended. `at` is the commit of its intent: the moment of sending."""

    effect_id: str
    result: ReceiptResult
    at: datetime
    detail: str = ""


@dataclass(frozen=True, slots=True)
class InDoubt:
    """A message of which nobody knows whether it left, as its outbox row tells; its run went on without it."""

    effect_id: str
    run_ids: tuple[str, ...]
    step_id: str
    message: str
    channel: str
    address: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Command:
    """An operator's act on one customer: `end_run`, `retry_run` (of a parked run), or of a message in doubt `resend`
    (it leaves once more, as the same message) and `drop` (it stays as it is).
    """

    kind: Literal["end_run", "retry_run", "resend", "drop"]
    run_id: str
    reason: str = ""
    message: InDoubt | None = None


How = Literal["follow", "retime"]
"""`follow`: go on in the new version where one stands; `retime`: and compute running waits anew from the run's `at`."""


@dataclass(frozen=True, slots=True)
class Move:
    """The customer's runs of a journey that stand in one of the versions `from_` go over to another version."""

    journey: str
    version: str
    from_: tuple[str, ...]
    how: How = "follow"
    renamed: Mapping[str, str] = field(default_factory=dict)
    """Old step id -> new step id, where the files do not tell."""
    reason: str = ""


Input = Event | Tick | Claim | Receipt | Command | Move
