"""A project's own event types and things: one YAML file each in `schemas/events/`.

A file begins with `event: course.enrolled` (a new type, or further fields of a built-in one) or with `thing: course`
(what is known of it). Every problem is told with its place; a file with a problem is left out, the others count.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from postventa.schemas.fields import KINDS, Field, FieldType
from postventa.schemas.registry import OPEN_ROOTS, EventType, Registry, Thing, make_type, with_times
from postventa.source.nearest import suggest
from postventa.source.nodes import Mapping as MapNode
from postventa.source.nodes import Node, Scalar, Sequence
from postventa.source.problem import Problem
from postventa.source.yaml import load

CODES = {
    "E201": "A file in schemas/events/ tells either an event (`event: course.enrolled`) or what is known of a thing "
    "(`thing: course`).",
    "E202": "There is no such key in a file of schemas/events/.",
    "E203": "Events are called noun.verb in small letters, things and fields one word; some words have a meaning of "
    "their own.",
    "E204": "The value has the wrong shape, or is no type of field.",
    "E205": "An event names the things it is about by their ids, and there is no such thing with an id.",
    "E206": "What postventa knows already cannot be told again, nor changed: other files rely on it.",
    "E207": "Two files tell the same event; only one could count.",
}

_KEYS = {"event": ("event", "thing", "doc", "once", "ids", "fields"), "thing": ("thing", "doc", "fields")}
_FIELD_KEYS = ("type", "doc", "required", "of", "one_of", "fields")
_WORD = re.compile(r"[a-z][a-z0-9_]{0,40}")
_EVENT = re.compile(r"[a-z][a-z0-9_]{0,40}\.[a-z][a-z0-9_]{0,40}")
_RESERVED = OPEN_ROOTS | {"event", "item", "answer"}
_TYPES = tuple(name for name in KINDS if name != "consent")


@dataclass(slots=True)
class _Spec:
    """What one file says, checked as far as one file can be."""

    file: str
    root: MapNode
    event: str = ""
    thing: str = ""
    doc: str = ""
    once: bool = False
    ids: list[tuple[str, bool, Scalar]] = field(default_factory=list)
    fields: dict[str, Field] = field(default_factory=dict)


def load_own(files: Mapping[str, bytes | str], registry: Registry) -> tuple[Registry, list[Problem]]:
    """`registry` with the types and things of these files (name -> content), and every problem found in them."""
    problems: list[Problem] = []
    specs = [spec for name in sorted(files) if (spec := _Reader(name, problems).read(files[name]))]
    things = _things(specs, registry, problems)
    grown = _grown(registry, things)
    types: dict[str, EventType] = {}
    for spec in specs:
        if spec.event and spec.event in types and spec.event not in registry.types:
            problems.append(_at(spec, "event", "E207", f"the event '{spec.event}' is told in two files", "keep one"))
        elif spec.event and (made := _type(spec, grown, problems)):
            types[spec.event] = made
            grown = grown.extended([made], [])
    return grown, problems


# --- from specs to a registry ----------------------------------------------------------------------------------------
def _things(specs: Iterable[_Spec], registry: Registry, problems: list[Problem]) -> dict[str, Thing]:
    """Own things, and built-in ones with further fields. An own event's fields are facts of its thing."""
    found: dict[str, Thing] = {}
    for spec in specs:
        if spec.event in registry.types:
            continue
        base = found.get(spec.thing) or registry.thing(spec.thing) or Thing(spec.thing, "", f"{spec.thing}_id")
        for name in spec.fields:
            if name in base.fields and spec.thing in registry.things and not spec.event:
                help_ = "built-in fields cannot be changed; choose another name"
                problems.append(_at(spec, "fields", "E206", f"{spec.thing}.{name} exists already", help_))
        doc = spec.doc if not spec.event and spec.doc else base.doc
        found[spec.thing] = replace(base, doc=doc, fields={**spec.fields, **base.fields})
    for name, thing in found.items():
        verbs = [spec.event.split(".")[1] for spec in specs if spec.event and spec.thing == name]
        found[name] = with_times(thing, verbs)
    return found


def _grown(registry: Registry, things: Mapping[str, Thing]) -> Registry:
    """The registry with these things; events of a thing that grew may tell its new fields, too."""
    types = []
    for known in registry.types.values():
        fields = dict(known.fields)
        if known.thing in things:
            fields = {**things[known.thing].fields, **fields}
        if "customer" in things and "customer" in fields:
            fields["customer"] = replace(fields["customer"], fields=things["customer"].fields)
        if fields != known.fields:
            types.append(replace(known, fields=fields))
    return registry.extended(types, things.values())


def _type(spec: _Spec, registry: Registry, problems: list[Problem]) -> EventType | None:
    """The event type of a file: a built-in one with further fields, or a new one."""
    known = registry.types.get(spec.event)
    if known is not None and not known.own:
        return _richer(spec, known, problems)
    pairs: list[tuple[str, bool]] = []
    for name, required, node in spec.ids:
        thing = registry.thing(name)
        if thing is None or thing.id_field is None or name == "customer":
            named = [other.name for other in registry.things.values() if other.id_field and other.name != "customer"]
            problems.append(_node(spec, node, "E205", f"there is no thing '{name}' with an id", suggest(name, named)))
            return None
        pairs.append((name, required))
    if not spec.ids:
        pairs = [(spec.thing, True)]
    elif any(name == "line" for name, _ in pairs) and not any(name == "order" for name, _ in pairs):
        problems.append(_at(spec, "ids", "E205", "lines are named with their order", "add order to ids"))
        return None
    return make_type(
        spec.event, registry.things[spec.thing], pairs, registry.things,
        once=spec.once, doc=spec.doc, own=True, extra=spec.fields,
    )  # fmt: skip


def _richer(spec: _Spec, known: EventType, problems: list[Problem]) -> EventType | None:
    """A built-in type with further fields; the rest of it stays as it is."""
    taken = [name for name in spec.fields if name in known.fields]
    changed = [key for key in ("thing", "once", "ids") if key in spec.root]
    for what in taken:
        message = f"{known.name} has a field '{what}' already"
        problems.append(_at(spec, "fields", "E206", message, "choose another name"))
    for key in changed:
        message = f"'{key}' of the built-in event {known.name} cannot be changed"
        problems.append(_at(spec, key, "E206", message, "remove it, or tell an event of your own"))
    return None if taken or changed else replace(known, fields={**known.fields, **spec.fields})


def _at(spec: _Spec, key: str, code: str, message: str, help_: str) -> Problem:
    return _node(spec, spec.root.key(key) if key in spec.root else spec.root, code, message, help_)


def _node(spec: _Spec, node: Node, code: str, message: str, help_: str) -> Problem:
    return Problem(spec.file, node.line, node.column, code, message, help_, width=node.width)


# --- one file --------------------------------------------------------------------------------------------------------
class _Reader:
    """Reads one file into a spec; what is wrong goes to `problems`."""

    def __init__(self, file: str, problems: list[Problem]) -> None:
        self.file = file
        self.problems = problems
        self.failed = False

    def read(self, raw: bytes | str) -> _Spec | None:
        """The spec, or None when the file has a problem."""
        document = load(self.file, raw)
        self.problems.extend(document.problems)
        root = document.root
        if document.problems or root is None:
            return None
        if not isinstance(root, MapNode) or not ("event" in root or "thing" in root):
            self._say(
                root, "E201", "this is neither an event nor a thing", "begin with event: noun.verb, or thing: noun"
            )
            return None
        spec = _Spec(self.file, root)
        kind = "event" if "event" in root else "thing"
        for key, value in root:
            if key.text not in _KEYS[kind]:
                self._say(key, "E202", f"unknown key '{key.text}'", suggest(key.text, _KEYS[kind], "keys"))
            else:
                self._key(spec, key.text, value)
        spec.thing = spec.thing or spec.event.split(".", maxsplit=1)[0]
        if spec.thing in _RESERVED:
            self._say(root, "E203", f"'{spec.thing}' has a meaning of its own in journeys", "choose another name")
        return None if self.failed else spec

    def _key(self, spec: _Spec, key: str, value: Node) -> None:
        match key:
            case "event":
                spec.event = self._name(value, _EVENT, "noun.verb in small letters, such as course.enrolled")
            case "thing":
                spec.thing = self._name(value, _WORD, "one word in small letters, such as course")
            case "doc":
                spec.doc = self._text(value)
            case "once":
                spec.once = self._flag(value)
            case "ids":
                spec.ids = list(self._ids(value))
            case "fields":
                spec.fields = self._fields(value)

    def _name(self, node: Node, shape: re.Pattern[str], expected: str) -> str:
        text = node.text if isinstance(node, Scalar) else ""
        if not shape.fullmatch(text):
            self._say(node, "E203", f"{node.says} is not a name", expected)
        return text

    def _text(self, node: Node) -> str:
        if not isinstance(node, Scalar) or not isinstance(node.value, str):
            self._say(node, "E204", f"found {node.says}", "a text")
            return ""
        return node.value

    def _flag(self, node: Node) -> bool:
        if not isinstance(node, Scalar) or not isinstance(node.value, bool):
            self._say(node, "E204", f"found {node.says}", "true or false")
            return False
        return node.value

    def _ids(self, node: Node) -> Iterator[tuple[str, bool, Scalar]]:
        for item in node.items if isinstance(node, Sequence) else (node,):
            if isinstance(item, Scalar) and _WORD.fullmatch(item.text.removesuffix("?")):
                yield item.text.removesuffix("?"), not item.text.endswith("?"), item
            else:
                self._say(item, "E204", f"found {item.says}", "names of things, such as [course, order?]")

    def _fields(self, node: Node) -> dict[str, Field]:
        if not isinstance(node, MapNode):
            self._say(node, "E204", f"found {node.says}", "one 'name: type' per line")
            return {}
        found: dict[str, Field] = {}
        for key, value in node:
            self._name(key, _WORD, "one word in small letters, such as starts_at")
            found[key.text] = self._field(value)
        return found

    def _field(self, node: Node) -> Field:
        """`title: text`, or a group with type, doc, required, of, one_of, fields."""
        if isinstance(node, Scalar):
            return Field(self._type(node))
        if not isinstance(node, MapNode):
            self._say(node, "E204", f"found {node.says}", "a type such as text, or {type: text, required: true}")
            return Field("any")
        for key, _ in node:
            if key.text not in _FIELD_KEYS:
                self._say(key, "E202", f"unknown key '{key.text}'", suggest(key.text, _FIELD_KEYS, "keys"))
        kind = self._type(node.get("type") or node)
        of = node.get("of")
        inner, nested = of or node.get("fields"), isinstance(of or node.get("fields"), MapNode)
        return Field(
            kind,
            self._text(doc) if (doc := node.get("doc")) else "",
            "always" if (required := node.get("required")) and self._flag(required) else "optional",
            self._fields(inner) if inner is not None and nested else {},
            "object" if of and nested else self._type(of) if of else None,
            tuple(item.text for item in one_of.items if isinstance(item, Scalar))
            if isinstance(one_of := node.get("one_of"), Sequence)
            else (),
        )

    def _type(self, node: Node) -> FieldType:
        for name in _TYPES:
            if isinstance(node, Scalar) and node.text == name:
                return name
        found = node.text if isinstance(node, Scalar) else ""
        self._say(node, "E204", f"{node.says} is not a type", suggest(found, _TYPES, "types"))
        return "any"

    def _say(self, node: Node, code: str, message: str, help_: str) -> None:
        self.failed = True
        self.problems.append(Problem(self.file, node.line, node.column, code, message, help_, width=node.width))
