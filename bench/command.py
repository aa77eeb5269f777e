"""How long a person waits for the command: its help, and the check of a project with 200 journeys."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median
from time import perf_counter

from bench.figure import Figure
from postventa.starter import copy_to


def measure(rounds: int, journeys: int = 200) -> list[Figure]:
    """Beside each the start of a Python that does nothing."""
    bare = _seconds([sys.executable, "-c", "pass"], rounds)
    command = [str(Path(sys.executable).with_name("postventa"))]
    with tempfile.TemporaryDirectory(prefix="postventa-bench-") as folder:
        copy_to(project := Path(folder) / "project")
        _multiply(project / "journeys", journeys)
        checked = _seconds([*command, "validate", "--project", str(project)], min(rounds, 3))
    helped = _seconds([*command, "--help"], rounds)
    beside = f"a bare Python starts in {bare * 1000:.0f} ms"
    return [
        Figure("postventa --help", helped, "s", 0.4, 0.4, "less", beside),
        Figure(f"validate of {journeys} journeys", checked, "s", 6.0, 6.0, "less", beside),
    ]


def _multiply(folder: Path, wanted: int) -> None:
    """Copies of the journeys there, each under a name of its own, until there are so many."""
    texts = [(path.stem, path.read_text("utf-8")) for path in sorted(folder.glob("*.yaml"))]
    for number in range(wanted - len(texts)):
        name, text = texts[number % len(texts)]
        new = f"{name}-{number}"
        (folder / f"{new}.yaml").write_text(text.replace(f"journey: {name}", f"journey: {new}", 1), "utf-8")


def _seconds(command: list[str], rounds: int) -> float:
    took = []
    for _ in range(rounds):
        begun = perf_counter()
        done = subprocess.run(command, check=False, capture_output=True, text=True)
        took.append(perf_counter() - begun)
        assert done.returncode == 0, done.stdout + done.stderr
    return median(took)
