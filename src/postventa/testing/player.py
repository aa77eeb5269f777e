"""One customer of a project on a virtual clock: the mails are really made, with what production would have known then.

A `Timeline` whose hand-over renders each message as the dispatcher does. A mail that cannot be made is given up, as
there.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime

from postventa.channels.base import Envelope
from postventa.core.effect import SendMessage
from postventa.core.event import Event, Receipt
from postventa.core.journey import Catalog
from postventa.dispatch.context import Links
from postventa.dispatch.envelope import envelope_for
from postventa.dispatch.links import signed_links
from postventa.engine.release import as_if_always_live
from postventa.engine.replay import KEYS, MOST_STEPS
from postventa.errors import PostventaError
from postventa.project import Project
from postventa.store.changes import outbox_record
from postventa.testing.timeline import Timeline
from postventa.tokens import Key, Tokens

_LINKS = "https://links.example"
"""Where the personal links of a simulated mail lead when the project names no public address."""


@dataclass(frozen=True, slots=True)
class Mail:
    """A message that was handed over, as the customer gets it; or why it could not be made."""

    at: datetime
    row: SendMessage
    envelope: Envelope | None = None
    failed: str = ""


@dataclass(slots=True)
class Player(Timeline):
    """See the module. `mails` has what was made, in order; with `quick` nothing is rendered."""

    project: Project = field(kw_only=True)
    quick: bool = False
    mails: list[Mail] = field(default_factory=list)
    links: Links = field(init=False)

    def __post_init__(self) -> None:
        super(Player, self).__post_init__()
        address = self.project.settings.public_url or _LINKS
        self.links = signed_links(Tokens((Key("simulated", b"simulated links lead nowhere"),)), address)

    def take(self, event: Event) -> None:
        """Let time pass until an event occurs, then apply it."""
        due = self.state.due_at
        if due is not None and due < event.occurred_at:
            self.to(event.occurred_at)
        self.now = max(self.now, event.occurred_at)
        self.give(event)

    def hand_over(self) -> None:
        """Claim, make and hand over until nothing is pending."""
        for _ in range(MOST_STEPS):
            rows = self.pending()
            if not rows:
                return
            self.codes |= {row.effect_id: code for row in rows if (code := self._code(row)) is not None}
            for effect_id in self.claim():
                self._hand_over(self.rows[effect_id])
        raise RecursionError("messages without end")

    def _hand_over(self, row: SendMessage) -> None:
        if self.quick:
            self.receipt(row.effect_id)
            return
        mail = self._made(row)
        self.mails.append(mail)
        if mail.failed:
            self.give(Receipt(row.effect_id, "gave_up", self.now, mail.failed))
        else:
            self.receipt(row.effect_id)

    def _made(self, row: SendMessage) -> Mail:
        record = replace(outbox_record(row, self.customer, self.now), code=self.codes.get(row.effect_id))
        try:
            made = envelope_for(record, self.state, self.project.messages, self.catalog, self.links, self.now)
        except PostventaError as error:
            return Mail(self.now, row, failed=str(error))
        return Mail(self.now, row, made)

    def _code(self, row: SendMessage) -> str | None:
        """A made-up code where the mail carries a reward."""
        if row.reward is None:
            return None
        reward = self.catalog.loyalty.rewards.get(row.reward)
        return KEYS.code(reward.prefix if reward else "", row.effect_id)


def catalog_for(project: Project, only: str | None = None) -> Catalog:
    """What the core decides by, with no guard against the past; with `only` this journey alone is live."""
    catalog = as_if_always_live(project.catalog())
    return replace(catalog, live={only: catalog.live[only]}) if only is not None else catalog
