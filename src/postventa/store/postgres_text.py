"""PostgreSQL: text that may hold anything. A dead letter is kept whatever it holds, but PostgreSQL's text has limits.

NUL and half signs (lone surrogates) are written as ␀ and the number of the sign, and so is ␀ itself: `a␀0000b`.
"""

from __future__ import annotations

import re

_MARK = "␀"
_HARD = re.compile(f"[\0\ud800-\udfff{_MARK}]")
_WRITTEN = re.compile(f"{_MARK}([0-9a-f]{{4}})")


def writable(text: str) -> str:
    """The text as it can be written."""
    return _HARD.sub(lambda sign: f"{_MARK}{ord(sign[0]):04x}", text)


def as_it_was(text: str) -> str:
    """The other way round."""
    return _WRITTEN.sub(lambda found: chr(int(found[1], 16)), text)
