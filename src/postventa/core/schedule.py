"""Every piece of zone arithmetic: calendar spans, local times, send windows. The only module that knows DST.

"n days" keeps the local clock time. A local time that does not exist is the next that does; one that exists twice is
the first. Unknown zone: the fallback.
"""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from postventa.core.journey import Duration, LocalTime, Shift, Window

DAY = timedelta(days=1)


@lru_cache(maxsize=1024)
def zone(name: str | None, fallback: str = "UTC") -> ZoneInfo:
    """The zone of that name, else the fallback's, else UTC."""
    for candidate in (name, fallback):
        if not isinstance(candidate, str) or not candidate:
            continue
        try:
            return ZoneInfo(candidate)
        except (ValueError, OSError):  # ZoneInfoNotFoundError is a KeyError of its own
            continue
        except KeyError:
            continue
    return ZoneInfo("UTC")


def resolve(naive: datetime, tz: ZoneInfo) -> datetime:
    """The UTC moment of a local clock reading (`naive`, no zone) in `tz`."""
    local = naive.replace(tzinfo=tz, fold=0)
    first, second = local.utcoffset(), local.replace(fold=1).utcoffset()
    if first == second or first is None or second is None or first > second:  # no change of clocks, or back
        return local.astimezone(UTC)
    return _end_of_gap(naive, tz)


def _end_of_gap(naive: datetime, tz: ZoneInfo) -> datetime:
    """The moment at which the clock jumped over `naive`: found by halving between the offsets before and after."""
    before = naive.replace(tzinfo=UTC) - (naive.replace(tzinfo=tz, fold=1).utcoffset() or timedelta())
    after = naive.replace(tzinfo=UTC) - (naive.replace(tzinfo=tz, fold=0).utcoffset() or timedelta())
    low, high = min(before, after), max(before, after)
    offset = low.astimezone(tz).utcoffset()
    while high - low > timedelta(seconds=1):
        middle = (low + (high - low) / 2).replace(microsecond=0)
        if middle <= low:
            break
        low, high = (middle, high) if middle.astimezone(tz).utcoffset() == offset else (low, middle)
    return high


def _add_months(day: date, months: int) -> date:
    month = day.month - 1 + months
    year, month = day.year + month // 12, month % 12 + 1
    return date(year, month, min(day.day, monthrange(year, month)[1]))


def add(moment: datetime, span: Duration, tz: ZoneInfo, sign: int = 1) -> datetime:
    """`moment` moved by a span: months, then days on the local clock, then exact seconds. The month's last day is kept
    where the target month is shorter."""
    if span.months or span.days:
        moment = _on_the_clock(moment, sign * span.months, sign * span.days, tz)
    return moment + timedelta(seconds=sign * span.seconds) if span.seconds else moment


@lru_cache(maxsize=4096)
def _on_the_clock(moment: datetime, months: int, days: int, tz: ZoneInfo) -> datetime:
    """Months, then days on the local clock. Kept: the policy asks the same at a send, its claim and its receipt."""
    local = moment.astimezone(tz).replace(tzinfo=None)
    if months:
        local = datetime.combine(_add_months(local.date(), months), local.time())
    return resolve(local + timedelta(days=days), tz)


def shifted(moment: datetime, shifts: Iterable[Shift], tz: ZoneInfo) -> datetime:
    """`moment` moved by signed spans, from left to right: `3 years - 30 days`."""
    for sign, span in shifts:
        moment = add(moment, span, tz, sign)
    return moment


@lru_cache(maxsize=65_536)
def at_clock(day: date, clock: LocalTime, tz: ZoneInfo) -> datetime:
    """The moment of a local time of a day; 24:00 is the next day's midnight."""
    start = datetime.combine(day, time())
    return resolve(start + timedelta(hours=clock.hour, minutes=clock.minute), tz)


def next_local(earliest: datetime, clock: LocalTime | None, on_days: frozenset[int], tz: ZoneInfo) -> datetime:
    """The first moment not before `earliest` that has this local time (if given) on one of these days (if given)."""
    local = earliest.astimezone(tz)
    if clock is None and (not on_days or local.weekday() in on_days):
        return earliest
    clock_time = timedelta(hours=clock.hour, minutes=clock.minute) if clock else None
    for ahead in range(9):
        day = local.date() + ahead * DAY
        if on_days and day.weekday() not in on_days:
            continue
        start = datetime.combine(day, time())
        naive = start + clock_time if clock_time is not None else datetime.combine(day, local.time())
        moment = resolve(naive, tz)
        if moment >= earliest:
            return moment
    return earliest


def wait_due(
    moment: datetime, span: Duration, clock: LocalTime | None, on_days: frozenset[int], tz: ZoneInfo
) -> datetime:
    """When `wait: span` that began at `moment` ends: the next such local time at least that long after."""
    return next_local(add(moment, span, tz), clock, on_days, tz)


def _spans(window: Window, day: date, tz: ZoneInfo) -> tuple[datetime, datetime]:
    crosses = (window.closes.hour, window.closes.minute) <= (window.opens.hour, window.opens.minute)
    return at_clock(day, window.opens, tz), at_clock(day + DAY if crosses else day, window.closes, tz)


@lru_cache(maxsize=4096)
def _spans_around(windows: tuple[Window, ...], today: date, tz: ZoneInfo) -> tuple[tuple[datetime, datetime], ...]:
    """When these windows are open from yesterday on, by opening."""
    days = [today + ahead * DAY for ahead in range(-1, 9)]
    return tuple(
        sorted(_spans(one, day, tz) for one in windows for day in days if not one.days or day.weekday() in one.days)
    )


def next_open(moment: datetime, windows: Sequence[Window], tz: ZoneInfo) -> datetime:
    """`moment` if a window is open then, else the next opening. A window over midnight belongs to the day it opens on.
    No window: any time."""
    if not windows:
        return moment
    for opens, closes in _spans_around(tuple(windows), moment.astimezone(tz).date(), tz):
        if moment < opens:
            return opens
        if moment < closes:
            return moment
    return moment
