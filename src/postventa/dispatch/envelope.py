"""From a claimed row to an envelope: rendered for this customer, with sender and personal links."""

from __future__ import annotations

from datetime import datetime

from postventa.channels.base import Envelope, message_id_for
from postventa.core.journey import Catalog
from postventa.core.state import CustomerState
from postventa.dispatch.context import Links, locale_of, template_context
from postventa.store.base import OutboxRecord
from postventa.templates.catalog import MessageCatalog


def envelope_for(
    row: OutboxRecord, state: CustomerState, messages: MessageCatalog, catalog: Catalog, links: Links, now: datetime
) -> Envelope:
    """The message as this customer gets it. RenderError names file and line; PostventaError where it is gone."""
    message = row.message or ""
    locale = locale_of(state, catalog)
    personal = dict(links(row, locale, now))
    context = template_context(row, state, catalog, now) | {"links": personal}
    mail = messages.render(message, locale, context, variant=row.choose, zone=_zone(state, catalog))
    sender, spec, brand = messages.sender(message), messages.spec(message), messages.brand
    return Envelope(
        effect_id=row.effect_id,
        message=message,
        to=row.address or "",
        to_name=str(state.facts.get("first_name") or "") if row.address == state.facts.get("email") else "",
        sender=sender.address,
        sender_name=sender.name,
        reply_to=brand.reply_to.address if brand.reply_to else "",
        subject=mail.subject,
        html=mail.html,
        text=mail.text,
        date=now,
        message_id=message_id_for(row.effect_id, sender.address),
        locale=mail.locale,
        customer_id=row.customer_id,
        unsubscribe_url=personal.get("unsubscribe") if spec.optional else None,
    )


def _zone(state: CustomerState, catalog: Catalog) -> str:
    zone = state.facts.get("timezone")
    return zone if isinstance(zone, str) and zone else catalog.shop.timezone
