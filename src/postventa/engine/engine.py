"""The engine's three parts in one hand: the store, the releases it runs from, the keys it names people with.

It has no clock: every call brings its `now`. `batch`, `due`, `receipts` and `release` are what it does.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeVar

from postventa.engine.keys import Keys, load_keys
from postventa.engine.release import Releases
from postventa.engine.work import Stale, Work
from postventa.errors import StoreConflict
from postventa.store.base import Store

T = TypeVar("T")
TRIES = 6
PAUSE = 0.02
"""Real seconds before the second try, twice as much before each further one, give or take a half: those who met once
must not meet again."""


@dataclass(frozen=True, slots=True)
class Engine:
    """Made once per process by `open_engine`."""

    store: Store
    releases: Releases
    keys: Keys

    async def transact(self, body: Callable[[Work], Awaitable[T]]) -> T:
        """Run `body` in one transaction under the live release; anew when what it read before its locks had changed,
        or when another transaction was in its way.

        Nothing is written unless `body` saves it. Raises what the store raises.
        """
        met = StoreConflict(f"others changed the same customers {TRIES} times in a row", mend="try again")
        for number in range(TRIES):
            if number:
                await asyncio.sleep(PAUSE * 2 ** (number - 1) * random.uniform(0.5, 1.5))
            live = await self.releases.live()
            try:
                async with self.store.transaction() as tx:
                    return await body(Work(tx, live))
            except Stale:
                await self.releases.reload()
            except StoreConflict as error:
                met = error
        raise met


async def open_engine(store: Store, secret: str) -> Engine:
    """An engine on an open store. `secret` is the oldest signing key (see `keys.load_keys`)."""
    return Engine(store, Releases(store), await load_keys(store, secret))
