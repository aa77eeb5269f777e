"""JSON Schema for the files people write, from the same tables and models that read them: completion in the editor.

An editor finds mistakes of form while typing; what a journey means is only checked by `postventa validate`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from postventa.journeys.loyalty import LoyaltyForm
from postventa.journeys.surveys import SurveyForm
from postventa.journeys.words import (
    BESIDE_EVERY_VERB,
    CASE,
    CONDITION_WORDS,
    EVENT,
    FACT,
    GOAL,
    JOINERS,
    JOURNEY,
    START,
    VARIANT,
    VERBS,
    Key,
)
from postventa.schemas.registry import Registry, builtin
from postventa.source.hints import DRAFT, Hint, beside, explained, of_model, plain, sentence

Json = dict[str, Any]
_OTHERWISE = "the steps where no case holds, or `go_on`; the last item of the list"
_NAME = "^[a-z0-9]+(-[a-z0-9]+)*$"
_PATH = r"^[a-z][a-z0-9_]*(\.[A-Za-z0-9_-]+)+$"
_SPAN = r"^(P|[0-9])"


def files() -> dict[str, str]:
    """File name below schemas/ -> its text, for every kind of file of this package."""
    return {
        "journey.v1.json": text(journey_schema(builtin())),
        "survey.v1.json": text(of_model(SurveyForm, "A survey")),
        "loyalty.v1.json": text(of_model(LoyaltyForm, "The points programme")),
    }


def journey_schema(registry: Registry) -> Json:
    """The schema of a journey file. Own event types are accepted, built-in ones are offered."""
    return {
        "$schema": DRAFT,
        "title": "A journey of postventa",
        **_keys(JOURNEY),
        "definitions": {
            "step": _steps(list(VERBS)),
            **{_verb(name): _step(name) for name in VERBS},
            "block": {
                "anyOf": [
                    {"const": "go_on"},
                    {"type": "array", "minItems": 1, "items": _ref("step")},
                ]
            },
            "event": {"anyOf": [_events(registry), {"type": "string", "pattern": r"^[a-z_]+\.[a-z_]+$"}]},
            "one_event": {"anyOf": [_ref("event"), _keys(EVENT)]},
            "condition": _condition(),
            "comparison": _comparison(),
            "fact": _keys(FACT),
            "value": {
                "anyOf": [{"type": ["string", "number", "boolean", "null"]}, {"type": "array"}, {"type": "object"}]
            },
        },
    }


def _events(registry: Registry) -> Json:
    """The built-in events, each with what it means."""
    known = sorted(registry.types.values(), key=lambda one: one.name)
    docs = [sentence(one.doc) for one in known]
    return {"enum": [one.name for one in known], "enumDescriptions": docs, "markdownEnumDescriptions": docs}


def _steps(names: list[str]) -> Json:
    """The first verb that stands there decides which keys may stand beside it; where none does, the verbs are offered.
    An editor then speaks of one key, and not of fourteen kinds of step none of which fits."""
    if not names:
        verbs: Json = {name: _explained(name, verb.object, _about(name)) for name, verb in VERBS.items()}
        return {"type": "object", "additionalProperties": False, "minProperties": 1, "properties": verbs}
    first, *others = names
    return {"if": {"type": "object", "required": [first]}, "then": _ref(_verb(first)), "else": _steps(others)}


def _verb(name: str) -> str:
    return f"step_{name}"


def _about(name: str) -> str:
    verb = VERBS[name]
    beside = ", ".join(f"`{key}`" for key in verb.keys)
    text = f"{sentence(verb.doc)}\n\nBehind it: {verb.object.doc}."
    return f"{text}\n\nBeside it: {beside}." if beside else text


def _step(name: str) -> Json:
    verb = VERBS[name]
    schema = _keys({name: verb.object, **verb.keys, **BESIDE_EVERY_VERB})
    schema["properties"][name] = _explained(name, verb.object, _about(name))
    schema["required"] = [name, *schema.get("required", [])]
    return {"title": name, "description": verb.doc, **schema}


def _explained(name: str, key: Key, doc: str = "") -> Json:
    """The value of a key with what an editor's bubble says of it: its name, its meaning, examples."""
    text = doc or sentence(key.doc)
    shown: Json = {"title": name, "description": plain(text), "markdownDescription": text, **beside(_value(key))}
    if examples := EXAMPLES.get(key.kind):
        shown["examples"] = list(examples[:2])
    if key.kind in EXPECTED and "pattern" in shown:
        shown["patternErrorMessage"] = EXPECTED[key.kind]
    return shown


def _keys(table: Mapping[str, Key]) -> Json:
    """A closed group of keys."""
    schema: Json = {
        "type": "object",
        "additionalProperties": False,
        "properties": {name: _explained(name, key) for name, key in table.items()},
    }
    if required := [name for name, key in table.items() if key.required]:
        schema["required"] = required
    if needs := {name: [key.needs] for name, key in table.items() if key.needs}:
        schema["dependencies"] = needs
    return schema


def _value(key: Key) -> Json:
    """The schema of one kind of value."""
    if key.choices:
        return {"enum": list(key.choices)}
    schema: Json = _KINDS[key.kind]()
    return schema


def _ref(name: str) -> Json:
    return {"$ref": f"#/definitions/{name}"}


def _string(pattern: str = "", **more: Any) -> Json:
    return {"type": "string", **({"pattern": pattern} if pattern else {}), **more}


def _some(one: Json) -> Json:
    """One, or a list of them."""
    return {"anyOf": [one, {"type": "array", "minItems": 1, "items": one}]}


def _cases() -> Json:
    last = {"type": "object", "additionalProperties": False, "required": ["otherwise"],
            "properties": {"otherwise": explained("otherwise", Hint(_OTHERWISE, _ref("block")))}}  # fmt: skip
    return {"type": "array", "minItems": 1, "items": {"anyOf": [_keys(CASE), last]}}


def _condition() -> Json:
    lists = {"type": "array", "minItems": 1, "items": _ref("condition")}
    joined: Json = {
        name: explained(name, Hint(doc, _ref("condition") if name == "not" else lists)) for name, doc in JOINERS.items()
    }
    return {"type": "object", "minProperties": 1, "properties": joined, "additionalProperties": _ref("comparison")}


def _comparison() -> Json:
    words: Json = {name: explained(name, Hint(word.doc, {})) for name, word in CONDITION_WORDS.items()}
    return {
        "anyOf": [
            {"type": ["string", "number", "boolean"]},
            {"type": "array"},
            _ref("fact"),
            {"type": "object", "minProperties": 1, "additionalProperties": True, "properties": words},
        ]
    }


EXAMPLES: Mapping[str, tuple[Any, ...]] = {
    "duration": ("3 days", "72 hours", "2 weeks"), "shifts": ("3 years - 30 days",), "clock": ("10:00",),
    "days": ("weekdays", ["monday", "tuesday"]), "if_blocked": ("wait up to 3 days", "skip"),
    "path": ("order.total", "line.category"), "again": ("never", "after 30 days"), "every": ("12 months", "round"),
    "per": ("order", "line", "10 EUR"), "timeout": ("30 days", {"path": "order.promised_at", "plus": "2 hours"}),
    "events": ("order.delivered", ["order.cancelled", "order.refunded"]), "types": ("order.paid",),
    "condition": ({"order.total": {"at_least": 30}}, {"customer.country": ["ES", "PT"]}),
    "values": ({"reason": "low-score"}, {"total": {"path": "order.total"}}),
    "facts": ({"customer.tags": ["vip"]},), "block": ("go_on",), "since": ("start", "here"), "to": ("customer",),
    "subject": ("order", "line", "customer"), "points": (50,), "count": (3,), "weight": (45,),
    "moved": ("1 day",), "measure": ("goal", "order.paid"),
    "start": ({"on": "order.paid"},), "goal": ({"on": "order.placed", "within": "60 days", "then": "go_on"},),
}  # fmt: skip
"""Kind of value -> values worth showing."""
EXPECTED: Mapping[str, str] = {
    "duration": "a duration, such as 3 days, 72 hours or P3D", "clock": 'a time of day in quotes, such as "10:00"',
    "name": "small letters, digits and '-'", "id": "small letters, digits and '-'",
    "path": "a thing and its fact, such as order.total", "again": "always, never, or after 30 days",
    "if_blocked": "skip, or wait up to 3 days", "every": "an interval such as 12 months, or round",
    "per": "order, line, or an amount such as 10 EUR",
}  # fmt: skip
"""Kind of value -> what an editor says where the value has another shape."""

_KINDS: Mapping[str, Any] = {
    "text": _string,
    "name": lambda: _string(_NAME),
    "id": lambda: _string(_NAME),
    "message": _string,
    "survey": _string,
    "reward": _string,
    "subject": _string,
    "since": _string,
    "to": _string,
    "duration": lambda: _string(_SPAN),
    "shifts": _string,
    "moved": lambda: {"type": ["string", "number"]},
    "clock": lambda: _string(r"^([01]?\d|2[0-3]):[0-5]\d$"),
    "days": lambda: _some(_string()),
    "if_blocked": lambda: _string("^(skip|wait up to .+)$"),
    "again": lambda: _string("^(always|never|after .+)$"),
    "every": lambda: _string("^(round|P|[0-9])"),
    "per": lambda: _string(r"^(order|line|[0-9.]+ [A-Z]{3})$"),
    "count": lambda: {"type": "integer", "minimum": 1},
    "points": lambda: {"type": "integer", "minimum": 1},
    "weight": lambda: {"type": "integer", "minimum": 0},
    "channels": lambda: _some({"enum": ["email"]}),
    "event": lambda: _ref("event"),
    "measure": lambda: {"anyOf": [{"const": "goal"}, _ref("event")]},
    "types": lambda: _some(_ref("event")),
    "events": lambda: _some(_ref("one_event")),
    "path": lambda: _string(_PATH),
    "timeout": lambda: {"anyOf": [_string(_SPAN), _ref("fact")]},
    "values": lambda: {"type": "object", "additionalProperties": _ref("value")},
    "facts": lambda: {"type": "object", "minProperties": 1, "additionalProperties": _ref("value")},
    "condition": lambda: _ref("condition"),
    "block": lambda: _ref("block"),
    "thens": lambda: {"anyOf": [_ref("block"), {"type": "object", "additionalProperties": _ref("block")}]},
    "cases": _cases,
    "variants": lambda: {"type": "object", "minProperties": 2, "additionalProperties": _keys(VARIANT)},
    "start": lambda: _keys(START),
    "goal": lambda: _keys(GOAL),
}


def text(schema: Json) -> str:
    """A schema as its file holds it."""
    return json.dumps(schema, ensure_ascii=False, indent=1) + "\n"
