"""A Markdown body becomes parts. Markdown runs once, when the message is compiled, and never sees customers' data."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache

from markdown_it import MarkdownIt
from markdown_it.rules_block import StateBlock
from markdown_it.token import Token

from postventa.source.nearest import nearest
from postventa.templates.blocks import BLOCKS
from postventa.templates.brand import Palette
from postventa.templates.marks import text_url
from postventa.templates.parts import BlockError, Kit, Part

_BLOCK = re.compile(r":::\s*(?P<name>[A-Za-z_-]*)\s*(?P<argument>.*)\Z")
_TAGS = "tags"
_HTML = re.compile(r"<(?!https?:|mailto:)/?[A-Za-z][^>\n]*>")


@dataclass(frozen=True, slots=True)
class Slip:
    """Something wrong in a body, at a line of its file; `found` are the words meant, '' the whole line."""

    line: int
    code: str
    message: str
    advice: str = ""
    found: str = ""


def parts_of(hidden: str, kit: Kit) -> tuple[list[Part], list[Slip]]:
    """Compile a Markdown body whose tags are hidden. Slips are collected; a wrong block is left out."""
    advice = "write Markdown, or put the whole body in an .html file"
    slips = []
    for tag in _HTML.finditer(hidden):
        line, found = kit.tags.line(hidden.count("\n", 0, tag.start()) + 1), kit.tags.restored(tag[0])
        slips.append(Slip(line, "T111", f"HTML in Markdown is shown as text: {found}", advice, found))
    parts: list[Part] = []
    for tokens in _runs(_parser().parse(hidden, {_TAGS: kit.tags})):
        first = tokens[0]
        kit.line = kit.tags.line((first.map[0] if first.map else 0) + 1)
        if first.type == "pv_statement":
            parts.append(Part(f"<mj-raw>{first.content}</mj-raw>", first.content))
        elif first.type == "pv_block":
            try:
                parts.append(_block(first.content, kit))
            except BlockError as error:
                slips.append(Slip(kit.line, "T112", str(error), f"write: {error.advice}"))
        else:
            parts.append(_prose(tokens, kit))
    return parts, slips


def _block(line: str, kit: Kit) -> Part:
    match = _BLOCK.match(line)
    name = match["name"] if match else ""
    if match is None or name not in BLOCKS:
        near = nearest(name, BLOCKS)
        found = f"unknown block '{name}'" if name else "a block without a name (a block is one line, it needs no end)"
        raise BlockError(found, f"::: {near}" if near else " or ".join(f"::: {known}" for known in BLOCKS))
    return BLOCKS[name](match["argument"], kit)


def _runs(tokens: Sequence[Token]) -> Iterator[list[Token]]:
    """Neighbouring prose together, each block and statement by itself."""
    run: list[Token] = []
    for token in tokens:
        if token.type in {"pv_statement", "pv_block"}:
            if run:
                yield run
            yield [token]
            run = []
        else:
            run.append(token)
    if run:
        yield run


def _prose(tokens: list[Token], kit: Kit) -> Part:
    styles = _styles(kit.colours)
    for token in tokens:
        for piece in (token, *(token.children or ())):
            if piece.nesting >= 0 and piece.tag in styles:
                piece.attrSet("style", styles[piece.tag])
    parser = _parser()
    markup = parser.renderer.render(tokens, parser.options, {})
    return Part(f'<mj-text css-class="pv-text">{kit.fragment(markup)}</mj-text>', "\n".join(_plain(tokens)).strip())


def _styles(colours: Palette) -> dict[str, str]:
    head = f"margin:0 0 14px 0;font-weight:700;color:{colours.text};letter-spacing:-0.2px;"
    return {
        "p": "margin:0 0 16px 0;",
        "h1": f"{head}font-size:26px;line-height:33px;",
        "h2": f"{head}font-size:20px;line-height:27px;",
        "h3": f"{head}font-size:17px;line-height:24px;",
        "a": f"color:{colours.primary};text-decoration:underline;",
        "ul": "margin:0 0 16px 0;padding:0 0 0 22px;",
        "ol": "margin:0 0 16px 0;padding:0 0 0 22px;",
        "li": "margin:0 0 6px 0;",
        "blockquote": f"margin:0 0 16px 0;padding:0 0 0 16px;border-left:3px solid {colours.accent};",
        "hr": f"border:0;border-top:1px solid {colours.line};margin:8px 0 24px 0;",
        "img": "max-width:100%;height:auto;border-radius:8px;",
    }


def _plain(tokens: Sequence[Token]) -> Iterator[str]:
    """The prose as lines of plain text."""
    marks: list[str] = []
    counters: list[int] = []
    pending = ""
    for token in tokens:
        kind = token.type
        if kind in {"bullet_list_open", "ordered_list_open"}:
            counters.append(0 if kind == "bullet_list_open" else int(token.attrs.get("start", 1)))
        elif kind in {"bullet_list_close", "ordered_list_close"}:
            counters.pop()
            yield ""
        elif kind == "list_item_open":
            pending = "- " if not counters[-1] else f"{counters[-1]}. "
            counters[-1] += bool(counters[-1])
        elif kind == "blockquote_open":
            marks.append("> ")
        elif kind == "blockquote_close":
            marks.pop()
        elif kind in {"inline", "fence", "code_block"}:
            content = _inline(token.children or []) if kind == "inline" else token.content.rstrip()
            indent = "  " * max(0, len(counters) - 1)
            yield "".join(marks) + indent + pending + content
            pending = ""
        elif kind in {"paragraph_close", "heading_close"} and not counters:
            yield ""
        elif kind == "hr":
            yield "-" * 24
            yield ""


def _inline(children: Sequence[Token]) -> str:
    pieces: list[str] = []
    opened: list[tuple[str, int]] = []
    for token in children:
        if token.type == "link_open":
            opened.append((str(token.attrs.get("href", "")), len(pieces)))
        elif token.type == "link_close":
            url, start = opened.pop()
            label = "".join(pieces[start:])
            pieces[start:] = [text_url(url) if label in {url, ""} else f"{label} ({text_url(url)})"]
        elif token.type in {"softbreak", "hardbreak"}:
            pieces.append(" " if token.type == "softbreak" else "\n")
        else:
            pieces.append(token.content)
    return "".join(pieces)


@cache
def _parser() -> MarkdownIt:
    """One for all bodies: making it takes longer than using it. A body's own tags come with its text."""
    parser = MarkdownIt("commonmark", {"html": False})

    def own_lines(state: StateBlock, start: int, _end: int, silent: bool) -> bool:
        line = state.src[state.bMarks[start] + state.tShift[start] : state.eMarks[start]].strip()
        kind = "pv_block" if line.startswith(":::") else "pv_statement" if state.env[_TAGS].is_statement(line) else ""
        if not kind or state.level:
            return False
        if not silent:
            token = state.push(kind, "", 0)
            token.content, token.map = line, [start, start + 1]
            state.line = start + 1
        return True

    parser.block.ruler.before(
        "code", "pv_own_line", own_lines, {"alt": ["paragraph", "reference", "list", "blockquote"]}
    )
    return parser
