"""Which events and things exist: the one table the parser, `validate`, the exports and the core's catalog read.

`builtin()` is the registry without a project; `own.load_own` extends it with a project's `schemas/events/*.yaml`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache

from postventa.core.journey import EventKind, Kind
from postventa.schemas.builtin import EXTRA, ROWS, THING_OF
from postventa.schemas.fields import Field, always, ident, idents, text, time
from postventa.schemas.things import CUSTOMER_BLOCK, THINGS, Thing
from postventa.source.nearest import nearest

__all__ = ["EventType", "Field", "IdRef", "Registry", "Thing", "builtin"]

OPEN_ROOTS = frozenset({"run"})
"""Roots whose fields a journey invents itself (`set: {run.colour: blue}`)."""


@dataclass(frozen=True, slots=True)
class IdRef:
    """An id an event carries: of which thing, in which field of `data`. Lines come as a list, or one as `line_id`."""

    thing: str
    field: str
    required: bool
    many: bool = False


@dataclass(frozen=True, slots=True)
class EventType:
    """One event type. `fields` is everything its `data` may hold that we know; other fields are kept, unread."""

    name: str
    thing: str
    once: bool
    ids: tuple[IdRef, ...]
    fields: Mapping[str, Field]
    doc: str
    derived: bool = False
    audience: bool = False
    """About many people at once (the owners of a product): names nobody."""
    own: bool = False

    data: Field = field(init=False, compare=False, repr=False)
    """The `data` of its events as one field, an object."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "data", Field("object", self.doc, "always", self.fields))


@dataclass(frozen=True, slots=True)
class Registry:
    """Every event type and thing, built-in and own. A value: extending it gives a new one."""

    types: Mapping[str, EventType]
    things: Mapping[str, Thing]
    _kinds: dict[str, EventKind] = field(default_factory=dict, compare=False, repr=False)

    def kinds(self) -> Mapping[str, EventKind]:
        """What the core must know of each type, for its `Catalog`."""
        if not self._kinds:
            self._kinds.update({t.name: EventKind(t.name, t.thing, t.once) for t in self.types.values()})
        return self._kinds

    def thing(self, name: str) -> Thing | None:
        """The thing of that name, or None."""
        return self.things.get(name)

    def subjects(self) -> tuple[str, ...]:
        """The things a journey can have as `subject`: those with an id."""
        return tuple(name for name, thing in self.things.items() if thing.id_field and name != "product")

    def field(self, root: str, parts: Sequence[str]) -> Field | None:
        """The field at `root.parts`, or None. `[]` steps into the items of a list: ("lines", "[]", "category")."""
        if root in OPEN_ROOTS:
            return Field("any")
        thing = self.things.get(root)
        return _walk(thing.fields, parts) if thing else None

    def path_kind(self, root: str, parts: Sequence[str]) -> Kind | None:
        """How values of the path compare; None when there is no such path."""
        found = self.field(root, parts)
        return found.kind if found else None

    def can_be_missing(self, root: str, parts: Sequence[str]) -> bool:
        """True when a condition on this path may meet an order (shipment …) without it."""
        found = self.field(root, parts)
        return found is None or found.presence == "optional"

    def event_field(self, types: Iterable[str], parts: Sequence[str]) -> Field | None:
        """The field at `event.parts` for events of `types`, the first that has it; None when none of them does."""
        if tuple(parts) == ("type",):
            return Field("text", presence="always")
        for name in types:
            known = self.types.get(name)
            found = _walk(known.fields, parts) if known else None
            if found:
                return found
        return None

    def event_kind(self, types: Iterable[str], parts: Sequence[str]) -> Kind | None:
        """How values of `event.parts` compare; "any" when the types disagree, None when none of them has it."""
        fields = [found for name in types if (found := self.event_field([name], parts))]
        kinds = {found.kind for found in fields}
        return None if not kinds else kinds.pop() if len(kinds) == 1 else "any"

    def known_fields(self, root: str, parts: Sequence[str] = ()) -> tuple[str, ...]:
        """The names that may follow `root.parts`, for a hint beside an unknown one."""
        if not parts:
            thing = self.things.get(root)
            return tuple(thing.fields) if thing else ()
        found = self.field(root, parts)
        return tuple(found.fields) if found else ()

    def nearest_type(self, name: str) -> str | None:
        """The event type that `name` probably meant."""
        return nearest(name, self.types)

    def verbs(self, noun: str) -> tuple[str, ...]:
        """The second words of all event types whose first is `noun`."""
        return tuple(name[len(noun) + 1 :] for name in self.types if name.startswith(f"{noun}."))

    def extended(self, types: Iterable[EventType], things: Iterable[Thing]) -> Registry:
        """This registry with more, or richer, types and things."""
        merged = {**self.things, **{thing.name: thing for thing in things}}
        return Registry({**self.types, **{one.name: one for one in types}}, merged)


@cache
def builtin() -> Registry:
    """The registry every project starts from."""
    names: dict[str, list[str]] = {thing.name: [] for thing in THINGS}
    for name, *_ in ROWS:
        thing, verb = THING_OF.get(name, name.split(".")[0]), name.split(".")[1]
        names[thing].append(verb)
    things = {thing.name: with_times(thing, names[thing.name]) for thing in THINGS}
    types = {name: _builtin_type(name, ids, marks.split(), doc, things) for name, ids, marks, doc in ROWS}
    return Registry(types, things)


def with_times(thing: Thing, verbs: Iterable[str]) -> Thing:
    """`thing` with its id among its fields and, for each of its events, the time it happened (`order.paid_at`)."""
    if thing.id_field is None or thing.name in {"customer", "message"}:
        return thing
    times = {f"{verb}_at": time(f"when {thing.name}.{verb} happened") for verb in verbs}
    own_id = {thing.id_field: always(ident("its id"))}
    parent = {"order_id": ident("the order it belongs to")} if thing.name in {"shipment", "return", "refund"} else {}
    state = {} if thing.name in {"order", "line", "shipment"} else {"state": text("the last thing that happened to it")}
    return replace(thing, fields={**own_id, **parent, **times, **state, **thing.fields})


def make_type(
    name: str, thing: Thing, ids: Sequence[tuple[str, bool]], things: Mapping[str, Thing], *,
    once: bool = False, doc: str = "", derived: bool = False, audience: bool = False, own: bool = False,
    extra: Mapping[str, Field] | None = None,
) -> EventType:  # fmt: skip
    """Put an event type together: its ids, its thing's fields, its own `extra` fields, and whom it is about.

    `ids` are (thing, required) pairs; each thing must be in `things` and have an id field.
    """
    lines_last = sorted(ids, key=lambda pair: pair[0] == "line")  # a line is named with its order, read before it
    refs = tuple(_ref(other, required, name, things) for other, required in lines_last)
    fields: dict[str, Field] = {}
    for ref in refs:
        one = idents("the lines it is about; the whole order when left out") if ref.many else ident(_id_doc(ref, thing))
        fields[ref.field] = always(one) if ref.required else one
    told = {key: one for key, one in thing.fields.items() if key not in fields}
    fields |= {key: _relaxed(one) for key, one in told.items()}
    fields |= {"customer_id": ident("the shop's id of the person"), "customer": CUSTOMER_BLOCK} | dict(extra or {})
    return EventType(name, thing.name, once, refs, fields, doc, derived, audience, own)


def _builtin_type(name: str, ids: str, marks: list[str], doc: str, things: Mapping[str, Thing]) -> EventType:
    thing = things[THING_OF.get(name, name.split(".", maxsplit=1)[0])]
    pairs = [(word.rstrip("?"), not word.endswith("?")) for word in ids.split()]
    return make_type(
        name, thing, pairs, things, once="once" in marks, doc=doc, derived="derived" in marks,
        audience="audience" in marks, extra=EXTRA.get(name),
    )  # fmt: skip


def _ref(thing: str, required: bool, event: str, things: Mapping[str, Thing]) -> IdRef:
    if thing == "line":
        return (
            IdRef("line", "line_id", required)
            if event.startswith("line.")
            else IdRef("line", "line_ids", required, True)
        )
    return IdRef(thing, things[thing].id_field or f"{thing}_id", required)


def _id_doc(ref: IdRef, thing: Thing) -> str:
    return "its id" if ref.thing == thing.name else f"the {ref.thing} it is about"


def _relaxed(one: Field) -> Field:
    """A fact of the thing as a field of one of its events: telling it is never required."""
    return replace(one, presence="usual") if one.presence == "always" else one


def _walk(fields: Mapping[str, Field], parts: Sequence[str]) -> Field | None:
    """Follow `parts` down; an open object answers any key."""
    found: Field | None = None
    level: Mapping[str, Field] = fields
    for part in parts:
        if part == "[]":
            found = found.item if found else None
        elif found and found.open and part not in level:
            return Field("any")
        elif found and found.type == "list":
            return None
        else:
            found = level.get(part)
        if found is None:
            return None
        level = found.fields
    return found
