"""What validate says, in another language than the one the rules are written in.

A rule says its sentence once, in English, where it is found. `spanish.txt` holds the Spanish of every sentence, with
`{0}`, `{1}` for what a rule puts in; a test reads every sentence in the code and looks it up.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from importlib.resources import files
from typing import NamedTuple

LANGUAGES = ("en", "es")
_FILES = {
    "es": ("spanish.txt", "spanish_scenarios.txt", "spanish_keys.txt", "spanish_commands.txt", "spanish_hints.txt")
}
_HOLE = re.compile(r"\{(\d)(\*?)\}")


class _Form(NamedTuple):
    """A sentence as a pattern, and how the other language says it."""

    pattern: re.Pattern[str]
    said: str


def told(text: str, language: str) -> str:
    """`text` in `language`; as it is where there is no translation (names, paths, a shop's own words)."""
    if language not in _FILES or not text:
        return text
    plain, forms = _forms(language)
    if text in plain:
        return plain[text]
    for form in forms:
        if found := form.pattern.fullmatch(text):
            return _filled(form.said, found.groups(), language)
    return text


def known(text: str, language: str) -> bool:
    """Whether `told` has words for this text, those inside it too."""
    if language not in _FILES or not text:
        return True
    plain, forms = _forms(language)
    return text in plain or any(form.pattern.fullmatch(text) for form in forms)


def paragraphs(text: str, language: str) -> str:
    """`told` for a text of several sentences in paragraphs, where a sentence begins with a capital letter and ends with
    a full stop that its words in the tables do not have."""
    return "\n\n".join(_as_a_sentence(one, language) for one in text.split("\n\n"))


def _as_a_sentence(text: str, language: str) -> str:
    """One paragraph. The sentence itself goes before a form with holes that would fit it, too."""
    if language not in _FILES:
        return text
    plain, _ = _forms(language)
    bare = text.removesuffix(".")
    ways = (text, bare, bare[:1].lower() + bare[1:])
    said = next((plain[one] for one in ways if one in plain), None) or told(bare, language)
    begun = said[:1].upper() + said[1:] if text[:1].isupper() else said
    return f"{begun}." if text.endswith(".") and not begun.endswith((".", "!", "?", "…")) else begun


def _filled(said: str, parts: tuple[str, ...], language: str) -> str:
    """The holes filled in; `{0*}` is a sentence or word of ours and is told in the language, too."""

    def part(hole: re.Match[str]) -> str:
        text = parts[int(hole[1])]
        return told(text, language) if hole[2] else text

    return _HOLE.sub(part, said)


@cache
def _forms(language: str) -> tuple[dict[str, str], tuple[_Form, ...]]:
    """Sentences without holes, and those with holes, the longest first: what says more is tried first."""
    plain: dict[str, str] = {}
    forms: list[tuple[int, _Form]] = []
    for english, said in (pair for file in _FILES[language] for pair in _pairs(file)):
        if _HOLE.search(english):
            pieces = re.split(r"\{\d\}", english)
            pattern = re.compile("(.+?)".join(map(re.escape, pieces)), re.DOTALL)
            forms.append((-len("".join(pieces)), _Form(pattern, said)))
        else:
            plain[english] = said
    return plain, tuple(form for _, form in sorted(forms, key=lambda entry: entry[0]))


def _pairs(file: str) -> Iterator[tuple[str, str]]:
    """Two lines each, English and its translation; empty lines and lines that begin with '#' between them."""
    text = files("postventa.source").joinpath(file).read_text("utf-8")
    lines = [line for line in text.split("\n") if line and not line.startswith("#")]
    yield from zip(lines[::2], lines[1::2], strict=True)
