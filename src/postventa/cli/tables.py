"""Tables of the terminal: names and numbers stay whole, reasons wrap, a journey's name stands above its messages."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.padding import Padding
    from rich.table import Column, Table

WIDEST_NAME = 40
"""Characters of a name that is never broken."""


def table(title: str, words: Sequence[str], numbers: Sequence[str]) -> Table:
    """An empty table: columns of words, the first for names, then columns of numbers."""
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    made = Table(title=title, title_justify="left", box=SIMPLE_HEAD, show_edge=False, pad_edge=False,
                 padding=(0, 1, 0, 0))  # fmt: skip
    for name in words:
        made.add_column(name, overflow="fold")
    for name in numbers:
        made.add_column(name, justify="right")
    return made


def below(text: str, depth: int = 2) -> Padding:
    """A reason under the row it belongs to, indented; it wraps within its column."""
    from rich.padding import Padding

    return Padding(text, (0, 0, 0, 2 * depth))


def show(made: Table) -> None:
    """Print it, as wide as the terminal at most, with an empty line behind. Where it is too wide, headings of several
    words take several lines and columns move together; where that does not do, names and numbers are broken, too."""
    from rich.console import Console

    console = Console(markup=False, emoji=False, highlight=False)
    names, *others = made.columns
    numbers = [column for column in others if column.justify == "right"]
    if _narrowest(made) > console.width:
        for column in numbers:
            column.header = str(column.header).replace(" ", "\n")
    if _narrowest(made) > console.width:
        made.padding = (0, 0, 0, 0)
    if _narrowest(made) <= console.width:
        names.min_width = min(_longest(names), WIDEST_NAME)
        for column in numbers:
            column.no_wrap = True
    console.print(made)
    console.print()


def _narrowest(made: Table) -> int:
    """The columns it needs when names and numbers stay whole."""
    names, *others = made.columns
    whole = (_longest(column) if column.justify == "right" else _longest(column, " ") for column in others)
    return min(_longest(names), WIDEST_NAME) + sum(whole) + (made.padding[1] + 1) * len(others)


def _longest(column: Column, between: str = "\n") -> int:
    """The longest line of a column's cells and heading; of its words where they may be broken at `between`."""
    texts = [str(column.header), *(cell for cell in column.cells if isinstance(cell, str))]
    return max(len(part) for text in texts for line in text.split("\n") for part in line.split(between))


class Groups:
    """The rows of journeys in one table: a journey's name, and its messages below. A journey with one message of its
    own name needs one row."""

    def __init__(self, made: Table, names: Sequence[tuple[str, str]]) -> None:
        """`names`: journey and message of every row that is to come."""
        self.made = made
        self._alone = {journey for journey, message in names if journey == message} - {
            journey for journey, message in names if journey != message
        }
        self._last = ""

    def row(self, journey: str, message: str, *cells: str) -> None:
        """One message; above it the journey, where another one begins."""
        alone = journey in self._alone
        if journey != self._last and not alone:
            self.made.add_row(journey, style="bold")
        self._last = journey
        self.made.add_row(message if alone else f"  {message}", *cells)
