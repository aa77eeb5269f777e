"""Zone arithmetic: clock changes of four kinds, windows over midnight on such nights, leap days, month ends."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from postventa.core import schedule
from postventa.core.journey import Duration, LocalTime, Window
from postventa.testing import moment

MADRID, YORK, PAULO, HOWE = map(
    schedule.zone, ("Europe/Madrid", "America/New_York", "America/Sao_Paulo", "Australia/Lord_Howe")
)
ZONES = st.sampled_from([MADRID, YORK, PAULO, HOWE, schedule.zone("Pacific/Apia"), schedule.zone("Asia/Kathmandu")])
MOMENTS = st.datetimes(datetime(2005, 1, 1), datetime(2035, 1, 1)).map(  # noqa: DTZ001 - hypothesis wants them naive
    lambda one: one.replace(microsecond=0, tzinfo=UTC)
)
CLOCKS = st.builds(LocalTime, st.integers(0, 23), st.integers(0, 59))


@pytest.mark.parametrize(
    ("zone", "local", "expected"),
    [
        (MADRID, "2026-03-29T02:30", "2026-03-29T01:00:00Z"),  # does not exist: the next that does is 3:00
        (MADRID, "2026-10-25T02:30", "2026-10-25T00:30:00Z"),  # twice: the first
        (YORK, "2026-03-08T02:15", "2026-03-08T07:00:00Z"),
        (YORK, "2026-11-01T01:30", "2026-11-01T05:30:00Z"),
        (PAULO, "2018-11-04T00:10", "2018-11-04T03:00:00Z"),  # midnight did not exist
        (PAULO, "2018-02-17T23:30", "2018-02-18T01:30:00Z"),
        (HOWE, "2026-10-04T02:15", "2026-10-03T15:30:00Z"),  # half an hour is missing
        (HOWE, "2026-04-05T01:45", "2026-04-04T14:45:00Z"),
        (schedule.zone("Pacific/Apia"), "2011-12-30T12:00", "2011-12-30T10:00:00Z"),  # a day that never was
    ],
)
def test_local_times_that_do_not_exist_or_exist_twice(zone: object, local: str, expected: str) -> None:
    assert schedule.resolve(datetime.fromisoformat(local), zone) == moment(expected)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("start", "span", "expected"),
    [
        ("2024-02-29T10:00:00Z", Duration(months=12), "2025-02-28T10:00:00Z"),
        ("2024-02-29T10:00:00Z", Duration(months=48), "2028-02-29T10:00:00Z"),
        ("2026-01-31T10:00:00Z", Duration(months=1), "2026-02-28T10:00:00Z"),
        ("2026-03-28T10:00:00Z", Duration(days=1), "2026-03-29T09:00:00Z"),
        ("2026-03-28T10:00:00Z", Duration(seconds=86400), "2026-03-29T10:00:00Z"),
        ("2026-10-24T10:00:00Z", Duration(days=1), "2026-10-25T11:00:00Z"),
        ("2026-03-28T01:30:00Z", Duration(days=1), "2026-03-29T01:00:00Z"),  # 2:30 does not exist
    ],
)
def test_spans(start: str, span: Duration, expected: str) -> None:
    assert schedule.add(moment(start), span, MADRID) == moment(expected)


@settings(deadline=None, max_examples=150)
@given(MOMENTS, st.integers(0, 400), ZONES)
def test_days_keep_the_clock_time_unless_it_does_not_exist(start: datetime, days: int, zone: object) -> None:
    after = schedule.add(start, Duration(days=days), zone)  # type: ignore[arg-type]
    local, wanted = after.astimezone(zone), start.astimezone(zone).replace(tzinfo=None) + timedelta(days=days)  # type: ignore[arg-type]
    if local.replace(tzinfo=None) != wanted:
        assert local.replace(tzinfo=None) > wanted
        assert (after - timedelta(seconds=1)).astimezone(zone).utcoffset() != local.utcoffset()  # type: ignore[arg-type]


@settings(deadline=None, max_examples=150)
@given(MOMENTS, CLOCKS, st.frozensets(st.integers(0, 6)), ZONES)
def test_next_local_is_the_first_such_time(
    start: datetime, clock: LocalTime, days: frozenset[int], zone: object
) -> None:
    found = schedule.next_local(start, clock, days, zone)  # type: ignore[arg-type]
    assert start <= found <= start + timedelta(days=9)
    local = found.astimezone(zone)  # type: ignore[arg-type]
    if (local.hour, local.minute) != (clock.hour, clock.minute):  # the clock jumped over it
        assert (found - timedelta(seconds=1)).astimezone(zone).utcoffset() != local.utcoffset()  # type: ignore[arg-type]
    elif days:
        assert local.weekday() in days


@settings(deadline=None, max_examples=150)
@given(MOMENTS, CLOCKS, CLOCKS, ZONES)
def test_next_open_is_inside_the_window_and_the_first(
    start: datetime, opens: LocalTime, closes: LocalTime, zone: object
) -> None:
    window = Window(opens, closes)
    found = schedule.next_open(start, [window], zone)  # type: ignore[arg-type]
    assert start <= found <= start + timedelta(days=3)
    assert schedule.next_open(found, [window], zone) == found  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("start", "expected"),
    [
        ("2026-03-28T23:00:00Z", "2026-03-28T23:00:00Z"),  # midnight in Madrid, the window of Saturday is open
        ("2026-03-29T00:59:00Z", "2026-03-29T00:59:00Z"),
        ("2026-03-29T01:30:00Z", "2026-03-29T20:00:00Z"),  # 3:30, it shut at 3:00, an hour sooner than usual
        ("2026-10-25T00:30:00Z", "2026-10-25T00:30:00Z"),
        ("2026-10-25T01:30:00Z", "2026-10-25T01:30:00Z"),  # the second 2:30
    ],
)
def test_a_window_over_midnight_on_nights_of_a_clock_change(start: str, expected: str) -> None:
    window = [Window(LocalTime(22), LocalTime(3))]
    assert schedule.next_open(moment(start), window, MADRID) == moment(expected)


def test_unknown_zones_fall_back() -> None:
    assert schedule.zone("Mars/Base", "Europe/Madrid") == MADRID
    assert schedule.zone(None, "nowhere").key == "UTC"
    assert schedule.zone("../../etc/passwd", "UTC").key == "UTC"
