"""Many callers, few transactions, an answer after the commit, and nobody answered for another's batch."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from postventa.errors import StoreBusy, StoreError
from postventa.runtimes.intake import BATCH, Intake


class Taker:
    """Doubles numbers; a 13 breaks its whole batch."""

    def __init__(self) -> None:
        self.batches: list[list[int]] = []

    async def __call__(self, items: Sequence[tuple[int, str]]) -> list[int]:
        self.batches.append([item for item, _ in items])
        if 13 in self.batches[-1]:
            raise StoreError("the disk is full")
        return [2 * item for item, _ in items]


async def test_calls_share_a_batch_and_each_hears_its_own() -> None:
    taker = Taker()
    intake: Intake[int, int] = Intake(taker)
    running = asyncio.create_task(intake.run())
    answers = await asyncio.gather(*(intake.submit([n, n + 1], "test") for n in range(20, 40)))
    assert answers == [[2 * n, 2 * n + 2] for n in range(20, 40)]
    assert len(taker.batches) == 1
    assert intake.empty
    intake.close()
    await running


async def test_a_batch_has_no_more_than_its_size_but_a_call_stays_whole() -> None:
    taker = Taker()
    intake: Intake[int, int] = Intake(taker)
    calls = [asyncio.create_task(intake.submit([20] * size, "test")) for size in (300, 300, 1200, 100)]
    await asyncio.sleep(0)
    running = asyncio.create_task(intake.run())
    await asyncio.gather(*calls)
    assert [len(batch) for batch in taker.batches] == [300, 300, 1200, 100]
    assert BATCH == 500
    intake.close()
    await running


async def test_a_failed_batch_is_told_to_its_callers_and_the_next_goes_on() -> None:
    intake: Intake[int, int] = Intake(Taker())
    running = asyncio.create_task(intake.run())
    with pytest.raises(StoreError, match="disk is full"):
        await intake.submit([13], "test")
    assert await intake.submit([4], "test") == [8]
    intake.close()
    await running
    with pytest.raises(StoreBusy, match="stopping"):
        await intake.submit([5], "test")


async def test_closing_answers_everybody_who_came_before() -> None:
    intake: Intake[int, int] = Intake(Taker())
    waiting = asyncio.create_task(intake.submit([7], "test"))
    await asyncio.sleep(0)
    intake.close()
    await intake.run()
    assert await waiting == [14]
