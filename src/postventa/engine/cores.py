"""Work spread over the machine's cores by forking: what is in memory need not be sent there, only answers come back."""

from __future__ import annotations

import gc
import os
import signal
from collections.abc import Callable
from multiprocessing import Pipe
from multiprocessing.connection import Connection, wait
from typing import Any, TypeVar

T = TypeVar("T")
Note = Callable[[int], None]
"""How much of its part a worker has done."""


def cores() -> int:
    """How many processes may work at once here; 1 where a process cannot be forked."""
    if not hasattr(os, "fork") or not hasattr(os, "sched_getaffinity"):
        return 1
    return len(os.sched_getaffinity(0))


def spread(parts: int, work: Callable[[int, Note], T], note: Note) -> list[T]:
    """`work(part, note)` of every part, each in a process of its own; the answers in order. `note` hears the sum.

    What a part raises is raised here, and the others are ended.
    """
    gc.freeze()  # so that no collection in a child copies what both share
    children: dict[Connection, tuple[int, int]] = {}
    try:
        for part in range(parts):
            ours, theirs = Pipe(duplex=False)
            pid = os.fork()
            if pid == 0:
                _child(part, work, theirs)
            theirs.close()
            children[ours] = (part, pid)
        return _gathered(children, note)
    finally:
        gc.unfreeze()
        for ours, (_, pid) in children.items():
            ours.close()
            _end(pid)


def _child(part: int, work: Callable[[int, Note], Any], out: Connection) -> None:
    """The rest of this process's life. It leaves without cleaning up: what is open belongs to its parent."""
    try:
        try:
            out.send(("done", work(part, lambda count: out.send(("at", count)))))
        except Exception as error:  # noqa: BLE001 (told to the parent, which raises it)
            out.send(("failed", error))
    finally:
        os._exit(0)


def _gathered(children: dict[Connection, tuple[int, int]], note: Note) -> list[Any]:
    answers: dict[int, Any] = {}
    at: dict[int, int] = {}
    left = set(children)
    while left:
        for ready in wait(left):
            assert isinstance(ready, Connection)
            part = children[ready][0]
            try:
                what, told = ready.recv()
            except EOFError:
                raise RuntimeError(f"part {part} of the work ended without an answer: was it out of memory?") from None
            if what == "failed":
                raise told
            if what == "done":
                answers[part] = told
                left.discard(ready)
            else:
                at[part] = told
                note(sum(at.values()))
    return [answers[part] for part in sorted(answers)]


def _end(pid: int) -> None:
    os.kill(pid, signal.SIGKILL)  # done already, or not wanted any more; a child is there until it is waited for
    os.waitpid(pid, 0)
