"""Whom an event is about. A `Book` holds what is known of owners and aliases and turns events into steps to be taken.

It reads and writes nothing itself: a batch fills it from the store, a backtest keeps one for all of its events. What
one event teaches (an order's owner, a guest who is an account) counts for the next one in the same batch.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import NamedTuple

from postventa.core.event import Event
from postventa.engine.keys import GUEST, Keys
from postventa.schemas.parse import Identity, Incoming

AUDIENCE = "this event is about everybody who owns a product, and names nobody: such audiences are not served yet"
WAITING = timedelta(hours=72)
"""How long an event stays in the waiting room when the settings do not say."""


class Apply(NamedTuple):
    """Apply this event to this customer. `place` is where it stands in the batch, None: in the waiting room."""

    customer: str
    event: Event
    place: int | None


class Merge(NamedTuple):
    """Two customers are one person from here on."""

    into: str
    old: str


class Wait(NamedTuple):
    """Nobody knows yet whose order this is."""

    order: str
    event: Event
    place: int | None
    received_at: datetime


class Refuse(NamedTuple):
    """Nothing can be done with it; `erased` when the person asked to be forgotten."""

    place: int | None
    event: Event
    reason: str
    erased: bool = False


Step = Apply | Merge | Wait | Refuse


@dataclass(slots=True)
class Book:
    """Owners, aliases and the waiting room, as far as they are known; what it learned is in `learned_*`."""

    keys: Keys
    owners: dict[str, str | None] = field(default_factory=dict)
    aliases: dict[str, str] = field(default_factory=dict)
    """Names -> customer. A customer's id is its own alias from its first event on: so it is known to exist."""
    markers: dict[str, datetime] = field(default_factory=dict)
    """Markers of erased persons, and when they were erased."""
    waiting: dict[str, list[Wait]] = field(default_factory=dict)
    """By order id."""
    learned_owners: dict[str, str] = field(default_factory=dict)
    learned_aliases: dict[str, str] = field(default_factory=dict)
    gone: set[str] = field(default_factory=set)
    """Customers erased since this book was opened."""

    def steps(self, place: int, incoming: Incoming, now: datetime) -> list[Step]:
        """What to do with one event, in order."""
        identity, event = incoming.identity, incoming.event
        order = identity.order_id
        if self.markers and self._erased(identity, event):
            return [Refuse(place, event, "", erased=True)]
        owner = self.owners.get(order) if order is not None else None
        steps: list[Step] = []
        customer = self._customer(identity, owner, steps)
        if customer is None:
            if order is None:
                return [Refuse(place, event, AUDIENCE)]
            wait = Wait(order, event, place, now)
            self.waiting.setdefault(order, []).append(wait)
            return [wait]
        if customer in self.gone:
            return [Refuse(place, event, "", erased=True)]
        steps.append(Apply(customer, event, place))
        if order is not None:
            if owner is None:
                self.owners[order] = self.learned_owners[order] = customer
            if order in self.waiting:
                waited = sorted(self.waiting.pop(order), key=lambda one: one.event.order_key)
                steps.extend(Apply(customer, one.event, one.place) for one in waited)
        return steps

    def _erased(self, identity: Identity, event: Event) -> bool:
        """Whether it belongs to what an erased person left behind. Who buys again afterwards is somebody new, from that
        purchase on; until then, and about what was before, nothing is taken in."""
        order = identity.order_id
        if order is not None and self.keys.marker("order", order) in self.markers:
            return True
        since = [self.markers[mark] for mark in markers_of(self.keys, identity) if mark in self.markers]
        if not since:
            return False
        if event.occurred_at <= max(since):
            return True
        return not is_purchase(event) and not any(name in self.aliases for name in names_of(self.keys, identity))

    def known(self, name: str) -> str:
        """The customer an id stands for: itself, unless it became another's alias."""
        while (other := self.aliases.get(name, name)) != name:
            name = other
        return name

    def alias(self, name: str, customer: str) -> None:
        """From now on `name` means this customer."""
        if self.aliases.get(name) != customer:
            self.aliases[name] = self.learned_aliases[name] = customer

    def _customer(self, identity: Identity, owner: str | None, steps: list[Step]) -> str | None:
        """Order's customer, id, alias, address: the first that is known. None when nobody can be told."""
        guest = self.keys.guest(identity.email) if identity.email else None
        named = self._by_name(identity)
        if owner is not None:
            customer = self.known(owner)
            if named is not None and named != customer:
                if not customer.startswith(GUEST) or guest not in {None, customer}:
                    return customer  # somebody else speaks of this order: it stays its customer's
                self._merge(named, customer, steps)
                customer = named
        elif named is not None:
            customer = named
        elif guest is not None:
            customer = self.known(guest)
        else:
            return None
        self._learn(customer, identity, guest, steps)
        return customer

    def _by_name(self, identity: Identity) -> str | None:
        if identity.customer_id:
            return self.known(identity.customer_id)
        return next((self.known(name) for name in identity.aliases if name in self.aliases), None)

    def _learn(self, customer: str, identity: Identity, guest: str | None, steps: list[Step]) -> None:
        """Everything an event calls its customer is a name of this customer from now on."""
        if customer not in self.aliases:
            self.alias(customer, customer)
        for name in identity.aliases:
            self._unite(customer, name, steps, stated=identity.customer_id is not None)
        if guest is not None:
            self._unite(customer, guest, steps, stated=False)

    def _unite(self, customer: str, name: str, steps: list[Step], *, stated: bool) -> None:
        """A name nobody has is this customer's; a customer of that name becomes this one. What another customer
        already goes by stays theirs, unless the event states that both are one (`stated`).
        """
        known = self.aliases.get(name)
        if known is None:
            self.alias(name, customer)
        elif (other := self.known(name)) != customer and (stated or other == name):
            self._merge(customer, other, steps)

    def _merge(self, into: str, old: str, steps: list[Step]) -> None:
        steps.append(Merge(into, old))
        self.alias(old, into)


def is_purchase(event: Event) -> bool:
    """An order that is placed or paid."""
    return event.type in {"order.placed", "order.paid"} and "order" in event.ids


def names_of(keys: Keys, identity: Identity) -> Iterable[str]:
    """Every name under which the alias table may know this person."""
    if identity.customer_id:
        yield identity.customer_id
    yield from identity.aliases
    if identity.email:
        yield keys.guest(identity.email)


def markers_of(keys: Keys, identity: Identity) -> Iterable[str]:
    """The markers an event would have, were its person erased."""
    if identity.customer_id:
        yield keys.marker("id", identity.customer_id)
    for name in identity.aliases:
        yield keys.marker("id", name)
    if identity.email:
        yield keys.marker("email", identity.email)
    if identity.order_id:
        yield keys.marker("order", identity.order_id)


def markers_of_customer(keys: Keys, names: Iterable[str], emails: Iterable[str], orders: Iterable[str]) -> set[str]:
    """The markers that stay of an erased person."""
    marks = {keys.marker("id", name) for name in names}
    marks |= {keys.marker("email", email.lower()) for email in emails}
    return marks | {keys.marker("order", order) for order in orders}


def emails_in(value: object) -> Iterable[str]:
    """Every address under a key `email`, at any depth."""
    if isinstance(value, Mapping):
        for key, inner in value.items():
            if key == "email" and isinstance(inner, str):
                yield inner
            else:
                yield from emails_in(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from emails_in(inner)
