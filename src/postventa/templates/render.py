"""Runs compiled templates over one customer's facts, within limits, and tells errors in the author's terms."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from traceback import extract_tb
from typing import Any

from jinja2.utils import missing

from postventa.errors import PostventaError
from postventa.source.nearest import did_you_mean
from postventa.templates.body import Source
from postventa.templates.marks import URL_CLOSE, URL_OPEN
from postventa.templates.sandbox import MissingValueError
from postventa.templates.uses import Use

LARGEST = 512_000
SLOWEST = 2.0
"""Seconds of this thread's own work; a mail takes about one thousandth of that. Time in which the process was stopped
or others had the processor does not count: it says nothing about the template, and what is given up stays so."""

_STRAY = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_STRAY_TEXT = re.compile(f"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f](?<![{URL_OPEN}{URL_CLOSE}])")


@dataclass(frozen=True, slots=True)
class Rendered:
    """A message as one customer gets it."""

    subject: str
    preheader: str
    html: str
    text: str
    locale: str


class RenderError(PostventaError):
    """A message could not be rendered: a value is missing, or a limit was reached. Nothing was sent.

    `file` and `line` are the author's; `variable` is the path that was missing, when that was the reason.
    """

    def __init__(
        self, message: str, file: str, line: int = 0, variable: str | None = None, mend: str | None = None
    ) -> None:
        super().__init__(message, where=f"{file}:{line}" if line else file, mend=mend)
        self.file = file
        self.line = line
        self.variable = variable


def run(source: Source, context: Mapping[str, Any]) -> str:
    """The template's output. RenderError names file, line, the missing value and what there is instead."""
    pieces: list[str] = []
    size, started = 0, time.thread_time()
    try:
        for piece in source.ready.generate(context):
            pieces.append(piece)
            size += len(piece)
            if size > LARGEST:
                raise RenderError(f"the mail grew over {LARGEST // 1000} kB", source.file, mend="look at its loops")
            if time.thread_time() - started > SLOWEST:
                raise RenderError(f"rendering took more than {SLOWEST:g} s", source.file, mend="look at its loops")
    except RenderError:
        raise
    except Exception as error:  # whatever an author's template does ends here, told with its line
        raise _explained(error, source, context) from error
    return "".join(pieces)


def run_line(source: Source, context: Mapping[str, Any]) -> str:
    """A subject or preheader: one line, however the data looks."""
    return " ".join(_STRAY.sub("", run(source, context)).split())


def tidy_html(markup: str) -> str:
    """Without control characters that data may carry."""
    return _STRAY.sub("", markup)


def tidy_text(text: str) -> str:
    """Without control characters (address marks stay) and with no more than one empty line in a row."""
    lines = (line.rstrip() for line in _STRAY_TEXT.sub("", text).split("\n"))
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).replace("\n--\n", "\n-- \n").strip() + "\n"


def _explained(error: Exception, source: Source, context: Mapping[str, Any]) -> RenderError:
    frames = [frame for frame in extract_tb(error.__traceback__) if frame.filename == source.file]
    line = source.line(frames[-1].lineno or 1) if frames else 0
    if isinstance(error, MissingValueError):
        return _missing(error, source, line, context)
    return RenderError(str(error) or type(error).__name__, source.file, line, mend=None)


def _missing(error: MissingValueError, source: Source, line: int, context: Mapping[str, Any]) -> RenderError:
    holder = context if error.holder is missing else error.holder
    known = [str(key) for key, value in holder.items() if value is not None and not str(key).startswith("_")] if (
        isinstance(holder, Mapping)
    ) else []  # fmt: skip
    path = _path(error.name, line, source.uses())
    shown = ", ".join(sorted(known)[:12]) + (", …" if len(known) > 12 else "") or "nothing"
    near = did_you_mean(error.name, known)
    owner = path.rpartition(".")[0] or "this mail"
    mend = f"{near + '; ' if near else ''}{owner} has: {shown}; or write {{{{ {path} | default('…') }}}}"
    return RenderError(f"'{path}' is missing", source.file, line, path, mend)


def _path(name: str, line: int, uses: list[Use]) -> str:
    """The whole path of a missing last word, as the author wrote it."""
    paths = [use.path for use in uses if name in use.path.split(".")]
    here = [use.path for use in uses if use.line == line and name in use.path.split(".")]
    for path in (*here, *paths):
        words = path.split(".")
        return ".".join(words[: words.index(name) + 1])
    return name
