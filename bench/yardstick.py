"""A fixed piece of work in plain Python, so that a figure of one machine can be read on another."""

from __future__ import annotations

from time import process_time


def spin(turns: int = 300_000) -> float:
    """Turns of a small loop per second of processor time."""
    begun, x = process_time(), 0
    for turn in range(turns):
        x = (x * 31 + turn) & 0xFFFF
    return turns / (process_time() - begun)
