"""Did you mean …? The known name closest to what was written."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import SequenceMatcher


def nearest(found: str, known: Iterable[str]) -> str | None:
    """The known name most like `found`, or None when nothing is close enough to be a slip of the pen."""
    wanted = _plain(found)
    best, best_score = None, 0.66
    for name in sorted(set(known)):
        score = SequenceMatcher(None, wanted, _plain(name)).ratio()
        if score > best_score:
            best, best_score = name, score
    return best


def did_you_mean(found: str, known: Iterable[str]) -> str:
    """Say "did you mean 'channel'?", or an empty string."""
    name = nearest(found, known)
    return f"did you mean '{name}'?" if name else ""


def suggest(found: str, known: Iterable[str], label: str = "known", limit: int = 14) -> str:
    """The whole help: the nearest name if there is one, then what would be accepted, cut short after `limit` names."""
    names = list(dict.fromkeys(known))
    hint = did_you_mean(found, names)
    if not names:
        return hint
    shown = ", ".join(names[:limit]) + (", …" if len(names) > limit else "")
    return f"{hint} ({label}: {shown})" if hint else f"{label}: {shown}"


def _plain(name: str) -> str:
    return name.casefold().replace("_", "-").replace(" ", "-")
