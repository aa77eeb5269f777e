"""What a measurement gives, and the table it is told in."""

from __future__ import annotations

import os
import platform
import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured number beside what was asked for. `floor`: what it must never be beyond."""

    name: str
    value: float
    unit: str
    aim: float
    floor: float
    better: Literal["more", "less"]
    beside: str = ""
    """The yardstick of the same run, in words."""

    @property
    def ratio(self) -> float:
        """1.0 or above: the aim is reached."""
        return self.value / self.aim if self.better == "more" else self.aim / self.value

    @property
    def verdict(self) -> str:
        kept = self.value >= self.floor if self.better == "more" else self.value <= self.floor
        return "reached" if self.ratio >= 1 else "short of the aim" if kept else "MISSED"


def number(value: float) -> str:
    """Three figures that matter."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def table(figures: Iterable[Figure]) -> str:
    """One line per figure."""
    rows = [("figure", "measured", "aim", "floor", "of the aim", "verdict", "beside")]
    rows.extend(
        (
            one.name, f"{number(one.value)} {one.unit}".strip(), number(one.aim), number(one.floor),
            f"{one.ratio:.2f}", one.verdict, one.beside,
        )
        for one in figures
    )  # fmt: skip
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    return "\n".join([lines[0], "-" * len(lines[0]), *lines[1:]])


def machine() -> str:
    """What it was measured on. Others may have used it at the same time: the load says how busy it was."""
    name = platform.processor() or platform.machine()
    info = Path("/proc/cpuinfo")
    if info.exists():
        models = [line.partition(":")[2].strip() for line in info.read_text().splitlines() if "model name" in line]
        name = models[0] if models else name
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else 0.0
    return (
        f"{name}, {os.cpu_count()} cores, load {load:.1f}, {platform.system()} {platform.release()}, "
        f"Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}"
    )
