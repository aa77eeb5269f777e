"""What a field of an event or of a thing may hold, and the short constructors the built-in tables are written with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

from postventa.core.journey import Kind

FieldType = Literal[
    "text", "id", "email", "country", "currency", "number", "whole", "money", "time", "date", "bool", "list", "object",
    "consent", "any",
]  # fmt: skip

KINDS: Mapping[FieldType, Kind] = {
    "text": "text", "id": "text", "email": "text", "country": "text", "currency": "text", "date": "time",
    "number": "number", "whole": "number", "money": "number", "time": "time", "bool": "bool", "list": "list",
    "object": "any", "consent": "any", "any": "any",
}  # fmt: skip
"""How values of a field compare in a journey's condition."""

Presence = Literal["always", "usual", "optional"]


@dataclass(frozen=True, slots=True)
class Field:
    """One field. `fields` are those of an object, or of a list's items when the items are objects.

    `presence`: `always` is required in the record; `usual` may be left out but nearly never is, so that `validate`
    says nothing; `optional` makes `validate` warn where a condition relies on it. `computed` fields are ours: a
    platform may not send them. `open` objects take further keys of any kind (`line.product.<own column>`).
    """

    type: FieldType
    doc: str = ""
    presence: Presence = "optional"
    fields: Mapping[str, Field] = field(default_factory=dict)
    items: FieldType | None = None
    """What a list holds; "object" when `fields` describes its items."""
    choices: tuple[str, ...] = ()
    computed: bool = False
    open: bool = False
    item: Field | None = field(init=False, compare=False, repr=False)
    """The field each item of this list is; None when this is no list or its items are unknown."""
    needs: tuple[str, ...] = field(init=False, compare=False, repr=False)
    """The names an object of this kind must have."""
    free: bool = field(init=False, compare=False, repr=False)
    """Any value of its type may be sent."""
    as_is: bool = field(init=False, compare=False, repr=False)
    """A text in it is already in its normal form. These four are worked out once: every record reads them."""

    def __post_init__(self) -> None:
        described = self.type in {"list", "consent"} and self.items is not None
        item = Field(self.items or "any", presence="always", fields=self.fields, open=self.open) if described else None
        object.__setattr__(self, "item", item)
        object.__setattr__(self, "free", not (self.choices or self.computed))
        object.__setattr__(self, "as_is", self.type == "text" and self.free)
        object.__setattr__(self, "needs", tuple(name for name, one in self.fields.items() if one.required))

    @property
    def kind(self) -> Kind:
        """How a condition compares it."""
        return KINDS[self.type]

    @property
    def required(self) -> bool:
        """True when a record without it is refused."""
        return self.presence == "always"


def text(doc: str = "", *, choices: tuple[str, ...] = ()) -> Field:
    """Free text, or one of `choices`."""
    return Field("text", doc, choices=choices)


def ident(doc: str = "") -> Field:
    """An id: a short text that never changes. A whole number is accepted and kept as text."""
    return Field("id", doc)


def money(doc: str = "") -> Field:
    """An exact amount."""
    return Field("money", doc)


def number(doc: str = "") -> Field:
    """A number of any size that arithmetic works on."""
    return Field("number", doc)


def whole(doc: str = "") -> Field:
    """A whole number."""
    return Field("whole", doc)


def time(doc: str = "") -> Field:
    """A moment, RFC 3339 with an offset."""
    return Field("time", doc)


def date(doc: str = "") -> Field:
    """A calendar day such as a birthday, YYYY-MM-DD."""
    return Field("date", doc)


def flag(doc: str = "") -> Field:
    """True or false."""
    return Field("bool", doc)


def texts(doc: str = "") -> Field:
    """A list of texts."""
    return Field("list", doc, items="text")


def idents(doc: str = "") -> Field:
    """A list of ids."""
    return Field("list", doc, items="id")


def rows(doc: str, fields: Mapping[str, Field]) -> Field:
    """A list of objects."""
    return Field("list", doc, items="object", fields=fields)


def block(doc: str, fields: Mapping[str, Field], *, open: bool = False) -> Field:  # noqa: A002 (the word of Field)
    """An object."""
    return Field("object", doc, fields=fields, open=open)


def always(one: Field) -> Field:
    """`one`, required in the record."""
    return replace(one, presence="always")


def usual(one: Field) -> Field:
    """`one`, nearly always there."""
    return replace(one, presence="usual")


def computed(one: Field) -> Field:
    """`one`, worked out by postventa and never sent by a platform."""
    return replace(one, computed=True)
