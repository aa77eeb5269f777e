"""A body file becomes two Jinja templates (HTML and text), once per release. Nothing here sees a customer."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from jinja2 import TemplateSyntaxError

from postventa.source.problem import Problem
from postventa.templates.body import Body, Job, Source, decoded, faults
from postventa.templates.brand import Brand
from postventa.templates.faults import plain
from postventa.templates.layout import page, text_page
from postventa.templates.markdown import Slip, parts_of
from postventa.templates.parts import Kit
from postventa.templates.plain import text_of
from postventa.templates.sandbox import environment
from postventa.templates.spots import Spots
from postventa.templates.tags import Tags
from postventa.templates.words import words_for

_LARGEST = 256_000
_HINT = "between the braces stands one value with filters, or if / for / set with its end"
_CLIPPED = 90_000  # Gmail cuts a mail at 102 kB, and the customer's data comes on top


def compile_body(
    file: str, raw: bytes, job: Job, own_text: tuple[str, bytes] | None
) -> tuple[Body | None, list[Problem]]:
    """Compile `file` (.md or .html); `own_text` is the author's .txt. The body is None when it cannot be used."""
    problems: list[Problem] = []
    written = _decode(file, raw, problems)
    text_written = _decode(own_text[0], own_text[1], problems) if own_text else None
    if written is None or (own_text and text_written is None):
        return None, problems
    make = _from_markdown if file.endswith(".md") else _from_html
    body = _guarded(file, Spots(written), problems, lambda: make(file, written, job, problems))
    if body and own_text and text_written is not None:
        body.text = Source(own_text[0], text_written, None, html=False, spots=Spots(text_written))
    for source in (body.html, body.text) if body else ():
        check: Callable[[], bool] = partial(_check, source, problems)
        if not _guarded(source.file, source.spots, problems, check):
            return None, problems
    if body is None:
        return None, problems
    problems += _avoided(file, written, job.brand)
    told = {(source.file, use): (source, use) for source in (body.html, body.text) for use in source.uses()}
    body.reads = list(told.values())
    if not body.file.endswith(".md"):
        problems += _foot_missing(body, job)
    return body, list(dict.fromkeys(problems))


def _from_markdown(file: str, written: str, job: Job, problems: list[Problem]) -> Body:
    environment(html=True).parse(written)  # what Jinja cannot read is told at the author's own line
    tags = Tags.for_text(environment(html=True), written)
    kit = Kit(tags, words_for(job.locale, job.brand.words), job.brand.colours)
    parts, slips = parts_of(tags.hide(written), kit)
    spots = Spots(written)
    problems += [_slipped(file, slip, spots) for slip in slips]
    kit.line = 1
    html, html_lines = tags.show(page(parts, kit, job.brand, job.locale, optional=job.optional))
    text, text_lines = tags.show(text_page(parts, kit, job.brand, optional=job.optional))
    if len(html) > _CLIPPED:
        size = f"the mail has {len(html) // 1000} kB before any data; Gmail cuts mails at 102 kB"
        problems.append(Problem(file, 1, 1, "T115", size, "shorten it", "warning"))
    return Body(file, Source(file, html, html_lines, True, spots), Source(file, text, text_lines, False, spots))


def _from_html(file: str, written: str, job: Job, problems: list[Problem]) -> Body:
    del job, problems
    tags = Tags.for_text(environment(html=True), written)
    text, lines = tags.show(text_of(tags.hide(written)))
    spots = Spots(written)
    return Body(file, Source(file, written, None, True, spots), Source(file, text, lines, False, spots))


def _slipped(file: str, slip: Slip, spots: Spots) -> Problem:
    column, width = spots.word(slip.line, slip.found)
    return Problem(file, slip.line, column, slip.code, slip.message, slip.advice, width=width)


def _check(source: Source, problems: list[Problem]) -> bool:
    """Tell what the template may not use; False when there is any of it."""
    found = faults(source)
    problems += found
    return not found


def _avoided(file: str, written: str, brand: Brand) -> list[Problem]:
    """The shop's words to avoid, where they stand."""
    found = []
    for number, line in enumerate(written.lower().split("\n"), start=1):
        for word in brand.avoid:
            if (column := line.find(word.lower())) >= 0:
                message = f"'{word}' is a word this shop avoids"
                help_ = "see words_to_avoid in brand.yaml"
                found.append(Problem(file, number, column + 1, "T116", message, help_, "warning", len(word)))
    return found


def _foot_missing(body: Body, job: Job) -> list[Problem]:
    """A whole-HTML body has no foot of ours: what the law asks for must stand in it."""
    read = {use.path for _, use in body.reads}
    missing = []
    if job.optional and "links.unsubscribe" not in read:
        missing.append(("T120", "no link to stop these mails", '<a href="{{ links.unsubscribe }}">…</a>'))
    if job.optional and "brand.postal_address" not in read:
        missing.append(("T121", "no postal address", "{{ brand.postal_address }}"))
    return [Problem(body.file, 1, 1, code, f"the mail has {what}", f"put in {how}") for code, what, how in missing]


def _guarded(file: str, spots: Spots, problems: list[Problem], work: Callable[[], Any]) -> Any:
    """Run a step of the compilation; a syntax error of the author becomes a problem and None."""
    try:
        return work()
    except TemplateSyntaxError as error:
        problems.append(spots.broken(Problem(file, error.lineno, 1, "T110", plain(str(error.message)), _HINT)))
        return None


def _decode(file: str, raw: bytes, problems: list[Problem]) -> str | None:
    if len(raw) > _LARGEST:
        problems.append(Problem(file, 0, 0, "T113", f"the file has {len(raw) // 1000} kB", "at most 256 kB"))
        return None
    try:
        text = decoded(raw)
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        problems.append(Problem(file, line, 1, "T113", "this is not UTF-8", "save the file as UTF-8"))
        return None
    if control := next((sign for sign in text if sign < " " and sign not in "\n\t"), None):
        line = text.count("\n", 0, text.index(control)) + 1
        problems.append(Problem(file, line, 1, "T113", f"a control character (code {ord(control)})", "delete it"))
        return None
    return text
