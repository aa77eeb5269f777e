"""How seldom a running engine looks for circles of garbage."""

from __future__ import annotations

import gc


def collect_rarely() -> None:
    """What is loaded by now stays for good, and a batch makes many values and no circles: looking for circles after
    every 700 of them took a tenth of the time."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)
