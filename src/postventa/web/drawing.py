"""The picture of a journey: cards from top to bottom, ways side by side (or below each other, on a narrow sheet).

Our own layout of a tree: every block knows its size and where its line enters, so it can be placed without a second
look. The picture is SVG with classes only; colours come from a style sheet (`pages/diagram.css`), so that a page, a
file, the dark and the printer each have theirs. Lengths are pixels.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from html import escape

from postventa.web.flow import Card, Flow, Way, ends
from postventa.web.tongue import ENGLISH, Tongue

GAP, RUN = 28, 26
"""Between columns; the length of a line between two cards."""
PAD, INDENT = 14, 22
TITLE, SMALL = 15.0, 12.5
"""Font sizes."""


@dataclass(frozen=True, slots=True)
class Sheet:
    """What a picture is drawn on: `card` is the width of a card, `stacked` puts ways below each other."""

    card: float = 220
    stacked: bool = False


WIDE, NARROW = Sheet(), Sheet(card=316, stacked=True)


@dataclass(slots=True)
class Block:
    """A part of the picture: its size, where its line enters (and leaves) from the left, and its marks."""

    width: float
    height: float
    middle: float
    marks: list[str] = field(default_factory=list)
    open: bool = True
    """False when nothing goes on below."""

    def at(self, x: float, y: float) -> str:
        """The marks, moved there."""
        return f'<g transform="translate({_n(x)} {_n(y)})">{"".join(self.marks)}</g>'


def svg(flow: Flow, t: Tongue = ENGLISH, sheet: Sheet = WIDE, *, name: str = "", style: str = "") -> str:
    """The picture as one `<svg>`. `name` keeps apart the ids of several on one page; `style` makes it stand alone."""
    drawn = _Drawing(sheet, t)
    blocks = [drawn.start(flow), *([drawn.row(flow.cards)] if flow.cards else [])]
    if not ends(flow.cards):
        blocks.append(drawn.end())
    whole = _stack(blocks)
    width, height = whole.width + 2, whole.height + 2
    title = f"{flow.id}: {flow.title}" if flow.title != flow.id else flow.id
    ids = f"journey-{name or 'drawing'}"
    css = f"<style>{style}</style>" if style else ""
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" class="drawing" viewBox="0 0 {_n(width)} {_n(height)}" '
        f'width="{_n(width)}" height="{_n(height)}" role="img" aria-labelledby="{ids}-title {ids}-text">'
        f'<title id="{ids}-title">{escape(title)}</title>'
        f'<desc id="{ids}-text">{escape(" ".join(_sentences(flow, t)))}</desc>{css}{whole.at(1, 1)}</svg>\n'
    )


def _sentences(flow: Flow, t: Tongue) -> Iterable[str]:
    """The journey in short, for who does not see the picture; the page beside it has every step as a list."""
    yield t("One run per {subject}, from {start}.", subject=flow.subject, start=flow.start)
    if flow.exits:
        yield t("Ends early on {exits}.", exits=", ".join(flow.exits))
    if flow.goal:
        yield t("Goal: {goal}.", goal=flow.goal)
    steps = [f"{number}. {card.kicker} {card.title}" for number, card in enumerate(flow.all(), 1)]
    yield t("Steps, from top to bottom: {steps}.", steps="; ".join(steps))


class _Drawing:
    """Makes blocks of cards and ways."""

    def __init__(self, sheet: Sheet, t: Tongue) -> None:
        self.sheet = sheet
        self.t = t

    # --- cards
    def start(self, flow: Flow) -> Block:
        more = [flow.where] if flow.where else []
        notes = [self.t("ends early on {exits}", exits=", ".join(flow.exits))] if flow.exits else []
        notes += [self.t("goal: {goal}", goal=flow.goal)] if flow.goal else []
        return self.card(
            "start", self.t("One per {subject}, from", subject=flow.subject), flow.start, more, notes=notes
        )

    def end(self) -> Block:
        text = self.t("Done")
        width = 34 + wide(text, SMALL)
        return Block(width, 26, width / 2, [
            f'<rect class="end" x="0" y="0" width="{_n(width)}" height="26" rx="13"/>',
            _text("small", width / 2, 17, text, "middle"),
        ])  # fmt: skip

    def step(self, card: Card) -> Block:
        place = f":{card.line}"
        return self.card(card.verb, card.kicker, card.title, card.more, count=card.count, corner=place)

    def card(
        self, kind: str, kicker: str, title: str, more: Sequence[str], *, notes: Sequence[str] = (), count: int = 0,
        corner: str = "",
    ) -> Block:  # fmt: skip
        """One card: a small word, its title, then details; a number in the corner for the people who stand there."""
        width = self.sheet.card
        inner = width - 2 * PAD - 10
        lines: list[tuple[str, str, float]] = [
            ("title", line, 20) for line in wrapped(title, inner, TITLE * 1.1)
        ]  # bold
        lines += [("small", line, 17) for text in more for line in wrapped(text, inner, SMALL)]
        lines += [("note", line, 17) for text in notes for line in wrapped(text, inner, SMALL)]
        height = 34 + sum(step for _, _, step in lines) + 8
        marks = [
            f'<rect class="box {kind}" x="0" y="0" width="{_n(width)}" height="{_n(height)}" rx="12"/>',
            f'<rect class="edge {kind}" x="0" y="12" width="4" height="{_n(height - 24)}" rx="2"/>',
            _text(f"kicker {kind}", PAD + 4, 23, kicker),
        ]
        if corner:
            marks.append(_text("corner", width - PAD, 23, corner, "end"))
        y = 26.0
        for name, line, step in lines:
            y += step
            marks.append(_text(name, PAD + 4, y - 3, line))
        if count:
            marks += _badge(width, count)
        return Block(width, height, width / 2, marks, open=kind != "exit")

    # --- rows and ways
    def row(self, cards: Sequence[Card]) -> Block:
        """Cards one below the other."""
        return _stack([self.whole(card) for card in cards])

    def whole(self, card: Card) -> Block:
        """A card with what hangs below it."""
        top = self.step(card)
        if card.body:
            inner = _Drawing(Sheet(self.sheet.card - 48, stacked=True), self.t) if self.sheet.stacked else self
            return self.framed(inner.step(card) if self.sheet.stacked else top, inner.row(card.body))
        if not card.ways:
            return top
        return self.below(top, card.ways) if self.sheet.stacked else self.beside(top, card.ways)

    def label(self, text: str, most: float) -> Block:
        """The name of a way, on its line."""
        lines = wrapped(text, most - 20, SMALL)
        width = max(wide(line, SMALL) for line in lines) + 20
        height = 10.0 + 16 * len(lines)
        marks = [f'<rect class="label" x="0" y="0" width="{_n(width)}" height="{_n(height)}" rx="9"/>']
        marks += [_text("way-name", width / 2, 17 + 16 * number, line, "middle") for number, line in enumerate(lines)]
        return Block(width, height, width / 2, marks)

    def beside(self, top: Block, ways: Sequence[Way]) -> Block:
        """Ways side by side; those that go on come together again below."""
        columns = [self.column(way) for way in ways]
        x, places = 0.0, []
        for column in columns:
            places.append(x)
            x += column.width + GAP
        width = x - GAP
        middles = [place + column.middle for place, column in zip(places, columns, strict=True)]
        middle = (middles[0] + middles[-1]) / 2
        left = max(0.0, top.middle - middle)
        upper = top.height + 16
        lower = upper + 14 + max(column.height for column in columns) + 14
        marks = [top.at(left + middle - top.middle, 0)]
        goes_on = [column.open for column in columns]
        for place, column, here, on in zip(places, columns, middles, goes_on, strict=True):
            marks.append(_line((left + middle, top.height), (left + middle, upper), (left + here, upper),
                               (left + here, upper + 14)))  # fmt: skip
            marks.append(column.at(left + place, upper + 14))
            if on:
                marks.append(_line((left + here, upper + 14 + column.height), (left + here, lower),
                                   (left + middle, lower)))  # fmt: skip
        whole = max(left + width, left + middle + top.width - top.middle)
        return Block(whole, lower, left + middle, marks, open=any(goes_on))

    def column(self, way: Way) -> Block:
        most = max(self.sheet.card * 0.8, 120)
        parts = [self.label(way.label, most)] if way.label else []
        return _stack([*parts, *([self.row(way.cards)] if way.cards else [])], 12)

    def below(self, top: Block, ways: Sequence[Way]) -> Block:
        """Ways one below the other, each a little to the right of a line that runs down on the left."""
        marks, y, goes_on = [top.at(0, 0)], top.height + 12, []
        last = y
        inner = _Drawing(Sheet(self.sheet.card - INDENT, stacked=True), self.t)
        for way in ways:
            label = inner.label(way.label if way.cards else f"{way.label} ↓", inner.sheet.card)
            last = y + label.height / 2
            marks.append(_line((10, last), (INDENT, last), arrow=False))
            marks.append(label.at(INDENT, y))
            y += label.height + 8
            if way.cards:
                row = inner.row(way.cards)
                marks += [_line((INDENT + row.middle, y - 8), (INDENT + row.middle, y + 4)), row.at(INDENT, y + 4)]
                y += row.height + 16
            goes_on.append(not ends(way.cards))
        marks.insert(0, _line((10, top.height), (10, last), arrow=False))
        return Block(self.sheet.card, y, self.sheet.card / 2, marks, open=any(goes_on))

    def framed(self, top: Block, body: Block) -> Block:
        """What is repeated, in a frame, with the way back."""
        left = max(26.0, top.middle - body.middle)
        middle = left + body.middle
        width = max(left + body.width, middle + top.width - top.middle) + 16
        y = top.height + RUN
        height = y + body.height + 18
        upper = top.height / 2
        frame = f'x="0" y="{_n(upper)}" width="{_n(width)}" height="{_n(height - upper)}"'
        marks = [
            f'<rect class="frame" {frame} rx="16"/>',
            _line((middle, top.height), (middle, y)),
            top.at(middle - top.middle, 0), body.at(left, y),
        ]  # fmt: skip
        if body.open:
            back = y + body.height + 8
            marks.append(_line((middle, y + body.height), (middle, back), (12, back), (12, top.height / 2),
                               (middle - top.middle, top.height / 2)))  # fmt: skip
        return Block(width, height, middle, marks)


def _stack(blocks: Sequence[Block], run: float = RUN) -> Block:
    """Blocks one below the other on one line."""
    middle = max((block.middle for block in blocks), default=0.0)
    width = max((middle - block.middle + block.width for block in blocks), default=0.0)
    marks: list[str] = []
    y = 0.0
    for number, block in enumerate(blocks):
        if number:
            if blocks[number - 1].open:
                marks.append(_line((middle, y), (middle, y + run)))
            y += run
        marks.append(block.at(middle - block.middle, y))
        y += block.height
    return Block(width, y, middle, marks, open=not blocks or blocks[-1].open)


# --- marks -----------------------------------------------------------------------------------------------------------
def _n(number: float) -> str:
    """A length, short."""
    return f"{number:.1f}".removesuffix(".0")


def _text(name: str, x: float, y: float, text: str, anchor: str = "") -> str:
    where = f' text-anchor="{anchor}"' if anchor else ""
    return f'<text class="{name}" x="{_n(x)}" y="{_n(y)}"{where}>{escape(text)}</text>'


def _line(*points: tuple[float, float], arrow: bool = True) -> str:
    """A line with rounded corners; with a small arrow where it goes straight down to something."""
    path = f"M{_n(points[0][0])} {_n(points[0][1])}"
    for before, corner, after in zip(points, points[1:], points[2:], strict=False):
        first, second = _short_of(corner, before), _short_of(corner, after)
        path += f"L{_n(first[0])} {_n(first[1])}Q{_n(corner[0])} {_n(corner[1])} {_n(second[0])} {_n(second[1])}"
    end = points[-1]
    path += f"L{_n(end[0])} {_n(end[1])}"
    head = ""
    if arrow and points[-2][0] == end[0] and end[1] > points[-2][1]:
        head = f'<path class="head" d="M{_n(end[0] - 4)} {_n(end[1] - 6)}h8l-4 6z"/>'
    return f'<path class="line" d="{path}"/>{head}'


def _short_of(corner: tuple[float, float], other: tuple[float, float], by: float = 8) -> tuple[float, float]:
    """A point a little before a corner, on the way from `other`."""
    (x, y), (from_x, from_y) = corner, other
    length = abs(from_x - x) + abs(from_y - y)
    part = min(by, length / 2) / length if length else 0
    return x + (from_x - x) * part, y + (from_y - y) * part


def _badge(width: float, count: int) -> list[str]:
    text = f"{count:,}".replace(",", " ")
    wide_ = max(26.0, 14 + wide(text, SMALL))
    x = width - wide_ - 8
    return [
        f'<rect class="badge" x="{_n(x)}" y="-10" width="{_n(wide_)}" height="22" rx="11"/>',
        _text("people", x + wide_ / 2, 5, text, "middle"),
    ]


_NARROW, _BROAD = frozenset("fijltrI.,:;'|!()[]{}-/ ·"), frozenset("mwMWGOQ@%ABCDHKNRUVX")


def wide(text: str, size: float) -> float:
    """About how wide a text is in the fonts people have; a little more rather than less."""
    units = sum(0.36 if sign in _NARROW else 0.82 if sign in _BROAD else 0.59 for sign in text)
    return units * size


def wrapped(text: str, most: float, size: float) -> list[str]:
    """A text in lines that fit; a long name is broken after a dot or a hyphen."""
    lines: list[str] = []
    line = ""
    for word in _pieces(text, most, size):
        longer = line + word
        if line and wide(longer.rstrip(), size) > most:
            lines.append(line.rstrip())
            line = word.lstrip()
        else:
            line = longer
    return [*lines, line.rstrip()] if line.strip() else lines or [""]


def _pieces(text: str, most: float, size: float) -> Iterable[str]:
    """Words with the space after them; one that is too long by itself in parts."""
    for word in text.split(" "):
        part = ""
        for sign in word:
            part += sign
            if wide(word, size) > most and (sign in ".-_/+" or wide(part, size) > most - 8):
                yield part
                part = ""
        yield f"{part} "
