"""Simulations and scenarios say everything in Spanish, too: no text of theirs is left in English."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from postventa.core.effect import TraceEntry
from postventa.source.language import known
from postventa.testing.scenario_form import CODES
from postventa.testing.tongue import SPANISH, Tongue
from postventa.web.spanish import TEXTS

SOURCE = Path(__file__).resolve().parents[3] / "src/postventa"
SPEAKING = ("cli/simulate.py", "cli/paths.py", "cli/test.py", "testing/telling.py", "testing/folder.py")


def said(file: str) -> Iterator[str]:
    """Every text that a module gives to its tongue."""
    for node in ast.walk(ast.parse((SOURCE / file).read_text())):
        if isinstance(node, ast.Call) and ast.unparse(node.func) in {"t", "self.t", "told.t", "t.count"}:
            for one in node.args:
                yield from (part.value for part in ast.walk(one) if isinstance(part, ast.Constant)
                            and isinstance(part.value, str))  # fmt: skip


@pytest.mark.parametrize("file", SPEAKING)
def test_every_text_has_its_spanish(file: str) -> None:
    texts = set(said(file)) - {"moved to {time}: ", "moved to {", "", "}: ", "time"}
    assert texts
    assert sorted(one for one in texts if one not in SPANISH and one not in TEXTS and len(one) > 2) == []


def test_the_reasons_for_which_a_mail_is_moved() -> None:
    for why in ("window", "cap", "hold"):
        assert f"moved to {{time}}: {why}" in SPANISH


def test_what_the_core_notes_has_a_word() -> None:
    """The kinds of decision that are told by their own name."""
    assert TraceEntry.__doc__
    spoken = Tongue("es")
    for what in ("variant", "award", "set", "emit", "hold", "release", "round", "repeat", "goal", "answered", "parked"):
        assert spoken(what) != what


def test_every_code_of_a_scenario_is_explained_in_spanish() -> None:
    assert [text for text in CODES.values() if not known(text, "es")] == []
