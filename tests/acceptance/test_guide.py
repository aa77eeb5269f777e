"""The guides for marketers: whoever has only one of them, and an empty folder, gets to its end; both tell the same."""

from __future__ import annotations

import importlib.util
import re
import sys
from functools import cache
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parents[2]
GUIDES = {"en": ROOT / "docs/guide.md", "es": ROOT / "docs/guia.md"}
SPEAKS_SPANISH = " --language es"
"""What only the Spanish guide asks for: its answers shall be Spanish."""
OWN_WORDS = re.compile(r'"[^"]*"|--html \S+')
"""A note for a release and a page's name are in the language of whoever writes them."""


@cache
def player() -> ModuleType:
    """tools/guide.py, which is no package."""
    spec = importlib.util.spec_from_file_location("guide", ROOT / "tools/guide.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["guide"] = module
    spec.loader.exec_module(module)
    return module


def steps(guide: Path) -> list[tuple[str, ...]]:
    """What a reader does, in order: the commands with how they end, and the changes. Not what is answered."""
    blocks = player().BLOCK.findall(guide.read_text("utf-8"))
    commands = [("sh", code, OWN_WORDS.sub("…", body)) if kind == "sh" else (kind, place, body)
                for code, kind, place, body in blocks]  # fmt: skip
    return [one for one in commands if one[0] in ("sh", "diff")]


@pytest.mark.slow
@pytest.mark.parametrize("language", GUIDES)
def test_a_guide_is_true_word_for_word(language: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every block of it: commands and what they answer, a typo and its error, a change and what it does."""
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}:/usr/local/bin:/usr/bin:/bin")
    text = GUIDES[language].read_text("utf-8")
    assert player().Marketer(tmp_path).play(text) >= 40


def test_both_guides_do_the_same() -> None:
    begin, *spanish = steps(GUIDES["es"])
    first, *english = steps(GUIDES["en"])
    assert begin == tuple(one.replace("init shop", f"init shop{SPEAKS_SPANISH}") for one in first)
    assert spanish == english
    assert len(spanish) >= 25


def test_a_guide_that_is_not_true_is_found_out(tmp_path: Path) -> None:
    """The player itself: a wrong answer, a wrong ending and a change that does not fit are each refused."""
    wrong = player().Wrong
    (tmp_path / "a.yaml").write_text("a: 1\n")
    for text in (
        "```sh\necho one\n```\n```text\ntwo\n```\n",
        "```sh\nfalse\n```\n",
        "<!-- ends with 1 -->\n```sh\ntrue\n```\n",
        "```diff a.yaml\n-a: 2\n+a: 3\n```\n",
    ):
        with pytest.raises(wrong):
            player().Marketer(tmp_path).play(text)
