"""What this process has done since it began, counted where it happens; `/metrics` and the page of the streams read it.

A plain object that a runtime makes once and passes to its parts. What the store knows (lag, backlog) is no matter of
these counters: it is asked of the store.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime

EVENTS_BOUNDS = (1, 5, 25, 100, 250, 500)
SECONDS_BOUNDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)


@dataclass(slots=True)
class Spread:
    """A histogram: how many values up to each bound, and their sum."""

    bounds: Sequence[float]
    counts: list[int] = field(default_factory=list)
    total: float = 0.0

    def __post_init__(self) -> None:
        self.counts = [0] * (len(self.bounds) + 1)

    def add(self, value: float) -> None:
        """One value."""
        place = next((place for place, bound in enumerate(self.bounds) if value <= bound), len(self.bounds))
        self.counts[place] += 1
        self.total += value

    def buckets(self) -> list[tuple[str, float]]:
        """(upper bound, how many values up to it), the last is "+Inf"."""
        found, count = [], 0
        for bound, here in zip((*map(str, self.bounds), "+Inf"), self.counts, strict=True):
            count += here
            found.append((bound, float(count)))
        return found


@dataclass(slots=True)
class Batch:
    """What one batch held; counted when it is committed."""

    outcomes: Counter[tuple[str, str]] = field(default_factory=Counter)

    def event(self, topic: str, outcome: str) -> None:
        """One record of a topic ("http" and "file" are such, too) and what became of it."""
        self.outcomes[topic, outcome] += 1


@dataclass(slots=True)
class Meters:
    """The counters of one process. Nothing in them names a person."""

    events: Counter[tuple[str, str]] = field(default_factory=Counter)
    """(topic, outcome)."""
    sends: Counter[tuple[str, str]] = field(default_factory=Counter)
    """(channel, result), one for each attempt."""
    batch_events: Spread = field(default_factory=lambda: Spread(EVENTS_BOUNDS))
    batch_seconds: Spread = field(default_factory=lambda: Spread(SECONDS_BOUNDS))
    last_at: dict[str, datetime] = field(default_factory=dict)
    """Topic -> when its last batch was committed, real time."""
    gaps: int = 0
    """Records that were there and were never read. Must stay 0."""

    @property
    def committed_at(self) -> datetime | None:
        """When the last batch was committed; None before the first."""
        return max(self.last_at.values(), default=None)

    @contextmanager
    def batch(self) -> Iterator[Batch]:
        """Measures one batch until its commit; one that raises counts nothing, it is tried again."""
        begun, one = time.monotonic(), Batch()
        yield one
        self.batch_seconds.add(time.monotonic() - begun)
        self.batch_events.add(one.outcomes.total())
        self.events.update(one.outcomes)
        now = datetime.now(UTC)
        self.last_at.update((topic, now) for topic, _ in one.outcomes)

    def send(self, channel: str, result: str) -> None:
        """One attempt to hand over a message has ended."""
        self.sends[channel, result] += 1
