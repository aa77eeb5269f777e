"""A finding in a user's file: where it is, what is wrong, what would be accepted. And how it is shown."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Literal

from postventa.source.language import told

Severity = Literal["error", "warning"]

_WIDEST = 160


@dataclass(frozen=True, slots=True)
class Problem:
    """One finding. Lines and columns count from 1 (0: the file as a whole); `width` is how many signs are meant.

    `also`: a second place, `brand.yaml:4:1`, where it can be mended as well. `lacks`: the file and, behind a blank, the
    keys of what is missing there (`brand.yaml promises/delivery`), from which `also` is found.
    """

    file: str
    line: int
    column: int
    code: str
    message: str
    help: str = ""
    severity: Severity = "error"
    width: int = 1
    also: str = ""
    lacks: str = ""

    @property
    def where(self) -> str:
        """`file:line:column`, without what is not known."""
        return ":".join([self.file, *(str(part) for part in (self.line, self.column) if part)])

    def headline(self, warning: str = "warning") -> str:
        """One line: place, severity, code and what was found. `warning`: the word for a warning."""
        severity = warning if self.severity == "warning" else self.severity
        return f"{self.where} {severity} {self.code} {self.message}"

    def told(self, language: str) -> Problem:
        """The same in another language."""
        return replace(self, message=told(self.message, language), help=told(self.help, language))

    def __str__(self) -> str:
        """The headline and the help in one line, for places that do not have the file's text."""
        return f"{self.headline()} ({self.mend})" if self.mend else self.headline()

    @property
    def mend(self) -> str:
        """The help, and the other place where it can be mended."""
        return f"{self.help} → {self.also}".strip() if self.also else self.help

    def to_json(self) -> dict[str, object]:
        """The same for machines."""
        return {
            "file": self.file,
            "line": self.line,
            "column": self.column,
            "width": self.width,
            "severity": self.severity,
            "code": self.code,
            "message": self.message,
            "help": self.help,
            "also": self.also,
        }


def render(problem: Problem, source: str | None = None, warning: str = "warning") -> str:
    """The headline, the line of `source` it speaks of, and a caret under the words with the help beside it."""
    lines = source.split("\n") if source is not None else []
    if not 1 <= problem.line <= len(lines):
        headline = problem.headline(warning)
        return f"{headline}\n  {problem.mend}" if problem.mend else headline
    text = "".join(sign if sign.isprintable() else " " for sign in lines[problem.line - 1])
    start = max(problem.column - 1, 0)
    if len(text) > _WIDEST:  # one very long line: show the part that matters
        cut = max(0, start - _WIDEST // 2)
        text, start = text[cut : cut + _WIDEST], start - cut
    width = max(1, min(problem.width, len(text) - start))
    margin = f"{problem.line} | "
    below = " " * (len(margin) - 2) + "| " + " " * start + "^" * width
    return "\n".join([problem.headline(warning), margin + text, f"{below} {problem.mend}".rstrip()])


def in_order(problems: Iterable[Problem]) -> list[Problem]:
    """Without doubles, by file, line, column and code: the same input always prints the same."""
    return sorted(set(problems), key=lambda p: (p.file, p.line, p.column, p.code, p.message))


def report(problems: Iterable[Problem], sources: Mapping[str, str], warning: str = "warning") -> str:
    """All problems as people read them, in order. `sources` maps file names to their text, `warning` is the word."""
    return "\n".join(render(problem, sources.get(problem.file), warning) for problem in in_order(problems))


def errors(problems: Iterable[Problem]) -> list[Problem]:
    """Only those that stop a publish."""
    return [problem for problem in problems if problem.severity == "error"]
