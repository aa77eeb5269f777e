"""What names a person in rows that are not filed under them: dead letters, waiting events, other rows of plain text.

Erasure has to find those too. An address counts wherever it stands; an id only as a whole JSON string, so that the id
"1" does not erase half of the shop.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from postventa.core.event import Event
from postventa.core.state import CustomerState
from postventa.store.base import RETAINED


@dataclass(frozen=True, slots=True)
class Named:
    """The words by which a text names one person."""

    addresses: frozenset[str]
    """Lower case."""
    ids: frozenset[str]

    def in_text(self, text: str | None) -> bool:
        """True when this text names the person."""
        if not text:
            return False
        lower = text.lower()
        return any(address in lower for address in self.addresses) or any(
            json.dumps(id_, ensure_ascii=False) in text for id_ in self.ids
        )

    def is_word(self, text: str | None) -> bool:
        """True when the whole text is one of the words."""
        return text is not None and (text in self.ids or text.lower() in self.addresses)


def named(
    customer_id: str,
    state: CustomerState | None,
    events: Iterable[Event],
    aliases: Iterable[str],
    orders: Iterable[str],
) -> Named:
    """The words for one person: every address its facts and events told, its id, its aliases, its orders."""
    addresses = set(_addresses(state.facts)) if state is not None else set()
    for event in events:
        addresses.update(_addresses(event.data))
    return Named(frozenset(addresses), frozenset({customer_id, *aliases, *orders}))


def _addresses(value: Any) -> Iterable[str]:
    """Values under a key `email` at any depth."""
    if isinstance(value, Mapping):
        for key, inner in value.items():
            if key == "email" and isinstance(inner, str) and inner:
                yield inner.lower()
            else:
                yield from _addresses(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _addresses(inner)


def check_retained(tables: Iterable[str]) -> frozenset[str]:
    """The tables, if every one of them may be pruned by age. Raises ValueError that names those which may."""
    asked = frozenset(tables)
    if unknown := asked - RETAINED:
        raise ValueError(f"{', '.join(sorted(unknown))}: never dropped by age; only {', '.join(sorted(RETAINED))} are")
    return asked
