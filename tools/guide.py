"""Play a marketer who has only a guide: every block of docs/guide.md, in order, from an empty folder.

    python tools/guide.py docs/guide.md

A `sh` block is run word for word; `<!-- ends with N -->` above it says with which exit code (else 0). A `text` block is
what the command before it answered: each of its lines must be there, in that order, `...` stands for anything. A
`diff FILE` block changes a file: the lines with `-` are there exactly once, and those with `+` take their place.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

BLOCK = re.compile(r"(?:^<!-- ends with (\d+) -->\n)?^```(\w+)(?: (\S+))?\n(.*?)^```", re.MULTILINE | re.DOTALL)
LIMIT_S = 300


class Wrong(Exception):
    """The guide says something that is not so."""


@dataclass
class Marketer:
    """Somebody in a folder, with the answer to the last command."""

    folder: Path
    answer: str = ""
    played: int = 0

    def play(self, text: str) -> int:
        """Every block of a guide; gives how many. Raises Wrong."""
        for code, kind, place, body in BLOCK.findall(text):
            if kind == "sh":
                self._run(body, int(code or 0))
            elif kind == "text":
                self._compare(body)
            elif kind == "diff":
                self._change(self.folder / place, body)
            else:
                continue
            self.played += 1
        return self.played

    def _run(self, block: str, code: int) -> None:
        plain = {"NO_COLOR": "1", "TERM": "dumb", "COLUMNS": "160"}
        told = subprocess.run(
            ["bash", "-eu", "-c", block], cwd=self.folder, env=os.environ | plain, timeout=LIMIT_S, check=False,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        )  # fmt: skip
        self.answer = told.stdout
        print(f"$ {block}{told.stdout}", flush=True)
        if told.returncode != code:
            raise Wrong(f"ended with {told.returncode} instead of {code}:\n{block}{told.stdout}")
        if moved := re.findall(r"^cd (\S+)$", block, re.MULTILINE):
            self.folder /= moved[-1]

    def _compare(self, block: str) -> None:
        answer = _squeezed(self.answer)
        at = 0
        for part in filter(None, (_squeezed(one) for line in block.splitlines() for one in line.split("..."))):
            found = answer.find(part, at)
            if found < 0:
                raise Wrong(f"the guide shows {part!r}, which was not (or not there) in the answer:\n{self.answer}")
            at = found + len(part)

    def _change(self, file: Path, block: str) -> None:
        """The guide leaves out the remarks at the end of a file's lines."""
        old = [line[1:] for line in block.splitlines() if line.startswith("-")]
        new = "".join(f"{line[1:]}\n" for line in block.splitlines() if line.startswith("+"))
        pattern = "".join(f"^{re.escape(line)}(?: +# .*)?\n" for line in old)
        text, count = re.subn(pattern, lambda _: new, file.read_text(encoding="utf-8"), flags=re.MULTILINE)
        if count != 1:
            raise Wrong(f"{file.name} has these lines {count} times instead of once:\n" + "\n".join(old))
        file.write_text(text, encoding="utf-8")


def _squeezed(text: str) -> str:
    """Without colours and with single blanks: a table is as wide as the terminal."""
    return " ".join(re.sub(r"\x1b\[[0-9;]*m|[│┃┏┓┗┛━┡┩┢┪╇┳┻─└┘┌┐├┤┬┴┼]", " ", text).split())


def main() -> int:
    """Exit code 0: the guide is true."""
    for guide in map(Path, sys.argv[1:]):
        with tempfile.TemporaryDirectory(prefix="guide-") as folder:
            try:
                played = Marketer(Path(folder)).play(guide.read_text(encoding="utf-8"))
            except Wrong as error:
                print(f"{guide}: {error}", file=sys.stderr)
                return 1
        print(f"{guide}: {played} blocks, all true")
    return 0


if __name__ == "__main__":
    sys.exit(main())
