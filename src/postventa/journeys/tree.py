"""A journey file after its form was read: steps with their values, every name they use, and where each stands."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Literal

from postventa.core.journey import Op, Path
from postventa.source.nodes import Mapping, Node, Scalar
from postventa.source.problem import Problem


@dataclass(frozen=True, slots=True)
class Place:
    """Where in the file's logic something stands: inside which `then` (its step and event types), below what step."""

    path: str = "steps"
    scope: str | None = None
    matched: tuple[str, ...] = ()
    in_where: bool = False
    """Inside a `where`: `event.*` is the event that is looked at."""
    looked_at: tuple[str, ...] = ()
    """The types a `where` looks at."""


@dataclass(frozen=True, slots=True)
class Name:
    """A name the file uses: of an event, message, survey, reward, group, step or subject."""

    kind: str
    name: str
    node: Node
    place: Place


Role = Literal["read", "tested", "waited", "written"]
"""Read for its value, tested by a condition, waited for (only a time will do), or written by `set`."""


@dataclass(frozen=True, slots=True)
class PathUse:
    """A path the file reads (or, for `set`, writes)."""

    path: Path
    node: Node
    place: Place
    role: Role = "read"
    guarded: bool = False
    """Beside an `exists: true` for the same path."""


@dataclass(frozen=True, slots=True)
class TestUse:
    """One comparison: path, word and operand. `of`: the list whose items it compares (inside `any`, `none`, `all`)."""

    path: Path
    op: Op
    operand: Any
    node: Node
    word: Node
    place: Place
    of: Path | None = None


@dataclass(slots=True)
class Block:
    """Steps in a row, or `go_on` (no steps)."""

    steps: list[Step]
    node: Node


@dataclass(slots=True)
class Step:
    """One step: its verb, what stands behind it, the read values beside it, and the blocks below it by slot."""

    verb: str
    node: Mapping
    path: str
    object: Any = None
    values: dict[str, Any] = field(default_factory=dict)
    blocks: dict[str, Block] = field(default_factory=dict)
    id: str = ""
    explicit: bool = False
    place: Place = Place()

    @property
    def key(self) -> Node:
        """The verb in the file."""
        return self.node.key(self.verb) if self.verb in self.node else self.node

    def at(self, key: str) -> Node:
        """The value beside a key, or the verb where the key is not there."""
        return self.node.get(key) or self.key


@dataclass(slots=True)
class Tree:
    """One journey file, read. `problems` grows while rules look at it."""

    file: str
    root: Mapping
    id: str = ""
    values: dict[str, Any] = field(default_factory=dict)
    steps: Block | None = None
    names: list[Name] = field(default_factory=list)
    paths: list[PathUse] = field(default_factory=list)
    tests: list[TestUse] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)

    @property
    def subject(self) -> str:
        """What one run is about."""
        return str(self.values.get("subject") or "")

    def say(
        self,
        node: Node | None,
        code: str,
        message: str,
        help_: str = "",
        *,
        warning: bool = False,
        lacks: str = "",
    ) -> None:
        """Record a finding at `node`. `lacks`: what is missing elsewhere, as a `Problem` has it."""
        node = node or self.root
        width = node.width if isinstance(node, Scalar) else 1
        severity = "warning" if warning else "error"
        self.problems.append(
            Problem(self.file, node.line, node.column, code, message, help_, severity, width, lacks=lacks)  # type: ignore[arg-type]
        )

    def walk(self) -> Iterator[Step]:
        """Every step, in the file's order."""
        if self.steps is not None:
            yield from _walk(self.steps)


def _walk(block: Block) -> Iterator[Step]:
    for step in block.steps:
        yield step
        for inner in step.blocks.values():
            yield from _walk(inner)
