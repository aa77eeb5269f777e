"""Events that come in by HTTP or from files: many callers become few transactions, refused records are dead letters."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

from postventa.engine.batch import Answer, take
from postventa.engine.engine import Engine
from postventa.engine.letters import kept
from postventa.engine.meters import Meters
from postventa.errors import RecordError
from postventa.runtimes.intake import Intake
from postventa.schemas.parse import Incoming
from postventa.store.base import DeadLetter

Item = Incoming | RecordError
Reply = Answer | RecordError


class Reception:
    """One way in. `changed` is called after each commit: there may be something to do."""

    def __init__(
        self, engine: Engine, now: Callable[[], datetime], changed: Callable[[], None], meters: Meters
    ) -> None:
        self.intake: Intake[Item, Reply] = Intake(self.take)
        self._engine = engine
        self._now = now
        self._changed = changed
        self._meters = meters

    async def submit(self, items: Sequence[Item], source: str) -> list[Reply]:
        """Take events in; answers in the same order after the commit, a refused record as the RecordError it is.

        `source` names the origin of dead letters. Raises StoreError when nothing could be taken.
        """
        return await self.intake.submit(items, source)

    async def take(self, items: Sequence[tuple[Item, str]]) -> list[Reply]:
        """One transaction, at once. Each item comes with its origin."""
        now = self._now()
        events = [item for item, _ in items if isinstance(item, Incoming)]
        letters = [_letter(item, source, now) for item, source in items if isinstance(item, RecordError)]
        with self._meters.batch() as batch:
            answers = iter(await take(self._engine, events, now, letters=letters))
            replies = [next(answers) if isinstance(item, Incoming) else item for item, _ in items]
            for (_, source), reply in zip(items, replies, strict=True):
                batch.event(source, reply.status if isinstance(reply, Answer) else "rejected")
        self._changed()
        return replies


def _letter(error: RecordError, source: str, now: datetime) -> DeadLetter:
    reason = f"{error.message} ({error.mend})" if error.mend else error.message
    record = str(error.found) if error.record is None else error.record
    text = record.decode("utf-8", "backslashreplace") if isinstance(record, bytes) else record
    return DeadLetter(source, storable(reason), kept(storable(text)), now, field=storable(error.field) or None)


def storable(text: str) -> str:
    """`text` with what no database takes (NUL, lone surrogates) written out: it may be why the record was refused."""
    return text.encode("utf-8", "backslashreplace").decode().replace("\0", "\\x00")
