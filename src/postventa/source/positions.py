"""Where a place inside a value stands in its file: pydantic's locations, found again in the tree with positions."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Mapping as AnyMapping
from collections.abc import Sequence as AnySequence
from typing import Any

from postventa.source.nearest import suggest
from postventa.source.nodes import Mapping, Node, Scalar, Sequence
from postventa.source.problem import Problem

Location = AnySequence[str | int]


def locate(root: Node, location: Location) -> Node:
    """The node at `location`, or the deepest one on the way. Names that are no key (tags of unions) are passed over."""
    node = root
    for part in location:
        if isinstance(node, Mapping) and str(part) in node:
            value = node.get(str(part))
            node = value if value is not None else node
        elif isinstance(node, Sequence) and isinstance(part, int) and part < len(node.items):
            node = node.items[part]
    return node


def key_at(root: Node, location: Location) -> Node:
    """The key named last in `location` where there is one, else the node there."""
    parent = locate(root, location[:-1])
    if location and isinstance(parent, Mapping) and str(location[-1]) in parent:
        return parent.key(str(location[-1]))
    return locate(root, location)


def from_pydantic(
    file: str,
    root: Node,
    found: AnySequence[Any],
    code: str,
    keys: Callable[[Location], AnySequence[str]] | None = None,
) -> list[Problem]:
    """Pydantic's list of errors as problems of `file`. `keys` gives the accepted keys of a place, for the help."""
    return [_problem(file, root, error, code, keys) for error in found]


def _problem(
    file: str, root: Node, error: AnyMapping[str, Any], code: str, keys: Callable[[Location], AnySequence[str]] | None
) -> Problem:
    location: Location = error["loc"]
    name, kind = str(location[-1]) if location else "", error["type"]
    known = keys(location[:-1]) if keys and location else ()
    if kind == "extra_forbidden":
        node, message, help_ = key_at(root, location), f"unknown key '{name}'", suggest(name, known, "keys")
    elif kind == "missing":
        node, message, help_ = locate(root, location[:-1]), f"the key '{name}' is missing", f"add '{name}: …'"
    else:
        node, message, help_ = locate(root, location), _sentence(name, error), ""
    width = node.width if isinstance(node, Scalar) else 1
    return Problem(file, node.line, node.column, code, message, help_, width=width)


def _sentence(name: str, error: AnyMapping[str, Any]) -> str:
    """What pydantic found, without its jargon."""
    text: str = error["msg"]
    for prefix in ("Value error, ", "Assertion failed, "):
        text = text.removeprefix(prefix)
    text = text[:1].lower() + text[1:]
    for jargon, word in {"input should be": "has to be", "valid string": "text", "valid dictionary": "keys and values",
                         "valid integer": "whole number", "valid list": "list"}.items():  # fmt: skip
        text = text.replace(jargon, word)
    return f"'{name}' {text}" if text.startswith("has to be") else f"'{name}': {text}"
