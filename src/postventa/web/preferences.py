"""What a customer allows: one switch per purpose of the shop's optional messages, and the events of a change.

Whether a switch is on is what the contact policy itself would say now, so the page never promises anything else.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from postventa.core.event import Event
from postventa.core.ids import digest
from postventa.core.journey import Catalog, Message
from postventa.core.policy import objects
from postventa.core.state import CustomerState
from postventa.core.turn import SOURCE, Turn
from postventa.core.values import time_text
from postventa.schemas.parse import Identity, Incoming

CHANNEL = "email"
ALL = "*"


def switches(state: CustomerState, catalog: Catalog, now: datetime) -> dict[str, bool]:
    """Purpose -> whether any message of it may come, for every purpose a message of this shop has."""
    turn = Turn(state.fork(), catalog, now)
    found: dict[str, bool] = {}
    for message in sorted(catalog.messages.values(), key=_purpose):
        if message.klass != "transactional":
            allowed = objects(turn, message, CHANNEL) is None
            found[message.purpose] = found.get(message.purpose, False) or allowed
    return found


def _purpose(message: Message) -> str:
    return message.purpose


def objects_to_all(state: CustomerState) -> bool:
    """True when they said no to every optional mail and yes to none since."""
    said = state.consents.get((CHANNEL, ALL))
    if said is None or said.given:
        return False
    return not any(one.given and one.at > said.at for one in state.consents.values())


def changes(state: CustomerState, now_on: dict[str, bool], wanted: Sequence[str], now: datetime) -> list[Incoming]:
    """The events that bring the switches where the form wants them: only what changes, everything off as one word."""
    if not set(wanted) & now_on.keys():
        return [] if objects_to_all(state) else [said(state, "unsubscribed", ALL, "preferences page", now)]
    return [
        said(state, "consented" if purpose in wanted else "unsubscribed", purpose, "preferences page", now)
        for purpose, on in now_on.items()
        if on != (purpose in wanted)
    ]


def said(state: CustomerState, verb: str, purpose: str, where: str, now: datetime) -> Incoming:
    """`customer.consented` or `customer.unsubscribed` for one purpose ("*": all), said on the page `where`."""
    at = time_text(_after_all(state, now))
    data = {"channel": CHANNEL, "purpose": purpose, "at": at, "source": where, "customer_id": state.customer_id}
    name = digest("consent/1", verb, purpose, where, at, state.customer_id)
    event = Event(name, SOURCE, f"customer.{verb}", now, data, {})
    return Incoming(event, Identity(customer_id=state.customer_id))


def _after_all(state: CustomerState, now: datetime) -> datetime:
    """The last word counts, also where the clock stands still: later than any word before it."""
    return max([now, *(one.at + timedelta(milliseconds=1) for one in state.consents.values())])
