"""Intents of several messages in one commit: the moment of sending, asked for one by one, granted together."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from postventa.store.base import Store


@dataclass(slots=True)
class _Asked:
    effect_id: str
    attempt: int
    answer: asyncio.Future[datetime | None]


class IntentDesk:
    """Grants intents. Whoever asks while a commit is under way shares the next one; nobody waits for a timer."""

    def __init__(self, store: Store, now: Callable[[], datetime]) -> None:
        self._store = store
        self._now = now
        self._asked: list[_Asked] = []
        self._worker: asyncio.Task[None] | None = None

    async def ask(self, effect_id: str, attempt: int) -> datetime | None:
        """The moment of sending once it is committed; None: it was withdrawn or is another's, send nothing.

        Errors of the store reach everybody who shared the commit: nothing was granted to any of them.
        """
        asked = _Asked(effect_id, attempt, asyncio.get_running_loop().create_future())
        self._asked.append(asked)
        if self._worker is None or self._worker.done():
            self._worker = asyncio.create_task(self._work(), name="intents")
        # Whoever stops waiting must not take the answer from the desk.
        return await asyncio.shield(asked.answer)

    async def _work(self) -> None:
        while self._asked:
            group = self._next_group()
            try:
                at = self._now()
                async with self._store.transaction() as tx:
                    granted = await tx.intents({one.effect_id: one.attempt for one in group}, at)
            except Exception as error:  # noqa: BLE001 - each asker decides what to do about it
                for one in group:
                    if not one.answer.done():
                        one.answer.set_exception(error)
                continue
            for one in group:
                if not one.answer.done():
                    one.answer.set_result(at if one.effect_id in granted else None)

    def _next_group(self) -> list[_Asked]:
        """All who ask, but never two attempts of one message: only one of them can be the right one."""
        group: dict[str, _Asked] = {}
        self._asked = [one for one in self._asked if group.setdefault(one.effect_id, one) is not one]
        return list(group.values())
