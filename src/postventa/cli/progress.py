"""A bar for long work: on the terminal alone, on standard error, gone when the work is done."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TypeVar

Tell = Callable[[str, int, int | None], None]
"""(what is being done, how much is done, of how much) moves the bar."""

T = TypeVar("T")
OFTEN = 100


@contextmanager
def progress(what: str, language: str = "en") -> Iterator[Tell | None]:
    """A bar that the given function moves, its words in `language`; None where standard error is no terminal: then
    nothing is drawn."""
    if not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeRemainingColumn

    from postventa.source.language import told

    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(),
               TimeRemainingColumn(compact=True, elapsed_when_finished=True))  # fmt: skip
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(told(what, language), total=None)

        def tell(now: str, done: int, total: int | None) -> None:
            bar.update(task, description=told(now, language), completed=done, total=total)

        yield tell


def watched(items: Sequence[T], what: str, tell: Tell | None) -> Iterator[T]:
    """The items one by one, the bar moving with them."""
    for number, item in enumerate(items, 1):
        yield item
        if tell is not None and (number % OFTEN == 0 or number == len(items)):
            tell(what, number, len(items))
