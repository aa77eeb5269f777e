"""Reading plain JSON values as times and exact numbers, and writing them back. No other format is known to the core."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from typing import Final, Literal

from postventa.core.event import Plain


class Missing:
    """The answer for a path that leads nowhere. Satisfies only `exists: false`."""

    def __bool__(self) -> Literal[False]:
        return False

    def __repr__(self) -> str:
        return "MISSING"


MISSING: Final = Missing()


@lru_cache(maxsize=4096)
def _time_of_text(text: str) -> datetime | None:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def as_time(value: Plain) -> datetime | None:
    """An aware UTC datetime of an RFC 3339 text or a date (its midnight, UTC); None if it is neither."""
    if isinstance(value, datetime):
        return value.astimezone(UTC)
    if isinstance(value, date):
        return datetime.combine(value, time(), UTC)
    return _time_of_text(value) if isinstance(value, str) else None


@lru_cache(maxsize=4096)
def time_text(moment: datetime) -> str:
    """RFC 3339 in UTC, whole seconds without a fraction: `2026-11-22T14:10:17Z`."""
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def as_number(value: Plain) -> Decimal | None:
    """An exact number of an int, a decimal text or a float (by its shortest text); None if it is none. Never NaN."""
    if isinstance(value, bool) or value is None:
        return None
    if isinstance(value, int | Decimal):
        return Decimal(value)
    if not isinstance(value, str | float):
        return None
    try:
        number = Decimal(str(value))
    except InvalidOperation:
        return None
    return number if number.is_finite() else None


def number_text(number: Decimal) -> str:
    """A decimal as plain text, no exponent: `39.90`."""
    return format(number, "f")
