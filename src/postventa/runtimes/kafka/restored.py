"""A backup in the database's place: which mails may have left although it does not know it, and what becomes of them.

`postventa.out` tells most of those that left; they are settled as they ended. A few left without that anybody could
publish it: they had been in a worker's hands. So whatever was due before the backup was found, and is not told there,
waits as `uncertain` for a person, whatever its `duplicates` says: nothing is sent twice without a question. The same is
asked of messages that their runs come to only later, when a worker claims them.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from postventa.core.journey import Duration
from postventa.core.state import AGAIN, CustomerState, Run
from postventa.core.values import as_time, time_text
from postventa.engine.due import sweep
from postventa.engine.engine import Engine
from postventa.engine.receipts import ClaimedMessage, Settled, settle
from postventa.publish import Access
from postventa.runtimes.kafka import admin
from postventa.runtimes.kafka.positions import TOPIC_ID
from postventa.runtimes.kafka.published import WAITING, Left, forgotten, left_between
from postventa.store.base import PULSE, OutboxRecord, Store, Views

log = logging.getLogger("postventa.kafka")

MARK = "kafka.restored"
"""Control key of the mark."""
HEEDED = timedelta(days=7)
"""For how long a restored backup concerns what is claimed: as long as Kafka keeps a topic, if nobody says otherwise."""
AHEAD = timedelta(seconds=5)
"""How far the clock of whoever stamps events may be ahead of ours."""
NEWEST = 100
TOGETHER = 500
ALL = 1_000_000
KNOWN = "left before a backup was restored: so it was published"
PERHAPS = "a backup was restored: it may have left before, nobody knows"


@dataclass(frozen=True, slots=True)
class Mark:
    """When the backup was made (its last pulse, so rather earlier), when it was found in the database's place, and
    when somebody let mail go on."""

    made: datetime
    found: datetime
    gone_on: datetime | None = None

    @classmethod
    def of(cls, text: str | None) -> Mark | None:
        """The mark as `text` holds it."""
        told = json.loads(text) if text else {}
        made, found = as_time(told.get("made")), as_time(told.get("found"))
        return cls(made, found, as_time(told.get("gone_on"))) if made and found else None

    def text(self) -> str:
        """For the store."""
        times = {"made": self.made, "found": self.found, "gone_on": self.gone_on}
        return json.dumps({name: time_text(at) for name, at in times.items() if at is not None})

    def before(self, catch_up: timedelta) -> datetime:
        """What was due before then may have left. Of an older backup's timers nobody can tell any more when they were
        due: the runs go on from now (`catch_up`)."""
        late = self.found - self.made > catch_up
        return max(self.found, self.gone_on or self.found) if late else self.found


async def mark_of(views: Views) -> Mark | None:
    """The mark of the last restored backup, None where there was none."""
    return Mark.of(await views.control(MARK))


async def put(store: Store, mark: Mark) -> None:
    """Note it."""
    async with store.transaction() as tx:
        await tx.set_control(MARK, mark.text())


async def found(store: Store, access: Access, topic: str, group: str, topics: Iterable[str]) -> str | None:
    """Before a worker's first pulse: why nothing may be sent, where this database knows less than Kafka does.

    Notes when its backup was made. PostventaError when Kafka does not answer.
    """
    pulse = as_time(await store.views.control(PULSE))
    if pulse is None:
        return None
    why = await _mail_unknown(store.views, access, topic, group, pulse) or await _unread(
        store.views, access, group, topics
    )
    if why is not None:
        await since(store, pulse)
    return why


async def since(store: Store, pulse: datetime) -> None:
    """Mark a backup found now, whose last pulse was then. Where one waits for its word already, nothing left since."""
    before = await mark_of(store.views)
    if before is None or before.gone_on is not None:
        await put(store, Mark(pulse, datetime.now(UTC)))
    elif pulse < before.made:
        await put(store, replace(before, made=pulse))


async def _mail_unknown(views: Views, access: Access, topic: str, group: str, pulse: datetime) -> str | None:
    left = await asyncio.to_thread(left_between, access, topic, group, pulse)
    sent = [one for one in left.values() if one.result == "sent"]  # in doubt may be pending again by now
    newest = sorted(sent, key=lambda one: one.at)[-NEWEST:]
    if not (unknown := await forgotten(views, {one.effect_id: one for one in newest})):
        return None
    last = unknown[-1].at
    return f"mail left that the database does not know of, last at {last:%Y-%m-%d %H:%M} UTC: a restored backup"


async def _unread(views: Views, access: Access, group: str, topics: Iterable[str]) -> str | None:
    """A group that has committed more than the database holds; a topic that was made again begins anew."""
    names = list(topics)
    committed, there = await asyncio.to_thread(
        admin.ask, access, lambda client: (admin.committed(client, group), admin.topics(client, names))
    )
    stored = await views.positions()
    same = {name for name, one in there.items() if await views.control(TOPIC_ID + name) == one.id}
    less = [place for place, done in committed.items() if place[0] in same and stored.get(place, 0) < done]
    if not less:
        return None
    told = ", ".join(f"{topic}/{number}" for topic, number in sorted(less))
    return f"the database knows less than was read from Kafka ({told}): a restored backup"


# --- one message ------------------------------------------------------------------------------------------------------
def verdict(
    row: OutboxRecord, state: CustomerState, mark: Mark, left: Mapping[str, Left], catch_up: timedelta
) -> Settled | None:
    """How a message that wants to leave has ended already, or may have; None: it is free to leave."""
    seen = state.outbox.get(row.effect_id)
    if seen is not None and seen.slot == AGAIN:
        return None  # somebody was asked, and wants it so
    known = left.get(row.effect_id)
    if known is not None:
        return Settled(row.effect_id, row.customer_id, known.result, known.at, row.attempt, KNOWN)
    runs = [state.runs[one] for one in row.run_ids if one in state.runs]
    wanted = min((_wanted(run, catch_up) for run in runs), default=row.created_at)
    begun = min((run.start.occurred_at for run in runs), default=row.created_at)
    if begun > mark.found + AHEAD or wanted > mark.before(catch_up) + AHEAD:
        return None
    return Settled(row.effect_id, row.customer_id, "uncertain", wanted, row.attempt, PERHAPS)


def _wanted(run: Run, catch_up: timedelta) -> datetime:
    """The earliest moment at which a run can have come to its send, whether or not its events are read again."""
    if run.started_at - run.start.occurred_at <= catch_up:
        return run.at
    return min(run.at, run.start.occurred_at + max(run.at - run.started_at, timedelta(0)))


def _span(told: Duration) -> timedelta:
    return timedelta(days=told.days + 30 * told.months, seconds=told.seconds)


# --- whoever sends ----------------------------------------------------------------------------------------------------
@dataclass(slots=True)
class Restored:
    """What a worker knows of a restored backup: asked before each message leaves."""

    engine: Engine
    access: Access
    topic: str
    group: str
    mark: Mark | None = None
    left: Mapping[str, Left] = field(default_factory=dict)

    async def look(self) -> None:
        """Is there a mark by now? This worker or another one may have put it."""
        mark = await mark_of(self.engine.store.views)
        known = self.mark
        if mark is not None and datetime.now(UTC) - mark.found < HEEDED:
            if known is None or (mark.made, mark.found) != (known.made, known.found):
                self.left = await asyncio.to_thread(
                    left_between, self.access, self.topic, self.group, mark.made, mark.found
                )
            self.mark = mark
        else:
            self.mark, self.left = None, {}

    async def settled(self, message: ClaimedMessage, now: datetime) -> bool:
        """True for a message that left before, or may have: it is settled and must not be sent."""
        if self.mark is None:
            return False
        if self.mark.gone_on is None:
            self.mark = await gone_on(self.engine.store, self.mark)
        end = verdict(message.record, message.state, self.mark, self.left, _span(message.live.catalog.shop.catch_up))
        if end is None:
            return False
        log.warning("message '%s' is not sent (%s): %s", message.record.message, end.result, end.detail)
        await settle(self.engine, [end], now)
        return True


async def gone_on(store: Store, mark: Mark) -> Mark:
    """Note that mail goes on from now, once."""
    mark = replace(mark, gone_on=datetime.now(UTC))
    await put(store, mark)
    return mark


# --- whoever is asked -------------------------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class Account:
    """What `postventa kafka restored` found: messages noted as sent, messages in doubt, and what left that no run has
    come to yet."""

    sent: int
    uncertain: int
    to_come: int


async def settle_all(engine: Engine, mark: Mark, left: Mapping[str, Left], now: datetime) -> Account:
    """Settle what left, or may have, and let the runs go on from there, which may bring up the next."""
    views, ends = engine.store.views, {"sent": 0, "uncertain": 0}
    catch_up = _span((await engine.releases.live()).catalog.shop.catch_up)
    while True:
        while await sweep(engine, now, TOGETHER) >= TOGETHER:
            pass
        rows = [row for row in await views.messages(limit=ALL) if row.state in {*WAITING, "uncertain"}]
        found = [end for row in rows if (end := await _end(views, row, mark, left, catch_up)) is not None]
        if not found:
            return Account(ends["sent"], ends["uncertain"], len(await forgotten(views, left)))
        for start in range(0, len(found), TOGETHER):
            await settle(engine, found[start : start + TOGETHER], now)
        for end in found:
            ends[end.result] += 1


async def _end(
    views: Views, row: OutboxRecord, mark: Mark, left: Mapping[str, Left], catch_up: timedelta
) -> Settled | None:
    if row.state == "uncertain":  # the backup holds it so, and it was accepted after all
        known = left.get(row.effect_id)
        if known is None or known.result == "uncertain":
            return None
        return Settled(row.effect_id, row.customer_id, "sent", known.at, row.attempt, KNOWN)
    state = await views.customer(row.customer_id)
    return None if state is None else verdict(row, state, mark, left, catch_up)
