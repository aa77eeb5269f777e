"""The errors postventa raises, one class per *what to do next*. Standard library only; everybody may import it.

Each says what went wrong, where, and how to mend it. A finding in a user's file is a `Problem` value (see `source`);
it becomes an exception, `JourneyError`, only where the work cannot go on without that file.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

Phase = Literal["connect", "login", "before_intent", "after_intent"]


class PostventaError(Exception):
    """Something postventa refuses to do, told so that a person can mend it.

    `message` is one sentence on what is wrong, `where` names the file, field or address, `mend` says what to do.
    """

    def __init__(self, message: str, where: str | None = None, mend: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.where = where
        self.mend = mend

    def __str__(self) -> str:
        """One line for a log; the command line prints `block()` instead."""
        place = f"{self.where}: " if self.where else ""
        advice = f" ({self.mend})" if self.mend else ""
        return f"{place}{self.message}{advice}"

    def block(self) -> str:
        """The same in up to three lines, for a terminal: what, where, how to mend it."""
        lines = [self.message]
        if self.where:
            lines.append(f"  where: {self.where}")
        if self.mend:
            lines.append(f"  mend:  {self.mend}")
        return "\n".join(lines)


class ConfigError(PostventaError):
    """A setting, key or project folder is missing or wrong: mend it and start again."""


class JourneyError(PostventaError):
    """User files have problems that stop the work: mend the files. `problems` holds every one of them."""

    def __init__(
        self, problems: Sequence[object], message: str | None = None, where: str | None = None, mend: str | None = None
    ) -> None:
        count = len(problems)
        super().__init__(message or f"{count} problem{'' if count == 1 else 's'} in the project's files", where, mend)
        self.problems = tuple(problems)

    def block(self) -> str:
        """Every problem in full, then the count."""
        return "\n".join([*(str(problem) for problem in self.problems), super().block()])


class RecordError(PostventaError):
    """One incoming record is refused: the sender mends it; all others go on.

    `field` is the path inside the record (`data.order.total`), `found` what was there, `expected` what is accepted.
    """

    def __init__(self, field: str, found: Any, expected: str, mend: str | None = None) -> None:
        self.field = field
        self.found = found
        self.expected = expected
        self.record: bytes | str | None = None
        """The whole record as it came, where whoever read it keeps it for a dead letter."""
        super().__init__(f"expected {expected}, found {_short(found)}", where=field, mend=mend)


class StoreError(PostventaError):
    """The store cannot do what was asked and trying again will not help: a full disk, a foreign or newer file."""


class StoreBusy(StoreError):
    """The store is held by somebody else for the moment: try again, or ask the engine that holds it."""


class StoreConflict(StoreBusy):
    """Two transactions were in each other's way and this one gave in. Nothing was written: try it once more."""


class StoreRestored(PostventaError):
    """A backup was put in the place of the database while this process worked with it: it must end and start again."""


class ChannelError(PostventaError):
    """A channel did not take a message. `permanent` ends the attempts; otherwise the dispatcher tries again.

    `phase` tells how far it got. After `after_intent` nobody knows whether the message left: the in-doubt rule decides.
    """

    def __init__(
        self,
        message: str,
        where: str | None = None,
        mend: str | None = None,
        *,
        permanent: bool = False,
        phase: Phase = "before_intent",
    ) -> None:
        super().__init__(message, where, mend)
        self.permanent = permanent
        self.phase: Phase = phase

    @property
    def transient(self) -> bool:
        """True when a later attempt may succeed."""
        return not self.permanent


class NotRunning(PostventaError):
    """The command needs a running engine and found none: start it with `postventa run`."""


def _short(value: Any, limit: int = 80) -> str:
    """`value` as a person would recognise it, never more than `limit` characters."""
    text = repr(value)
    return text if len(text) <= limit else text[: limit - 1] + "…"
