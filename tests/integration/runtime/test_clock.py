"""The clocks: one that is real, one that steps, and how fast the second may go."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from postventa.errors import ConfigError
from postventa.runtimes.clock import UNBOUNDED, SteppingClock, SystemClock, parse_speed

T0 = datetime(2026, 3, 2, 9, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "ratio"), [("1h=1s", 3600), ("1 day = 1 min", 1440), ("2d=10s", 17280), ("max", UNBOUNDED), ("90s=1s", 90)]
)
def test_speeds(text: str, ratio: float) -> None:
    assert parse_speed(text) == ratio


@pytest.mark.parametrize("text", ["", "fast", "1h", "1h=", "=1s", "0h=1s", "1h=0s", "1 moon=1s", "1h=1s=1s"])
def test_what_is_no_speed_says_what_would_be(text: str) -> None:
    with pytest.raises(ConfigError) as refused:
        parse_speed(text)
    assert "1h=1s" in str(refused.value)


async def test_a_bound_makes_a_step_take_its_time() -> None:
    real = [100.0]
    clock = SteppingClock(T0, 3600, real=lambda: real[0])
    wake = asyncio.Event()
    wake.set()
    assert not await clock.step_to(T0 + timedelta(hours=2), wake), "two seconds have not passed, and somebody woke us"
    assert clock.now() == T0
    real[0] += 2
    assert await clock.step_to(T0 + timedelta(hours=2), wake)
    assert clock.now() == T0 + timedelta(hours=2)


async def test_without_a_bound_it_jumps_and_never_goes_back() -> None:
    clock = SteppingClock(T0)
    assert await clock.step_to(T0 + timedelta(days=3000), asyncio.Event())
    assert await clock.step_to(T0, asyncio.Event())
    assert clock.now() == T0 + timedelta(days=3000)


async def test_the_real_clock_wakes_when_the_moment_comes_or_somebody_calls() -> None:
    clock, wake = SystemClock(), asyncio.Event()
    await clock.wait_until(clock.now() + timedelta(milliseconds=5), wake)
    asyncio.get_running_loop().call_soon(wake.set)
    await clock.wait_until(None, wake)
    assert clock.now() <= clock.now()
