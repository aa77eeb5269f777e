"""Makes up a shop: its events, and beside them what has to be true of whoever runs its journeys.

    python generate.py --seed 7 --out DIR [--customers 2000] [--months 18]

Writes DIR/events.jsonl (in the order in which the shop hears of things) and DIR/must.jsonl. Standard library only, and
nothing of postventa: the second opinion must not come from the first. The same arguments give the same bytes.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import Any

from shop_events import tell
from shop_must import must
from shop_plan import plan


def main() -> int:
    """Writes the two files and says how much is in them."""
    parser = argparse.ArgumentParser(description="A made-up shop: events.jsonl, and must.jsonl beside it.")
    parser.add_argument("--seed", type=int, required=True, help="the same seed gives the same bytes")
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="made if it is not there")
    parser.add_argument("--customers", type=int, default=2000)
    parser.add_argument("--months", type=int, default=18, help="how long people keep ordering")
    asked = parser.parse_args()
    if asked.customers < 1 or asked.months < 1:
        parser.error("--customers and --months must be at least 1")
    people = plan(asked.seed, asked.customers, asked.months)
    events = tell(people, asked.seed)
    rows = must(people, datetime.fromisoformat(max(event["time"] for event in events)))
    asked.out.mkdir(parents=True, exist_ok=True)
    write(asked.out / "events.jsonl", events)
    write(asked.out / "must.jsonl", rows)
    print(f"{len(people)} customers, {len(events)} events, {len(rows)} things that must be true, in {asked.out}")
    return 0


def write(path: Path, rows: Iterable[dict[str, Any]]) -> None:
    """One JSON object per line."""
    text = "".join(json.dumps(row, ensure_ascii=False, separators=(",", ":")) + "\n" for row in rows)
    path.write_text(text, encoding="utf-8", newline="\n")


if __name__ == "__main__":
    sys.exit(main())
