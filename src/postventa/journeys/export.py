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
from postventa.source.forms import Form

Json = dict[str, Any]
_DIALECT = "http://json-schema.org/draft-07/schema#"
_PYDANTIC_DIALECT = "https://json-schema.org/draft/2020-12/schema"
_NAME = "^[a-z0-9]+(-[a-z0-9]+)*$"
_PATH = r"^[a-z][a-z0-9_]*(\.[A-Za-z0-9_-]+)+$"
_SPAN = r"^(P|[0-9])"


def files() -> dict[str, str]:
    """File name below schemas/ -> its text, for every kind of file of this package."""
    return {
        "journey.v1.json": text(journey_schema(builtin())),
        "survey.v1.json": text(form_schema(SurveyForm, "A survey")),
        "loyalty.v1.json": text(form_schema(LoyaltyForm, "The points programme")),
    }


def journey_schema(registry: Registry) -> Json:
    """The schema of a journey file. Own event types are accepted, built-in ones are offered."""
    return {
        "$schema": _DIALECT,
        "title": "A journey of postventa",
        **_keys(JOURNEY),
        "definitions": {
            "step": {"oneOf": [_step(name) for name in VERBS]},
            "block": {
                "anyOf": [
                    {"const": "go_on", "description": "nothing to do here: the run goes on below"},
                    {"type": "array", "minItems": 1, "items": _ref("step")},
                ]
            },
            "event": {
                "anyOf": [{"enum": sorted(registry.types)}, {"type": "string", "pattern": r"^[a-z_]+\.[a-z_]+$"}]
            },
            "one_event": {"anyOf": [_ref("event"), _keys(EVENT)]},
            "condition": _condition(),
            "comparison": _comparison(),
            "fact": _keys(FACT),
            "value": {
                "anyOf": [{"type": ["string", "number", "boolean", "null"]}, {"type": "array"}, {"type": "object"}]
            },
        },
    }


def form_schema(form: type[Form], title: str) -> Json:
    """The schema of a file that pydantic reads."""
    return {"$schema": _PYDANTIC_DIALECT, **form.model_json_schema(by_alias=True), "title": title}


def _step(name: str) -> Json:
    verb = VERBS[name]
    keys = {name: verb.object, **verb.keys, **BESIDE_EVERY_VERB}
    schema = _keys(keys)
    schema["required"] = [name, *schema.get("required", [])]
    schema["description"] = verb.doc
    return schema


def _keys(table: Mapping[str, Key]) -> Json:
    """A closed group of keys."""
    schema: Json = {
        "type": "object",
        "additionalProperties": False,
        "properties": {name: {"description": key.doc, **_value(key)} for name, key in table.items()},
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
            "properties": {"otherwise": _ref("block")}}  # fmt: skip
    return {"type": "array", "minItems": 1, "items": {"anyOf": [_keys(CASE), last]}}


def _condition() -> Json:
    lists = {"type": "array", "minItems": 1, "items": _ref("condition")}
    joined: Json = {
        name: {"description": doc, **(_ref("condition") if name == "not" else lists)} for name, doc in JOINERS.items()
    }
    return {"type": "object", "minProperties": 1, "properties": joined, "additionalProperties": _ref("comparison")}


def _comparison() -> Json:
    words: Json = {name: {"description": word.doc} for name, word in CONDITION_WORDS.items()}
    return {
        "anyOf": [
            {"type": ["string", "number", "boolean"]},
            {"type": "array"},
            _ref("fact"),
            {"type": "object", "minProperties": 1, "additionalProperties": True, "properties": words},
        ]
    }


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
