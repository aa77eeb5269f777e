"""Durations, offsets, clock times and days of the week, as people write them in English, Spanish or ISO 8601.

"3 days" is a calendar span (the local clock time stays over DST), "72 hours" is exact. A month is a month, never
30 days.
"""

from __future__ import annotations

import re

from postventa.core.journey import Duration, LocalTime, Shift
from postventa.source.nearest import nearest


class NotUnderstood(ValueError):
    """The text is not a duration, offset, time or day. `help` says what would be accepted."""

    def __init__(self, message: str, help: str = "") -> None:  # noqa: A002 - the word users see
        super().__init__(message)
        self.help = help


_UNITS: dict[str, tuple[str, int]] = {
    word: meaning
    for words, meaning in {
        "second seconds segundo segundos": ("seconds", 1),
        "minute minutes min minuto minutos": ("seconds", 60),
        "hour hours hora horas h": ("seconds", 3600),
        "day days día días dia dias": ("days", 1),
        "week weeks semana semanas": ("days", 7),
        "month months mes meses": ("months", 1),
        "year years año años": ("months", 12),
    }.items()
    for word in words.split()
}
_LONGEST = 1200 * 366 * 86400
_ACCEPTED = "like 3 days, 72 hours, 2 weeks, 1 month, P3D or PT36H"
_AMOUNT = re.compile(r"(\d+(?:[.,]\d+)?)\s*([^\W\d_]+)\s*(?:,|and\b|y\b)?\s*")
_ISO = re.compile(
    r"P(?=\d|T\d)(?:(\d+)Y)?(?:(\d+)M)?(?:(\d+)W)?(?:(\d+)D)?(?:T(?=\d)(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)S)?)?"
)
_CLOCK = re.compile(r"([01]?\d|2[0-3]):([0-5]\d)")
_DAYS: dict[str, tuple[int, ...]] = {
    word: numbers
    for words, numbers in {
        "monday mon lunes": (0,),
        "tuesday tue martes": (1,),
        "wednesday wed miércoles miercoles": (2,),
        "thursday thu jueves": (3,),
        "friday fri viernes": (4,),
        "saturday sat sábado sabado": (5,),
        "sunday sun domingo": (6,),
        "weekdays laborables": (0, 1, 2, 3, 4),
        "weekend": (5, 6),
    }.items()
    for word in words.split()
}


def parse_duration(text: str) -> Duration:
    """Read "3 days", "1 day 12 hours", "2 semanas" or "PT36H". Raises NotUnderstood."""
    words = text.strip()
    if words[:1].upper() == "P" and (iso := _ISO.fullmatch(words.upper())):
        years, months, weeks, days, hours, minutes, seconds = (int(part or 0) for part in iso.groups())
        return _bounded(Duration(years * 12 + months, weeks * 7 + days, hours * 3600 + minutes * 60 + seconds), text)
    if not words:
        raise NotUnderstood("an empty duration", _ACCEPTED)
    total, position = {"months": 0, "days": 0, "seconds": 0}, 0
    while position < len(words):
        match = _AMOUNT.match(words, position)
        if match is None:
            raise NotUnderstood(f"'{text}' is not a duration", _ACCEPTED)
        field, size = _unit(match[2], text)
        total[field] += _whole(match[1], match[2], text) * size
        position = match.end()
    return _bounded(Duration(**total), text)


def parse_shifts(text: str) -> tuple[Shift, ...]:
    """Read "3 years - 30 days" or "-1 day": signed spans, applied from left to right. Raises NotUnderstood."""
    pieces = re.split(r"\s*([+-])\s*", text.strip())
    pieces = pieces[1:] if pieces[0] == "" else ["+", *pieces]
    if len(pieces) % 2 or not pieces:
        raise NotUnderstood(f"'{text}' is not an offset", "like 30 days, -1 day or 3 years - 30 days")
    return tuple(
        (1 if sign == "+" else -1, parse_duration(span)) for sign, span in zip(pieces[::2], pieces[1::2], strict=True)
    )


def parse_clock(text: str) -> LocalTime:
    """Read "10:00" or "9:30". Raises NotUnderstood."""
    match = _CLOCK.fullmatch(text.strip())
    if match is None:
        raise NotUnderstood(f"'{text}' is not a time of day", 'written "10:00", from 0:00 to 23:59, in quotes')
    return LocalTime(int(match[1]), int(match[2]))


def parse_day(text: str) -> tuple[int, ...]:
    """Read "monday", "lunes" or "weekdays": numbers from 0 (Monday). Raises NotUnderstood."""
    days = _DAYS.get(text.strip().casefold())
    if days is None:
        hint = nearest(text, _DAYS)
        raise NotUnderstood(
            f"'{text}' is not a day of the week",
            f"did you mean '{hint}'?" if hint else "monday … sunday, weekdays or weekend",
        )
    return days


def in_words(span: Duration) -> str:
    """The shortest plain English for a duration: "3 years", "2 days 12 hours"."""
    parts: list[str] = []
    years, months = divmod(span.months, 12)
    hours, rest = divmod(span.seconds, 3600)
    minutes, seconds = divmod(rest, 60)
    amounts = {"year": years, "month": months, "day": span.days, "hour": hours, "minute": minutes, "second": seconds}
    for unit, amount in amounts.items():
        if amount:
            parts.append(f"{amount} {unit}{'' if amount == 1 else 's'}")
    return " ".join(parts) or "0 seconds"


def _unit(word: str, text: str) -> tuple[str, int]:
    """What a unit's word stands for."""
    unit = _UNITS.get(word.casefold())
    if unit is None:
        hint = nearest(word, [name for name in _UNITS if len(name) > 2])
        raise NotUnderstood(
            f"'{text}' is not a duration: unknown unit '{word}'", f"did you mean '{hint}'?" if hint else _ACCEPTED
        )
    return unit


def _whole(amount: str, unit: str, text: str) -> int:
    """Only whole amounts: half a day is not the same on a day with 23 hours."""
    if not amount.isdigit():
        raise NotUnderstood(f"'{text}' is not a duration: '{amount}' is not whole", f"write whole {unit}, or hours")
    return int(amount)


def _bounded(span: Duration, text: str) -> Duration:
    """Refuse spans beyond a few centuries: they overflow a calendar."""
    if span.months * 31 * 86400 + span.days * 86400 + span.seconds > _LONGEST:
        raise NotUnderstood(f"'{text}' is too long", "at most a thousand years")
    return span
