"""What a message says about something that really happened: from the store, or from a file of events."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from postventa.core import view
from postventa.core.belonging import CUSTOMER, about, as_tuple, ids_of
from postventa.core.effect import TraceEntry
from postventa.core.event import Event
from postventa.core.journey import Ask, Catalog, Journey, Send
from postventa.core.state import CustomerState, Ref, Run, Stand
from postventa.dispatch.context import template_context
from postventa.engine.replay import Played, Replay
from postventa.errors import ConfigError
from postventa.schemas.parse import Incoming
from postventa.store.base import OutboxRecord, Views
from postventa.web.verdicts import senders

NEVER = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Past:
    """The context of one mail, whose it is and what it is about, for the head of a preview."""

    context: dict[str, Any]
    customer: str
    about: str
    locale: str
    variant: str | None
    zone: str | None


async def from_store(views: Views, catalog: Catalog, who: str, message: str, now: datetime) -> Past:
    """The message as this customer got it, or would: with the last order, line, … they have.

    `who` is a customer's id, an address, an order's id or number. ConfigError where nobody is called so.
    """
    found = await views.find_customer(who)
    state = await views.customer(found[0]) if found else None
    if state is None:
        raise ConfigError(f"nobody is called {who!r}", mend="a customer's id, an address, an order's id or number")
    rows = [row for row in await views.messages(state.customer_id, 1000) if row.message == message]
    return _past(state, catalog, rows[0] if rows else made_row(state, catalog, message, who), now)


def from_events(catalog: Catalog, incomings: Iterable[Incoming], message: str, who: str) -> Past:
    """The same from past events, played through the journeys up to the moment at which the message left (or would).

    `who` may also be an event's id; empty: the first who gets the message. ConfigError where nobody does.
    """
    incomings = list(incomings)
    wanted = _customer_words(incomings, who)
    for played, entry in _played(catalog, incomings, message):
        if wanted & {played.customer, *_names(played.state)} if who else entry is not None:
            state = _until(catalog, incomings, played.customer, entry.at) if entry else played.state
            row = made_row(state, catalog, message, who, entry)
            return _past(state, catalog, row, entry.at if entry else state.now or incomings[-1].event.occurred_at)
    whom = f" to {who!r}" if who else ""
    raise ConfigError(f"none of these events leads to {message!r}{whom}", mend="name another --customer or file")


def _played(
    catalog: Catalog, incomings: Iterable[Incoming], message: str
) -> Iterator[tuple[Played, TraceEntry | None]]:
    """Everybody; those who get the message first, each with the decision that sent it."""
    later = []
    for played in _replay(catalog, incomings).play():
        sent = next((one for one in played.trace if one.decision == "send" and one.message == message), None)
        if sent is not None:
            yield played, sent
        else:
            later.append(played)
    yield from ((one, None) for one in later)


def _replay(catalog: Catalog, incomings: Iterable[Incoming]) -> Replay:
    replay = Replay(catalog)
    for incoming in incomings:
        replay.add(incoming)
    replay.resolve()
    return replay


def _until(catalog: Catalog, incomings: Iterable[Incoming], customer: str, at: datetime) -> CustomerState:
    return next(one.state for one in _replay(catalog, incomings).play(at) if one.customer == customer)


def _customer_words(incomings: Iterable[Incoming], who: str) -> set[str]:
    """`who`, and what stands for them: the customer and order of an event of that id."""
    words = {who}
    for one in incomings:
        if one.event.id == who:
            order = one.identity.order_id
            words |= {name for name in (one.identity.customer_id, order) if name}
    return words


def _names(state: CustomerState) -> set[str]:
    """What a customer is called: addresses, and the ids and numbers of orders."""
    found = {str(state.facts.get("email") or "")}
    for (kind, name), thing in state.things.items():
        if kind == "order":
            found |= {name, str(thing.facts.get("number") or "")}
    return found - {""}


# --- a row of the outbox, as the journey would make it --------------------------------------------------------------
def made_row(
    state: CustomerState, catalog: Catalog, message: str, who: str = "", entry: TraceEntry | None = None
) -> OutboxRecord:
    """The row of a message that has not been sent: about what `entry` says, else about the customer's last thing of the
    kind its journey is about (the one called `who`, where there is one)."""
    now = state.now or NEVER
    sender = _sender(catalog, message, entry)
    if sender is None:
        return OutboxRecord("preview", state.customer_id, "message", "pending", now, message=message)
    journey, step = sender
    subject = entry.subject if entry and entry.subject else _last(state, journey.subject, who)
    event = _start_event(state, journey, subject)
    ids = ids_of(state, subject)
    run = Run("preview", journey.id, journey.version, subject, ids, event, now, now, step.index, Stand("new", now))
    see = view.of_run(state, catalog, now, run)
    chosen = see.lookup(step.choose_by) if isinstance(step, Send) and step.choose_by else None
    context = {
        "with": view.resolved(step.with_, see), "event": {"type": event.type, **event.data}, "run": {},
        "ids": {kind: list(as_tuple(value)) for kind, value in ids.items()},
    }  # fmt: skip
    reward = step.reward if isinstance(step, Send) else None
    return OutboxRecord(
        "preview", state.customer_id, "message", "pending", now, message=message, journey=journey.id,
        version=journey.version, subject=subject, step_id=step.id, context=context, reward=reward,
        survey=step.survey if isinstance(step, Ask) else None, choose=chosen if isinstance(chosen, str) else None,
        code="PREVIEW-0000" if reward else None,
    )  # fmt: skip


def _sender(catalog: Catalog, message: str, entry: TraceEntry | None) -> tuple[Journey, Send | Ask] | None:
    found = [(one.journey, one.step) for journey in catalog.live.values() for one in senders(journey, message)]
    mine = [(journey, step) for journey, step in found if entry and journey.id == entry.journey]
    return next(iter(mine or found), None)


def _last(state: CustomerState, kind: str, who: str) -> Ref:
    if kind == "customer":
        return CUSTOMER
    names = [ref for ref in state.things if ref[0] == kind]
    called = [ref for ref in names if who and who in {ref[1], state.things[ref].ids.get("order")}]
    return next(reversed(called or names), (kind, ""))


def _start_event(state: CustomerState, journey: Journey, subject: Ref) -> Event:
    """The newest event that could have begun the journey for it; a made-up one where none is remembered."""
    types = journey.start.on.types
    known = [one for one in state.events.values() if one.type in types and about(one.ids, subject)]
    at = state.now or NEVER
    return max(known, key=lambda one: one.order_key, default=Event("preview", "preview", min(types), at))


def _past(state: CustomerState, catalog: Catalog, row: OutboxRecord, now: datetime) -> Past:
    locale, zone = state.facts.get("locale"), state.facts.get("timezone")
    subject = "/".join(part for part in row.subject or () if part)
    return Past(
        template_context(row, state, catalog, now), state.customer_id, subject, str(locale or catalog.shop.locale),
        row.choose, str(zone or catalog.shop.timezone),
    )  # fmt: skip
