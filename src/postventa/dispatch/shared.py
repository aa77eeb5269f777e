"""Work of several tasks in one transaction: whoever asks while a commit is under way shares the next one."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

Question = TypeVar("Question")
Reply = TypeVar("Reply")


@dataclass(slots=True)
class _Asked(Generic[Question, Reply]):
    question: Question
    reply: asyncio.Future[Reply]


class SharedCommit(Generic[Question, Reply]):
    """Groups questions without waiting for any timer. `act` answers a group in order, all or nothing.

    Two questions with the same `key` are never in one group: they are attempts at the same thing, one after the other.
    """

    def __init__(
        self,
        act: Callable[[Sequence[Question]], Awaitable[Sequence[Reply]]],
        key: Callable[[Question], Hashable],
        name: str,
    ) -> None:
        self._act = act
        self._key = key
        self._name = name
        self._asked: list[_Asked[Question, Reply]] = []
        self._worker: asyncio.Task[None] | None = None

    async def ask(self, question: Question) -> Reply:
        """The reply once it is committed. An error of the store reaches everybody who shared the commit."""
        asked: _Asked[Question, Reply] = _Asked(question, asyncio.get_running_loop().create_future())
        self._asked.append(asked)
        if self._worker is None or self._worker.done():
            self._worker = asyncio.create_task(self._work(), name=self._name)
        # Whoever stops waiting must not take the reply from the group.
        return await asyncio.shield(asked.reply)

    async def _work(self) -> None:
        while self._asked:
            group = self._next_group()
            try:
                replies = await self._act([one.question for one in group])
            except Exception as error:  # noqa: BLE001 - each asker decides what to do about it
                for one in group:
                    if not one.reply.done():
                        one.reply.set_exception(error)
                continue
            for one, reply in zip(group, replies, strict=True):
                if not one.reply.done():
                    one.reply.set_result(reply)

    def _next_group(self) -> list[_Asked[Question, Reply]]:
        group: dict[Hashable, _Asked[Question, Reply]] = {}
        self._asked = [one for one in self._asked if group.setdefault(self._key(one.question), one) is not one]
        return list(group.values())
