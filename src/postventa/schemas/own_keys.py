"""The keys of schemas/events/<name>.yaml with what they mean, for the editor. `own` reads the files."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from postventa.schemas.fields import KINDS
from postventa.source.hints import DRAFT, Hint, closed

_TYPES = [name for name in KINDS if name != "consent"]
_NAME = {"type": "string", "pattern": "^[a-z][a-z0-9_]*$"}
_FIELDS: Mapping[str, Any] = {"type": "object", "additionalProperties": {"$ref": "#/definitions/field"}}

FIELD: Mapping[str, Hint] = {
    "type": Hint("what it holds", {"enum": _TYPES}, required=True),
    "doc": Hint("what it means, for people"),
    "required": Hint("true: an event without it is refused", {"type": "boolean", "default": False}),
    "of": Hint("what the items of a list are: a type, or fields", {"anyOf": [{"enum": _TYPES}, _FIELDS]}),
    "one_of": Hint("the only values it may have", {"type": "array", "items": {"type": "string"}, "minItems": 1}),
    "fields": Hint("what an object holds", _FIELDS),
}
EVENT: Mapping[str, Hint] = {
    "event": Hint("the event's name: a thing and what happened to it. That of a built-in event adds fields to it",
                  {"type": "string", "pattern": r"^[a-z][a-z0-9_]*\.[a-z][a-z0-9_]*$"}, required=True,
                  examples=("course.enrolled",), says="noun.verb in small letters, such as course.enrolled"),
    "thing": Hint("whose facts it tells; left out: the word before the dot", _NAME),
    "doc": Hint("what it means, for people"),
    "once": Hint("true: it happens once per thing, and a second one is a repetition",
                 {"type": "boolean", "default": False}),
    "ids": Hint("which things it names; `?` marks those it may leave out",
                {"type": "array", "items": {"type": "string"}}, examples=(["course", "order?"],)),
    "fields": Hint("what it tells: a name and its type, or `{type: …, required: true}`", _FIELDS,
                   examples=({"title": "text", "starts_at": {"type": "time", "required": True}},)),
}  # fmt: skip
THING: Mapping[str, Hint] = {
    "thing": Hint("something facts are kept about", _NAME, required=True, examples=("course", "customer")),
    "doc": Hint("what it is, for people"),
    "fields": Hint("what is known of it", _FIELDS),
}


def files() -> dict[str, dict[str, Any]]:
    """File name below schemas/ -> its schema."""
    return {
        "event.v1.json": {
            "$schema": DRAFT,
            "title": "An event or a thing of the shop's own",
            "if": {"required": ["event"]},
            "then": closed(EVENT),
            "else": closed(THING),
            "definitions": {"field": {"anyOf": [{"enum": _TYPES}, closed(FIELD)]}},
        }
    }
