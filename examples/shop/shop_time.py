"""Local clocks, written a second time: what "3 days", "at 10:00" and a sending window mean for one customer.

Nothing here comes from the engine. Where both agree they agree because both read the same language.
"""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

SHOP_ZONE = "Europe/Madrid"
WINDOWS = ((time(9), time(14)), (time(17), time(0, 30)))
"""As in postventa.yaml; the second closes after midnight."""


def resolve(wall: datetime, zone: str) -> datetime:
    """The instant of a local time. One that comes twice is the first; a skipped one moves to the next that exists."""
    where = ZoneInfo(zone)
    while True:
        instant = wall.replace(tzinfo=where, fold=0).astimezone(UTC)
        if instant.astimezone(where).replace(tzinfo=None) == wall:
            return instant
        wall = wall.replace(second=0, microsecond=0) + timedelta(minutes=1)


def wall_clock(at: datetime, zone: str) -> datetime:
    """What the clock on the customer's wall shows at an instant."""
    return at.astimezone(ZoneInfo(zone)).replace(tzinfo=None)


def add_days(at: datetime, days: int, zone: str) -> datetime:
    """The same time on the wall, so many days later."""
    return resolve(wall_clock(at, zone) + timedelta(days=days), zone)


def next_clock(at: datetime, clock: str, zone: str) -> datetime:
    """The next instant at or after `at` when the wall clock shows `clock`."""
    wanted = time.fromisoformat(clock)
    day = wall_clock(at, zone).date()
    while (found := resolve(datetime.combine(day, wanted), zone)) < at:
        day += timedelta(days=1)
    return found


def next_window(at: datetime, zone: str) -> datetime:
    """`at` itself where sending is allowed then, else the next moment a window opens."""
    now = wall_clock(at, zone).time()
    for opens, closes in WINDOWS:
        inside = opens <= now < closes if opens < closes else now >= opens or now < closes
        if inside:
            return at
    return min(next_clock(at, opens.isoformat(), zone) for opens, _ in WINDOWS)


def stamp(at: datetime) -> str:
    """RFC 3339 in UTC, ending in Z."""
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")
