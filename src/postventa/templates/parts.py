"""What a compiled body is made of, and the kit its makers share.

A body is a list of `Part`s: prose, blocks, and bare `{% … %}` lines. A part knows its place in the MJML column, and how
it reads as plain text. HTML is kept out of MJML's sight behind *fragments*, so MJML sees only our own tags.
"""

from __future__ import annotations

import html
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from postventa.templates.brand import Palette
from postventa.templates.tags import Tags


@dataclass(frozen=True, slots=True)
class Part:
    """One piece of a body: `mjml` goes into the layout's column, `text` into the text part (tags hidden in both)."""

    mjml: str
    text: str


class BlockError(Exception):
    """A block was written wrongly. `advice` shows how to write it."""

    def __init__(self, message: str, advice: str) -> None:
        super().__init__(message)
        self.advice = advice


@dataclass(slots=True)
class Kit:
    """What a block needs to build itself: hidden tags, fragments, the language's words and the colours."""

    tags: Tags
    words: Mapping[str, str]
    colours: Palette
    line: int = 1
    fragments: list[str] = field(default_factory=list)

    def hide(self, template: str) -> str:
        """Hide the tags of a piece of template that a block writes itself."""
        return self.tags.hide(template, at=self.line)

    def fragment(self, markup: str) -> str:
        """Put finished HTML aside; the returned word stands for it in the MJML."""
        self.fragments.append(markup)
        return f"{self.tags.word}{len(self.fragments) - 1}f"

    def raw(self, template: str) -> str:
        """Rows of our own, placed directly in the column."""
        return f"<mj-raw>{self.fragment(self.hide(template))}</mj-raw>"

    def assemble(self, compiled: str) -> str:
        """The compiled MJML with the fragments back in place."""
        return re.sub(rf"{self.tags.word}(\d+)f", lambda word: self.fragments[int(word[1])], compiled)


def escape(text: str) -> str:
    """Author's literal text for HTML; hidden tags pass unchanged, for they are plain letters."""
    return html.escape(text, quote=True)
