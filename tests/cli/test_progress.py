"""Long work shows a bar on a terminal, and not a sign of it anywhere else."""

from __future__ import annotations

import os
import pty
import re
import subprocess
import sys
from pathlib import Path

import pytest

from postventa.cli.progress import progress, watched
from postventa.source.language import told

ROOT = Path(__file__).resolve().parents[2]


def test_where_there_is_no_terminal_there_is_no_bar(capsys: pytest.CaptureFixture[str]) -> None:
    with progress("reading") as tell:
        assert tell is None
        assert list(watched([1, 2, 3], "reading", tell)) == [1, 2, 3]
    assert capsys.readouterr() == ("", "")


def test_every_item_moves_the_bar_now_and_then_and_the_last_one_always() -> None:
    told: list[tuple[str, int, int | None]] = []
    assert sum(watched(range(250), "importing", lambda *step: told.append(step))) == sum(range(250))
    assert told == [("importing", 100, 250), ("importing", 200, 250), ("importing", 250, 250)]


def test_on_a_terminal_the_bar_is_on_standard_error_and_gone_at_the_end(tmp_path: Path) -> None:
    """A real backtest with a pseudo-terminal behind standard error: its output stays what programs read."""
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "postventa.cli.main", "backtest", "--project", str(ROOT), "--json"]
    command += ["--events", str(ROOT / "samples" / "events.jsonl")]
    environment = {**os.environ, "TERM": "xterm", "COLUMNS": "100"}
    written = tmp_path / "out.jsonl"
    with written.open("wb") as out, subprocess.Popen(command, stdout=out, stderr=theirs, env=environment) as process:
        os.close(theirs)
        drawn = b""
        while True:
            try:
                read = os.read(ours, 4096)
            except OSError:  # the other end is closed
                break
            if not read:
                break
            drawn += read
    os.close(ours)
    assert process.returncode == 0
    assert b"reading events" in drawn
    assert b"\x1b[2K" in drawn, "the line is taken away again"
    assert written.read_bytes().startswith(b'{"at":')
    assert b"\x1b" not in written.read_bytes()


def test_what_a_bar_says_is_told_in_the_projects_language() -> None:
    """Every word that a marketer's command hands to its bar."""
    source = ROOT / "src/postventa"
    places = ["cli/backtest.py", "cli/past.py", "cli/validate.py", "cli/moving.py", "engine/backtest.py"]
    said = {
        word
        for place in places
        for word in re.findall(r'\b(?:progress|tell|bar)\("([a-z ]+)"', (source / place).read_text("utf-8"))
    }
    assert len(said) >= 6
    assert [word for word in said if told(word, "es") == word] == []
