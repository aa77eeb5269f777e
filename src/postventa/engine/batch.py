"""One batch of events in one transaction: who is meant, what is new, `advance` for each in order, save.

The answer to each event stands in the transaction that applied it. A record that the store or the core cannot digest is
found by splitting the batch, by customer first, and becomes a dead letter; all the others take effect.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import pairwise
from typing import Literal

from postventa.core.effect import Erase, Outcome
from postventa.core.event import Event
from postventa.core.quick import quick
from postventa.core.state import CustomerState
from postventa.engine.engine import Engine
from postventa.engine.identity import (
    Apply,
    Book,
    Merge,
    Refuse,
    Step,
    Wait,
    emails_in,
    markers_of,
    markers_of_customer,
    names_of,
)
from postventa.engine.work import Stale, Work
from postventa.schemas.parse import Identity, Incoming
from postventa.store.base import DataRefused, DeadLetter, WaitingEvent
from postventa.store.codec import dumps, event_to_plain

Status = Literal["accepted", "duplicate", "waiting", "rejected", "erased"]
Positions = Mapping[tuple[str, int], int]

DATA_ERRORS = (DataRefused, ValueError, TypeError, LookupError, ArithmeticError, RecursionError)
"""What a value that cannot be stored or decided on raises. Trying the same again gives the same."""


@quick
@dataclass(frozen=True, slots=True)
class Answer:
    """What became of one event. `started`: (journey, run id) of the runs that began with it."""

    status: Status
    source: str
    id: str
    reason: str = ""
    customer: str | None = None
    started: tuple[tuple[str, str], ...] = ()


@dataclass(slots=True)
class _Batch:
    """One try at a batch."""

    engine: Engine
    work: Work
    incomings: Sequence[Incoming]
    now: datetime
    release_waiting: bool = True
    answers: dict[int, Answer] = field(default_factory=dict)
    letters: list[DeadLetter] = field(default_factory=list)
    customers: dict[int, str] = field(default_factory=dict)
    """By place: whom it is about, for splitting."""
    names: set[str] = field(default_factory=set)
    read: dict[str, str] = field(default_factory=dict)
    """Aliases as they were before the locks."""

    async def run(self) -> list[Answer]:
        """Everything of this try but its commit."""
        book = await self._open_book()
        steps = [step for place, one in enumerate(self.incomings) for step in book.steps(place, one, self.now)]
        self.customers = {
            step.place: step.customer for step in steps if isinstance(step, Apply) and step.place is not None
        }
        await self._lock(steps)
        await self._go(book, steps)
        await self._close_book(book)
        return [self.answers[place] for place in range(len(self.incomings))]

    # --- who is meant ------------------------------------------------------------------------------------------------
    async def _open_book(self) -> Book:
        tx, keys = self.work.tx, self.engine.keys
        people = [one.identity for one in self.incomings]
        orders = sorted({one.order_id for one in people if one.order_id is not None})
        book = Book(keys)
        if orders:
            book.owners = await tx.order_owners(orders)
        names = {name for one in people for name in names_of(keys, one)}
        names.update(filter(None, book.owners.values()))
        self.names = names
        self.read = await tx.aliases(sorted(names))
        book.aliases = dict(self.read)
        if await tx.any_erased():
            book.markers = await tx.erased(sorted({mark for one in people for mark in markers_of(keys, one)}))
        if orders and self.release_waiting:
            for one in await tx.take_waiting(orders):
                wait = Wait(one.order_id, one.event, None, one.received_at)
                book.waiting.setdefault(one.order_id, []).append(wait)
        return book

    async def _lock(self, steps: Sequence[Step]) -> None:
        """Lock the customers. A merge that came before we had them makes what we read of their names stale."""
        customers: set[str] = set()
        for step in steps:
            if isinstance(step, Apply):
                customers.add(step.customer)
            elif isinstance(step, Merge):
                customers.update((step.into, step.old))
        await self.work.lock(customers)
        if self.work.tx.exclusive:
            return
        again = await self.work.tx.aliases(sorted(self.names | customers))
        if any(self.read.get(name) != again.get(name) for name in self.names):
            raise Stale
        if any(again.get(one, one) != one for one in customers - self.names):
            raise Stale

    # --- in order ----------------------------------------------------------------------------------------------------
    async def _go(self, book: Book, steps: Sequence[Step]) -> None:
        """Apply up to the next merge, unite, go on: after a merge the events of both count as known for the one."""
        part: list[Apply] = []
        for step in steps:
            match step:
                case Apply():
                    part.append(step)
                case Merge():
                    await self._apply(part, book)
                    part = []
                    if not {step.into, step.old} & book.gone:
                        await self.work.merge(step.into, step.old, self.now)
                case Wait():
                    self._answer(step.place, step.event, "waiting", f"order {step.order} is not known yet")
                case Refuse():
                    self._refuse(step)
        await self._apply(part, book)

    async def _apply(self, part: Sequence[Apply], book: Book) -> None:
        if not part:
            return
        fresh = await self.work.tx.fresh_events([(one.customer, *one.event.key) for one in part])
        for customer, event, place in part:
            if customer in book.gone:
                self._answer(place, event, "erased")
                continue
            key = (customer, *event.key)
            if key not in fresh:
                self._answer(place, event, "duplicate", customer=customer)
                continue
            fresh.discard(key)
            before = self.work.state(customer)
            outcome = self.work.advance(customer, event, self.now)
            self._answer(place, event, "accepted", customer=customer, outcome=outcome)
            if outcome.state.erased and any(isinstance(one, Erase) for one in outcome.effects):
                book.gone.add(customer)
                await self._erase(customer, before, event)
        await self.work.save()

    async def _erase(self, customer: str, before: CustomerState, event: Event) -> None:
        """Remove the person; what stays are hashes of the names it went by."""
        keys = self.engine.keys
        told = (before.facts, event.data, *(one.data for one in before.events.values()))
        emails = {email for part in told for email in emails_in(part)}
        orders = [name for kind, name in before.things if kind == "order"]
        names = {customer, *await self.work.tx.aliases_of(customer)}
        since = min(event.occurred_at, self.now)
        self.work.drop(customer)
        await self.work.tx.erase(customer, sorted(markers_of_customer(keys, names, emails, orders)), since)

    # --- what was learned --------------------------------------------------------------------------------------------
    async def _close_book(self, book: Book) -> None:
        tx = self.work.tx
        gone = book.gone
        owners = {order: who for order, name in book.learned_owners.items() if (who := book.known(name)) not in gone}
        aliases = {name: who for name, to in book.learned_aliases.items() if (who := book.known(to)) not in gone}
        if owners:
            await tx.set_order_owners(owners)
        if aliases:
            await tx.set_aliases(aliases)
        waiting = [
            WaitingEvent(order, one.event, one.received_at)
            for order, waits in book.waiting.items()
            for one in waits
        ]  # fmt: skip
        if waiting:
            await tx.put_waiting(waiting)
        if self.letters:
            await tx.put_dead_letters(self.letters)

    # --- answers -----------------------------------------------------------------------------------------------------
    def _answer(
        self,
        place: int | None,
        event: Event,
        status: Status,
        reason: str = "",
        customer: str | None = None,
        outcome: Outcome | None = None,
    ) -> None:
        if place is None:
            return
        started: tuple[tuple[str, str], ...] = ()
        if outcome is not None and outcome.trace:
            started = tuple((one.journey or "", one.run_id or "") for one in outcome.trace if one.what == "start")
        self.answers[place] = Answer(status, event.source, event.id, reason, customer, started)

    def _refuse(self, step: Refuse) -> None:
        if step.place is None:
            return
        event = self.incomings[step.place].event
        self._answer(step.place, event, "erased" if step.erased else "rejected", step.reason)
        if not step.erased:
            self.letters.append(dead_letter(event, step.reason, self.now))


# --- the call ---------------------------------------------------------------------------------------------------------
async def take(
    engine: Engine,
    incomings: Sequence[Incoming],
    now: datetime,
    *,
    letters: Sequence[DeadLetter] = (),
    positions: Positions | None = None,
) -> list[Answer]:
    """Take these events in; answers in the same order, after the commit.

    `letters` (records refused before they became events) and `positions` (of topics) are kept in the same transaction.
    Raises StoreError when nothing could be taken: then try again, known events are recognised.
    """
    tried: list[_Batch] = []

    async def body(work: Work) -> list[Answer]:
        tried.clear()
        answers: list[Answer] = []
        for part in _up_to_erasures(incomings):
            tried.append(batch := _Batch(engine, work, part, now, letters=[] if answers else list(letters)))
            answers += await batch.run()
        if positions:
            await work.tx.set_positions(positions)
        return answers

    try:
        return await engine.transact(body)
    except DATA_ERRORS as error:
        # where there were parts, the places are those of the first, and customers are found by what the events say
        answers = await _split(engine, incomings, now, tried[0].customers if len(tried) == 1 else {}, error)
    async with engine.store.transaction() as tx:
        if letters:
            await tx.put_dead_letters(letters)
        if positions:
            await tx.set_positions(positions)
    return answers


def _up_to_erasures(incomings: Sequence[Incoming]) -> list[Sequence[Incoming]]:
    """What comes after an erasure is read by what the erasure left; mostly there is none, and it is one part."""
    ends = [place for place, one in enumerate(incomings, 1) if one.event.type == "customer.erased"]
    parts = [incomings[start:end] for start, end in pairwise([0, *ends, len(incomings)])]
    return [part for part in parts if part] or [()]


async def _split(
    engine: Engine, incomings: Sequence[Incoming], now: datetime, customers: Mapping[int, str], error: Exception
) -> list[Answer]:
    """The batch again in parts: by customer, then one by one; a single bad event becomes a dead letter."""
    if len(incomings) == 1:
        return [await _single(engine, incomings[0], now, error)]
    groups: dict[str, list[int]] = {}
    for place, one in enumerate(incomings):
        identity = one.identity
        whose = customers.get(place) or identity.customer_id or identity.email or identity.order_id or ""
        groups.setdefault(whose, []).append(place)
    if len(groups) == 1:
        groups = {str(place): [place] for place in range(len(incomings))}
    answers: dict[int, Answer] = {}
    for places in groups.values():
        answers |= zip(places, await take(engine, [incomings[place] for place in places], now), strict=True)
    return [answers[place] for place in range(len(incomings))]


async def _single(engine: Engine, incoming: Incoming, now: datetime, error: Exception) -> Answer:
    """One event that failed: perhaps it was one of those that waited for it. Else it is a dead letter."""
    order = incoming.identity.order_id
    if order is not None and (waited := await _waiting_for(engine, order)):
        answer = await _alone(engine, incoming, now)
        for one in waited if answer.status != "rejected" else ():
            await _alone(engine, Incoming(one.event, Identity(order_id=order)), now)
        if answer.status != "rejected":
            async with engine.store.transaction() as tx:
                await tx.take_waiting([order])
        return answer
    return await _buried(engine, incoming.event, error, now)


async def _waiting_for(engine: Engine, order: str) -> list[WaitingEvent]:
    async with engine.store.transaction() as tx:
        waiting = await tx.take_waiting([order])
        await tx.put_waiting(waiting)
    return waiting


async def _alone(engine: Engine, incoming: Incoming, now: datetime) -> Answer:
    """One event without those that wait for it."""

    async def body(work: Work) -> list[Answer]:
        return await _Batch(engine, work, [incoming], now, release_waiting=False).run()

    try:
        return (await engine.transact(body))[0]
    except DATA_ERRORS as error:
        return await _buried(engine, incoming.event, error, now)


async def _buried(engine: Engine, event: Event, error: Exception, now: datetime) -> Answer:
    reason = f"it could not be applied: {type(error).__name__}: {error}"
    async with engine.store.transaction() as tx:
        await tx.put_dead_letters([dead_letter(event, reason, now)])
    return Answer("rejected", event.source, event.id, reason)


def dead_letter(event: Event, reason: str, now: datetime) -> DeadLetter:
    """A valid event that could not be used all the same."""
    try:
        record = dumps(event_to_plain(event))
    except (TypeError, ValueError, RecursionError):
        record = repr(event)
    return DeadLetter(event.source, reason, record, now, event_id=event.id)
