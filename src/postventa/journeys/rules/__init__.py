"""What a journey may not say although its form is right. One rule per file, each with its own codes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib import import_module

from postventa.journeys.known import Known
from postventa.journeys.tree import Tree

EACH_NAMES = (
    "names", "paths", "missing", "tests", "subject", "starts", "ids", "ends", "since", "lines", "experiments",
    "classes", "facts", "awards", "holds", "rounds", "edits", "answers", "scales", "delivered", "opinions", "caps",
    "folders",
)  # fmt: skip
TOGETHER_NAMES = ("twice", "shared", "loops", "tags", "crowds", "sources")

_MODULES = {name: import_module(f"{__name__}.{name}") for name in (*EACH_NAMES, *TOGETHER_NAMES)}

EACH: tuple[Callable[[Tree, Known], None], ...] = tuple(_MODULES[name].check for name in EACH_NAMES)
"""Rules that look at one journey."""
TOGETHER: tuple[Callable[[Sequence[Tree], Known], None], ...] = tuple(_MODULES[name].check for name in TOGETHER_NAMES)
"""Rules that look at all journeys of the project."""
CODES: dict[str, str] = {code: text for module in _MODULES.values() for code, text in module.CODES.items()}
"""What each code of a rule means, and why it matters."""
