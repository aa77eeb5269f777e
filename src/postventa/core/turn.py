"""The working table of one `advance` call: a forked state, and what it asks for so far.

Everything below `advance` takes a Turn, changes its state's containers, and adds effects, events and trace. A turn can
be marked and rolled back, so that one failing run leaves the others, and itself, as they were.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal
from zoneinfo import ZoneInfo

from postventa.core import view
from postventa.core.effect import Effect, EmitEvent, TraceEntry
from postventa.core.event import Event, Ids, Plain
from postventa.core.journey import Catalog, Journey
from postventa.core.state import CustomerState, Run

SOURCE = "postventa"
"""The `source` of every event that the engine makes."""

MAX_DEPTH = 16
"""How deep derived and emitted events may follow one another."""


@dataclass(frozen=True, slots=True)
class Mark:
    """What `roll_back` needs to undo everything since."""

    state: CustomerState
    effects: int
    trace: int
    queue: tuple[tuple[Event, int], ...]
    relax: bool


@dataclass(slots=True)
class Turn:
    """One call's work: `state` is a fork, everything else starts empty."""

    state: CustomerState
    catalog: Catalog
    now: datetime
    effects: list[Effect] = field(default_factory=list)
    trace: list[TraceEntry] = field(default_factory=list)
    queue: deque[tuple[Event, int]] = field(default_factory=deque)
    """Events made in this call and still to be applied, with their depth."""
    learned: set[tuple[str, str]] = field(default_factory=set)
    """Keys of made events whose facts are already written."""
    depth: int = 0
    careful: bool = False
    """Mark before each act, so that one that fails can be undone. It costs more than acting, and few ever fail:
    `advance` plays without marks first, and again with them when something failed."""
    relax: bool = False
    """A hold ended or a place under a cap came free: held sends are to be looked at again."""
    restless: bool = False
    """A journey set a fact about the customer: waits that depend on one are to be computed again."""
    young: bool = False
    """Nothing of this customer has left or come due yet."""
    _zone: ZoneInfo | None = None

    @property
    def tz(self) -> ZoneInfo:
        """The customer's zone, looked up once per call."""
        if self._zone is None:
            self._zone = view.zone_of(self.state, self.catalog.shop)
        return self._zone

    def forget_zone(self) -> None:
        """The customer's zone changed."""
        self._zone = None

    def see(self, run: Run, event: Event | None = None) -> view.RunView:
        """The facts around a run, with `event` (or its start event) as the event at hand."""
        return view.RunView(self.state, self.catalog, self.now, self.tz, run.ids, event or run.start, run)

    def journey_of(self, run: Run) -> Journey:
        """The version the run stands in; LookupError where this release does not have it."""
        journey = self.catalog.journey_of(run.journey, run.version)
        if journey is None:
            raise LookupError(f"version {run.version} of journey {run.journey!r} is not in this release's catalog")
        return journey

    # --- what the call gives back
    def do(self, effect: Effect) -> None:
        """Ask the world for something."""
        self.effects.append(effect)

    def emit(self, event_type: str, name: str, at: datetime, data: dict[str, Plain], ids: Ids) -> Event:
        """Publish an event of our own making and apply it to this customer after the one at hand."""
        if self.depth >= MAX_DEPTH:
            raise RecursionError(
                f"{event_type!r} would follow {MAX_DEPTH} events deep: do two journeys call each other?"
            )
        data = {**data, **{f"{kind}_id": value for kind, value in ids.items() if isinstance(value, str)}}
        if isinstance(lines := ids.get("line"), tuple):
            data.setdefault("line_ids", [line.rpartition("/")[2] for line in lines])
        event = Event(name, SOURCE, event_type, at, data, ids)
        self.queue.append((event, self.depth + 1))
        self.do(EmitEvent(name, event))
        return event

    def note(self, what: str, reason: str, run: Run | None = None, **more: Any) -> None:
        """One line of the answer to "why?"."""
        if run is not None:
            self._note_run(what, reason, run, **more)
        else:
            self.trace.append(TraceEntry(self.now, what, reason, **more))

    def _note_run(self, what: str, reason: str, run: Run, **more: Any) -> None:
        journey = self.catalog.journey_of(run.journey, run.version)
        step = journey.steps[run.step] if journey and 0 <= run.step < len(journey.steps) else None
        self.trace.append(
            TraceEntry(
                self.now, what, reason, run.run_id, run.journey, run.version, run.subject, step.id if step else None,
                step.line if step else None, self.round_of(run) if run.rounds else 1, **more,
            )
        )  # fmt: skip

    def rounds_of(self, run: Run) -> tuple[int, ...]:
        """The round numbers of the repeats around the run's step, outermost first."""
        if not run.rounds:
            return ()
        journey = self.catalog.journey_of(run.journey, run.version)
        if journey is None or run.step < 0:
            return ()
        ids = (journey.steps[index].id for index in journey.steps[run.step].repeats)
        return tuple(run.rounds[one][0] for one in ids if one in run.rounds)

    def round_of(self, run: Run) -> int:
        """The innermost round; 1 outside any repeat."""
        return (self.rounds_of(run) or (1,))[-1]

    def put(self, run: Run) -> Run:
        """Keep a run as it stands now, and give it back."""
        self.state.runs[run.run_id] = run
        return run

    # --- all or nothing
    def mark(self) -> Mark:
        """Remember everything as it is."""
        return Mark(self.state.fork(), len(self.effects), len(self.trace), tuple(self.queue), self.relax)

    def roll_back(self, mark: Mark) -> None:
        """Undo everything since the mark."""
        self.state = mark.state
        del self.effects[mark.effects :]
        del self.trace[mark.trace :]
        self.queue = deque(mark.queue)
        self.relax = mark.relax


Outcomes = Literal["completed", "exited", "goal", "restarted", "cancelled", "erased"]


def local_text(turn: Turn, moment: datetime) -> str:
    """A moment for a reason in words, on the customer's clock."""
    return moment.astimezone(turn.tz).isoformat(" ", "minutes")[:16]
