"""A YAML file as a tree whose every part knows its line and column (both from 1)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Scalar:
    """A single value: text, number, yes or no, or nothing. `text` is what stands in the file."""

    value: str | int | float | bool | None
    text: str
    line: int
    column: int
    width: int = 1
    quoted: bool = False

    def plain(self) -> Any:
        """The value."""
        return self.value

    @property
    def says(self) -> str:
        """What kind of value it is, for a message."""
        if self.value is None:
            return "nothing"
        if isinstance(self.value, bool):
            return self.text
        return f"the number {self.text}" if isinstance(self.value, int | float) else f"'{self.text}'"


@dataclass(frozen=True, slots=True)
class Sequence:
    """A list."""

    items: tuple[Node, ...]
    line: int
    column: int
    width: int = 1

    def plain(self) -> list[Any]:
        """The list of plain values."""
        return [item.plain() for item in self.items]

    @property
    def says(self) -> str:
        """What kind of value it is, for a message."""
        return "a list" if self.items else "an empty list"


@dataclass(frozen=True, slots=True)
class Mapping:
    """Keys with values, in the file's order."""

    entries: dict[str, tuple[Scalar, Node]] = field(default_factory=dict)
    line: int = 1
    column: int = 1
    width: int = 1

    def plain(self) -> dict[str, Any]:
        """The dict of plain values."""
        return {key: node.plain() for key, (_, node) in self.entries.items()}

    def get(self, key: str) -> Node | None:
        """The value beside `key`."""
        entry = self.entries.get(key)
        return entry[1] if entry else None

    def key(self, key: str) -> Scalar:
        """The key itself, for its position."""
        return self.entries[key][0]

    def __contains__(self, key: str) -> bool:
        return key in self.entries

    def __iter__(self) -> Iterator[tuple[Scalar, Node]]:
        return iter(self.entries.values())

    @property
    def says(self) -> str:
        """What kind of value it is, for a message."""
        return "keys and values" if self.entries else "{}"


Node = Scalar | Sequence | Mapping
