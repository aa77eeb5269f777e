"""The language for people: the tables of keys, verbs, condition words and codes, as they stand in docs/journeys.md."""

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


def sections() -> dict[str, str]:
    """Mark in the page -> the Markdown that belongs there."""
    return {
        "journey": "\n".join(_keys(JOURNEY)),
        "start": "\n".join(_keys(START)),
        "goal": "\n".join(_keys(GOAL)),
        "verbs": "\n".join(_verbs()),
        "words": "\n".join(_words()),
        "not yet": "\n".join(_not_yet()),
        "codes": "\n".join(_codes()),
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


def _keys(table: Mapping[str, Key]) -> Iterator[str]:
    yield "| key | |"
    yield "|---|---|"
    for name, key in table.items():
        yield f"| {_shown(name, key)} | {_doc(key)} |"


def _shown(name: str, key: Key) -> str:
    return f"**`{name}`**" if key.required else f"`{name}`"


def _doc(key: Key) -> str:
    words = f": {' / '.join(f'`{choice}`' for choice in key.choices)}" if key.choices else ""
    return f"{key.doc}{words}".replace("|", "\\|")


def _verbs() -> Iterator[str]:
    inner: Mapping[str, Mapping[str, Mapping[str, Key]]] = {
        "branch": {"Each case": CASE}, "experiment": {"Each variant": VARIANT}, "wait_for": {"With a condition": EVENT},
    }  # fmt: skip
    for name, verb in VERBS.items():
        yield f"### `{name}`"
        yield ""
        yield f"{verb.doc[0].upper()}{verb.doc[1:]}. Behind the verb: {_doc(verb.object)}."
        yield ""
        if verb.keys:
            yield from _keys(verb.keys)
            yield ""
        for title, table in inner.get(name, {}).items():
            yield f"{title}:"
            yield ""
            yield from _keys(table)
            yield ""
    yield f"Beside every verb: `id`, {BESIDE_EVERY_VERB['id'].doc}."


def _words() -> Iterator[str]:
    yield "| word | works on | |"
    yield "|---|---|---|"
    for name, word in CONDITION_WORDS.items():
        yield f"| `{name}` | {', '.join(sorted(word.kinds)) or 'everything'} | {word.doc} |"
    for name, doc in JOINERS.items():
        yield f"| `{name}` | conditions | {doc} |"
    yield ""
    yield "A fact on the right side:"
    yield ""
    yield from _keys(FACT)


def _not_yet() -> Iterator[str]:
    for where, later in NOT_YET.items():
        yield f"- {where}: {', '.join(f'`{word}`' for word in later)}"


def _codes() -> Iterator[str]:
    yield "| code | what it means |"
    yield "|---|---|"
    for code in sorted(CODES):
        yield f"| {code} | {CODES[code]} |"
