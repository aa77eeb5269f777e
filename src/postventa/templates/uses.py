"""Which values a template reads, from Jinja's own syntax tree: `validate` checks each before a mail can fail."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from jinja2 import nodes


@dataclass(frozen=True, slots=True)
class Use:
    """One value read: `order.total`, `order.lines[].name`. `guarded`: behind `default` or `is defined`."""

    path: str
    line: int
    guarded: bool = False


def uses_of(tree: nodes.Template) -> list[Use]:
    """Every path a template reads from its context, in order; names set by the template itself are left out."""
    return list(dict.fromkeys(_Walk({}, frozenset()).visit(tree)))


@dataclass(frozen=True, slots=True)
class _Walk:
    """The way down the tree: what loop variables stand for (None: unknown), and which paths are behind a guard."""

    names: dict[str, str | None]
    guards: frozenset[str]

    def visit(self, node: nodes.Node) -> Iterator[Use]:
        if isinstance(node, (nodes.Name, nodes.Getattr, nodes.Getitem)):
            yield from self._read(node)
        elif isinstance(node, nodes.For):
            yield from self._loop(node)
        elif isinstance(node, (nodes.If, nodes.CondExpr)):
            yield from replace(self, guards=self.guards | set(self._tested(node.test)))._children(node)
        elif isinstance(node, nodes.And):
            yield from replace(self, guards=self.guards | set(self._tested(node)))._children(node)
        elif isinstance(node, nodes.Test) and node.name in {"defined", "undefined"}:
            return
        elif isinstance(node, nodes.Filter) and node.name in {"default", "d"} and node.node is not None:
            yield from (replace(use, guarded=True) for use in self.visit(node.node))
            for fallback in node.args:  # read only where the first is missing
                yield from (replace(use, guarded=True) for use in self.visit(fallback))
        elif isinstance(node, nodes.Assign):
            yield from self.visit(node.node)
            self.names.update(dict.fromkeys(_targets(node.target)))
        else:
            yield from self._children(node)

    def _children(self, node: nodes.Node) -> Iterator[Use]:
        for child in node.iter_child_nodes():
            yield from self.visit(child)

    def _read(self, node: nodes.Node) -> Iterator[Use]:
        path = self._path(node)
        if path is not None and not path.startswith("_"):
            yield Use(path, _first(node).lineno, any(path == g or path.startswith(f"{g}.") for g in self.guards))
        if isinstance(node, (nodes.Getattr, nodes.Getitem)) and path is None:
            yield from self._children(node)

    def _loop(self, node: nodes.For) -> Iterator[Use]:
        yield from self.visit(node.iter)
        source = node.iter.expr1 if isinstance(node.iter, nodes.CondExpr) else node.iter
        path = self._path(source)
        inner = {**self.names, **dict.fromkeys(_targets(node.target)), "loop": None}
        if isinstance(node.target, nodes.Name) and path is not None:
            inner[node.target.name] = f"{path}[]"
        for child in (*node.body, *node.else_, *([node.test] if node.test else [])):
            yield from replace(self, names=inner).visit(child)

    def _tested(self, test: nodes.Node | None) -> Iterator[str]:
        """Paths that a condition asks for with `is defined` (either way round) or reads with a default."""
        if test is None:
            return
        own = [test] if isinstance(test, (nodes.Test, nodes.Filter)) else []
        for node in (*own, *test.find_all((nodes.Test, nodes.Filter))):
            if (
                node.name in {"defined", "undefined", "default", "d"}
                and node.node is not None
                and (path := self._path(node.node)) is not None
            ):
                yield path

    def _path(self, node: nodes.Node) -> str | None:
        if isinstance(node, nodes.Name):
            return self.names.get(node.name, node.name)
        if isinstance(node, nodes.Getattr):
            base = self._path(node.node)
            return None if base is None else f"{base}.{node.attr}"
        if isinstance(node, nodes.Getitem) and isinstance(node.arg, nodes.Const):
            base = self._path(node.node)
            key = node.arg.value
            return None if base is None else f"{base}[]" if isinstance(key, int) else f"{base}.{key}"
        return None


def _first(node: nodes.Node) -> nodes.Node:
    """The name a path begins with: `order` of `order.lines[0].name`."""
    while isinstance(node, (nodes.Getattr, nodes.Getitem)):
        node = node.node
    return node


def _targets(target: nodes.Node) -> list[str]:
    return [name.name for name in ([target] if isinstance(target, nodes.Name) else list(target.find_all(nodes.Name)))]
