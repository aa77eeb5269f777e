"""Conditions as data: `order.total: {at_least: 30}` becomes a typed test of the core."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, cast, get_args

from postventa.core.journey import AllOf, AnyOf, Condition, Fact, Kind, Not, Op, Path, Test
from postventa.journeys.tree import Place, TestUse
from postventa.journeys.words import CONDITION_WORDS, JOINERS
from postventa.source.nearest import suggest
from postventa.source.nodes import Mapping, Node, Scalar, Sequence

if TYPE_CHECKING:
    from postventa.journeys.reader import Reader

OPS: tuple[str, ...] = get_args(Op)
_LIKE = {
    "number": "like {at_least: 30} or {between: [10, 50]}",
    "time": "like {before: 2026-12-24} or {path: order.promised_at, plus: 2 days}",
    "bool": "true or false",
    "text": "a text",
}


def read_condition(reader: Reader, node: Node, place: Place) -> Condition:
    """The condition in `node`: several keys mean "and". What is wrong is recorded; the rest is still read."""
    return _Conditions(reader, place).read(node, guarded=frozenset())


class _Conditions:
    def __init__(self, reader: Reader, place: Place) -> None:
        self.reader = reader
        self.tree = reader.tree
        self.place = place
        self.negated = 0
        self.item: Path | None = None
        """The list whose items are looked at, inside `any`, `none` and `all`."""

    def read(self, node: Node, guarded: frozenset[str]) -> Condition:
        if not isinstance(node, Mapping) or not node.entries:
            self.tree.say(node, "J105", f"a condition is a fact and what it should be, found {node.says}",
                          "order.total: {at_least: 30}")  # fmt: skip
            return AllOf(())
        guarded |= {key.text for key, value in node if _asks_whether_it_exists(value)}
        parts = [self.entry(key, value, guarded) for key, value in node]
        return parts[0] if len(parts) == 1 else AllOf(tuple(parts))

    def entry(self, key: Scalar, value: Node, guarded: frozenset[str]) -> Condition:
        """One key of a condition: a joiner, or a path with what it should be."""
        if key.text == "not":
            self.negated += 1
            part = self.read(value, guarded)
            self.negated -= 1
            return Not(part)
        if key.text in JOINERS:
            return self.joined(key, value, guarded)
        path = self.path(key, guarded | {key.text} if self.plainly_no(value) else guarded)
        return AllOf(()) if path is None else self.compared(path, key, value, guarded)

    def plainly_no(self, value: Node) -> bool:
        """A list that is missing holds nothing: what everybody expects of `contains` and `any`, unless turned round."""
        return not self.negated and isinstance(value, Mapping) and set(value.entries) <= {"contains", "any"}

    def joined(self, key: Scalar, value: Node, guarded: frozenset[str]) -> Condition:
        if not isinstance(value, Sequence) or not value.items:
            self.tree.say(value, "J105", f"'{key.text}' takes a list of conditions, found {value.says}",
                          "- order.total: {at_least: 30}")  # fmt: skip
            return AllOf(())
        if key.text == "all_of":
            for one in value.items:
                if isinstance(one, Mapping):
                    guarded |= {name.text for name, inner in one if _asks_whether_it_exists(inner)}
            return AllOf(tuple(self.read(one, guarded) for one in value.items))
        return AnyOf(tuple(self.read(one, guarded) for one in value.items))

    def path(self, key: Scalar, guarded: frozenset[str]) -> Path | None:
        if self.item is None:
            if "." not in key.text and key.text in CONDITION_WORDS:
                self.tree.say(key, "J116", f"'{key.text}' stands where a fact is expected",
                              f"order.total: {{{key.text}: …}}")  # fmt: skip
                return None
            return self.reader.path(key, self.place, "tested", guarded=key.text in guarded)
        parts = tuple(key.text.removeprefix("item.").split("."))
        registry = self.reader.registry
        of_lines = (self.item.root, self.item.parts) == ("order", ("lines",))  # a line knows more than its order tells
        kind = registry.path_kind(
            *(("line", parts) if of_lines else (self.item.root, (*self.item.parts, "[]", *parts)))
        )
        if kind is None:
            fields = (
                registry.known_fields("line") if of_lines else registry.known_fields(self.item.root, self.item.parts)
            )
            self.tree.say(
                key, "J205", f"an item of '{self.item}' has no '{key.text}'", suggest(key.text, fields, "it has")
            )
        return Path("item", parts, kind or "any")

    def compared(self, path: Path, key: Node, value: Node, guarded: frozenset[str]) -> Condition:
        """What a path should be: a bare value, a list, a fact, or words."""
        if isinstance(value, Sequence):
            return self.test(path, "in", value, key)
        if not isinstance(value, Mapping) or "path" in value:
            return self.test(path, "is", value, key)
        tests = [self.word(path, key, word, operand, guarded) for word, operand in value]
        found = [one for one in tests if one is not None]
        if not value.entries:
            self.tree.say(value, "J105", "a comparison without words", "{at_least: 30}")
        return found[0] if len(found) == 1 else AllOf(tuple(found))

    def word(self, path: Path, key: Node, word: Scalar, operand: Node, guarded: frozenset[str]) -> Condition | None:
        if word.text == "not":
            return Not(self.compared(path, key, operand, guarded))
        if word.text not in CONDITION_WORDS:
            known = [name for name, one in CONDITION_WORDS.items() if not one.kinds or path.kind in one.kinds | {"any"}]
            self.tree.say(word, "J116", f"unknown word '{word.text}'", suggest(word.text, known, "words", 20))
            return None
        return self.test(path, cast("Op", word.text), operand, word)

    def test(self, path: Path, op: Op, operand: Node, word: Node) -> Condition:
        """One comparison, its operand read as its word wants it."""
        value = self.operand(path, op, operand)
        self.tree.tests.append(TestUse(path, op, value, operand, word, self.place, self.item))
        return Test(path, op, value)

    def operand(self, path: Path, op: Op, node: Node) -> Any:
        word = CONDITION_WORDS[op]
        if word.kinds and path.kind not in word.kinds:
            path = Path(path.root, path.parts)  # the word itself is wrong here, and that is said once, by a rule
        match word.operand:
            case "bool":
                if not (isinstance(node, Scalar) and isinstance(node.value, bool)):
                    self.tree.say(node, "J206", f"'{op}' takes true or false, found {node.says}")
                return node.plain() is True
            case "duration":
                return self.reader.duration(node)
            case "item condition":
                return self.of_items(path, node)
            case "many" | "two":
                return self.many(path, op, node)
            case "item":
                return self.one(path.kind if path.kind == "text" else "any", op, node)
            case _:
                return self.one(path.kind, op, node)

    def of_items(self, path: Path, node: Node) -> Condition:
        """The condition under `any`, `none` or `all`, read against each item."""
        outer, self.item = self.item, path
        if _bare(node):
            items = self.reader.registry.path_kind(path.root, (*path.parts, "[]"))
            found = self.compared(Path("item", (), items or "any"), node, node, frozenset())
        else:
            found = self.read(node, frozenset())
        self.item = outer
        return found

    def many(self, path: Path, op: str, node: Node) -> tuple[Any, ...]:
        if not isinstance(node, Sequence):
            self.tree.say(
                node, "J206", f"'{op}' takes a list, found {node.says}", "[ES, PT]" if op == "in" else "[10, 50]"
            )
            return ()
        if op == "between" and len(node.items) != 2:
            self.tree.say(node, "J206", f"'between' takes two values, found {len(node.items)}", "[10, 50]")
        return tuple(self.one(path.kind, op, item) for item in node.items)

    def one(self, kind: Kind, op: str, node: Node) -> Any:
        """A single operand: a value of the path's kind, or a fact."""
        from postventa.journeys.reader import is_time

        if isinstance(node, Mapping):
            return self.fact(kind, node)
        value = node.value if isinstance(node, Scalar) else None
        number = isinstance(value, int | float) and not isinstance(value, bool)
        fits = {
            "number": number,
            "time": isinstance(value, str) and is_time(value),
            "bool": isinstance(value, bool),
            "text": isinstance(value, str),
        }.get(kind, isinstance(node, Scalar) and value is not None)
        if not fits:
            noun = {"number": "a number", "time": "a time", "bool": "true or false", "text": "a text"}.get(
                kind, "a value"
            )
            help_ = f"put it in quotes: '{node.text}'" if kind == "text" and number and isinstance(node, Scalar) else ""
            self.tree.say(node, "J206", f"'{op}' needs {noun} here, found {node.says}", help_ or _LIKE.get(kind, ""))
        return value

    def fact(self, kind: Kind, node: Mapping) -> Fact | None:
        """An operand that is a fact; it has to be of the same kind."""
        fact = self.reader.fact(node, self.place)
        if fact is not None and {kind, fact.path.kind}.isdisjoint({"any"}) and fact.path.kind != kind:
            self.tree.say(node.get("path"), "J206", f"'{fact.path}' is a {fact.path.kind}, the other side a {kind}",
                          "compare facts of one kind")  # fmt: skip
        return fact


def _bare(node: Node) -> bool:
    """What the item itself should be (`vip`, `[vip, friend]`, `{at_least: 3}`, `{not: vip}`), not one of its fields."""
    if not isinstance(node, Mapping):
        return True
    return all(key.text in CONDITION_WORDS or (key.text == "not" and _bare(value)) for key, value in node)


def _asks_whether_it_exists(node: Node) -> bool:
    found = node.get("exists") if isinstance(node, Mapping) else None
    return isinstance(found, Scalar) and found.value is True


def tests_of(condition: Condition) -> Iterator[Test]:
    """Every comparison in a condition; of one over a list, the comparison itself and those inside."""
    match condition:
        case AllOf(parts) | AnyOf(parts):
            for part in parts:
                yield from tests_of(part)
        case Not(part):
            yield from tests_of(part)
        case Test():
            yield condition
            for one in operands_of(condition):
                if isinstance(one, AllOf | AnyOf | Not | Test):
                    yield from tests_of(one)


def read_by(test: Test) -> list[Path]:
    """The paths one comparison reads: its own, and those of the facts it compares with."""
    return [test.path, *(one.path for one in operands_of(test) if isinstance(one, Fact))]


def paths_of(condition: Condition) -> Iterator[Path]:
    """Every path a condition reads, those of its operands too."""
    for test in tests_of(condition):
        yield from read_by(test)


def operands_of(test: Test) -> tuple[Any, ...]:
    """What a comparison compares with."""
    return test.operand if isinstance(test.operand, tuple) else (test.operand,)
