"""The way in: events of many callers become few transactions, and every caller hears after the commit."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from postventa.errors import StoreBusy

Item = TypeVar("Item")
Answer = TypeVar("Answer")

BATCH = 500
GATHER = 0.005
"""Real seconds that the first event of a batch waits for others."""


@dataclass(slots=True)
class _Call(Generic[Item, Answer]):
    """What one caller brought, and whom it came from."""

    items: list[Item]
    source: str
    answer: asyncio.Future[list[Answer]]


class Intake(Generic[Item, Answer]):
    """Collects calls into batches of about 500 events or 5 ms. `take` is one transaction: all or nothing."""

    def __init__(self, take: Callable[[Sequence[tuple[Item, str]]], Awaitable[Sequence[Answer]]]) -> None:
        self._take = take
        self._calls: list[_Call[Item, Answer]] = []
        self._came = asyncio.Event()
        self._working = False
        self._closed = False

    @property
    def empty(self) -> bool:
        """True when nothing waits and nothing is being written."""
        return not self._calls and not self._working

    async def submit(self, items: Sequence[Item], source: str) -> list[Answer]:
        """Answers in the same order, after the commit. Whatever `take` raises reaches every caller of that batch."""
        if not items:
            return []
        if self._closed:
            raise StoreBusy("the engine is stopping and takes no more events", mend="send them again in a moment")
        call: _Call[Item, Answer] = _Call(list(items), source, asyncio.get_running_loop().create_future())
        self._calls.append(call)
        self._came.set()
        # A caller that goes away does not take back what it brought.
        return await asyncio.shield(call.answer)

    async def run(self) -> None:
        """Write batches until `close` was called and everything that came before it is answered."""
        while True:
            await self._came.wait()
            if not self._closed and sum(len(call.items) for call in self._calls) < BATCH:
                await asyncio.sleep(GATHER)
            while self._calls:
                await self._one_batch(self._next())
            self._came.clear()
            if self._closed:
                return

    def close(self) -> None:
        """Take nothing more; `run` answers what is there and ends."""
        self._closed = True
        self._came.set()

    def _next(self) -> list[_Call[Item, Answer]]:
        """Whole calls, until they have 500 events; one large call is a batch of its own size."""
        taken, count = 0, 0
        for call in self._calls:
            if taken and count + len(call.items) > BATCH:
                break
            taken += 1
            count += len(call.items)
        group, self._calls = self._calls[:taken], self._calls[taken:]
        return group

    async def _one_batch(self, calls: list[_Call[Item, Answer]]) -> None:
        self._working = True
        try:
            answers = await self._take([(item, call.source) for call in calls for item in call.items])
            start = 0
            for call in calls:
                if not call.answer.done():
                    call.answer.set_result(list(answers[start : start + len(call.items)]))
                start += len(call.items)
        except Exception as error:  # noqa: BLE001 - each caller is told; the next batch is tried all the same
            for call in calls:
                if not call.answer.done():
                    call.answer.set_exception(error)
        finally:
            self._working = False
