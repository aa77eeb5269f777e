"""Two backtests of the same events side by side: which mails a change of the files adds, drops or moves, and for whom.

A mail is the same in both when customer, subject, journey, step, round and message are; the version, which every
change of a file changes, does not count.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any, Literal, NamedTuple
from zoneinfo import ZoneInfo

from postventa.core.values import as_time
from postventa.engine.fates import UNKNOWN, Fate, Told, Where, fate_of

Decision = Mapping[str, Any]
Key = tuple[str, str, str, str, int, str]
"""(customer, subject, journey, step, round, message)."""
Sent = Mapping[Key, datetime]
Kind = Literal["more", "fewer", "other", "moved", "same"]
KINDS: tuple[Kind, ...] = ("more", "fewer", "other", "moved", "same")
WEEK = timedelta(days=7)
EXAMPLES = 10


class Change(NamedTuple):
    """One mail that differs: a time is None where that side does not send it, and `why` says why not."""

    customer: str
    subject: str
    journey: str
    message: str
    before: datetime | None
    after: datetime | None
    why: Fate = UNKNOWN


class Sum(NamedTuple):
    """One message of one journey: how many are sent before and after, and how many of those in both moved."""

    journey: str
    message: str
    before: int
    after: int
    moved: int
    shift: timedelta
    """The median move of those that moved; negative is earlier."""
    added: int = 0
    """Only sent after."""
    dropped: int = 0
    """Only sent before."""


class Most(NamedTuple):
    """The customer who gets most, in all and within any seven days."""

    mails: int = 0
    customer: str = ""
    week: int = 0
    week_customer: str = ""


class PutOff(NamedTuple):
    """Mails of one message that one thing (window, cap, hold) made wait, in each version: how many, how long."""

    journey: str
    message: str
    by: str
    before: int
    after: int
    wait_before: timedelta
    """The median."""
    wait_after: timedelta


class Mail(NamedTuple):
    """One mail of a customer in both versions."""

    journey: str
    message: str
    subject: str
    before: datetime | None
    after: datetime | None


class Example(NamedTuple):
    """One customer side by side, all mails in order of time."""

    customer: str
    kind: Kind
    mails: tuple[Mail, ...]


@dataclass(frozen=True, slots=True)
class Side:
    """One version's outcome: what was decided, and (unless it comes from a file) what became of each run."""

    decisions: Sequence[Decision]
    runs: Mapping[Where, Told] | None = None


@dataclass(slots=True)
class Comparison:
    """What changed: per message, per customer, and one by one (by customer, then subject)."""

    sums: list[Sum] = field(default_factory=list)
    changes: list[Change] = field(default_factory=list)
    people: dict[Kind, int] = field(default_factory=dict)
    """Customers who get any mail in either version: more mails than before, fewer, as many but other ones, the same
    at another time, exactly the same."""
    most: tuple[Most, Most] = (Most(), Most())
    put_off: list[PutOff] = field(default_factory=list)
    days: dict[date, tuple[int, int]] = field(default_factory=dict)
    """Mails per local day, before and after."""
    examples: list[Example] = field(default_factory=list)

    @property
    def customers(self) -> int:
        """How many customers get anything else than before."""
        return len({change.customer for change in self.changes})

    @property
    def mails(self) -> tuple[int, int]:
        """All mails, before and after."""
        return sum(one.before for one in self.sums), sum(one.after for one in self.sums)


def compare(before: Side, after: Side, *, zone: str = "UTC", since: datetime | None = None) -> Comparison:
    """Hold the mails of two backtests side by side; `since` leaves out what both decided before. `zone`: whose days."""
    old, new = _sent(before.decisions), _sent(after.decisions)
    if since is not None:
        keep = {key for sent in (old, new) for key, at in sent.items() if at >= since}
        old = {key: at for key, at in old.items() if key in keep}
        new = {key: at for key, at in new.items() if key in keep}
    people = {customer: _kind(*mails) for customer, mails in _by_customer(old, new).items()}
    counts = Counter(people.values())
    return Comparison(
        _sums(old, new),
        _changes(old, new, before, after),
        {kind: counts[kind] for kind in KINDS},
        (_most(old), _most(new)),
        _put_off((before.decisions, old), (after.decisions, new)),
        _days(old, new, ZoneInfo(zone)),
        _examples(old, new, people),
    )


def _sent(decisions: Iterable[Decision]) -> dict[Key, datetime]:
    return {_key(one): at for one in decisions if one["decision"] == "send" and (at := as_time(one["at"])) is not None}


def _key(one: Decision) -> Key:
    return (
        str(one["customer"] or ""), str(one["subject"] or ""), str(one["journey"] or ""), str(one["step"] or ""),
        int(one["round"]), str(one["message"] or ""),
    )  # fmt: skip


# --- mail by mail -----------------------------------------------------------------------------------------------------
def _changes(old: Sent, new: Sent, before: Side, after: Side) -> list[Change]:
    found = []
    for key in sorted(old.keys() | new.keys()):
        was, now = old.get(key), new.get(key)
        if was != now:
            lacks = after if now is None else before if was is None else None
            found.append(Change(key[0], key[1], key[2], key[5], was, now, _why(lacks, key)))
    return found


def _why(side: Side | None, key: Key) -> Fate:
    if side is None or side.runs is None:
        return UNKNOWN
    return fate_of(side.runs.get((key[0], key[1], key[2])), key[3])


def _sums(old: Sent, new: Sent) -> list[Sum]:
    counts: tuple[Counter[tuple[str, str]], Counter[tuple[str, str]]] = (Counter(), Counter())
    alone: tuple[Counter[tuple[str, str]], Counter[tuple[str, str]]] = (Counter(), Counter())
    moves: dict[tuple[str, str], list[timedelta]] = {}
    for side, (sent, other) in enumerate(((old, new), (new, old))):
        counts[side].update((key[2], key[5]) for key in sent)
        alone[side].update((key[2], key[5]) for key in sent.keys() - other.keys())
    for key in old.keys() & new.keys():
        if old[key] != new[key]:
            moves.setdefault((key[2], key[5]), []).append(new[key] - old[key])
    return [
        Sum(*place, counts[0][place], counts[1][place], len(moves.get(place, ())), _median(moves.get(place, ())),
            alone[1][place], alone[0][place])
        for place in sorted(counts[0].keys() | counts[1].keys())
    ]  # fmt: skip


def _median(spans: Iterable[timedelta]) -> timedelta:
    ordered = sorted(spans)
    return ordered[len(ordered) // 2] if ordered else timedelta()


# --- customer by customer ---------------------------------------------------------------------------------------------
Mails = dict[Key, datetime]


def _by_customer(old: Sent, new: Sent) -> dict[str, tuple[Mails, Mails]]:
    people: dict[str, tuple[Mails, Mails]] = {}
    for side, sent in enumerate((old, new)):
        for key, at in sent.items():
            people.setdefault(key[0], ({}, {}))[side][key] = at
    return people


def _kind(old: Mails, new: Mails) -> Kind:
    if len(old) != len(new):
        return "more" if len(new) > len(old) else "fewer"
    if Counter((key[2], key[5]) for key in old) != Counter((key[2], key[5]) for key in new):
        return "other"
    return "same" if old == new else "moved"


def _most(sent: Sent) -> Most:
    times: dict[str, list[datetime]] = {}
    for key, at in sent.items():
        times.setdefault(key[0], []).append(at)
    if not times:
        return Most()
    weeks = {customer: _fullest_week(them) for customer, them in times.items()}
    first = min(times, key=lambda customer: (-len(times[customer]), customer))
    busy = min(weeks, key=lambda customer: (-weeks[customer], customer))
    return Most(len(times[first]), first, weeks[busy], busy)


def _fullest_week(times: list[datetime]) -> int:
    """The most mails within any seven days."""
    times.sort()
    most = start = 0
    for end, at in enumerate(times):
        while at - times[start] >= WEEK:
            start += 1
        most = max(most, end - start + 1)
    return most


def _examples(old: Sent, new: Sent, people: Mapping[str, Kind]) -> list[Example]:
    """Some of every kind in turn, those with most differences first."""
    mails = _by_customer(old, new)
    queues: list[list[str]] = []
    for kind in KINDS[:-1]:
        them = [customer for customer, found in people.items() if found == kind]
        queues.append(sorted(them, key=lambda one: (-_differences(*mails[one]), one)))
    chosen: list[str] = []
    while len(chosen) < EXAMPLES and any(queues):
        chosen += [queue.pop(0) for queue in queues if queue]
    return [Example(one, people[one], _mails(*mails[one])) for one in chosen[:EXAMPLES]]


def _differences(old: Mails, new: Mails) -> int:
    return sum(old.get(key) != new.get(key) for key in old.keys() | new.keys())


def _mails(old: Mails, new: Mails) -> tuple[Mail, ...]:
    found = [Mail(key[2], key[5], key[1], old.get(key), new.get(key)) for key in old.keys() | new.keys()]
    return tuple(sorted(found, key=lambda one: (min(at for at in (one.before, one.after) if at), one)))


# --- what waited, and when --------------------------------------------------------------------------------------------
def _put_off(before: tuple[Sequence[Decision], Sent], after: tuple[Sequence[Decision], Sent]) -> list[PutOff]:
    sides = [_waits(*before), _waits(*after)]
    found = []
    for place in sorted(sides[0].keys() | sides[1].keys()):
        one, two = sides[0].get(place, []), sides[1].get(place, [])
        found.append(PutOff(*place, len(one), len(two), _median(one), _median(two)))
    return found


def _waits(decisions: Sequence[Decision], sent: Sent) -> dict[tuple[str, str, str], list[timedelta]]:
    """(journey, message, what held it) -> how long each mail waited that was put off and then sent."""
    first: dict[Key, tuple[datetime, str]] = {}
    for one in decisions:
        if one["decision"] == "defer" and (at := as_time(one["at"])) is not None:
            first.setdefault(_key(one), (at, held_by(str(one.get("reason") or ""))))
    waits: dict[tuple[str, str, str], list[timedelta]] = {}
    for key, (since, by) in first.items():
        if key in sent:
            waits.setdefault((key[2], key[5], by), []).append(sent[key] - since)
    return waits


def held_by(reason: str) -> str:
    """`window`, `cap` or `hold`: what a reason for putting off speaks of (`core.policy` words them)."""
    if reason.startswith("outside the send window"):
        return "window"
    return "cap" if reason.startswith("the cap of") else "hold"


def _days(old: Sent, new: Sent, zone: ZoneInfo) -> dict[date, tuple[int, int]]:
    counts = [Counter(at.astimezone(zone).date() for at in sent.values()) for sent in (old, new)]
    return {day: (counts[0][day], counts[1][day]) for day in sorted(counts[0].keys() | counts[1].keys())}
