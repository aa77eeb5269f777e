"""One server for several test processes: the first that asks starts it, the last that leaves lets it end."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from postventa.testing.part import Part


@contextmanager
def shared(part: Part, address: str, folder: Path) -> Iterator[str]:
    """The address of a server that every process naming the same `folder` shares.

    `part` is what to start when nobody has; `address` is its attribute that clients connect to. The process that
    started it waits at the end until the others are done: it is the server's owner, and the server ends with it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    told = folder / "address"
    with (folder / "users").open("a+") as users:
        with _alone(folder):
            fcntl.flock(users, fcntl.LOCK_SH)
            owner = not told.exists()
            if owner:
                part.up()
                told.write_text(getattr(part, address), encoding="utf-8")
        try:
            yield told.read_text(encoding="utf-8") if not owner else getattr(part, address)
        finally:
            if owner:
                _end(part, told, users, folder)


def _end(part: Part, told: Path, users: IO[str], folder: Path) -> None:
    """Tell nobody any more, wait for those who know, stop."""
    with _alone(folder):
        told.unlink(missing_ok=True)
    fcntl.flock(users, fcntl.LOCK_EX)
    part.stop()


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """One process at a time, for as long as a start takes."""
    with (folder / "lock").open("a+") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
