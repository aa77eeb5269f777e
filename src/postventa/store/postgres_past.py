"""PostgreSQL: what this process has written, so that a backup put in the database's place under it is noticed.

Positions never go back, the engine's pulse only a little. Where a new connection finds less than this process
committed, it is another database: going on would pass over events and send mails twice. Whoever starts again reads what
was lost.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

import asyncpg

from postventa.core.values import as_time
from postventa.errors import StoreRestored
from postventa.store.base import PULSE

Place = tuple[str, int]
APART = timedelta(seconds=25)
"""A process that looked at its clock and then stood still, as long as the database bears that (15 s, and 5 s for a
lock), writes a pulse that is older than another's."""


class Past:
    """Of one process: told after every commit, compared on every new connection."""

    def __init__(self, schema: str, where: str) -> None:
        self._schema = schema
        self._where = where
        self._positions: dict[Place, int] = {}
        self._pulse: datetime | None = None

    def wrote(self, positions: Mapping[Place, int], pulse: str | None) -> None:
        """A commit brought these. Position 0 begins anew: its topic was made again."""
        for place, following in positions.items():
            self._positions[place] = max(following, self._positions.get(place, 0)) if following else 0
        self._pulse = as_time(pulse) or self._pulse

    async def compare(self, connection: asyncpg.Connection) -> None:
        """StoreRestored where the database knows less than it was told."""
        written, last = dict(self._positions), self._pulse  # as they are now: others commit while we ask
        if not written and last is None:
            return
        async with connection.transaction():
            held = await connection.fetch(f"select topic, partition, next from {self._schema}.positions")
            pulse = await connection.fetchval(f"select value from {self._schema}.control where key = $1", PULSE)
        found = {(row[0], row[1]): row[2] for row in held}
        less = sorted(place for place, following in written.items() if found.get(place, 0) < following)
        if less or (last is not None and _older(as_time(pulse), last)):
            told = ", ".join(f"{topic}/{number}" for topic, number in less) or "its pulse"
            raise StoreRestored(
                f"the database knows less than this process wrote ({told}): a backup was put in its place",
                self._where, "start again: what it lost is read again, and mail waits for your word",
            )  # fmt: skip


def _older(found: datetime | None, written: datetime) -> bool:
    return found is None or written - found > APART
