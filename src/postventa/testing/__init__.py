"""For people who test their journeys: `compiled` makes a catalog of YAML, `Timeline` walks through it.

What is named here is loaded when it is first used: commands that need one module of this room do not load them all.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from postventa.testing.catalog import compiled
    from postventa.testing.timeline import Sent, Timeline, moment

__all__ = ["Sent", "Timeline", "compiled", "moment"]

_ROOMS = {"compiled": "catalog", "Sent": "timeline", "Timeline": "timeline", "moment": "timeline"}


def __getattr__(name: str) -> Any:
    if name not in _ROOMS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_ROOMS[name]}"), name)
