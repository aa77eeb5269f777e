"""One customer on a virtual clock: feed events, let time pass, see what was sent, decided and recorded.

    line = Timeline(compiled(JOURNEY), "2026-03-02T10:00:00Z")
    line.event("order.paid", order="o-1")
    line.to("+3 days")
    assert line.names == ["thank-you"]

Time steps to each due moment, as the scheduler would with nothing else to do. Messages are claimed and handed over at
once, unless `hands_over` is off: then they stay in `line.state.outbox` until `claim` and `receipt` are called.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal

from postventa.core import schedule
from postventa.core.advance import advance
from postventa.core.effect import Claimed, Effect, EmitEvent, Outcome, RunEnded, SendMessage, TraceEntry
from postventa.core.event import Claim, Command, Event, Input, Receipt, ReceiptResult, Tick
from postventa.core.journey import Catalog
from postventa.core.state import CustomerState, Run
from postventa.core.values import time_text
from postventa.schemas.parse import parse_event
from postventa.schemas.registry import Registry, builtin
from postventa.source.durations import parse_shifts

MAX_STEPS = 10_000


@dataclass(frozen=True, slots=True)
class Sent:
    """A message that was handed over: when, which, for which subject, where to, and under which effect id."""

    at: datetime
    message: str
    subject: str
    to: str
    effect_id: str


def moment(text: str | datetime, now: datetime | None = None) -> datetime:
    """A moment in UTC: an RFC 3339 text, or a span from `now`: `+3 days`, `-1 hour`."""
    if isinstance(text, datetime):
        return text.astimezone(UTC)
    if text[0] in "+-":
        if now is None:
            raise ValueError(f"{text!r} counts from a moment, and none was given")
        span = parse_shifts(text.removeprefix("+").strip() if text[0] == "+" else f"0 days - {text[1:].strip()}")
        return schedule.shifted(now, span, schedule.zone("UTC"))
    found = datetime.fromisoformat(text)
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)


@dataclass(slots=True)
class Timeline:
    """See the module. `outcomes` keeps every (now, input, outcome), so that a test can fold them again."""

    catalog: Catalog
    start: str | datetime = "2026-03-02T10:00:00Z"
    customer: str = "c-1"
    email: str | None = "ana@example.com"
    hands_over: bool = True
    registry: Registry = field(default_factory=builtin)
    now: datetime = field(init=False)
    state: CustomerState = field(init=False)
    outcomes: list[tuple[datetime, Input, Outcome]] = field(init=False, default_factory=list)
    sent: list[Sent] = field(init=False, default_factory=list)
    rows: dict[str, SendMessage] = field(init=False, default_factory=dict)
    suppressed: dict[str, str] = field(init=False, default_factory=dict)
    codes: dict[str, str] = field(init=False, default_factory=dict)
    _told: int = field(init=False, default=0)

    def __post_init__(self) -> None:
        self.now = moment(self.start)
        self.state = CustomerState(self.customer)

    # --- what goes in
    def event(
        self,
        name: str,
        *,
        at: str | datetime | None = None,
        event_id: str | None = None,
        source: str = "shop",
        **data: Any,
    ) -> Outcome:
        """Feed an event that occurred `at` (default: now). `order="o-1"` is short for `order_id`, as for other things;
        everything else is its data."""
        return self.give(self.made(name, at=at, event_id=event_id, source=source, **data))

    def made(
        self,
        name: str,
        *,
        at: str | datetime | None = None,
        event_id: str | None = None,
        source: str = "shop",
        **data: Any,
    ) -> Event:
        """The event that `event` would feed."""
        self._told += 1
        occurred = self.now if at is None else moment(at, self.now)
        facts = {f"{key}_id" if key in self.registry.things and isinstance(value, str) else key: value
                 for key, value in data.items()}  # fmt: skip
        facts.setdefault("customer_id", self.customer)
        if self._told == 1 and self.email:
            facts.setdefault("customer", {"email": self.email})
        record = {"id": event_id or f"{name}/{self._told}", "source": source, "type": name, "time": time_text(occurred)}
        return parse_event({**record, "data": facts}, self.registry, now=self.now).event

    def give(self, given: Input) -> Outcome:
        """Apply one input now, then hand over what came of it."""
        outcome = advance(self.state, given, self.now, self.catalog)
        self.state = outcome.state
        self.outcomes.append((self.now, given, outcome))
        self.rows.update({one.effect_id: one for one in outcome.effects if isinstance(one, SendMessage)})
        if self.hands_over and isinstance(given, Event | Tick | Command):
            self.hand_over()
        return outcome

    def tick(self) -> Outcome:
        """What the scheduler does: fire what is due."""
        return self.give(Tick())

    def to(self, when: str | datetime) -> Timeline:
        """Let time pass until `when`, stopping at every due moment on the way."""
        goal = moment(when, self.now)
        for _ in range(MAX_STEPS):
            due = self.state.due_at
            if due is None or due > goal:
                self.now = max(self.now, goal)
                return self
            self.now = max(self.now, due)
            self.tick()
        raise RuntimeError(f"still something due at {self.now} after {MAX_STEPS} steps")

    def sleep(self, when: str | datetime) -> Timeline:
        """Let time pass without a look: an outage. `tick` or an event ends it."""
        self.now = max(self.now, moment(when, self.now))
        return self

    # --- handing over
    def pending(self) -> list[SendMessage]:
        """The rows that wait for a dispatcher, in the order it takes them."""
        rows = [self.rows[one.effect_id] for one in self.state.outbox.values() if one.state == "pending"]
        return sorted(rows, key=lambda row: (row.priority, row.created_at, row.effect_id))

    def claim(self, *effect_ids: str) -> list[str]:
        """Ask for these rows (default: all pending ones); the effect ids that were claimed."""
        asked = effect_ids or tuple(row.effect_id for row in self.pending())
        outcome = self.give(
            Claim(asked, self.suppressed, {one: code for one, code in self.codes.items() if one in asked})
        )
        return [one.effect_id for one in outcome.effects if isinstance(one, Claimed)]

    def receipt(self, effect_id: str, result: ReceiptResult = "sent", at: str | datetime | None = None) -> Outcome:
        """Tell how a hand-over ended; `at` is the commit of its intent (default: now)."""
        when = self.now if at is None else moment(at, self.now)
        if result in ("sent", "uncertain"):
            row = self.rows[effect_id]
            self.sent.append(Sent(when, row.message, row.subject[1], row.to, effect_id))
        return self.give(Receipt(effect_id, result, when))

    def hand_over(self) -> None:
        """Claim and hand over until nothing is pending."""
        for _ in range(MAX_STEPS):
            if not self.pending():
                return
            for effect_id in self.claim():
                self.receipt(effect_id)
        raise RuntimeError("messages without end")

    # --- what came out
    @property
    def names(self) -> list[str]:
        """The messages handed over so far, in order."""
        return [one.message for one in self.sent]

    @property
    def effects(self) -> list[Effect]:
        """Everything asked for so far."""
        return [effect for _, _, outcome in self.outcomes for effect in outcome.effects]

    @property
    def trace(self) -> list[TraceEntry]:
        """Every line of explanation so far."""
        return [entry for _, _, outcome in self.outcomes for entry in outcome.trace]

    def why(self, what: str) -> list[str]:
        """The reasons of every decision of this kind: `skip`, `refused`, `exit`, …"""
        return [entry.reason for entry in self.trace if entry.what == what]

    def of(self, kind: type[Any]) -> list[Any]:
        """All effects of one kind."""
        return [effect for effect in self.effects if isinstance(effect, kind)]

    def told(self, event_type: str) -> list[Event]:
        """Events of our own making, of one type."""
        return [one.event for one in self.effects if isinstance(one, EmitEvent) and one.event.type == event_type]

    @property
    def runs(self) -> list[Run]:
        """The unfinished runs."""
        return list(self.state.runs.values())

    @property
    def run(self) -> Run:
        """The one unfinished run."""
        (run,) = self.runs
        return run

    def run_of(self, journey: str) -> Run:
        """The one unfinished run of a journey."""
        (run,) = [one for one in self.runs if one.journey == journey]
        return run

    def outcome_of(self, kind: Literal["completed", "exited", "goal", "restarted", "cancelled", "erased"]) -> int:
        """How many runs ended that way."""
        return sum(one.outcome == kind for one in self.of(RunEnded))
