"""The text part of an HTML body, derived once when the message is compiled (an author's .txt wins)."""

from __future__ import annotations

import re
from html.parser import HTMLParser

from postventa.templates.marks import text_url

_BREAKS = {
    "p",
    "div",
    "tr",
    "table",
    "h1",
    "h2",
    "h3",
    "h4",
    "ul",
    "ol",
    "li",
    "br",
    "hr",
    "section",
    "header",
    "footer",
}
_UNSEEN = {"style", "script", "head", "title"}


def text_of(markup: str) -> str:
    """Readable text of HTML whose Jinja tags are hidden: paragraphs, `- ` lists, links with their address behind."""
    reader = _Reader()
    reader.feed(markup)
    reader.close()
    lines = (re.sub(r"[ \t]+", " ", line).strip() for line in "".join(reader.pieces).split("\n"))
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip() + "\n"


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.pieces: list[str] = []
        self.links: list[str] = []
        self.unseen = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in _UNSEEN:
            self.unseen += 1
        if tag in _BREAKS:
            self.pieces.append("\n" if tag in {"br", "li", "tr", "div"} else "\n\n")
        if tag == "li":
            self.pieces.append("- ")
        if tag == "a":
            self.links.append(dict(attrs).get("href") or "")
        if tag == "img":
            self.pieces.append(dict(attrs).get("alt") or "")

    def handle_endtag(self, tag: str) -> None:
        if tag in _UNSEEN:
            self.unseen = max(0, self.unseen - 1)
        if tag in _BREAKS:
            self.pieces.append("\n")
        if tag == "td":
            self.pieces.append(" ")
        if tag == "a" and self.links and (url := self.links.pop()):
            self.pieces.append(f": {text_url(url)}")

    def handle_data(self, data: str) -> None:
        if not self.unseen:
            self.pieces.append(re.sub(r"\s+", " ", data))
