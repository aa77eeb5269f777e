"""Run the README as a newcomer would: a fresh clone, an empty HOME, every `sh` block in order, word for word.

A block that starts with `make run` is started in the background; the address it prints must answer, and a mail must
be seen there, before it is stopped. `--skip COMMAND` leaves out a block that was run elsewhere. Exit code 0 = all well.
"""

from __future__ import annotations

import argparse
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path

BLOCK = re.compile(r"^```sh\n(.*?)^```", re.MULTILINE | re.DOTALL)
ADDRESS = re.compile(r"http://(?:127\.0\.0\.1|localhost):\d+[^\s\x1b]*")
BLOCK_LIMIT_S, RUN_LIMIT_S = 900, 300


def main() -> int:
    """Clone, run the blocks, report each with its time; the first failure ends it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("repository", type=Path)
    parser.add_argument("--skip", action="append", default=[], metavar="COMMAND")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="quick-start-") as folder:
        clone, home = Path(folder, "project"), Path(folder, "home")
        home.mkdir()
        subprocess.run(["git", "clone", "-q", str(options.repository.resolve()), str(clone)], check=True)
        blocks = BLOCK.findall((clone / "README.md").read_text(encoding="utf-8"))
        if not blocks:
            return _fail("README.md has no block to run")
        for block in blocks:
            if block.strip() in options.skip:
                print(f"skipped: {block.strip()}")
                continue
            started = time.monotonic()
            code = _serve(block, clone, home) if block.startswith("make run") else _execute(block, clone, home)
            if code:
                return _fail(f"ended with {code}:\n{block}")
            print(f"ok in {time.monotonic() - started:.0f} s: {block.splitlines()[0]}")
    return 0


def _newcomer(home: Path) -> dict[str, str]:
    """The environment of somebody who has never been here: no caches, no active virtual environment."""
    gone = {"VIRTUAL_ENV", "PYTHONPATH", "PYTHONHOME", "XDG_CACHE_HOME", "MAKEFLAGS", "MAKELEVEL", "MFLAGS"}
    return {key: value for key, value in os.environ.items() if key not in gone} | {"HOME": str(home), "TERM": "dumb"}


def _execute(block: str, clone: Path, home: Path) -> int:
    """Run one block to its end, its output shown."""
    command = ["bash", "-eu", "-c", block]
    return subprocess.run(command, cwd=clone, env=_newcomer(home), timeout=BLOCK_LIMIT_S, check=False).returncode


def _serve(block: str, clone: Path, home: Path) -> int:
    """Start a block that does not end, try the pages it prints, stop it with Ctrl-C; 0 when all of that went well."""
    output = clone / ".quick-start.txt"
    with output.open("wb") as sink:
        process = subprocess.Popen(
            ["bash", "-eu", "-c", block], cwd=clone, env=_newcomer(home), stdout=sink, stderr=sink, process_group=0
        )
    try:
        found = _wait_for_mail(process, output)
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGINT)
        process.wait(timeout=60)
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        print(output.read_text(encoding="utf-8", errors="replace")[-3000:])
    return 0 if found else 1


def _wait_for_mail(process: subprocess.Popen[bytes], output: Path) -> bool:
    """True as soon as a printed mailbox page shows a mail; False when the process ends or the time is up."""
    end = time.monotonic() + RUN_LIMIT_S
    while time.monotonic() < end and process.poll() is None:
        printed = output.read_text(encoding="utf-8", errors="replace")
        for address in dict.fromkeys(ADDRESS.findall(printed)):
            if "mailbox" in address and "@" in _page(address):
                return True
        time.sleep(1)
    return False


def _page(address: str) -> str:
    """The page at `address`, or nothing while nobody answers there."""
    try:
        with urllib.request.urlopen(address, timeout=10) as answer:
            return str(answer.read().decode("utf-8", errors="replace"))
    except (urllib.error.URLError, OSError):
        return ""


def _fail(message: str) -> int:
    print(f"quick start failed: {message}", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
