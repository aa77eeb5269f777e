"""The mail server of a kill test as a process of its own: how slow it is, and what it has taken."""

from __future__ import annotations

import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from signal import SIGKILL

from postventa.testing.part import Kept

SLOW, FAST = "0.4", "0"
"""The longest of its pauses, in seconds."""


@dataclass
class Sink:
    """The mail server's files."""

    folder: Path

    @property
    def port(self) -> int:
        return int((self.folder / "port").read_text())

    def pace(self, seconds: str) -> None:
        (self.folder / "pace").write_text(seconds)

    def taken(self) -> Counter[str]:
        """Message-ID -> how often it arrived."""
        log = self.folder / "mails.log"
        return Counter(line.split()[0] for line in log.read_text().splitlines()) if log.exists() else Counter()


@contextmanager
def running_sink(folder: Path) -> Iterator[Sink]:
    """A slow one, listening."""
    folder.mkdir(parents=True, exist_ok=True)
    sink = Sink(folder)
    sink.pace(SLOW)
    files = [str(folder / name) for name in ("port", "mails.log", "pace")]
    process = Kept([sys.executable, str(Path(__file__).with_name("sink.py")), *files], folder / "sink.log")
    while not (folder / "port").exists() or not (folder / "port").read_text():
        assert process.running
        time.sleep(0.01)
    try:
        yield sink
    finally:
        process.signal(SIGKILL)
        process.wait(10)
