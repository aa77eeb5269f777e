"""What became of a run: mails by their kind, and every published event looked for in the history."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from postventa.store.base import Views

KINDS: Mapping[str, tuple[str, ...]] = {
    "thank-you": ("thank-you",),
    "tutorial": ("tutorial",),
    "survey": ("satisfaction", "satisfaction-reminder", "how-was-delivery"),
    "loyalty": ("points-balance", "loyalty-coupon", "referral-invite"),
}
"""The reference project's messages by kind; the others are about the order and its parcel."""
OTHERS = "order and parcel"
_ALL = 1_000_000
Event = tuple[str, str]
"""(source, id)"""


@dataclass(frozen=True, slots=True)
class Tally:
    """The counts of one run. Mails are counted where they arrived, each message once.

    `missing`: messages the engine calls sent and nobody received; `twice`: mails beyond the first of one message, which
    only a message in doubt may have.
    """

    sent: Mapping[str, int]
    missing: int
    unsettled: int
    twice: int
    customers: int
    dead_letters: int
    published: int
    lost: tuple[Event, ...]

    @property
    def sound(self) -> bool:
        """Nothing is lost or stuck, and every kind of message was sent."""
        stuck = self.dead_letters or self.unsettled or self.missing or self.lost
        return not stuck and all(self.sent[kind] for kind in KINDS)

    def table(self) -> str:
        """For a person."""
        rows = [(kind, str(count)) for kind, count in self.sent.items()]
        rows += [("all", str(sum(self.sent.values()))), ("of them twice", str(self.twice))]
        rows += [("missing", str(self.missing)), ("still on their way", str(self.unsettled))]
        events = [("published", str(self.published)), ("in the history", str(self.published - len(self.lost)))]
        events += [("dead letters", str(self.dead_letters)), ("lost", str(len(self.lost)))]
        parts = [_part(f"messages sent to {self.customers} customers", rows), _part("events", events)]
        return "\n".join(parts)


def _part(title: str, rows: list[tuple[str, str]]) -> str:
    return "\n".join([title, *(f"  {name:<22}{count:>6}" for name, count in rows), ""])


async def tally(views: Views, published: Collection[Event], mails: Collection[Mapping[str, Any]]) -> Tally:
    """Look into the store. `published`: what Kafka took, each once; `mails`: every mail that the mailbox keeps."""
    customers = await views.customer_ids(limit=_ALL)
    known = {(event.source, event.id) for one in customers for event, _ in await views.events(one)}
    messages = await views.messages(limit=_ALL)
    kinds = {message: kind for kind, messages in KINDS.items() for message in messages}
    received = {mail["effect_id"]: mail["message"] for mail in mails}
    counts = Counter(kinds.get(message, OTHERS) for message in received.values())
    return Tally(
        sent={kind: counts[kind] for kind in (*KINDS, OTHERS)},
        missing=sum(one.state == "sent" and one.effect_id not in received for one in messages),
        unsettled=sum(one.state in {"pending", "claimed", "sending", "uncertain"} for one in messages),
        twice=len(mails) - len(received),
        customers=len(customers),
        dead_letters=len(await views.dead_letters(_ALL)),
        published=len(set(published)),
        lost=tuple(sorted(set(published) - known)),
    )
