"""Small mistakes in the reference project's files: one place each, always the same ones.

A slip of the pen (two letters change places) in a key, verb, event, field, message, survey, reward or unit; a key that
is taken out with what stands under it; a number, word, event or fact that becomes another valid one.
"""

from __future__ import annotations

import random
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from postventa.journeys.words import CONDITION_WORDS, JOINERS, VERBS
from postventa.project import Project
from postventa.source.nodes import Mapping as Group
from postventa.source.nodes import Node, Scalar, Sequence
from postventa.source.yaml import load

SEED = 20261122
_UNIT = re.compile(r"(\d+ )([a-z]+)")
_FIELD = re.compile(r"\{\{-? *([a-z]+)\.([a-z_]{3,})")
_BLOCK = re.compile(r"^::: ([a-z]+)", re.MULTILINE)
_OTHER_UNITS = {"day": "hour", "days": "hours", "hour": "day", "hours": "days", "month": "week", "months": "weeks"}


OWN_NAMES = {("with",), ("variants",), ("utm",), ("groups",), ("rewards",), ("promises",)}
"""Below these the shop chooses the keys."""


@dataclass(frozen=True)
class Mutation:
    """`text` is the whole file after it; the mistake stands in `line`, its parent in `parent`."""

    file: str
    line: int
    parent: tuple[int, ...]
    kind: str
    what: str
    text: str

    @property
    def slip(self) -> bool:
        """Must be refused at its line."""
        return self.kind.startswith("slip: ")

    def __str__(self) -> str:
        return f"{self.file}:{self.line} {self.kind} {self.what}"


def chosen(project: Project, count: int) -> list[Mutation]:
    """`count` mutations, as many of each kind as there are, at most; the same every time."""
    by_kind: dict[str, list[Mutation]] = defaultdict(list)
    for mutation in every(project):
        by_kind[mutation.kind].append(mutation)
    chance = random.Random(SEED)
    for group in by_kind.values():
        chance.shuffle(group)
    found: list[Mutation] = []
    while len(found) < count and any(by_kind.values()):
        found += [group.pop() for _, group in sorted(by_kind.items()) if group]
    return found[:count]


def every(project: Project) -> Iterator[Mutation]:
    """All of them, in order."""
    for name, raw in sorted(project.files.items()):
        text = raw.decode("utf-8")
        if name.endswith(".yaml"):
            root = load(name, raw).root
            assert isinstance(root, Group)
            yield from _Yaml(name, text, project).group(root, (), root.line)
        elif name.endswith(".md"):
            yield from _template(name, text)


def _template(name: str, text: str) -> Iterator[Mutation]:
    for found in _FIELD.finditer(text):
        if found[1] != "links":
            yield _at(name, text, found.start(2), found[2], swapped(found[2]), "slip: field in a template")
    for found in _BLOCK.finditer(text):
        yield _at(name, text, found.start(1), found[1], swapped(found[1]), "slip: block in a template")


def _at(name: str, text: str, offset: int, old: str, new: str, kind: str) -> Mutation:
    line = text.count("\n", 0, offset) + 1
    return Mutation(name, line, (line,), kind, f"{old} -> {new}", text[:offset] + new + text[offset + len(old) :])


def swapped(word: str) -> str:
    """Two neighbours in the middle change places; equal ones become three of a kind."""
    for middle in (len(word) // 2, *range(1, len(word))):
        if 0 < middle < len(word) and word[middle - 1] != word[middle] and word[middle - 1 : middle + 1].isalpha():
            return word[: middle - 1] + word[middle] + word[middle - 1] + word[middle + 1 :]
    return word + word[-1]


class _Yaml:
    """The mutations of one YAML file."""

    def __init__(self, name: str, text: str, project: Project) -> None:
        self.name = name
        self.lines = text.split("\n")
        self.project = project
        events = project.registry.types
        self.known: Mapping[str, tuple[str, ...]] = {
            "event": tuple(events),
            "message": tuple(project.messages),
            "survey": tuple(project.surveys),
            "reward": tuple(project.loyalty.rewards),
            "word": ("go_on", "soft_opt_in", "transactional", "marketing", "mailbox", "exit", "skip"),
        }

    def group(self, node: Group, path: tuple[str, ...], parent: int) -> Iterator[Mutation]:
        for key, value in node:
            yield from self.key(key, value, node, path, parent)
            yield from self.value(value, (*path, key.text), key.line)

    def value(self, node: Node, path: tuple[str, ...], parent: int) -> Iterator[Mutation]:
        if isinstance(node, Group):
            yield from self.group(node, path, parent)
        elif isinstance(node, Sequence):
            for item in node.items:
                yield from self.value(item, path, item.line)
        elif isinstance(node, Scalar):
            yield from self.scalar(node, path, parent)

    def key(self, key: Scalar, value: Node, node: Group, path: tuple[str, ...], parent: int) -> Iterator[Mutation]:
        free = path[-1:] in OWN_NAMES or (path[:1] == ("links",) and len(path) == 2)
        if "." in key.text:
            root, _, field = key.text.rpartition(".")
            yield self.put(key, f"{root}.{swapped(field)}", "slip: field", parent)
        elif free:
            yield self.put(key, swapped(key.text), "a name of one's own", parent)
        elif key.text in CONDITION_WORDS or key.text in JOINERS:
            yield self.put(key, swapped(key.text), "slip: condition word", parent)
        elif key.text in VERBS:
            yield self.put(key, swapped(key.text), "slip: verb", parent)
        else:
            yield self.put(key, swapped(key.text), "slip: key", parent)
        if (without := self.without(key, value, node)) is not None:
            what = f"{key.text}: {value.plain()}"
            yield Mutation(self.name, key.line, (parent, node.line), "a key taken out", what, without)

    def without(self, key: Scalar, value: Node, node: Group) -> str | None:
        """The file without a key of its own lines; None where other things stand in its line."""
        lines = self.lines
        before = lines[key.line - 1][: key.column - 1]
        if before.strip() not in {"", "-"} or len(node.entries) == 1:
            return None
        last = key.line
        while last < len(lines) and (not lines[last].strip() or _indent(lines[last]) > key.column - 1):
            last += 1
        after = lines[last:]
        if before.strip() == "-" and after:  # the dash goes on to the next key of the item
            if _indent(after[0]) != key.column - 1 or after[0].strip().startswith("-"):
                return None
            after[0] = before + after[0][key.column - 1 :]
        return "\n".join(lines[: key.line - 1] + after)

    def scalar(self, node: Scalar, path: tuple[str, ...], parent: int) -> Iterator[Mutation]:
        text, key = node.text, path[-1]
        for kind, names in self.known.items():
            if text in names and key not in {"title", "reason", "survey", "journey", "exit"}:
                yield self.put(node, swapped(text), f"slip: {kind}", parent)
                other = next((one for one in names if one != text and one.split(".")[0] == text.split(".")[0]), None)
                if other is not None:
                    yield self.put(node, other, f"another {kind}", parent)
                return
        if key == "path" or key in {"choose_by", "wait_until"}:
            root, _, field = text.rpartition(".")
            yield self.put(node, f"{root}.{swapped(field)}", "slip: field", parent)
        elif found := _UNIT.fullmatch(text):
            yield self.put(node, found[1] + swapped(found[2]), "slip: unit", parent)
            yield self.put(node, found[1] + _OTHER_UNITS.get(found[2], "years"), "another unit", parent)
        elif isinstance(node.value, int) and not isinstance(node.value, bool):
            yield self.put(node, str(node.value + 1), "another number", parent)
        elif not node.quoted and re.fullmatch(r"[a-z-]{4,}", text) and key != "kind":
            yield self.put(node, swapped(text), "another word", parent)

    def put(self, node: Scalar, new: str, kind: str, parent: int) -> Mutation:
        line = self.lines[node.line - 1]
        start = node.column - 1 + node.quoted
        assert line[start : start + len(node.text)] == node.text, (self.name, node)
        changed = line[:start] + new + line[start + len(node.text) :]
        text = "\n".join([*self.lines[: node.line - 1], changed, *self.lines[node.line :]])
        return Mutation(self.name, node.line, (parent,), kind, f"{node.text} -> {new}", text)


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip())
