"""The built-in event types: one row each, with the ids it carries, whether it happens once, and who tells it."""

from __future__ import annotations

from collections.abc import Mapping

from postventa.schemas.fields import Field, always, flag, ident, rows, text, time, usual, whole
from postventa.schemas.things import LINE_FIELDS

Row = tuple[str, str, str, str]
"""(name, ids, marks, doc). Ids: names of things, `?` marks those that may be left out. Marks: `once` = a fact that
happens once per thing, `derived` = postventa tells it itself (a platform may, too), `audience` = about many people."""

_ABOUT = " order? line? shipment? return?"

ROWS: tuple[Row, ...] = (
    ("order.placed", "order line?", "once", "the customer ordered"),
    ("order.paid", "order line?", "once", "the money is there"),
    ("order.confirmed", "order line?", "once", "the shop accepted the order"),
    ("order.in_preparation", "order line?", "once", "the warehouse is packing"),
    ("order.fulfilled", "order line?", "once", "everything was handed to a carrier"),
    ("order.delivered", "order line?", "once derived", "everything arrived"),
    ("order.cancelled", "order line?", "once", "the order will not be sent"),
    ("order.returned", "order line?", "once derived", "every line came back"),
    ("order.refunded", "order line?", "once", "the whole order was paid back"),
    ("order.refunded_partly", "order line?", "", "a part of the order was paid back"),
    ("line.delivered", "order line", "once derived", "this line arrived"),
    ("line.returned", "order line", "once derived", "this line came back"),
    ("line.refunded", "order line", "once derived", "this line was paid back"),
    ("line.exchanged", "order line", "once derived", "this line was exchanged for another"),
    ("shipment.created", "shipment order line?", "once", "a parcel exists: a label was printed"),
    ("shipment.in_transit", "shipment order line?", "", "the carrier has it"),
    ("shipment.out_for_delivery", "shipment order line?", "", "it comes today"),
    ("shipment.available_for_pickup", "shipment order line?", "", "it can be fetched"),
    ("shipment.attempt_failed", "shipment order line?", "", "nobody was there"),
    ("shipment.delayed", "shipment order line?", "", "it will be late"),
    ("shipment.eta_changed", "shipment order line?", "", "the expected time changed"),
    ("shipment.exception", "shipment order line?", "", "something went wrong: lost, damaged, refused"),
    ("shipment.expired", "shipment order line?", "once", "the carrier tells nothing any more"),
    ("shipment.delivered", "shipment order line?", "once", "it arrived"),
    ("shipment.returned_to_sender", "shipment order line?", "once", "it goes back"),
    ("return.requested", "return order line?", "once", "the customer wants to send something back"),
    ("return.cancelled", "return order line?", "once", "the customer keeps it after all"),
    ("return.label_created", "return order line?", "", "the label can be printed"),
    ("return.pickup_booked", "return order line?", "", "it will be fetched"),
    ("return.in_transit", "return order line?", "", "it is on its way back"),
    ("return.received", "return order line?", "once", "it is back in the warehouse"),
    ("return.closed", "return order line?", "once", "nothing is left to do"),
    ("exchange.created", "exchange return? order line?", "once", "another article will be sent instead"),
    ("refund.scheduled", "refund order return? line?", "", "the money will be paid back on a day"),
    ("refund.completed", "refund order return? line?", "once", "the money was paid back"),
    ("claim.opened", "claim" + _ABOUT, "once", "the customer complains and asks for something"),
    ("claim.resolved", "claim" + _ABOUT, "once", "it was decided"),
    ("dispute.opened", "dispute" + _ABOUT, "once", "buyer and seller disagree"),
    ("dispute.resolved", "dispute" + _ABOUT, "once", "it was decided"),
    ("ticket.requested", "ticket?" + _ABOUT, "", "we ask support to open one"),
    ("ticket.opened", "ticket" + _ABOUT, "once", "a conversation with support began"),
    ("ticket.replied", "ticket" + _ABOUT, "", "somebody answered"),
    ("ticket.closed", "ticket" + _ABOUT, "", "it is done"),
    ("delivery.overdue", "order shipment?", "derived", "it should have arrived"),
    ("survey.answered", "order? line? shipment? return? ticket? claim? service? visit? project?", "",
     "a customer answered"),
    ("review.submitted", "review? order? line?", "", "a customer wrote a public review"),
    ("points.earned", "order? line?", "derived", "points were added"),
    ("points.redeemed", "order?", "", "points were used"),
    ("points.expired", "order?", "derived", "points lapsed"),
    ("tier.changed", "", "derived", "the loyalty level changed"),
    ("reward.issued", "reward? order?", "derived", "a reward was given"),
    ("reward.redeemed", "reward? order?", "", "a reward was used"),
    ("referral.converted", "referral? order?", "", "a friend bought"),
    ("warranty.registered", "warranty? order? line?", "", "a guarantee was registered"),
    ("service.booked", "service order? line? vehicle?", "once", "an appointment was made"),
    ("service.rescheduled", "service order? line? vehicle?", "", "the appointment moved"),
    ("service.completed", "service order? line? vehicle?", "once", "the work is done"),
    ("odometer.reported", "vehicle", "", "the odometer was read"),
    ("assistance.requested", "assistance vehicle?", "once", "somebody needs help on the road"),
    ("vehicle.delivered", "vehicle order?", "once", "the keys were handed over"),
    ("subscription.started", "subscription order?", "once", "a contract began"),
    ("subscription.renewed", "subscription order?", "", "it goes on for another period"),
    ("subscription.failed", "subscription order?", "", "a payment failed"),
    ("subscription.cancelled", "subscription order?", "", "it ends"),
    ("product.updated", "product", "audience", "something changed: a new version, a recall, better instructions"),
    ("product.released", "product", "audience", "something new can be bought"),
    ("campaign.opened", "campaign", "audience", "an offer, early access or event opened"),
    ("visit.completed", "visit order?", "once", "the guest left"),
    ("project.milestone_reached", "project", "", "a part of the work is done"),
    ("project.closed", "project", "once", "the work is done"),
    ("customer.updated", "", "", "something about the person changed"),
    ("customer.consented", "", "", "the person said yes to being written to"),
    ("customer.unsubscribed", "", "", "the person said no: stops everything but transactional mail"),
    ("customer.merged", "", "", "two records were the same person"),
    ("customer.erased", "", "", "the person asked to be forgotten"),
    ("withdrawal.declared", "withdrawal? order line?", "", "the customer withdraws from the contract"),
    ("message.sent", "message? order? line? shipment? return? ticket?", "derived", "a mail left"),
    ("message.skipped", "message? order? line? shipment? return? ticket?", "derived", "a mail did not leave, and why"),
    ("message.bounced", "message? order? line? shipment? return? ticket?", "", "the address refused it"),
    ("message.complained", "message? order? line? shipment? return? ticket?", "",
     "marked as spam: barred from now on"),
    ("message.clicked", "message? order? line? shipment? return? ticket?", "", "a link was followed"),
    ("message.uncertain", "message? order? line? shipment? return? ticket?", "derived",
     "nobody knows whether it left: an operator decides"),
)  # fmt: skip

THING_OF: Mapping[str, str] = {"survey.answered": "answer", "odometer.reported": "vehicle"}
"""Whose facts an event carries, where it is not the word before the dot."""

_CONSENT: Mapping[str, Field] = {
    "channel": text("such as email; every channel when left out"),
    "purpose": text("such as marketing; every purpose when left out"),
    "at": time("when it was said; the event's time when left out"),
    "source": text("where it was said"),
}

EXTRA: Mapping[str, Mapping[str, Field]] = {
    "customer.consented": _CONSENT,
    "customer.unsubscribed": {**_CONSENT, "reason": text("in their words")},
    "customer.merged": {
        "from": always(ident("the id that ends")),
        "into": always(ident("the id that stays")),
    },
    "order.refunded_partly": {"amount": Field("money", "what was paid back")},
    "order.refunded": {"amount": Field("money", "what was paid back")},
    "shipment.eta_changed": {"eta": always(time("the new expected time"))},
    "survey.answered": {"survey": always(ident("id of the survey, the name of its file"))},
    "odometer.reported": {"km": always(Field("number", "what it says"))},
    "points.redeemed": {"points": always(whole("how many"))},
    "points.earned": {"points": always(whole("how many"))},
    "exchange.created": {"lines": usual(rows("they join the order", LINE_FIELDS))},
    "message.bounced": {"hard": flag("true: the address does not exist and is barred")},
}
"""Fields an event has beside those of its thing, or requires although its thing does not."""
