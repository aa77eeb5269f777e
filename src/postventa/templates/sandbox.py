"""The Jinja environments in which messages run: strict, sandboxed, and small enough to reason about.

A template is written by the shop, the data by anybody: a customer may be called `{{ 7*7 }}` or `<script>`. So data is
never compiled, HTML escapes it, and `safe` does not exist. What is missing (or null) is an error, never an empty gap.

Guarded: output size and time between two pieces of output (`render`), `range`, long repetitions, depth of loops,
recursion, filters that can blow up a string. Not guarded: an author who writes a chain of dozens of `replace` filters,
or loops over data of many thousand lines three deep. Authors are trusted; the guards catch accidents.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

from jinja2 import StrictUndefined, UndefinedError, nodes
from jinja2.exceptions import SecurityError
from jinja2.sandbox import ImmutableSandboxedEnvironment
from jinja2.utils import missing

from postventa.templates import filters
from postventa.templates.marks import URL_CLOSE, URL_OPEN

_MAX_RANGE = 100
_MAX_REPEAT = 10_000
_MAX_LOOPS = 3
_JINJA_FILTERS = (
    "abs", "batch", "capitalize", "count", "d", "default", "e", "escape", "first", "float", "groupby", "int", "join",
    "last", "length", "list", "lower", "map", "max", "min", "reject", "rejectattr", "replace", "reverse", "round",
    "select", "selectattr", "slice", "sort", "string", "sum", "title", "trim", "truncate", "unique", "upper",
    "urlencode", "wordcount",
)  # fmt: skip


class MissingValueError(UndefinedError):
    """A template read a value that is not there. `name` is the last word of its path, `holder` what was searched."""

    def __init__(self, message: str | None, name: str, holder: object) -> None:
        super().__init__(message)
        self.name = name
        self.holder = holder


class Missing(StrictUndefined):
    """A value that is not there: only `is defined` and `default(...)` may look at it, at any depth."""

    __slots__ = ()

    def __init__(
        self,
        hint: str | None = None,
        obj: Any = missing,
        name: str | None = None,
        exc: type[Exception] = UndefinedError,
    ) -> None:
        del exc  # always ours, so that the error knows the name
        super().__init__(hint, obj, name, lambda message: MissingValueError(message, name or "?", obj))  # type: ignore[arg-type]


class MailEnvironment(ImmutableSandboxedEnvironment):
    """Plain facts in, text out. `order.items` is the key `items`, never a method of a dict."""

    intercepted_binops = frozenset({"*", "**"})

    def getattr(self, obj: Any, attribute: str) -> Any:
        """A field of a mapping; null counts as missing. What is not a mapping has no fields."""
        return self._field(obj, attribute) if isinstance(obj, (Mapping, Missing)) else super().getattr(obj, attribute)

    def getitem(self, obj: Any, argument: Any) -> Any:
        """As `getattr`; lists keep their numbers."""
        return self._field(obj, argument) if isinstance(obj, (Mapping, Missing)) else super().getitem(obj, argument)

    def _field(self, obj: Any, name: Any) -> Any:
        if isinstance(obj, Missing):
            return obj
        value = obj.get(name)
        return self.undefined(obj=obj, name=str(name)) if value is None else value

    def call_binop(self, context: Any, operator: str, left: Any, right: Any) -> Any:
        """Refuse `**` and repetitions that would fill the memory."""
        if operator == "**":
            raise SecurityError("'**' is not available in messages")
        for text, times in ((left, right), (right, left)):
            if isinstance(text, (str, list)) and isinstance(times, int) and len(text) * times > _MAX_REPEAT:
                raise SecurityError(f"repeating a text to more than {_MAX_REPEAT} characters is not allowed")
        return super().call_binop(context, operator, left, right)


@cache
def environment(html: bool) -> MailEnvironment:
    """The shared environment for HTML (escapes) or for text and subjects (does not)."""
    env = MailEnvironment(undefined=Missing, autoescape=html, finalize=_printable, keep_trailing_newline=True)
    env.filters = {name: env.filters[name] for name in _JINJA_FILTERS} | filters.FILTERS
    env.globals = {"range": _short_range}
    return env


def refusals(tree: nodes.Template) -> list[tuple[int, str]]:
    """What the parsed template uses that a message may not: (line, sentence)."""
    looked_at: tuple[type[nodes.Node], ...] = (*_REFUSED, nodes.For)
    found = []
    for node in tree.find_all(looked_at):
        if not isinstance(node, nodes.For):
            found.append((node.lineno, _REFUSED[type(node)]))
            continue
        if node.recursive:
            found.append((node.lineno, "a loop may not be recursive"))
        if _depth(node) > _MAX_LOOPS:
            found.append((node.lineno, f"loops may be at most {_MAX_LOOPS} deep"))
    return found


_REFUSED: Mapping[type[nodes.Node], str] = {
    nodes.Include: "a message cannot include another file",
    nodes.Import: "a message cannot import another file",
    nodes.FromImport: "a message cannot import another file",
    nodes.Extends: "a message cannot extend another file: the brand layout is put around it",
    nodes.Macro: "macros are not available in messages",
    nodes.ScopedEvalContextModifier: "escaping cannot be switched off",
}


def _depth(loop: nodes.For) -> int:
    inner = [_depth(other) for other in loop.iter_child_nodes() for other in _loops(other)]
    return 1 + max(inner, default=0)


def _loops(node: nodes.Node) -> list[nodes.For]:
    return [node] if isinstance(node, nodes.For) else list(node.find_all(nodes.For))


def _short_range(*bounds: int) -> range:
    numbers = range(*bounds)
    if len(numbers) > _MAX_RANGE:
        raise SecurityError(f"range is limited to {_MAX_RANGE} numbers")
    return numbers


def _printable(value: Any) -> Any:
    """What reaches a customer must be a word or a number; `{'sku': …}` or a bare list is an author's slip."""
    if isinstance(value, (Mapping, list, tuple)) or (callable(value) and not isinstance(value, Missing)):
        raise TypeError("this is a whole thing, not a text: name one of its fields")
    if isinstance(value, str) and (URL_OPEN in value or URL_CLOSE in value):  # data cannot mark addresses
        return value.replace(URL_OPEN, "").replace(URL_CLOSE, "")
    return value
