"""What a project's journeys may name: events, things, messages, surveys, rewards, groups and each other."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from postventa.core.journey import Cap, Message, Survey
from postventa.schemas.registry import Registry

PLURAL: Mapping[str, str] = {
    "line": "lines", "shipment": "parcels", "return": "returns", "refund": "refunds", "exchange": "exchanges",
    "ticket": "tickets", "claim": "claims",
}  # fmt: skip
"""How people call several of a thing."""


ALWAYS_IN_SIGHT = frozenset({"customer", "run", "event"})


@dataclass(frozen=True, slots=True)
class Known:
    """Everything outside one journey file that its rules ask about."""

    registry: Registry
    messages: Mapping[str, Message] = field(default_factory=dict)
    surveys: Mapping[str, Survey] = field(default_factory=dict)
    rewards: frozenset[str] = frozenset()
    groups: frozenset[str] = frozenset()
    currency: str = "EUR"
    broken: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """By kind of name ("message", "survey", …): names whose own file has errors, so that nothing is said twice."""
    loyalty: bool = True
    """Whether loyalty.yaml could be read; if not, rewards are not checked."""
    kinds: Mapping[str, str] | None = None
    """Message -> its `kind`: notice, tutorial, survey, review, referral or offer. None where nobody looked."""
    folders: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Message -> the sub-folders that `choose_by` chooses from."""
    products: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """Column of products.csv -> every value in it, for those that choose a sub-folder."""
    columns: frozenset[str] | None = None
    """The columns of products.csv that have values; None where there is no such file."""
    tags: frozenset[str] | None = None
    """Tags that the shop's platform gives customers; None where nobody looked."""
    caps: tuple[Cap, ...] = ()
    brought: frozenset[str] | None = None
    """Event types that the project's agents bring; None where nobody looked, or there are none."""

    def no_column(self, root: str, parts: tuple[str, ...]) -> str:
        """The field of a product that neither products.csv nor the language has, if the path asks for one."""
        at = parts.index("product") + 1 if "product" in parts else 0 if root == "product" else len(parts)
        if self.columns is None or at >= len(parts):
            return ""
        return "" if parts[at] in self.columns | set(self.registry.known_fields("product")) else parts[at]

    def parents(self, thing: str) -> frozenset[str]:
        """The things that the ids of a thing name beside itself: a line names its order."""
        found: frozenset[str] | None = None
        for event in self.registry.types.values():
            if event.thing == thing:
                ids = frozenset(ref.thing for ref in event.ids if ref.required)
                found = ids if found is None else found & ids
        return (found or frozenset()) - {thing}

    def names_surely(self, event: str, thing: str) -> bool:
        """Whether every event of this type says which `thing` it is about. An order's event is about all its lines."""
        kind = self.registry.types.get(event)
        if kind is None:
            return True
        ids = {ref.thing for ref in kind.ids if ref.required or kind.thing == thing}
        return thing in ids or (thing == "line" and "order" in ids)

    def may_name(self, event: str, thing: str) -> bool:
        """Whether events of this type name at most one such thing, and usually do."""
        kind = self.registry.types.get(event)
        return kind is None or kind.thing == thing or any(ref.thing == thing and not ref.many for ref in kind.ids)

    def in_sight(self, root: str, subject: str, events: Iterable[str]) -> bool:
        """Whether a path with this root is clear: the run's own thing, one its ids name, or the matched event's."""
        if root in ALWAYS_IN_SIGHT or root == subject or root in self.parents(subject):
            return True
        return any(self.may_name(event, root) for event in events)
