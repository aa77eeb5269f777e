"""Carries Jinja tags unharmed through Markdown and MJML, and remembers from which line each one came.

Markdown and MJML would escape or re-flow `{{ … }}`. So every tag is *hidden* behind a word of plain letters, the text
is compiled, and the tags are *shown* again in the result. Each shown tag gets a line of its own (a newline inside the
braces, which prints nothing), so that an error at run time can be told with the line the author wrote.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from dataclasses import dataclass, field

from jinja2.sandbox import SandboxedEnvironment

_OPENERS = {"variable_begin": "variable_end", "block_begin": "block_end", "raw_begin": "raw_end"}


@dataclass(frozen=True, slots=True)
class LineMap:
    """Lines of the compiled template back to lines of the author's file."""

    compiled: tuple[int, ...]
    written: tuple[int, ...]

    def line(self, compiled: int) -> int:
        """The author's line for a line of the compiled template; 1 when the template has no tags."""
        index = bisect_right(self.compiled, compiled) - 1
        return self.written[index] if index >= 0 else (self.written[0] if self.written else 1)


@dataclass(slots=True)
class Tags:
    """The tags of one message body. `word` is a prefix that occurs nowhere in the text."""

    env: SandboxedEnvironment
    word: str
    found: list[tuple[str, int]] = field(default_factory=list)
    written: list[int] = field(default_factory=lambda: [1])

    @classmethod
    def for_text(cls, env: SandboxedEnvironment, text: str) -> Tags:
        """An empty collection whose word cannot clash with `text`."""
        number = 0
        while f"qj{number}x" in text:
            number += 1
        return cls(env, f"qj{number}x")

    def hide(self, template: str, at: int | None = None) -> str:
        """`template` with every tag replaced by a word; comments vanish. `at` is the author's line for all of them
        (for the tags of a block); without it each tag keeps its own line.
        """
        pieces: list[str] = []
        tag: list[str] = []
        closing, start = "", 1
        for number, kind, text in self.env.lex(template):
            if closing:
                tag.append(text)
                if kind == closing:
                    pieces.append(self._word("".join(tag), at or start))
                    closing = ""
            elif kind in _OPENERS:
                closing, tag, start = _OPENERS[kind], [text], number
            elif not kind.startswith("comment"):
                pieces.append(text)
                if at is None:
                    self.written += range(number + 1, number + 1 + text.count("\n"))
        return "".join(pieces)

    def line(self, hidden: int) -> int:
        """The author's line for a line of the hidden text, which a comment of several lines has made shorter."""
        return self.written[min(hidden, len(self.written)) - 1]

    def restored(self, text: str) -> str:
        """`text` as the author wrote it."""
        return self.pattern.sub(lambda word: self.found[int(word[1])][0], text)

    def _word(self, tag: str, line: int) -> str:
        self.found.append((tag, line))
        return f"{self.word}{len(self.found) - 1}z"

    @property
    def pattern(self) -> re.Pattern[str]:
        """Finds the words; group 1 is the number."""
        return re.compile(rf"{self.word}(\d+)z")

    def is_statement(self, text: str) -> bool:
        """True when `text` is nothing but `{% … %}` tags."""
        words = list(self.pattern.finditer(text))
        rest = self.pattern.sub("", text).strip()
        return bool(words) and not rest and all(self.found[int(word[1])][0].startswith("{%") for word in words)

    def show(self, text: str) -> tuple[str, LineMap]:
        """`text` with the tags back in place, and the map from its lines to the author's."""
        pieces: list[str] = []
        compiled: list[int] = []
        written: list[int] = []
        line, end = 1, 0
        for word in self.pattern.finditer(text):
            tag, origin = self.found[int(word[1])]
            between = text[end : word.start()]
            shown = tag if _is_raw(tag) else _on_its_own_line(tag)
            line += between.count("\n")
            compiled.append(line + 1)  # what stands in the tag comes after its newline
            written.append(origin)
            line += shown.count("\n")
            pieces += [between, shown]
            end = word.end()
        return "".join([*pieces, text[end:]]), LineMap(tuple(compiled), tuple(written))


def _is_raw(tag: str) -> bool:
    return re.match(r"\{%[-+]?\s*raw\b", tag) is not None


def _on_its_own_line(tag: str) -> str:
    head = 3 if tag[2:3] in {"-", "+"} else 2
    return f"{tag[:head]}\n{tag[head:]}"
