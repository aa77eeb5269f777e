"""YAML 1.2 as people write it by hand: no tags, anchors, merge keys or second document, every part with its position.

Every fault becomes a `Problem` in plain words. Most faults end the reading of that file; repeated keys do not, so that
all of them are told at once.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NoReturn

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError

from postventa.source.nodes import Mapping, Node, Scalar, Sequence
from postventa.source.problem import Problem

MAX_BYTES = 256 * 1024
MAX_DEPTH = 32

_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff\ufffe\uffff]")
_INT = re.compile(r"[-+]?\d{1,300}")
_FLOAT = re.compile(r"[-+]?(\.\d+|\d+(\.\d*)?)([eE][-+]?\d{1,3})?")
_WORDS = {"": None, "~": None, "null": None, "Null": None, "NULL": None}
_BOOLS = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}

_OPENED = re.compile("unexpected end of stream|expected ',' or")

# What the parser says (a pattern), our code for it, what we say, and how to mend it.
_PLAIN = (
    (r"character '\\t'", "Y104", "a tab indents this line", "indent with spaces"),
    (
        r"character '([@`%!&*|>])'", "Y105", "a value may not begin with '{0}'",
        "put the whole value in quotes",
    ),
    (
        "mapping values are not allowed", "Y106", "a second ':' in one value, or a line indented too far",
        "put text that contains ': ' in quotes; begin keys of one step in the same column",
    ),
    ("expected ',' or '}'", "Y107", "a '{' is not closed, or a ',' is missing", "write {key: value, other: value}"),
    ("expected ',' or ']'", "Y107", "a '[' is not closed, or a ',' is missing", "write [one, two]"),
    ("unexpected end of stream", "Y107", "a quote is opened and never closed", "close it on the same line"),
    ("could not find expected ':'", "Y106", "this line has no ':'", "write key: value, or '- ' before a list item"),
    (
        "expected <block end>, but found", "Y108", "this line does not fit the lines around it",
        "begin it in the same column as its neighbours; after a quoted text nothing may follow",
    ),
    ("block scalar", "Y108", "the text block after '|' or '>' is not indented evenly", "indent every line the same"),
    ("unindent|indentation", "Y108", "this line is indented unlike its neighbours", "begin it in the same column"),
    ("unknown escape", "Y106", "an unknown '\\' sign inside double quotes", "use single quotes for text with '\\'"),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Document:
    """One file, read. `root` is None when it could not be read or is empty; `problems` then says why."""

    file: str
    text: str
    root: Node | None
    problems: tuple[Problem, ...] = ()

    def plain(self) -> Any:
        """The whole file as plain values."""
        return None if self.root is None else self.root.plain()


@lru_cache(maxsize=2048)
def load(file: str, raw: bytes | str) -> Document:
    """Read one YAML file. `file` is only the name that problems carry. Never raises for what a user can write.

    The same file with the same content is read once: a reload after a save costs only what was saved.
    """
    reader = _Reader(file)
    text = reader.decode(raw)
    root = None if reader.problems else reader.read(text)
    return Document(file, text, root, tuple(reader.problems))


class _Stop(Exception):
    """The problem is recorded; reading this file ends."""


class _Reader:
    """Builds the tree from the parser's events, refusing what the language does not have."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.problems: list[Problem] = []

    def decode(self, raw: bytes | str) -> str:
        """The text of the file; too large, not UTF-8 or with control signs is a problem."""
        size = len(raw)
        if size > MAX_BYTES:
            self._say(0, 0, "Y101", f"the file has {size // 1024} kB", f"at most {MAX_BYTES // 1024} kB; split it")
            return ""
        if isinstance(raw, bytes):
            try:
                text = raw.decode("utf-8-sig")
            except UnicodeDecodeError as error:
                before = raw[: error.start].decode("utf-8", "replace")
                self._say(*_place(before, len(before)), "Y102", "the file is not UTF-8 text", "save it as UTF-8")
                return ""
        else:
            text = raw.removeprefix("\ufeff")
        if bad := _CONTROL.search(text):
            name = f"U+{ord(bad[0]):04X}"
            self._say(*_place(text, bad.start()), "Y103", f"the sign {name} may not stand in a file", "delete it")
        return text

    def read(self, text: str) -> Node | None:
        """The tree, or None with the reason recorded."""
        try:
            events = YAML(typ="safe", pure=True).parse(text)
            return self._document(iter(events))
        except _Stop:
            return None
        except MarkedYAMLError as error:
            self._explain(error)
        except (YAMLError, ValueError, RecursionError) as error:
            self._say(1, 1, "Y108", f"the file is not YAML: {str(error).splitlines()[0]}", "check its first lines")
        return None

    def _document(self, events: Iterator[Any]) -> Node | None:
        root: Node | None = None
        for event in events:
            kind = type(event).__name__
            if kind == "DocumentStartEvent":
                if root is not None:
                    self._refuse(event, "Y109", "a second document begins", "one file holds one document; remove '---'")
                if event.version or event.tags:
                    self._refuse(event, "Y110", "a '%' line before the document", "remove it; files are YAML 1.2")
            elif kind in {"ScalarEvent", "MappingStartEvent", "SequenceStartEvent", "AliasEvent"}:
                root = self._node(event, events, 1)
        if isinstance(root, Scalar) and root.value is None:
            root = None
        if root is None:
            self._say(0, 0, "Y111", "the file is empty", "")
        return root

    def _node(self, event: Any, events: Iterator[Any], depth: int) -> Node:
        kind, line, column = type(event).__name__, event.start_mark.line + 1, event.start_mark.column + 1
        if depth > MAX_DEPTH:
            self._refuse(event, "Y112", f"more than {MAX_DEPTH} levels", "a journey this deep cannot be read; split it")
        if kind == "AliasEvent":
            self._refuse(
                event, "Y113", "an alias ('*name')", "aliases are not read; write the value again, or quote it"
            )
        if event.anchor:
            self._refuse(
                event, "Y113", f"an anchor ('&{event.anchor}')", "anchors are not read; remove it, or quote it"
            )
        if event.tag:
            self._refuse(
                event, "Y114", f"a tag ('{_short_tag(event.tag)}')", "tags are not read; remove it, or quote it"
            )
        if kind == "ScalarEvent":
            return _scalar(event)
        if kind == "SequenceStartEvent":
            return Sequence(tuple(self._items(events, depth)), line, column)
        return self._mapping(event, events, depth)

    def _items(self, events: Iterator[Any], depth: int) -> Iterator[Node]:
        for event in events:
            if type(event).__name__ == "SequenceEndEvent":
                return
            yield self._node(event, events, depth + 1)

    def _mapping(self, start: Any, events: Iterator[Any], depth: int) -> Mapping:
        entries: dict[str, tuple[Scalar, Node]] = {}
        for event in events:
            if type(event).__name__ == "MappingEndEvent":
                break
            key = self._node(event, events, depth + 1)
            if not isinstance(key, Scalar):
                self._refuse(event, "Y115", "a key is a list or a group", "text with '{{ }}' has to be quoted")
            value = self._node(next(events), events, depth + 1)
            if key.text == "<<":
                self._refuse(event, "Y113", "a merge key ('<<')", "merge keys are not read; write the values again")
            if key.text in entries:
                first = entries[key.text][0].line
                help_ = f"keep one of them; the first is in line {first}"
                self._say(key.line, key.column, "Y116", f"the key '{key.text}' stands twice", help_, key.width)
            else:
                entries[key.text] = (key, value)
        return Mapping(entries, start.start_mark.line + 1, start.start_mark.column + 1)

    def _explain(self, error: MarkedYAMLError) -> None:
        """The parser's words, in ours."""
        said = f"{error.context or ''}: {error.problem or ''}"
        mark = error.problem_mark or error.context_mark
        if _OPENED.search(said) and error.context_mark is not None:
            mark = error.context_mark  # where the quote or bracket was opened, not where the reader gave up
        line, column = (mark.line + 1, mark.column + 1) if mark is not None else (1, 1)
        for pattern, code, message, help_ in _PLAIN:
            if found := re.search(pattern, said):
                self._say(line, column, code, message.replace("{0}", found[1] if found.groups() else ""), help_)
                return
        self._say(line, column, "Y108", f"this is not YAML: {error.problem}", "check this line and the one above")

    def _refuse(self, event: Any, code: str, message: str, help_: str) -> NoReturn:
        self._say(event.start_mark.line + 1, event.start_mark.column + 1, code, message, help_)
        raise _Stop

    def _say(self, line: int, column: int, code: str, message: str, help_: str, width: int = 1) -> None:
        self.problems.append(Problem(self.file, line, column, code, message, help_, width=width))


def _scalar(event: Any) -> Scalar:
    """The value by the rules of YAML 1.2: `on`, `no` and 22:00 are text; only true and false are yes and no."""
    text, start, end = event.value, event.start_mark, event.end_mark
    width = max(1, end.column - start.column) if end.line == start.line else max(1, len(text.split("\n")[0]))
    quoted = event.style not in {None, ""}
    value = text if quoted else _resolve(text)
    return Scalar(value, text, start.line + 1, start.column + 1, width, quoted)


def _resolve(text: str) -> str | int | float | bool | None:
    if text in _WORDS:
        return None
    if text in _BOOLS:
        return _BOOLS[text]
    if _INT.fullmatch(text):
        return int(text)
    if _FLOAT.fullmatch(text):
        number = float(text)
        return number if abs(number) < 1e300 else text
    return text


def _short_tag(tag: Any) -> str:
    return str(tag).replace("tag:yaml.org,2002:", "!!")


def _place(text: str, offset: int) -> tuple[int, int]:
    """Line and column, from 1, of an offset in a text."""
    return text.count("\n", 0, offset) + 1, offset - (text.rfind("\n", 0, offset) + 1) + 1
