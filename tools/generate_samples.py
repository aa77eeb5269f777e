"""Write `samples/events.jsonl`: what happened to the sample customers of `postventa run --demo`, in the order told.

They begin on a fixed Monday, so that the file, and every backtest of it, stays the same.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

from postventa.runtimes.demo import demo_events

START = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
TARGET = Path(__file__).resolve().parents[1] / "samples" / "events.jsonl"


def text() -> str:
    """The file's content: one event per line."""
    return "".join(json.dumps(event, ensure_ascii=False) + "\n" for event in demo_events(START))


if __name__ == "__main__":
    TARGET.parent.mkdir(exist_ok=True)
    TARGET.write_text(text(), encoding="utf-8")
