"""Charts as inline SVG: no script, colours from the page's style sheet, each with a name and a description for those
who do not see it. Every chart stands beside a table with the same figures.
"""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256
from math import ceil, floor, log10
from typing import NamedTuple

from markupsafe import Markup, escape

WIDTH = 1060


class Part(NamedTuple):
    """One part of a bar; `look` is its class in the style sheet."""

    label: str
    size: int
    look: str


def _svg(height: int, title: str, description: str, body: str, look: str) -> Markup:
    name = f"chart-{sha256(f'{title} {description}'.encode()).hexdigest()[:8]}"
    named = f'<title id="{name}">{escape(title)}</title><desc id="{name}-d">{escape(description)}</desc>'
    box = f'viewBox="0 0 {WIDTH} {height}" role="img" aria-labelledby="{name} {name}-d"'
    return Markup(f'<svg class="chart {look}" {box}>{named}{body}</svg>')  # noqa: S704 (every text in it is escaped)


def stacked(parts: Sequence[Part], title: str) -> Markup:
    """One bar of shares, a gap of the page's colour between them."""
    total = sum(part.size for part in parts) or 1
    described = "; ".join(f"{part.label}: {part.size} ({part.size / total:.1%})" for part in parts)
    x, body = 0.0, ""
    for part in parts:
        wide = WIDTH * part.size / total
        if wide > 0:
            size = f'x="{x:.1f}" y="0" width="{max(wide - 2, 1):.1f}" height="26"'
            body += f'<rect class="{escape(part.look)}" {size} rx="4"/>'
        x += wide
    return _svg(26, title, described, body, "stacked")


def bars(rows: Sequence[tuple[str, int]], title: str) -> Markup:
    """One upright bar per row, its figure above, its label below in up to three lines."""
    high, top, wide = 190, 22, WIDTH / max(len(rows), 1)
    most = max((size for _, size in rows), default=0) or 1
    body = f'<line class="axis" x1="0" x2="{WIDTH}" y1="{high + top}" y2="{high + top}"/>'
    for place, (label, size) in enumerate(rows):
        tall, middle = high * size / most, (place + 0.5) * wide
        if size:
            body += (
                f'<rect class="after" x="{place * wide + wide * 0.16:.1f}" y="{high + top - tall:.1f}" '
                f'width="{wide * 0.68:.1f}" height="{tall:.1f}" rx="3"/>'
            )
        body += f'<text class="value" x="{middle:.1f}" y="{high + top - tall - 6:.1f}">{size:,}</text>'
        for row, words in enumerate(_wrapped(label)):
            body += f'<text x="{middle:.1f}" y="{high + top + 18 + 15 * row}">{escape(words)}</text>'
    described = "; ".join(f"{label}: {size}" for label, size in rows)
    return _svg(high + top + 52, title, described, body, "bars")


def lines(rows: Sequence[tuple[str, int, int]], names: tuple[str, str], title: str) -> Markup:
    """Two lines over the same places: the first dashed and quiet, the second full. Single places are dots."""
    left, right, top, high = 52, 10, 12, 240
    most, step = _scale(max((max(row[1:]) for row in rows), default=0))
    across = (WIDTH - left - right) / max(len(rows) - 1, 1)
    body = ""
    for value in range(0, most + 1, step):
        y = top + high - high * value / most
        body += f'<line class="grid" x1="{left}" x2="{WIDTH - right}" y1="{y:.1f}" y2="{y:.1f}"/>'
        body += f'<text class="scale" x="{left - 8}" y="{y + 4:.1f}">{value:,}</text>'
    for side, look in ((1, "before"), (2, "after")):
        points = [(left + place * across, top + high - high * int(row[side]) / most) for place, row in enumerate(rows)]
        way = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
        body += f'<polyline class="{look}" points="{way}"/>'
        if len(points) <= 40:
            body += "".join(f'<circle class="{look}" cx="{x:.1f}" cy="{y:.1f}" r="3"/>' for x, y in points)
    every = ceil(len(rows) / 8)
    for place in range(0, len(rows), every):
        anchor = "start" if place == 0 else "end" if place == len(rows) - 1 else "middle"
        x = left + place * across
        body += f'<text class="{anchor}" x="{x:.1f}" y="{top + high + 20}">{escape(rows[place][0])}</text>'
    described = "; ".join(f"{label}: {names[0]} {one}, {names[1]} {two}" for label, one, two in rows)
    return _svg(top + high + 28, title, described, body, "lines")


def _scale(most: int) -> tuple[int, int]:
    """(top, step) of an axis with about four round steps."""
    if most <= 4:
        return max(most, 1), 1
    power = 10 ** floor(log10(most / 4))
    step = next(power * one for one in (1, 2, 5, 10) if power * one * 4 >= most)
    return ceil(most / step) * step, step


def _wrapped(label: str, long: int = 16) -> list[str]:
    found = [""]
    for word in label.split(" "):
        if found[-1] and len(found[-1]) + len(word) >= long:
            found.append(word)
        else:
            found[-1] = f"{found[-1]} {word}".strip()
    return found[:3]


def intervals(rows: Sequence[tuple[str, float, float, float, str]], title: str) -> Markup:
    """Shares with their intervals, one row each: (label, share, low, high, share in words), on a scale from zero."""
    left, right, tall = 190, 90, 40
    most = max((row[3] for row in rows), default=1.0) or 1.0
    wide = WIDTH - left - right
    body = f'<line class="axis" x1="{left}" x2="{left}" y1="0" y2="{tall * len(rows)}"/>'
    for place, (label, value, low, high, words) in enumerate(rows):
        y = tall * place + tall / 2
        start, middle, end = (left + wide * one / most for one in (low, value, high))
        body += (
            f'<text class="label" x="{left - 14}" y="{y + 4:.1f}">{escape(label)}</text>'
            f'<rect class="range" x="{start:.1f}" y="{y - 7}" width="{max(end - start, 1):.1f}" height="14" rx="7"/>'
            f'<circle class="after" cx="{middle:.1f}" cy="{y:.1f}" r="6"/>'
            f'<text class="value start" x="{end + 10:.1f}" y="{y + 4:.1f}">{escape(words)}</text>'
        )
    described = "; ".join(f"{label}: {words} ({low:.1%} – {high:.1%})" for label, _, low, high, words in rows)
    return _svg(tall * len(rows), title, described, body, "intervals")
