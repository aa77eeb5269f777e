"""How long a person waits for the command: its help, a simulation, the check of a project with 200 journeys."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import NamedTuple

from bench.figure import Figure
from postventa.starter import copy_to
from postventa.templates.kept import VARIABLE


class Took(NamedTuple):
    """Medians, in seconds: on the wall, and of the processor."""

    wall: float
    work: float


def measure(rounds: int, journeys: int = 200) -> list[Figure]:
    """Beside each the start of a Python that does nothing, and the processor's share, which others disturb less."""
    bare = _took([sys.executable, "-c", "pass"], rounds)
    command = [str(Path(sys.executable).with_name("postventa"))]
    with tempfile.TemporaryDirectory(prefix="postventa-bench-") as folder:
        copy_to(project := Path(folder) / "project")
        simulated = [*command, "simulate", "after-purchase", "--project", str(project)]
        fresh = _took(simulated, min(rounds, 3), kept="")
        again = _took(simulated, rounds, kept=str(Path(folder) / "kept"))
        _multiply(project / "journeys", journeys)
        checked = _took([*command, "validate", "--project", str(project)], min(rounds, 3))
    helped = _took([*command, "--help"], rounds)
    start = f"a bare Python starts in {bare.wall * 1000:.0f} ms"

    def beside(took: Took) -> str:
        return f"{took.work:.2f} s of processor time; {start}"

    first = f"{again.work:.2f} s of processor time; {fresh.work:.2f} s where every mail has to be compiled first"
    return [
        Figure("postventa --help", helped.wall, "s", 0.4, 0.4, "less", beside(helped)),
        Figure("simulate", again.wall, "s", 1.0, 1.0, "less", first),
        Figure(f"validate of {journeys} journeys", checked.wall, "s", 6.0, 6.0, "less", beside(checked)),
    ]


def _multiply(folder: Path, wanted: int) -> None:
    """Copies of the journeys there, each under a name of its own, until there are so many."""
    texts = [(path.stem, path.read_text("utf-8")) for path in sorted(folder.glob("*.yaml"))]
    for number in range(wanted - len(texts)):
        name, text = texts[number % len(texts)]
        new = f"{name}-{number}"
        (folder / f"{new}.yaml").write_text(text.replace(f"journey: {name}", f"journey: {new}", 1), "utf-8")


def _took(command: list[str], rounds: int, kept: str | None = None) -> Took:
    """`kept`: where compiled mails are kept, instead of the user's cache; empty, nowhere."""
    environment = {**os.environ, **({VARIABLE: kept} if kept is not None else {})}
    wall, work = [], []
    for _ in range(rounds):
        begun, before = perf_counter(), os.times()
        done = subprocess.run(command, check=False, capture_output=True, text=True, env=environment)
        wall.append(perf_counter() - begun)
        after = os.times()
        work.append(sum(after[2:4]) - sum(before[2:4]))
        assert done.returncode == 0, done.stdout + done.stderr
    return Took(median(wall), median(work))
