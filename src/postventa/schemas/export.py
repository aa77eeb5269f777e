"""The contract for machines: a JSON Schema (draft-07) per event, an index, one AsyncAPI 3 file. Same input, same bytes.

`files()` gives every generated file of a project's `schemas/` folder as text; a test compares them with what is there.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any

from postventa.schemas.fields import Field
from postventa.schemas.registry import EventType, Registry
from postventa.schemas.things import CUSTOMER_BLOCK

Json = dict[str, Any]

_DRAFT = "http://json-schema.org/draft-07/schema#"
_OFFSET = r"^\d{4}-\d{2}-\d{2}[Tt ]\d{2}:\d{2}:\d{2}(\.\d+)?([Zz]|[+-]\d{2}:\d{2})$"
_SHAPES: Mapping[str, Json] = {
    "text": {"type": ["string", "integer"]},
    "id": {"type": ["string", "integer"], "minLength": 1, "maxLength": 200},
    "email": {"type": "string", "format": "email", "maxLength": 254},
    "country": {"type": "string", "pattern": "^[A-Za-z]{2}$"},
    "currency": {"type": "string", "pattern": "^[A-Za-z]{3}$"},
    "number": {"type": "number"},
    "whole": {"type": "integer"},
    "money": {"type": ["string", "number"], "pattern": r"^\s*-?\d{1,15}(\.\d{1,8})?\s*$", "examples": ["39.90"]},
    "time": {"type": "string", "format": "date-time", "pattern": _OFFSET},
    "date": {"type": "string", "format": "date"},
    "bool": {"type": "boolean"},
    "any": {},
}


def files(registry: Registry, topics: Mapping[str, Sequence[str]]) -> dict[str, str]:
    """Every generated file: path below `schemas/` -> text. `topics` maps each topic to the event types its agent gives
    (`*` allowed)."""
    out = {"json/customer.v1.json": _dump(customer_schema(registry))}
    for known in sorted(registry.types.values(), key=lambda one: one.name):
        out[f"json/{file_of(known)}"] = _dump(event_schema(known))
    out["json/index.json"] = _dump(index(registry))
    out["asyncapi.yaml"] = _HEADER + "\n".join(_yaml(asyncapi(registry, topics))) + "\n"
    return out


_HEADER = "# Generated from the event contract; the project's own events are files in schemas/events/.\n"


def file_of(known: EventType) -> str:
    """The file name of its schema."""
    return f"{known.name}.v1.json"


def event_schema(known: EventType) -> Json:
    """The schema of one event type: envelope and data, as plain JSON or as a structured CloudEvent."""
    data = object_schema(known.fields)
    if "customer" in known.fields:
        data["properties"]["customer"] = {"anyOf": [{"$ref": "customer.v1.json"}, {"type": "null"}]}
    text = {"type": "string", "minLength": 1, "maxLength": 200}
    return {
        "$schema": _DRAFT,
        "$id": file_of(known),
        "title": known.name,
        "description": _sentence(known),
        "type": "object",
        "required": ["id", "source", "type", "time", *(["data"] if data.get("required") else [])],
        "properties": {
            "specversion": {"const": "1.0"},
            "id": {**text, "type": ["string", "integer"], "description": "unique in its source: a repeat is dropped"},
            "source": {**text, "description": "the system that tells it"},
            "type": {"const": known.name},
            "time": {**_SHAPES["time"], "description": "when it happened"},
            "subject": {"type": "string"},
            "partitionkey": {"type": "string"},
            "recordedtime": {**_SHAPES["time"], "description": "when the source recorded it"},
            "correlationid": {"type": "string"},
            "causationid": {"type": "string"},
            "data": data,
        },
    }


def customer_schema(registry: Registry) -> Json:
    """The schema of the block that says whom an event is about."""
    known = registry.types["order.placed"].fields.get("customer", CUSTOMER_BLOCK)
    head = {"$schema": _DRAFT, "$id": "customer.v1.json", "title": "customer", "description": known.doc}
    return {**head, **object_schema(known.fields)}


def object_schema(fields: Mapping[str, Field]) -> Json:
    """The schema of an object with these fields; unknown ones are welcome, those we work out ourselves are not."""
    properties = {name: False if one.computed else _field_schema(one) for name, one in fields.items()}
    required = [name for name, one in fields.items() if one.required]
    return {"type": "object", **({"required": required} if required else {}), "properties": properties}


def _field_schema(one: Field) -> Json:
    if one.type == "consent":
        schema: Json = {"type": ["array", "object"], "items": _field_schema(one.item) if one.item else {}}
    elif one.type == "list":
        schema = {"type": "array", "items": _field_schema(one.item) if one.item else {}}
    elif one.type == "object":
        schema = object_schema(one.fields)
    else:
        schema = dict(_SHAPES[one.type])
    if one.choices:
        schema = {"enum": list(one.choices)}
    if not one.required:  # null says "not told"
        if "enum" in schema:
            schema["enum"] = [*schema["enum"], None]
        elif "type" in schema:
            kinds = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
            schema["type"] = [*kinds, "null"]
    return {"description": one.doc, **schema} if one.doc else schema


def index(registry: Registry) -> Json:
    """One entry per event type, with the file of its schema."""
    return {
        known.name: {
            "schema": file_of(known),
            "thing": known.thing,
            "ids": {ref.thing: {"field": ref.field, "required": ref.required} for ref in known.ids},
            "once": known.once,
            "derived": known.derived,
            "doc": known.doc,
        }
        for known in sorted(registry.types.values(), key=lambda one: one.name)
    }


def asyncapi(registry: Registry, topics: Mapping[str, Sequence[str]]) -> Json:
    """The AsyncAPI 3 document: which topic carries which events, and the schema of each."""
    channels: Json = {}
    operations: Json = {}
    for topic, patterns in sorted(topics.items()):
        names = [name for name in sorted(registry.types) if any(fnmatchcase(name, one) for one in patterns)]
        messages = {name: {"$ref": f"#/components/messages/{name}"} for name in names}
        channels[topic] = {"address": topic, "messages": messages}
        operations[f"read_{topic}"] = {"action": "receive", "channel": {"$ref": f"#/channels/{topic}"}}
    described: Json = {
        known.name: {
            "name": known.name,
            "summary": _sentence(known),
            "contentType": "application/json",
            "payload": {
                "schemaFormat": "application/schema+json;version=draft-07",
                "schema": {"$ref": f"json/{file_of(known)}"},
            },
        }
        for known in sorted(registry.types.values(), key=lambda one: one.name)
    }
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "postventa: events of the time after the purchase",
            "version": "1",
            "description": "Plain JSON or CloudEvents 1.0. A repeated (source, id) takes effect once.",
        },
        "channels": channels,
        "operations": operations,
        "components": {"messages": described},
    }


def _sentence(known: EventType) -> str:
    notes = [known.doc or known.name]
    if known.once:
        notes.append(f"happens once per {known.thing}")
    if known.derived:
        notes.append("postventa tells it itself")
    return "; ".join(notes)


def _dump(value: Json) -> str:
    return json.dumps(value, indent=1, ensure_ascii=False) + "\n"


def _yaml(value: Any, indent: str = "") -> list[str]:
    """Lines of YAML: keys plain, values as JSON. All of JSON's scalars are YAML's."""
    lines: list[str] = []
    for key, item in value.items():
        name = json.dumps(key, ensure_ascii=False) if key.startswith("$") else key
        if isinstance(item, dict) and item:
            lines += [f"{indent}{name}:", *_yaml(item, indent + "  ")]
        else:
            lines.append(f"{indent}{name}: {json.dumps(item, ensure_ascii=False)}")
    return lines
