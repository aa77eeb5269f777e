"""Where a place inside a value stands in its file: a location, as pydantic gives it, found again in the tree."""

from __future__ import annotations

from collections.abc import Sequence as AnySequence

from postventa.source.nodes import Mapping, Node, Sequence

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
