"""Addresses in a finished mail: only schemes a mail may carry, and utm on links to the shop's own pages.

Runs on the rendered output, where escaping has made `href="…"` something only the template can have written. Links
the engine made (answer, unsubscribe, preferences) are never touched: their tokens are exact and must not be counted.
"""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode, urlsplit, urlunsplit

from postventa.templates.marks import URL_CLOSE, URL_OPEN

_HREF = re.compile(r'(?<=\shref=")[^"]*(?=")')
_TEXT_URL = re.compile(f"{URL_OPEN}([^{URL_CLOSE}]*){URL_CLOSE}")
_SCHEMES = ("https://", "http://", "mailto:", "tel:", "#")


class LinkError(ValueError):
    """An address that a mail must not carry (`javascript:`, or not an address at all)."""


@dataclass(frozen=True, slots=True)
class Linker:
    """How addresses are finished for one message: the shop's host and the utm to add."""

    host: str
    utm: Mapping[str, str]

    @classmethod
    def for_message(cls, website: str, utm: Mapping[str, str], message: str) -> Linker:
        """Use brand.yaml's website and utm; `{message}` in a utm value becomes the message's name."""
        filled = {f"utm_{key.removeprefix('utm_')}": text.replace("{message}", message) for key, text in utm.items()}
        return cls(_host(website), filled)

    def html(self, markup: str, exact: frozenset[str]) -> str:
        """Finish every `href` of rendered HTML. LinkError for a scheme no mail may carry."""
        return _HREF.sub(lambda found: html.escape(self.finish(html.unescape(found[0]), exact), quote=True), markup)

    def text(self, text: str, exact: frozenset[str]) -> str:
        """Finish the marked addresses of a rendered text part, and take the marks away."""
        return _TEXT_URL.sub(lambda found: self.finish(found[1], exact), text)

    def finish(self, url: str, exact: frozenset[str]) -> str:
        """One address: checked, and with utm when it leads to the shop's own pages."""
        url = url.strip()
        if url in exact:
            return url
        if url.startswith("www."):
            url = f"https://{url}"
        if not url.lower().startswith(_SCHEMES):
            raise LinkError(f"'{url[:60]}' is not a web address (https://…)")
        if not self.host or not self.utm or not url.startswith("http") or "utm_" in url:
            return url
        return self._tagged(url)

    def _tagged(self, url: str) -> str:
        parts = urlsplit(url)
        host = _host(url)
        if host != self.host and not host.endswith(f".{self.host}"):
            return url
        query = "&".join(piece for piece in (parts.query, urlencode(self.utm)) if piece)
        return urlunsplit(parts._replace(query=query))


def watched(links: Mapping[str, Any], seen: set[str]) -> dict[str, Any]:
    """The context's `links`, noting in `seen` every address they give, so that `finish` leaves those alone."""
    return {key: _noting(value, seen) if callable(value) else _note(value, seen) for key, value in links.items()}


def _note(value: Any, seen: set[str]) -> Any:
    if isinstance(value, str):
        seen.add(value)
    return value


def _noting(make: Callable[..., Any], seen: set[str]) -> Callable[..., Any]:
    return lambda *args: _note(make(*args), seen)


def _host(url: str) -> str:
    try:
        return (urlsplit(url).hostname or "").removeprefix("www.")
    except ValueError:
        return ""
