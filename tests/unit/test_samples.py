"""The sample events in the tree are those of the demo's customers."""

from __future__ import annotations

import runpy
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def test_the_samples_are_what_their_generator_writes() -> None:
    generator = runpy.run_path(str(ROOT / "tools" / "generate_samples.py"))
    assert generator["TARGET"].read_text(encoding="utf-8") == generator["text"](), "python tools/generate_samples.py"
