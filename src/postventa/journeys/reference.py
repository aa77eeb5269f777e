"""The language for people: the tables of keys, verbs, condition words and codes, as they stand in docs/journeys.md.

In Spanish, docs/es/recorridos.md, with the words of `language: es` (source/language.py).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from postventa.journeys.codes import CODES
from postventa.journeys.words import (
    BESIDE_EVERY_VERB,
    CASE,
    CONDITION_WORDS,
    EVENT,
    FACT,
    GOAL,
    JOINERS,
    JOURNEY,
    NOT_YET,
    START,
    VARIANT,
    VERBS,
    Key,
)
from postventa.source.language import told

_INSIDE: Mapping[str, Mapping[str, Mapping[str, Key]]] = {
    "branch": {"Each case": CASE}, "experiment": {"Each variant": VARIANT}, "wait_for": {"With a condition": EVENT},
}  # fmt: skip
"""By verb: the keys one level further in, under their title."""


def sections(language: str = "en") -> dict[str, str]:
    """Mark in the page -> the Markdown that belongs there."""
    return {
        "journey": "\n".join(_keys(JOURNEY, language)),
        "start": "\n".join(_keys(START, language)),
        "goal": "\n".join(_keys(GOAL, language)),
        "verbs": "\n".join(_verbs(language)),
        "words": "\n".join(_words(language)),
        "not yet": "\n".join(_not_yet()),
        "codes": "\n".join(_codes(language)),
    }  # fmt: skip


def filled(page: str, parts: Mapping[str, str] | None = None, file: str = "journeys.md") -> str:
    """The page with every generated part (default: those of docs/journeys.md) brought up to date. ValueError when a
    mark is missing."""
    for name, text in (sections() if parts is None else parts).items():
        begin, end = f"<!-- generated: {name} -->", "<!-- /generated -->"
        head, mark, rest = page.partition(begin)
        _, closing, tail = rest.partition(end)
        if not mark or not closing:
            raise ValueError(f"docs/{file} has no place for '{name}': add {begin} and {end}")
        page = f"{head}{begin}\n{text}\n{end}{tail}"
    return page


def _keys(table: Mapping[str, Key], language: str) -> Iterator[str]:
    yield f"| {told('key', language)} | |"
    yield "|---|---|"
    for name, key in table.items():
        yield f"| {_shown(name, key)} | {_doc(key, language)} |"


def _shown(name: str, key: Key) -> str:
    return f"**`{name}`**" if key.required else f"`{name}`"


def _doc(key: Key, language: str) -> str:
    words = f": {' / '.join(f'`{choice}`' for choice in key.choices)}" if key.choices else ""
    return f"{told(key.doc, language)}{words}".replace("|", "\\|")


def _verbs(language: str) -> Iterator[str]:
    for name, verb in VERBS.items():
        does = told(verb.doc, language)
        yield f"### `{name}`"
        yield ""
        yield f"{does[0].upper()}{does[1:]}. {told('Behind the verb', language)}: {_doc(verb.object, language)}."
        yield ""
        if verb.keys:
            yield from _keys(verb.keys, language)
            yield ""
        for title, table in _INSIDE.get(name, {}).items():
            yield f"{told(title, language)}:"
            yield ""
            yield from _keys(table, language)
            yield ""
    yield f"{told('Beside every verb', language)}: `id`, {_doc(BESIDE_EVERY_VERB['id'], language)}."


def _words(language: str) -> Iterator[str]:
    yield f"| {told('word', language)} | {told('works on', language)} | |"
    yield "|---|---|---|"
    for name, word in CONDITION_WORDS.items():
        kinds = ", ".join(told(kind, language) for kind in sorted(word.kinds)) or told("everything", language)
        yield f"| `{name}` | {kinds} | {told(word.doc, language)} |"
    for name, doc in JOINERS.items():
        yield f"| `{name}` | {told('conditions', language)} | {told(doc, language)} |"
    yield ""
    yield f"{told('A fact on the right side', language)}:"
    yield ""
    yield from _keys(FACT, language)


def _not_yet() -> Iterator[str]:
    for where, later in NOT_YET.items():
        yield f"- {where}: {', '.join(f'`{word}`' for word in later)}"


def _codes(language: str) -> Iterator[str]:
    yield f"| {told('code', language)} | {told('what it means', language)} |"
    yield "|---|---|"
    for code in sorted(CODES):
        yield f"| {code} | {told(CODES[code], language)} |"
