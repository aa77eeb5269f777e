"""One at a time inside one process, for the stores that admit no second one."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


class Alone:
    """See `store.base.Store.alone`."""

    def __init__(self) -> None:
        self._taken: set[str] = set()

    @asynccontextmanager
    async def __call__(self, name: str) -> AsyncIterator[bool]:
        """True for the first who comes until it leaves, False for whoever comes meanwhile."""
        if name in self._taken:
            yield False
            return
        self._taken.add(name)
        try:
            yield True
        finally:
            self._taken.discard(name)
