"""brand.yaml: how the shop looks and who it is. Read once, given to every mail."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from postventa.source.durations import NotUnderstood, parse_duration
from postventa.source.nearest import suggest
from postventa.source.nodes import Mapping as Keys
from postventa.source.positions import key_at, locate
from postventa.source.problem import Problem
from postventa.source.yaml import load

CODES = {
    "B100": "brand.yaml holds keys and values: how the shop looks and who it is.",
    "B101": "There is no such key in brand.yaml.",
    "B102": "A value that does not fit.",
    "B110": "Text of this colour is hard to read on its background. WCAG asks for a contrast of 4.5.",
}

_READABLE = 4.5
_HEX = re.compile(r"#[0-9a-fA-F]{6}\Z")
_ADDRESS = re.compile(r"\s*(?:(?P<name>[^<>\r\n]*?)\s*<(?P<in>[^<>\s]+@[^<>\s]+)>|(?P<bare>[^<>\s]+@[^<>\s]+))\s*\Z")


@dataclass(frozen=True, slots=True)
class Palette:
    """Colours as #rrggbb. `primary` is behind button labels, `on_primary` is the label."""

    primary: str = "#0f5c4d"
    on_primary: str = "#ffffff"
    accent: str = "#c8553d"
    background: str = "#f4f1ec"
    surface: str = "#ffffff"
    text: str = "#22282b"
    muted: str = "#626b70"
    line: str = "#e3ded6"


DARK = Palette(
    primary="#7cc7b4",
    on_primary="#0c2621",
    accent="#f0a08c",
    background="#14181a",
    surface="#1e2427",
    text="#eef0ef",
    muted="#a5adb1",
    line="#343c40",
)


@dataclass(frozen=True, slots=True)
class Sender:
    """Who a mail is from: `name <address>`."""

    address: str
    name: str = ""

    @classmethod
    def parse(cls, text: str) -> Sender | None:
        """Read `Name <a@b>` or `a@b`; None when it is neither."""
        match = _ADDRESS.match(text)
        if not match:
            return None
        return cls(match["in"] or match["bare"], (match["name"] or "").strip().strip('"'))

    def __str__(self) -> str:
        return f"{self.name} <{self.address}>" if self.name else self.address


@dataclass(frozen=True, slots=True)
class Brand:
    """The shop as its mails show it. `data` is what templates see as `brand` (the whole file)."""

    name: str = "My shop"
    sender: Sender = field(default_factory=lambda: Sender("shop@example.com", "My shop"))
    reply_to: Sender | None = None
    postal_address: str = ""
    website: str = ""
    logo: str = ""
    logo_width: int = 140
    tagline: str = ""
    colours: Palette = field(default_factory=Palette)
    dark: Palette = DARK
    links: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """Per language (or '' for all): label and address, shown at the foot of every mail."""
    utm: Mapping[str, str] = field(default_factory=dict)
    words: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    avoid: tuple[str, ...] = ()
    currency: str = "EUR"
    timezone: str = "UTC"
    data: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def from_yaml(cls, raw: bytes, file: str = "brand.yaml") -> tuple[Brand, list[Problem]]:
        """Read brand.yaml. What is wrong becomes a problem, and that key keeps its default."""
        document = load(file, raw)
        problems = list(document.problems)
        if not isinstance(document.root, Keys):
            if not problems:
                problems.append(Problem(file, 1, 1, "B100", "brand.yaml has to hold keys and values", "name: My shop"))
            return cls(), problems
        values: dict[str, Any] = {"data": document.plain()}
        for key, node in document.root:
            name = key.text
            if name not in known_keys():
                help_ = suggest(name, known_keys(), "keys")
                problems.append(
                    Problem(file, key.line, key.column, "B101", f"unknown key '{name}'", help_, width=key.width)
                )
            elif name in _READERS:
                try:
                    value = _READERS[name](node.plain())
                    if name != "promises":  # checked, and read by mails from `data`
                        values[_FIELDS.get(name, name)] = value
                except _WrongError as error:
                    at = locate(document.root, (name, *error.path))
                    problems.append(Problem(file, at.line, at.column, "B102", f"'{name}': {error}", width=at.width))
        brand = cls(**values)
        return brand, problems + _unreadable(brand, document.root, file)

    def links_for(self, locale: str) -> Mapping[str, str]:
        """The foot's links in a language: exact, then the language, then those for all."""
        return self.links.get(locale) or self.links.get(locale.partition("-")[0]) or self.links.get("") or {}


def _unreadable(brand: Brand, root: Keys, file: str) -> list[Problem]:
    """Colours that a part of the customers cannot read."""
    found = []
    for key, palette in (("colours", brand.colours), ("dark_colours", brand.dark)):
        pairs = (("text", "surface"), ("muted", "background"), ("on_primary", "primary"))
        for ink, paper in pairs:
            ratio = contrast(getattr(palette, ink), getattr(palette, paper))
            if ratio < _READABLE and key in root:
                at = key_at(root, (key, ink))
                message = f"{key}: '{ink}' on '{paper}' has a contrast of {ratio:.1f}, hard to read"
                found.append(Problem(file, at.line, at.column, "B110", message, f"at least {_READABLE}", "warning"))
    return found


def known_keys() -> frozenset[str]:
    """Every key brand.yaml may have at its top."""
    return frozenset(_READERS)


def contrast(one: str, other: str) -> float:
    """WCAG contrast of two #rrggbb colours, 1 to 21; text needs 4.5."""
    lighter, darker = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def _luminance(colour: str) -> float:
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    red, green, blue = (c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4 for c in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


class _WrongError(ValueError):
    """A value that a key of brand.yaml cannot take; `path` leads to it below the key."""

    def __init__(self, message: str, *path: str) -> None:
        super().__init__(message)
        self.path = path


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise _WrongError("expected a text")
    return value.strip()


def _url(value: Any) -> str:
    text = _text(value)
    if text and not re.match(r"https?://[^\s/]+", text):
        raise _WrongError(f"expected an address that begins with https://, found '{text}'")
    return text


def _sender(value: Any) -> Sender:
    sender = Sender.parse(_text(value))
    if sender is None:
        raise _WrongError(f"expected `Name <address@shop.example>`, found '{value}'")
    return sender


def _number(value: Any) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 16 <= value <= 600:
        raise _WrongError("expected a width in pixels, 16 to 600")
    return value


def _palette(defaults: Palette) -> Any:
    def read(value: Any) -> Palette:
        names = {f.name for f in fields(Palette)}
        colours = {f.name: getattr(defaults, f.name) for f in fields(Palette)}
        for key, colour in _mapping(value).items():
            if key not in names:
                raise _WrongError(f"unknown colour; there are: {', '.join(sorted(names))}", str(key))
            if not isinstance(colour, str) or not _HEX.match(colour):
                raise _WrongError(f"expected a colour as '#0f5c4d', in quotes, found '{colour}'", str(key))
            colours[key] = colour
        return Palette(**colours)

    return read


def _mapping(value: Any) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise _WrongError("expected keys with values below it")
    return value


def _texts(value: Any) -> dict[str, str]:
    return {str(key): str(text) for key, text in _mapping(value).items()}


def _links(value: Any) -> dict[str, dict[str, str]]:
    """Either `label: address`, or per language `es: {label: address}`."""
    links: dict[str, dict[str, str]] = {}
    for key, inner in _mapping(value).items():
        if isinstance(inner, Mapping):
            links[str(key)] = {str(label): _url(url) for label, url in inner.items()}
        else:
            links.setdefault("", {})[str(key)] = _url(inner)
    return links


def _promises(value: Any) -> dict[str, Any]:
    """Numbers, texts, and durations such as `delivery: 48 hours`."""
    for key, promise in _mapping(value).items():
        if isinstance(promise, str) and promise[:1].isdigit():
            try:
                parse_duration(promise)
            except NotUnderstood as error:
                raise _WrongError(f"{error}; {error.help}", str(key)) from None
        elif isinstance(promise, Mapping | list) or promise is None:
            raise _WrongError("a promise is a number, a duration such as 48 hours, or a text", str(key))
    return dict(value)


def _words(value: Any) -> dict[str, dict[str, str]]:
    return {str(locale): _texts(words) for locale, words in _mapping(value).items()}


def _list(value: Any) -> tuple[str, ...]:
    if not isinstance(value, list):
        raise _WrongError("expected a list")
    return tuple(str(word) for word in value)


_FIELDS = {"words_to_avoid": "avoid", "dark_colours": "dark"}
_READERS: Mapping[str, Any] = {
    "name": _text,
    "tagline": _text,
    "sender": _sender,
    "reply_to": _sender,
    "postal_address": _text,
    "website": _url,
    "logo": _url,
    "logo_width": _number,
    "colours": _palette(Palette()),
    "dark_colours": _palette(DARK),
    "links": _links,
    "utm": _texts,
    "words": _words,
    "words_to_avoid": _list,
    "currency": _text,
    "timezone": _text,
    "promises": _promises,
}
