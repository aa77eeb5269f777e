"""Where in a file a template's words stand, to the column: Jinja itself knows only lines.

The parser copies the number of a token's line into the tree. Here it is given the token's place in the text instead,
so the same tree tells the first letter of every value, filter and tag. Read only when something has to be told.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from functools import cached_property

from jinja2 import TemplateSyntaxError, nodes
from jinja2.lexer import TokenStream
from jinja2.parser import Parser

from postventa.source.problem import Problem
from postventa.templates.sandbox import environment, refusals
from postventa.templates.uses import Use, uses_of

_PATH = re.compile(r"[^\W\d]\w*(?:[ ]*\.[ ]*\w+|\[[^\]\n]*\])*")
_WORD = re.compile(r"\w+|[^\w\s]+")
_LONG = {"if", "for", "filter", "call", "macro", "block", "with", "autoescape"}


class Spots:
    """One template as it was written: `text`, whose first letter stands in `line` and `column` of its file."""

    def __init__(self, text: str, line: int = 1, column: int = 1) -> None:
        self.text = text
        self.first = (line, column)

    def of(self, use: Use) -> tuple[int, int]:
        """Column and width of a value read; what a block reads by itself stands at the block."""
        return self._uses.get(use) or self.whole(use.line)

    def whole(self, line: int) -> tuple[int, int]:
        """Column and width of all that stands in a line of the file."""
        return self.word(line, "")

    def word(self, line: int, word: str) -> tuple[int, int]:
        """Column and width of `word` in a line of the file; of the whole line when it is '' or not there."""
        lines = self.text.split("\n")
        written = lines[line - self.first[0]] if 0 <= line - self.first[0] < len(lines) else ""
        whole = written.strip()
        meant = word if word and word in written else whole
        return written.find(meant) + (self.first[1] if line == self.first[0] else 1), max(1, len(meant))

    def point(self, problem: Problem) -> Problem:
        """`problem` of `faults` or of a value read, with its column: found again by what it says."""
        line, column, width = self._said.get((problem.line, problem.message)) or (
            problem.line,
            *self.whole(problem.line),
        )
        return _moved(problem, line, column, width)

    def broken(self, problem: Problem) -> Problem:
        """`problem`, that this text cannot be read as a template, at the word that Jinja stumbles over."""
        try:
            self._tree  # noqa: B018 - for what it raises
        except TemplateSyntaxError as error:
            said, place = str(error.message), error.lineno - 1
            if "end of template" in said:
                place = self._opened()
            elif "end of comment" in said:
                place = self.text.rfind("{#", 0, place)
            word = _WORD.match(self.text, place)
            return _moved(problem, *self._place(place), len(word[0]) if word else 1)
        return _moved(problem, problem.line, *self.whole(problem.line))

    def _opened(self) -> int:
        """The place of the braces, or of the `if` or `for`, that the end of the file leaves open."""
        open_, closed, words = 0, True, list[int]()
        for place, kind, text in self._tokens():
            if kind in {"variable_begin", "block_begin"}:
                open_, closed = place - 1, False
            elif kind in {"variable_end", "block_end"}:
                closed = True
            elif kind == "name" and self.text[open_ : place - 1].strip("{%-+ \n") == "":
                if text in _LONG:
                    words.append(place - 1)
                elif text.startswith("end"):
                    words = words[:-1]
        return words[-1] if closed and words else open_

    @cached_property
    def _tree(self) -> nodes.Template:
        env = environment(html=True)
        parser = Parser(env, self.text)
        parser.stream = TokenStream(env.lexer.wrap(self._tokens()), None, None)
        return parser.parse()

    def _tokens(self) -> Iterator[tuple[int, str, str]]:
        """Jinja's own tokens with their place (from 1) for their line; white space it takes away is passed over."""
        place = 0
        try:
            for _, kind, text in environment(html=True).lexer.tokeniter(self.text, None):
                place = max(place, self.text.find(text, place))
                yield place + 1, kind, text
                place += len(text)
        except TemplateSyntaxError as error:
            place += len(self.text[place:]) - len(self.text[place:].lstrip())
            raise TemplateSyntaxError(str(error.message), place + 1) from None

    @cached_property
    def _uses(self) -> dict[Use, tuple[int, int]]:
        """Column and width by the same `Use` that the checks work with."""
        found: dict[Use, tuple[int, int]] = {}
        for use in uses_of(self._tree):
            line, column = self._place(use.line - 1)
            word = _PATH.match(self.text, use.line - 1)
            found.setdefault(Use(use.path, line, use.guarded), (column, len(word[0]) if word else 1))
        return found

    @cached_property
    def _said(self) -> dict[tuple[int, str], tuple[int, int, int]]:
        """Line, column and width by line and sentence of what `faults` says."""
        found: dict[tuple[int, str], tuple[int, int, int]] = {}
        told = [(place - 1, "", sentence) for place, sentence in refusals(self._tree)]
        for node in self._tree.find_all((nodes.Filter, nodes.Test)):
            kind = "filter" if isinstance(node, nodes.Filter) else "test"
            told.append((node.lineno - 1, node.name, f"unknown {kind} '{node.name}'"))
        for place, name, sentence in told:
            start = max(place, self.text.find(name, place))
            word = _WORD.match(self.text, start)
            line, column = self._place(start)
            found.setdefault((line, sentence), (line, column, len(word[0]) if word else 1))
        return found

    def _place(self, place: int) -> tuple[int, int]:
        line = self.text.count("\n", 0, place)
        column = place - (self.text.rfind("\n", 0, place) + 1)
        return self.first[0] + line, column + (self.first[1] if not line else 1)


def _moved(problem: Problem, line: int, column: int, width: int) -> Problem:
    return replace(problem, line=line, column=column, width=width)
