"""Who is to go over to which version: orders that stand in the store until the next publish replaces them.

An order is a wish about the state, not a list of people: everybody who stands in one of its `from_` versions goes over.
So it may be carried out by anybody, twice, or half and then again by another process, and gives the same.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from postventa.core.event import How, Move
from postventa.core.journey import Journey
from postventa.store.base import Views

KEY = "moves"
"""Control key: the orders, as JSON."""


@dataclass(frozen=True, slots=True)
class Order:
    """People of a journey who stand in `from_` go over to `version`."""

    journey: str
    version: str
    from_: tuple[str, ...]
    how: How
    renamed: Mapping[str, str] = field(default_factory=dict)
    by: str = ""
    named: bool = False
    """Given by `postventa migrate`, not by a publish."""

    @property
    def move(self) -> Move:
        """What each customer's core is asked."""
        return Move(self.journey, self.version, self.from_, self.how, self.renamed, f"by {self.by}" if self.by else "")

    def to_plain(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "journey": self.journey, "version": self.version, "from": list(self.from_), "how": self.how,
            "renamed": dict(self.renamed), "by": self.by, "named": self.named,
        }  # fmt: skip


def text_of(orders: Iterable[Order]) -> str:
    """As the store keeps them."""
    return json.dumps([one.to_plain() for one in orders], ensure_ascii=False)


def read(text: str | None) -> list[Order]:
    """The other way round."""
    return [
        Order(
            one["journey"], one["version"], tuple(one["from"]), one["how"], one["renamed"], one["by"], one["named"]
        )
        for one in json.loads(text or "[]")
    ]  # fmt: skip


async def standing_orders(views: Views) -> list[Order]:
    """The orders in force."""
    return read(await views.control(KEY))


def word(new: Journey, left: Journey | None, *, back: bool) -> str:
    """What happens to people inside: the new file's word. On the way `back` to an earlier release the word of the file
    that is left holds, for that is what brought them here; where that one says `finish`, the earlier file's."""
    if back and left is not None and left.edits != "finish":
        return left.edits
    return new.edits


def ordered(
    new: Mapping[str, Journey],
    live: Mapping[str, Journey],
    in_use: Collection[tuple[str, str]],
    by: str,
    *,
    back: bool = False,
) -> list[Order]:
    """The orders of a publish of `new` where `live` was until now."""
    found = []
    for name, journey in sorted(new.items()):
        left = live.get(name)
        how = word(journey, left, back=back)
        older = {version for one, version in in_use if one == name} | ({left.version} if left else set())
        older.discard(journey.version)
        if how in ("follow", "retime") and older:
            found.append(Order(name, journey.version, tuple(sorted(older)), how, {}, by))  # type: ignore[arg-type]
    return found


def with_order(orders: Iterable[Order], new: Order) -> list[Order]:
    """The orders with one more; of an older one for the same journey only what does not speak of the same people, or
    would bring them back, is kept."""
    kept = []
    for one in orders:
        rest = tuple(version for version in one.from_ if version not in (*new.from_, new.version))
        if one.journey != new.journey:
            kept.append(one)
        elif rest and one.version not in new.from_:
            kept.append(replace(one, from_=rest))
    return [*kept, new]
