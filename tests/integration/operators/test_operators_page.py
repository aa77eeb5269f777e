"""The commands that the pages name beside each trouble: they exist, take what is shown, and work on an engine in it."""

from __future__ import annotations

import re
import shlex
from html import unescape
from pathlib import Path

import httpx
import pytest
from operators_world import KEYS, Running, make

from postventa.cli.main import run
from postventa.web import private

PAGES = Path(private.__file__).parent / "pages"
_SHOWN = re.compile(r"<code>(postventa [^<{]+)</code>")
_LITERAL = re.compile(r"""<code>(postventa [^<{]+)</code>|"(postventa [^"]+)\"""")


def literals() -> set[str]:
    """Every command in the templates of the pages."""
    texts = (page.read_text(encoding="utf-8") for page in PAGES.glob("*.html"))
    return {one or other for text in texts for one, other in _LITERAL.findall(text)}


@pytest.mark.parametrize("command", sorted(literals()))
def test_a_command_on_a_page_exists(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run([*shlex.split(command)[1:], "--help"]) == 0, capsys.readouterr().err


def test_streams_names_a_command_for_each_trouble() -> None:
    assert {
        "postventa status", "postventa doctor", "postventa kafka lag", "postventa dead-letters replay --all",
        "postventa messages uncertain resend ID", "postventa messages uncertain drop ID",
        "postventa runs parked retry --all", "postventa runs parked end RUN --reason TEXT",
    } <= literals()  # fmt: skip


def test_the_commands_on_the_page_help(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each is typed in as the page shows it, with the ids that stand beside it, until nothing is paused or stuck."""
    monkeypatch.setenv("POSTVENTA_KEYS", KEYS)
    folder = make(tmp_path / "shop")
    monkeypatch.chdir(folder)
    engine = Running(folder)
    assert run(["dead-letters", "discard", "2", "3", "--reason", "no JSON"]) == 0  # nothing mends these
    for scope in (["--all"], ["--channel", "email"], ["thanks"]):
        assert run(["pause", *scope, "--reason", "a look"]) == 0
    page = httpx.get(f"{engine.url}/streams", headers={"Accept": "text/html"}, trust_env=False).text
    told = httpx.get(f"{engine.url}/streams?format=json", trust_env=False).json()
    doubts = iter([one["effect_id"] for one in told["uncertain"]])
    (parked,) = (one["run_id"] for one in told["parked"])
    shown = dict.fromkeys(map(unescape, _SHOWN.findall(page)))
    commands = sorted(shown, key=lambda one: "parked retry" in one)  # the one that failed is ended before
    assert {"postventa resume --all", "postventa resume --channel email", "postventa resume thanks"} <= set(commands)
    assert len(commands) >= 8
    for command in commands:
        words = [next(doubts) if word == "ID" else parked if word == "RUN" else word for word in shlex.split(command)]
        assert run(words[1:]) == 0, f"{command}\n{''.join(capsys.readouterr())}"
    after = httpx.get(f"{engine.url}/streams?format=json", trust_env=False).json()
    assert (after["uncertain"], after["parked"]) == ([], [])
    assert engine.stop() == 0
