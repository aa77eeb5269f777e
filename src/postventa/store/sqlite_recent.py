"""SQLite: the customers written last, kept at hand, so that the next event, claim or receipt of one need not load it.

Only this store may do so: it is the only writer of its file. What is here was committed; a transaction that fails
leaves it as it was.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import islice
from typing import NamedTuple

from postventa.core.state import CustomerState
from postventa.store.rows import Row

LIMIT = 2000
"""Customers. One takes some ten kilobytes, so it is bounded, whatever the number of waiting runs."""


class Kept(NamedTuple):
    """One customer as the database has it: the state, its last seq, and its own row (`rows.CUSTOMER`)."""

    state: CustomerState
    seq: int
    row: Row


class Recent:
    """The `limit` customers written last."""

    def __init__(self, limit: int = LIMIT) -> None:
        self._limit = limit
        self._kept: dict[str, Kept] = {}

    def get(self, customer_id: str) -> Kept | None:
        """As it was committed last; None when it has to be loaded."""
        return self._kept.get(customer_id)

    def keep(self, customers: Mapping[str, Kept]) -> None:
        """These were committed now; those written longest ago give way."""
        for customer_id in customers:
            self._kept.pop(customer_id, None)
        self._kept.update(customers)
        for customer_id in list(islice(self._kept, max(len(self._kept) - self._limit, 0))):
            del self._kept[customer_id]

    def drop(self, customers: Iterable[str]) -> None:
        """Others than `save` changed their rows."""
        for customer_id in customers:
            self._kept.pop(customer_id, None)

    def clear(self) -> None:
        """Rows of unknown customers were changed."""
        self._kept.clear()
