"""The keys of message.yaml and brand.yaml with what they mean, for the editor and for the reference.

`message` and `brand` read the files; a test holds their keys against these.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from postventa.source.hints import DRAFT, Hint, closed

_TEXTS: Mapping[str, Any] = {
    "anyOf": [{"type": "string"}, {"type": "object", "additionalProperties": {"type": "string"}}]
}
_URL = {"type": "string", "pattern": r"^(https?://\S+)?$"}
_COLOUR = {"type": "string", "pattern": "^#[0-9a-fA-F]{6}$"}
_SAYS_COLOUR = "a colour as '#0f5c4d', in quotes"
_SAYS_URL = "an address that begins with https://"

MESSAGE: Mapping[str, Hint] = {
    "class": Hint(
        "what law it stands on. `transactional`: the contract asks for it. `soft_opt_in`: after a paid order, until "
        "the customer objects. `marketing`: with consent",
        {"enum": ["transactional", "soft_opt_in", "marketing"]}, required=True,
    ),
    "title": Hint("for people; not in the mail"),
    "subject": Hint("one text, or one per language; `{{ order.number }}` and the like may stand in it", _TEXTS,
                    required=True, examples=({"es": "Primeros pasos con {{ line.name }}"},)),
    "preheader": Hint("what mail programs show beside the subject; one text, or one per language", _TEXTS),
    "kind": Hint("what it is. A survey, review, referral or offer is never transactional",
                 {"enum": ["notice", "tutorial", "survey", "review", "referral", "offer"], "default": "notice"}),
    "sender": Hint("who it is from; left out: the brand's", examples=("Clara <clara@shop.example>",)),
    "priority": Hint("lower goes first when a limit lets only some through", {"type": "integer", "default": 100}),
    "purpose": Hint("what an objection names: whoever says no to `surveys` still hears of `loyalty`",
                    {"type": "string", "default": "marketing"}, examples=("after_sales", "surveys")),
    "wording": Hint("`latest`: the text of the day it leaves. `pinned`: the text of the day the run began",
                    {"enum": ["latest", "pinned"], "default": "latest"}),
    "duplicates": Hint("whether to send once more when nobody knows whether it left; left out: by its class",
                       {"enum": ["allow", "avoid"]}),
}  # fmt: skip

_PALETTE: Mapping[str, Hint] = {
    name: Hint(doc, _COLOUR, examples=(example,), says=_SAYS_COLOUR)
    for name, doc, example in (
        ("primary", "buttons and the name", "#1f5f4f"), ("on_primary", "text on `primary`", "#ffffff"),
        ("accent", "links and small marks", "#b4502f"), ("background", "around the mail", "#f5f1ea"),
        ("surface", "behind the text", "#ffffff"), ("text", "the text", "#23292b"),
        ("muted", "small print", "#626a6d"), ("line", "rules between parts", "#e5dfd5"),
    )
}  # fmt: skip

BRAND: Mapping[str, Hint] = {
    "name": Hint("the shop's name, as it stands in every mail", examples=("Tienda Clara",)),
    "tagline": Hint("a few words beside the name"),
    "sender": Hint("who mails are from", examples=("Tienda Clara <hola@tiendaclara.example>",)),
    "reply_to": Hint("where answers go; left out: to the sender", examples=("ayuda@tiendaclara.example",)),
    "postal_address": Hint("at the foot of every mail; the law asks for it in advertising"),
    "website": Hint("the shop's own address", _URL, says=_SAYS_URL),
    "logo": Hint("the address of a picture; without one the name is written out", _URL, says=_SAYS_URL),
    "logo_width": Hint("in pixels", {"type": "integer", "minimum": 16, "maximum": 600, "default": 140}),
    "colours": Hint("the colours of mails and pages; those left out keep their default", closed(_PALETTE)),
    "dark_colours": Hint("the same where the customer's screen is dark", closed(_PALETTE)),
    "links": Hint("at the foot of every mail: name and address, or the same per language", {"type": "object"},
                  examples=({"es": {"Ayuda": "https://shop.example/ayuda"}},)),
    "utm": Hint("added to links that lead to the website; `{message}` becomes the message's name",
                {"type": "object", "additionalProperties": {"type": "string"}}, examples=({"source": "postventa"},)),
    "words": Hint("the shop's own words instead of ours, per language",
                  {"type": "object", "additionalProperties": {"type": "object"}}),
    "words_to_avoid": Hint("`validate` warns where a mail uses one of these", {"type": "array"},
                           examples=(["last chance", "act now"],)),
    "currency": Hint("three letters", {"type": "string", "pattern": "^[A-Z]{3}$"}, examples=("EUR",),
                     says="three letters, such as EUR"),
    "timezone": Hint("the shop's own clock", examples=("Europe/Madrid",)),
    "promises": Hint("what the shop promises: `{{ brand.promises.delivery }}` in a mail. Changed here, once",
                     {"type": "object"}, examples=({"delivery": "48 hours", "returns_days": 30},)),
}  # fmt: skip


def files() -> dict[str, dict[str, Any]]:
    """File name below schemas/ -> its schema."""
    return {
        "message.v1.json": {"$schema": DRAFT, "title": "A message of postventa", **closed(MESSAGE)},
        "brand.v1.json": {"$schema": DRAFT, "title": "How the shop looks and who it is", **closed(BRAND)},
    }
