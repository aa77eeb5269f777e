"""When a message that could not be handed over is tried again, and when it is given up."""

from __future__ import annotations

from datetime import datetime, timedelta

from postventa.core.ids import digest

FIRST, LONGEST = timedelta(seconds=10), timedelta(hours=1)
GIVE_UP_AFTER = timedelta(hours=24)
"""Counted from the first try. A mail about today's parcel is of no use the day after tomorrow."""


def delay(effect_id: str, attempt: int) -> timedelta:
    """How long to wait after this attempt (1, 2, …): doubling from 10 s to an hour, 20 % earlier at most.

    The spread comes from the id, not from chance: messages that failed together come back one after another.
    """
    longest = min(LONGEST, FIRST * (1 << min(attempt - 1, 20)))
    part = int(digest("retry/1", effect_id, str(attempt), size=4), 16) / (1 << 32)
    return timedelta(seconds=longest.total_seconds() * (1 - 0.2 * part))


def is_over(first_try_at: datetime | None, now: datetime) -> bool:
    """True when the message has been tried for as long as it may be. Both on the real clock."""
    return first_try_at is not None and now - first_try_at >= GIVE_UP_AFTER
