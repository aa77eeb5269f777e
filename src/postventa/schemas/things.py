"""The things events tell facts about (orders, lines, shipments, customers …) and the fields each of them has."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from postventa.schemas.fields import (
    Field,
    always,
    block,
    computed,
    date,
    flag,
    ident,
    idents,
    money,
    number,
    rows,
    text,
    texts,
    time,
    usual,
    whole,
)


@dataclass(frozen=True, slots=True)
class Thing:
    """Something facts are kept about. `id_field` names it in a record; None: it has no identity of its own."""

    name: str
    doc: str
    id_field: str | None
    fields: Mapping[str, Field] = field(default_factory=dict)


_PRODUCT = block(
    "what products.csv or product.updated says of it; further columns are kept under their own names",
    {
        "sku": text("article number"),
        "name": text("as customers know it"),
        "category": text("decides which tutorial is sent"),
        "url": text("its page in the shop"),
        "image": text("address of a picture"),
        "tutorial_url": text("where the tutorial is"),
        "manual_url": text("where the manual is"),
        "warranty_months": whole("length of the warranty"),
        "service_every": text("how often it wants a check-up, such as '12 months'"),
        "goes_with": texts("article numbers of what goes well with it"),
    },
    open=True,
)

LINE_FIELDS: Mapping[str, Field] = {
    "line_id": always(ident("id of the line within its order; its place in the order will do")),
    "sku": usual(text("article number, as in products.csv")),
    "product_id": ident("the shop's id of the product"),
    "name": usual(text("what was bought, as the customer saw it")),
    "category": usual(text("decides which tutorial is sent")),
    "quantity": usual(number("how many")),
    "price": usual(money("of one piece, with tax")),
    "state": text("state of the line, in the shop's words"),
}

_CONSENT = Field(
    "consent",
    "yes or no to being written to: {marketing: true}, {email: {marketing: false}}, or a list of",
    items="object",
    fields={
        "channel": text("such as email; every channel when left out"),
        "purpose": text("such as marketing; every purpose when left out"),
        "given": always(flag("true is a yes, false an objection")),
        "at": time("when it was said; the event's time when left out"),
        "source": text("where it was said, such as 'checkout'"),
    },
)

CUSTOMER_FIELDS: Mapping[str, Field] = {
    "customer_id": ident("the shop's id of the person; a guest has none"),
    "email": usual(Field("email", "the address mails go to")),
    "first_name": text("for the greeting"),
    "last_name": text("family name"),
    "phone": text("with country code"),
    "locale": usual(text("language of the mails, such as es or pt-BR")),
    "timezone": usual(text("zone of their clock, such as Europe/Madrid; an unknown one means the shop's")),
    "country": usual(Field("country", "two letters, such as ES")),
    "birthday": date("YYYY-MM-DD"),
    "consent": _CONSENT,
    "tags": texts("the shop's own marks"),
    "channel": text("preferred channel"),
    "aliases": idents("other ids of the same person"),
    "orders": computed(
        block(
            "counted by postventa",
            {
                "count": usual(whole("paid orders not cancelled")),
                "first_at": time("the first of them"),
                "last_at": time("the last of them"),
                "spent": usual(money("their total")),
            },
        )
    ),
    "owns": computed(usual(texts("article numbers of delivered lines not returned"))),
    "points": computed(usual(whole("loyalty balance"))),
    "tier": computed(text("loyalty level")),
}

CUSTOMER_BLOCK = block("whom the event is about; an id or an address is enough", CUSTOMER_FIELDS)

_ORDER = {
    "number": usual(text("the number the customer sees")),
    "placed_at": usual(time("when order.placed happened")),
    "promised_at": time("the delivery that was promised"),
    "total": usual(money("gross, with shipping")),
    "currency": usual(Field("currency", "three letters, such as EUR")),
    "lines": usual(rows("what was bought, one entry per line", LINE_FIELDS)),
    "reason": text("why, of a cancellation"),
    "tracking_url": text("where the customer follows the order"),
    "seller": text("marketplace seller"),
}

_SHIPMENT = {
    "carrier": usual(text("who carries it")),
    "tracking_number": text("the carrier's number"),
    "tracking_url": usual(text("where the customer follows the parcel")),
    "eta": time("when it is expected"),
    "status": usual(text("the last word of the shipment's events; only moves forward")),
    "reason": text("why it failed or is late"),
    "pickup_point": text("where it can be fetched"),
    "pickup_until": time("until when it can be fetched"),
    "closed": flag("of an exception: nothing more will come of this parcel"),
}

_RETURN = {
    "reason": text("why it comes back"),
    "wants": text("what the customer asks for", choices=("refund", "exchange", "credit")),
    "label_url": text("the label to print"),
    "pickup_at": time("when it is fetched"),
    "carrier": text("who carries it"),
    "tracking_url": text("where the parcel can be followed"),
}

_REFUND = {
    "amount": usual(money("what is paid back")),
    "currency": Field("currency", "three letters; the order's when left out"),
    "due_at": time("when the money will be there"),
    "full": flag("true when the whole order is paid back"),
    "reason": text("why"),
}

_ANSWER = {
    "survey": usual(ident("id of the survey, the name of its file")),
    "score": number("the number chosen"),
    "choices": texts("the options chosen"),
    "text": text("what was written"),
    "subject": text("what it was asked about, as type/id"),
}

_CASE = {"state": text("where it stands"), "reason": text("why"), "topic": text("what it is about")}

_DESK = {**_CASE, "channel": text("where it was raised"), "agent": text("who handles it"), "url": text("its page")}

_APPOINTMENT = {
    **_CASE,
    "kind": text("what kind"),
    "starts_at": time("when the slot begins"),
    "ends_at": time("when the slot ends"),
    "place": text("where"),
    "price": money("what it costs"),
}

_POINTS = {
    "points": usual(whole("how many")),
    "reason": text("why"),
    "balance": whole("after it"),
    "expires_at": time("when they lapse"),
}

THINGS: tuple[Thing, ...] = (
    Thing("order", "one purchase", "order_id", _ORDER),
    Thing(
        "line",
        "one line of an order",
        "line_id",
        {key: one for key, one in LINE_FIELDS.items() if key != "line_id"} | {"product": computed(_PRODUCT)},
    ),
    Thing("shipment", "one parcel", "shipment_id", _SHIPMENT),
    Thing("return", "goods on their way back", "return_id", _RETURN),
    Thing("refund", "money on its way back", "refund_id", _REFUND),
    Thing("exchange", "one article for another", "exchange_id", {"lines": rows("they join the order", LINE_FIELDS)}),
    Thing("customer", "one person", "customer_id", CUSTOMER_FIELDS),
    Thing("answer", "the answer to a survey", None, _ANSWER),
    Thing("review", "a public review", "review_id", {
        "score": number("stars"), "text": text("what was written"), "sku": text("of which article"),
        "url": text("where it is"),
    }),
    Thing("claim", "a complaint with a demand", "claim_id", {
        **_CASE, "amount": money("what is asked"), "compensation": text("what was given"),
    }),
    Thing("dispute", "buyer and seller disagree", "dispute_id", {**_CASE, "seller": text("the other side")}),
    Thing("ticket", "a conversation with support", "ticket_id", _DESK),
    Thing("subscription", "a recurring contract", "subscription_id", {
        **_CASE, "plan": text("which plan"), "renews_at": time("next renewal"), "ends_at": time("last day"),
        "price": money("per period"),
    }),
    Thing("service", "a booked service, installation or check-up", "service_id", _APPOINTMENT),
    Thing("visit", "a visit to a restaurant, shop or workshop", "visit_id", _APPOINTMENT),
    Thing("project", "work done for a customer over time", "project_id", {
        **_CASE, "milestone": text("what was reached"), "next": text("what comes next"), "due_at": time("of the next"),
    }),
    Thing("assistance", "help on the road", "assistance_id", {**_CASE, "place": text("where")}),
    Thing("vehicle", "a vehicle somebody owns", "vehicle_id", {
        "model": text("which model"), "plate": text("registration plate"), "km": number("odometer"),
        "km_at": time("when it was read"),
    }),
    Thing("warranty", "a guarantee", "warranty_id", {
        "sku": text("of which article"), "ends_at": time("its last day"), "extended": flag("bought in addition"),
    }),
    Thing("product", "something the shop sells", "sku", {**_PRODUCT.fields, "version": text("what is new")}),
    Thing("campaign", "an offer or event opened to customers", "campaign_id", {
        "name": text("its name"), "url": text("its page"), "opens_at": time("first moment"),
        "closes_at": time("last moment"), "audience": text("who may take part"),
    }),
    Thing("points", "a posting in the loyalty ledger", None, _POINTS),
    Thing("tier", "a change of loyalty level", None, {
        "tier": usual(text("the new level")), "was": text("the old one"),
    }),
    Thing("reward", "a reward with a code", "reward_id", {
        "reward": text("its name in loyalty.yaml"), "code": text("the code"), "expires_at": time("its last moment"),
    }),
    Thing("referral", "a friend brought in", "referral_id", {
        "friend_email": Field("email", "the friend's address"), "code": text("the code that was used"),
    }),
    Thing("withdrawal", "the legal right to withdraw, used", "withdrawal_id", {"text": text("what was declared")}),
    Thing("delivery", "what was promised and did not come", None, {"reason": text("why")}),
    Thing("message", "a message of ours", "message_id", {
        "message": usual(text("its folder in templates/")), "effect_id": ident("the effect it was"),
        "journey": text("which journey sent it"), "step": text("which step"), "channel": text("how"),
        "address": text("to which address"), "reason": text("why"), "url": text("the link that was followed"),
        "hard": flag("of a bounce: the address does not exist"), "class": text("its legal class"),
    }),
)  # fmt: skip
