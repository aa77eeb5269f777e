"""Deterministic identities. These formats are kept for ever: a changed format is a new version, never an edit.

No id is derived from the customer's id, so that a merge of two customers changes nothing.
"""

from __future__ import annotations

from hashlib import blake2b


def digest(*parts: str, size: int = 16) -> str:
    """Hex of blake2b over the parts, each preceded by its length, so that no two lists of parts collide."""
    raw = [part.encode() for part in parts]
    counted = b"".join([len(one).to_bytes(4, "big") + one for one in raw])
    return blake2b(counted, digest_size=size).hexdigest()


def run_id(journey: str, subject_type: str, subject_id: str, start: tuple[str, str] | None = None) -> str:
    """Identity of a run. `start` is the (source, id) of its start event, given for `customer` subjects only."""
    if start is not None:
        return digest("run/1", journey, subject_type, *start)
    return digest("run/1", journey, subject_type, subject_id)


def effect_id(run: str, step_id: str, rounds: tuple[int, ...], slot: str) -> str:
    """Identity of one effect of one step in one round. `slot` tells apart several effects of one step."""
    return digest("effect/1", run, step_id, ".".join(map(str, rounds)), slot)


def bucket(experiment: str, customer_id: str) -> float:
    """A number in [0, 1) that places a customer in an experiment for good."""
    return int(digest("bucket/1", experiment, customer_id, size=6), 16) / float(1 << 48)


def spread(run: str, step_id: str) -> float:
    """A number in [0, 1) that spreads runs over a span of time."""
    return int(digest("spread/1", run, step_id, size=6), 16) / float(1 << 48)
