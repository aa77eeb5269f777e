"""Two backtests of the same events side by side: which mails a change of the files adds, drops or moves.

A mail is the same in both when customer, subject, journey, step, round and message are; the version, which every
change of a file changes, does not count.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from postventa.core.values import as_time

Decision = Mapping[str, Any]
Key = tuple[str, str, str, str, int, str]


class Change(NamedTuple):
    """One mail that differs: a time is None where that side does not send it."""

    customer: str
    subject: str
    journey: str
    message: str
    before: datetime | None
    after: datetime | None


class Sum(NamedTuple):
    """One message of one journey: how many are sent before and after, and how many of those in both moved."""

    journey: str
    message: str
    before: int
    after: int
    moved: int
    shift: timedelta
    """The median move of those that moved; negative is earlier."""


@dataclass(slots=True)
class Comparison:
    """What changed, per message and one by one (by customer, then time)."""

    sums: list[Sum] = field(default_factory=list)
    changes: list[Change] = field(default_factory=list)

    @property
    def customers(self) -> int:
        """How many customers get anything else than before."""
        return len({change.customer for change in self.changes})


def compare(before: Iterable[Decision], after: Iterable[Decision]) -> Comparison:
    """Hold the sent mails of two backtests side by side."""
    old, new = _sent(before), _sent(after)
    changes = [
        Change(key[0], key[1], key[2], key[5], old.get(key), new.get(key))
        for key in sorted(old.keys() | new.keys())
        if old.get(key) != new.get(key)
    ]
    return Comparison(_sums(old, new), changes)


def _sent(decisions: Iterable[Decision]) -> dict[Key, datetime]:
    found: dict[Key, datetime] = {}
    for one in decisions:
        at = as_time(one["at"])
        if one["decision"] == "send" and at is not None:
            text = tuple(str(one[name] or "") for name in ("customer", "subject", "journey", "step"))
            found[(*text, int(one["round"]), str(one["message"] or ""))] = at  # type: ignore[index]
    return found


def _sums(old: Mapping[Key, datetime], new: Mapping[Key, datetime]) -> list[Sum]:
    counts: tuple[Counter[tuple[str, str]], Counter[tuple[str, str]]] = (Counter(), Counter())
    moves: dict[tuple[str, str], list[timedelta]] = {}
    for count, sent in zip(counts, (old, new), strict=True):
        count.update((key[2], key[5]) for key in sent)
    for key in old.keys() & new.keys():
        if old[key] != new[key]:
            moves.setdefault((key[2], key[5]), []).append(new[key] - old[key])
    return [
        Sum(*place, counts[0][place], counts[1][place], len(moves.get(place, ())), _median(moves.get(place, ())))
        for place in sorted(counts[0].keys() | counts[1].keys())
    ]


def _median(spans: Iterable[timedelta]) -> timedelta:
    ordered = sorted(spans)
    return ordered[len(ordered) // 2] if ordered else timedelta()
