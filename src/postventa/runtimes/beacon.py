"""Where the running engine answers: a small file beside the database, for the commands that must not write past it."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Beacon:
    """The engine's process and the address of its private pages."""

    pid: int
    url: str

    @property
    def alive(self) -> bool:
        """True while such a process exists; after a kill the file stays behind."""
        try:
            os.kill(self.pid, 0)
        except ProcessLookupError:
            return False
        except PermissionError:
            return True
        return True


def path_of(database: Path) -> Path:
    """The beacon of a database."""
    return database.with_name(database.name + ".engine")


def light(database: Path, url: str) -> None:
    """Say where this process answers."""
    file = path_of(database)
    fresh = file.with_name(file.name + ".new")
    fresh.write_text(json.dumps({"pid": os.getpid(), "url": url}), encoding="utf-8")
    fresh.replace(file)


def put_out(database: Path) -> None:
    """This process answers no more."""
    path_of(database).unlink(missing_ok=True)


def find(database: Path) -> Beacon | None:
    """The running engine of this database, if there is one."""
    try:
        told = json.loads(path_of(database).read_text(encoding="utf-8"))
        beacon = Beacon(int(told["pid"]), str(told["url"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return beacon if beacon.alive else None
