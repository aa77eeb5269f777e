"""The runbook's commands, entry by entry, on a real engine in trouble: each does what it says and ends well."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest
from operators_world import KEYS, Running, make

from postventa.cli.main import run

RUNBOOK = (Path(__file__).resolve().parents[3] / "docs" / "runbook.md").read_text(encoding="utf-8")
NOW_PLACED = {"id": "o-8/placed", "source": "shop", "type": "order.placed", "time": "2026-03-02T09:00:00Z",
              "data": {"order_id": "o-8", "customer": {"customer_id": "eve"}}}  # fmt: skip


def entries(kind: str) -> list[tuple[str, list[str]]]:
    """(title, its commands) of the entries with blocks of that kind."""
    found = []
    for text in re.split(r"^## ", RUNBOOK, flags=re.MULTILINE):
        blocks = re.findall(rf"^```{kind}\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
        if blocks:
            found.append((text.splitlines()[0], "".join(blocks).splitlines()))
    return found


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    made = make(tmp_path_factory.mktemp("runbook") / "shop")
    (made / "samples").mkdir()
    (made / "samples" / "events.jsonl").write_text(json.dumps(NOW_PLACED) + "\n", encoding="utf-8")
    engine = Running(made)
    yield made
    assert engine.stop() == 0


@pytest.mark.parametrize(("title", "commands"), entries("sh"), ids=[title for title, _ in entries("sh")])
def test_an_entrys_commands_work(
    title: str, commands: list[str], folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("POSTVENTA_KEYS", KEYS)
    monkeypatch.chdir(folder)
    for command in commands:
        words = shlex.split(command)
        assert words[0] == "postventa"
        code = run(words[1:])
        assert code == 0, f"{title}: {command}\n{''.join(capsys.readouterr())}"


@pytest.mark.parametrize(("title", "commands"), entries("sh kafka"))
def test_a_command_for_kafka_exists(title: str, commands: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """What it tells is tested beside the broker."""
    for command in commands:
        assert run([*shlex.split(command)[1:], "--help"]) == 0, f"{title}: {command}"


def test_commands_named_in_the_text_exist(capsys: pytest.CaptureFixture[str]) -> None:
    named = set(re.findall(r"`postventa ([a-z][a-z -]*?)(?: --| [A-Z]|`)", RUNBOOK))
    assert named
    for words in sorted(named):
        assert run([*words.split(), "--help"]) == 0, words
