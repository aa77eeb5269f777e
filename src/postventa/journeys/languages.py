"""Texts stand under languages in which the shop writes: `es:` and `en:`, not `se:`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from fnmatch import fnmatch

from postventa.source.nearest import suggest
from postventa.source.nodes import Mapping as Group
from postventa.source.nodes import Node, Scalar, Sequence
from postventa.source.problem import Problem
from postventa.source.yaml import load

CODES = {
    "W101": "The shop does not write in this language: it is not among `locale` and `locales` in postventa.yaml, and "
            "no mail is written in it. The text would never be shown.",
}  # fmt: skip

_TEXTS: Mapping[str, tuple[str, ...]] = {
    "surveys/*.yaml": ("question", "labels", "thanks", "follow_ups/*/question", "choices/*"),
    "loyalty.yaml": ("name", "rewards/*/title"),
    "templates/*/message.yaml": ("subject", "preheader"),
    "brand.yaml": ("words", "links"),
}
"""File -> where a text stands per language."""


def check_languages(files: Mapping[str, bytes], locales: Iterable[str]) -> list[Problem]:
    """Every language of a text that is none of the shop's. A region does not count: `es-MX` is `es`."""
    spoken = {locale.partition("-")[0]: locale for locale in locales}
    found: list[Problem] = []
    for file, raw in files.items():
        places = next((places for pattern, places in _TEXTS.items() if fnmatch(file, pattern)), ())
        root = load(file, raw).root if places else None
        for key in (key for place in places if root is not None for key in _languages(root, place.split("/"))):
            if key.text.partition("-")[0] not in spoken:
                help_ = suggest(key.text, sorted(spoken.values()), "the shop writes in")
                message = f"'{key.text}' is no language of this shop"
                found.append(Problem(file, key.line, key.column, "W101", message, help_, width=key.width))
    return found


def _languages(node: Node, place: list[str]) -> Iterator[Scalar]:
    """The keys at a place that are languages."""
    if not place:
        if isinstance(node, Group):
            # `links: {Help: https://…}` is for all languages; `links: {es: {Ayuda: …}}` is per language.
            yield from (key for key, value in node if not _is_link(value))
        return
    inner = [value for _, value in node] if place[0] == "*" and isinstance(node, Group) else []
    inner += node.items if place[0] == "*" and isinstance(node, Sequence) else ()
    if isinstance(node, Group) and (value := node.get(place[0])) is not None:
        inner.append(value)
    for below in inner:
        yield from _languages(below, place[1:])


def _is_link(node: Node) -> bool:
    return isinstance(node, Scalar) and node.text.startswith(("https://", "http://"))
