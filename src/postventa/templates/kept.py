"""Bodies that were compiled before, kept in the user's cache: a command need not compile every message of the project.

A body is found by all that makes it: the author's text, the brand, the language, our own code and the libraries it
calls. So nothing here can be out of date, only missing; what cannot be read or written counts as not there. A body that
cannot be used is not kept: it is told anew each time.

POSTVENTA_CACHE names another folder; empty, nothing is kept.
"""

from __future__ import annotations

import json
import os
import sys
from contextlib import suppress
from dataclasses import astuple
from functools import cache
from hashlib import sha256
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from postventa.source.problem import Problem
from postventa.templates.body import Body, Job, Source, decoded
from postventa.templates.spots import Spots
from postventa.templates.tags import LineMap
from postventa.templates.uses import Use

VARIABLE = "POSTVENTA_CACHE"
MOST = 2000
"""Files in the folder; the older half goes when there are more. One has some 30 kB."""

_LIBRARIES = ("jinja2", "markdown-it-py", "mrml")
_ROOMS = ("templates", "source")


def body_of(file: str, raw: bytes, job: Job, own_text: tuple[str, bytes] | None) -> tuple[Body | None, list[Problem]]:
    """As `compile_body`, and the same result; compiled only when it was not before."""
    place = _place(file, raw, job, own_text)
    if place is not None and (found := _read(place, file, raw, own_text)) is not None:
        return found
    from postventa.templates.compile import compile_body  # the parsers of Markdown and MJML are slow to load

    body, problems = compile_body(file, raw, job, own_text)
    if place is not None and body is not None:
        _write(place, body, problems)
    return body, problems


def folder() -> Path | None:
    """Where bodies are kept; None where nothing is to be kept, or nobody has a home."""
    named = os.environ.get(VARIABLE)
    if named is not None:
        return Path(named) if named else None
    try:
        return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "postventa" / "bodies"
    except RuntimeError:
        return None


def _place(file: str, raw: bytes, job: Job, own_text: tuple[str, bytes] | None) -> Path | None:
    home = folder()
    if home is None:
        return None
    try:
        parts = [_makers(), file, raw, job.locale, job.optional, job.brand, own_text]
    except (OSError, PackageNotFoundError):
        return None
    return home / f"{sha256(repr(parts).encode()).hexdigest()}.json"


@cache
def _makers() -> str:
    """What compiles a body: our own files and the libraries. PackageNotFoundError, OSError where they hide."""
    digest = sha256(sys.version.encode())
    for library in _LIBRARIES:
        digest.update(f"{library} {version(library)}\n".encode())
    for room in _ROOMS:
        for path in sorted((Path(__file__).parents[1] / room).glob("*.py")):
            digest.update(path.read_bytes())
    return digest.hexdigest()


# --- reading ----------------------------------------------------------------------------------------------------------
def _read(place: Path, file: str, raw: bytes, own_text: tuple[str, bytes] | None) -> tuple[Body, list[Problem]] | None:
    try:
        digest, _, plain = place.read_bytes().partition(b"\n")
        if digest.decode() != sha256(plain).hexdigest():
            return None
        return _body(json.loads(plain), file, raw, own_text)
    except (OSError, ValueError, LookupError, TypeError):
        return None


def _body(
    plain: dict[str, Any], file: str, raw: bytes, own_text: tuple[str, bytes] | None
) -> tuple[Body, list[Problem]]:
    spots = Spots(decoded(raw))
    html = Source(file, plain["html"], _lines(plain["html_lines"]), True, spots)
    text = Source(file, plain["text"], _lines(plain["text_lines"]), False, spots)
    if own_text is not None:
        text = Source(own_text[0], plain["text"], None, False, Spots(decoded(own_text[1])))
    reads = [((html, text)[which], Use(path, line, guarded)) for which, path, line, guarded in plain["reads"]]
    return Body(file, html, text, reads), [Problem(*one) for one in plain["problems"]]


def _lines(plain: list[list[int]] | None) -> LineMap | None:
    return LineMap(tuple(plain[0]), tuple(plain[1])) if plain is not None else None


# --- writing ----------------------------------------------------------------------------------------------------------
def _write(place: Path, body: Body, problems: list[Problem]) -> None:
    """Whole or not at all: another command may read or write the same file now."""
    plain = json.dumps({
        "html": body.html.template, "html_lines": body.html.lines and astuple(body.html.lines),
        "text": body.text.template, "text_lines": body.text.lines and astuple(body.text.lines),
        "reads": [[source is body.text, use.path, use.line, use.guarded] for source, use in body.reads],
        "problems": [astuple(problem) for problem in problems],
    }).encode()  # fmt: skip
    beside = place.with_suffix(f".{os.getpid()}")
    with suppress(OSError):
        _make_room(place.parent)
        beside.write_bytes(sha256(plain).hexdigest().encode() + b"\n" + plain)
        beside.replace(place)


@cache
def _make_room(home: Path) -> None:
    """Once per process."""
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    files = sorted((path for path in home.iterdir()), key=lambda path: path.stat().st_mtime)
    for path in files[: -MOST // 2] if len(files) > MOST else ():
        path.unlink(missing_ok=True)
