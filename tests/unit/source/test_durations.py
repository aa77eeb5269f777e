"""Durations, offsets, clock times and days, in the words people use."""

from __future__ import annotations

import pytest

from postventa.core.journey import Duration, LocalTime
from postventa.source.durations import NotUnderstood, in_words, parse_clock, parse_day, parse_duration, parse_shifts


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("3 days", Duration(days=3)),
        ("1 day", Duration(days=1)),
        ("72 hours", Duration(seconds=72 * 3600)),
        ("PT36H", Duration(seconds=36 * 3600)),
        ("P3D", Duration(days=3)),
        ("P1Y2M3DT4H5M6S", Duration(14, 3, 4 * 3600 + 5 * 60 + 6)),
        ("P2W", Duration(days=14)),
        ("1 month", Duration(months=1)),
        ("2 weeks", Duration(days=14)),
        ("3 años", Duration(months=36)),
        ("2 días y 12 horas", Duration(days=2, seconds=12 * 3600)),
        ("1 day, 30 minutes", Duration(days=1, seconds=1800)),
        ("5days", Duration(days=5)),
        ("0 days", Duration()),
    ],
)
def test_durations(text: str, meant: Duration) -> None:
    assert parse_duration(text) == meant


@pytest.mark.parametrize(
    "text", ["", "days", "3", "1.5 days", "3 dais", "-3 days", "P", "PT", "P1.5D", "2000 years", "3 days later", "P3"]
)
def test_what_is_no_duration(text: str) -> None:
    with pytest.raises(NotUnderstood) as told:
        parse_duration(text)
    assert told.value.help


def test_a_month_is_never_thirty_days() -> None:
    assert parse_duration("P1M") == parse_duration("1 mes") == Duration(months=1)


def test_offsets_keep_their_order() -> None:
    assert parse_shifts("3 years - 30 days") == ((1, Duration(months=36)), (-1, Duration(days=30)))
    assert parse_shifts("-1 day + 2 hours") == ((-1, Duration(days=1)), (1, Duration(seconds=7200)))
    with pytest.raises(NotUnderstood):
        parse_shifts("3 years -")
    with pytest.raises(NotUnderstood):
        parse_shifts("")


def test_clock_times() -> None:
    assert parse_clock("9:30") == LocalTime(9, 30)
    for wrong in ("24:00", "10", "10:60", "ten"):
        with pytest.raises(NotUnderstood):
            parse_clock(wrong)


def test_days() -> None:
    assert parse_day("Lunes") == (0,)
    assert parse_day("weekend") == (5, 6)
    with pytest.raises(NotUnderstood, match="mondey"):
        parse_day("mondey")


@pytest.mark.parametrize("text", ["3 days", "2 years 1 month", "2 days 12 hours", "45 minutes 1 second", "0 seconds"])
def test_words_come_back(text: str) -> None:
    assert in_words(parse_duration(text)) == text
