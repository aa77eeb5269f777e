"""The dispatcher: takes what may leave, hands it over, and reports how it went. It decides nothing about customers.

Claim, render, intent, channel, receipt. What a crash can do at each point is in docs/guarantees.md.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial

from postventa.channels.base import Channel
from postventa.core.event import ReceiptResult
from postventa.dispatch import retry
from postventa.dispatch.ahead import Ahead
from postventa.dispatch.context import Links, no_links
from postventa.dispatch.handover import End, hand_over
from postventa.dispatch.intents import Attempt, intent_desk
from postventa.dispatch.shared import SharedCommit
from postventa.dispatch.wordings import Wordings
from postventa.engine.engine import Engine
from postventa.engine.meters import Meters
from postventa.engine.receipts import ClaimedMessage, Settled, claim, settle
from postventa.errors import PostventaError, StoreError
from postventa.store.base import OutboxRecord

log = logging.getLogger("postventa.dispatch")

POOL = 8
"""Messages in the hands of channels at once. More are claimed ahead, see `ahead`."""
LEASE = timedelta(minutes=1)
"""How long a claimed message waits for its intent. A crash delays what was claimed by this; a slow server costs a
second claim, never a second mail."""
MANY = 1_000_000
LOOK_AGAIN = 5.0
"""Real seconds between looks at the outbox when nobody woke us: retries, expired leases, ended pauses."""


@dataclass(slots=True)
class Dispatcher:
    """One pool of hand-overs. `now` is the journeys' clock; waiting and back-off run on real time."""

    engine: Engine
    channels: Mapping[str, Channel]
    now: Callable[[], datetime]
    links: Links = no_links
    pool: int = POOL
    stepping: bool = False
    """The journeys' clock stands still while something is under way: then a retry is waited for, not put off."""
    alone: bool = True
    """Nobody else sends from this store: what is `sending` when this process begins was left by the last one."""
    may_claim: Callable[[], bool] = lambda: True
    moved: Callable[[], None] = lambda: None
    """Called after a receipt moved runs: there may be a nearer due time, or an event to publish."""
    ended: Callable[[ClaimedMessage, datetime], Awaitable[bool]] | None = None
    """Asked before each hand-over: True where the message has ended already and must not leave."""
    wake: asyncio.Event = field(default_factory=asyncio.Event)
    sent: int = 0
    meters: Meters = field(default_factory=Meters)
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)
    _ahead: Ahead = field(default_factory=Ahead)
    _hands: asyncio.Semaphore = field(init=False)
    _resting: dict[str, tuple[float, int]] = field(default_factory=dict)
    """Channel -> (until, by the loop's clock; failures in a row)."""
    _wordings: Wordings = field(init=False)
    _intents: SharedCommit[Attempt, datetime | None] = field(init=False)
    _receipts: SharedCommit[Settled, None] = field(init=False)
    _returns: SharedCommit[tuple[OutboxRecord, str], None] = field(init=False)

    def __post_init__(self) -> None:
        self._hands = asyncio.Semaphore(self.pool)
        self._wordings = Wordings(self.engine.store.views)
        self._intents = intent_desk(self.engine.store, self.now)
        self._receipts = SharedCommit(self._settle_together, key=lambda one: one.effect_id, name="receipts")
        self._returns = SharedCommit(self._give_back, key=lambda one: one[0].effect_id, name="given back")

    async def run(self, stop: asyncio.Event) -> None:
        """Dispatch until `stop` is set, then finish what is under way. Whoever sets `stop` sets `wake` too."""
        if self.alone:
            await self._recover_once_there(stop)
        while not stop.is_set():
            self.wake.clear()
            if not await self._attempt():
                await _wait(self.wake, LOOK_AGAIN)
        await self.finish()

    async def _recover_once_there(self, stop: asyncio.Event) -> None:
        """A database that somebody holds when the engine starts is waited for, like at any other time."""
        while not stop.is_set():
            self.wake.clear()
            try:
                await self.recover()
            except StoreError as error:
                log.error("what the last stop left cannot be read, trying again: %s", error)  # noqa: TRY400
                await _wait(self.wake, LOOK_AGAIN)
            else:
                return

    async def drain(self) -> int:
        """Hand over everything that may leave now and give how many attempts that took; for tests and one-shot use."""
        total = 0
        while started := await self._round():
            total += started
            await self.finish()
        return total

    async def finish(self) -> None:
        """Wait for every hand-over under way."""
        while self._tasks:
            await asyncio.gather(*self._tasks, return_exceptions=True)

    async def recover(self, older_than: timedelta = timedelta(0)) -> int:
        """Rows somebody left `sending` (for longer than that) are in doubt: apply the rule. Gives how many.

        Zero is for the only dispatcher of a store, when it begins: nobody else holds anything, so what is still
        `claimed` is given back at once instead of when its lease ends.
        """
        if not older_than:
            await self._give_all_back()
        count = 0
        while rows := await self._in_doubt(older_than):
            for row in rows:
                await self._doubt(row, "the engine stopped between the intent and the answer", row.intent_at)
            count += len(rows)
        if count:
            log.warning("%s messages were in doubt after the last stop", count)
        return count

    async def _give_all_back(self) -> None:
        views = self.engine.store.views
        if not (await views.counts(self.now()))["messages"].get("claimed"):
            return
        claimed = [row for row in await views.messages(limit=MANY) if row.state == "claimed"]
        await self._give_back([(row, "the engine stopped before the intent") for row in claimed])

    async def _give_back(self, rows: Sequence[tuple[OutboxRecord, str]]) -> list[None]:
        """Nobody tried to hand these over: they may leave as if they had never been claimed."""
        by_reason: dict[str, dict[str, int]] = {}
        for row, why in rows:
            by_reason.setdefault(why, {})[row.effect_id] = row.attempt
        async with self.engine.store.transaction() as tx:
            for why, attempts in sorted(by_reason.items()):
                await tx.give_back(attempts, why)
        return [None] * len(rows)

    @property
    def busy(self) -> int:
        """Hand-overs under way."""
        return len(self._tasks)

    async def _in_doubt(self, older_than: timedelta) -> list[OutboxRecord]:
        async with self.engine.store.transaction() as tx:
            return await tx.in_doubt(older_than, 500)

    async def _attempt(self) -> int:
        """A round, unless it is not the time for one; a store that is away for the moment is waited for."""
        if not self.may_claim():
            return 0
        try:
            return await self._round()
        except StoreError as error:
            log.error("the outbox cannot be read, trying again: %s", error)  # noqa: TRY400
            return 0

    async def _round(self) -> int:
        """Claim as much as there is room for, and start it."""
        room = await self._room()
        until = asyncio.get_running_loop().time() + LEASE.total_seconds()
        claimed = await claim(self.engine, self.now(), room, await self._held(), LEASE)
        for _, group in itertools.groupby(claimed, key=lambda message: message.record.customer_id):
            messages = list(group)
            name = f"dispatch {messages[0].record.effect_id}"
            task = asyncio.create_task(self._one_customer(messages, until), name=name)
            self._tasks.add(task)
            task.add_done_callback(self._done)
        if claimed:
            self.moved()
        return len(claimed)

    async def _room(self) -> int:
        """For how many customers there is room; waits until it is worth a transaction."""
        loop = asyncio.get_running_loop()
        while True:
            ahead = 0 if self.stepping else self._ahead.allowed(loop.time())
            room = self.pool + ahead - len(self._tasks)
            if room >= max(1, ahead // 4):
                return room
            await asyncio.wait(self._tasks, return_when=asyncio.FIRST_COMPLETED)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        self.wake.set()
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("a hand-over ended without a receipt; its lease or the next start will find it", exc_info=error)

    async def _held(self) -> list[str]:
        """The scopes that rest: what an operator paused, and channels that failed as a whole."""
        paused = [pause.scope for pause in await self.engine.store.views.pauses()]
        return paused + [f"channel:{name}" for name in self._resting if self._rests(name)]

    def _rests(self, channel: str) -> bool:
        until, _ = self._resting.get(channel, (0.0, 0))
        return until > asyncio.get_running_loop().time()

    async def _one_customer(self, messages: Sequence[ClaimedMessage], until: float) -> None:
        """A customer's messages leave one after another, in the order in which they were claimed: `until` then, by the
        loop's clock, they are ours."""
        for message in messages:
            row = message.record
            async with self._hands:
                if why := self._not_now(row, until):
                    await self._persistently(partial(self._returns.ask, (row, why)))
                    continue
                if self.ended is not None and await self.ended(message, self.now()):
                    continue
                end = await hand_over(message, self.channels, self._wordings, self.links, self._intents, self.now())
            self._note_channel(row.channel or "", end)
            await self._persistently(partial(self._record, row, end))

    def _not_now(self, row: OutboxRecord, until: float) -> str:
        """Why a message whose turn has come is not handed over after all."""
        if self._rests(row.channel or ""):
            return "its channel rests"
        return "its turn came too late" if asyncio.get_running_loop().time() >= until else ""

    async def _record(self, row: OutboxRecord, end: End) -> None:
        at = end.at or self.now()
        self.meters.send(row.channel or "", end.ending)
        match end.ending:
            case "sent":
                self.sent += 1
                self._ahead.sent(asyncio.get_running_loop().time())
                await self._settle(row, "sent", at, end.detail)
            case "withdrawn":
                await self._withdrawn(row)
            case "refused":
                await self._settle(row, "refused", at, end.detail, row.address if end.bounced else None)
            case "unrenderable":
                log.error("message '%s' cannot be made and was given up: %s", row.message, _where(row))
                await self._settle(row, "gave_up", at, end.detail)
            case "later":
                await self._later(row, end)
            case "in_doubt":
                again = retry.delay(row.effect_id, row.attempt - 1) if row.attempt > 1 else timedelta(0)
                await self._doubt(row, end.detail, end.at, again)

    async def _later(self, row: OutboxRecord, end: End) -> None:
        if retry.is_over(row.first_try_at, datetime.now(UTC)):
            hours = int(retry.GIVE_UP_AFTER.total_seconds() // 3600)
            await self._settle(row, "gave_up", self.now(), f"tried for {hours} hours: {end.detail}")
            return
        pause = retry.delay(row.effect_id, row.attempt)
        log.warning("message '%s' is tried again in %.0f s: %s", row.message, pause.total_seconds(), _where(row))
        await self._put_off(row, pause, end.detail)

    async def _put_off(self, row: OutboxRecord, pause: timedelta, why: str) -> None:
        if self.stepping:
            await asyncio.sleep(pause.total_seconds())
            pause = timedelta(0)
        async with self.engine.store.transaction() as tx:
            await tx.retry_later(row.effect_id, self.now() + pause, why, row.attempt)

    async def _doubt(self, row: OutboxRecord, why: str, at: datetime | None, pause: timedelta = timedelta(0)) -> None:
        """Nobody knows whether it left: `allow` sends again with the same Message-ID, `avoid` waits for a person. Where
        the answer is lost again and again a mail is repeated ever more seldom, and after a day no more."""
        if row.duplicates == "allow" and not retry.is_over(row.first_try_at, datetime.now(UTC)):
            log.warning("message '%s' is sent again, it may arrive twice: %s", row.message, _where(row))
            await self._put_off(row, pause, f"in doubt, sent again: {why}")
            return
        log.warning("message '%s' is uncertain and waits for a person: %s", row.message, _where(row))
        await self._settle(row, "uncertain", at or self.now(), why)

    async def _withdrawn(self, row: OutboxRecord) -> None:
        """The intent was refused: the row is cancelled for good, held by a pause, or another attempt's by now. One
        whose address was suppressed waits for its lease: the next claim tells why it does not leave."""
        now = await self.engine.store.views.outbox_row(row.effect_id)
        if now is not None and now.state == "cancelled":
            await self._settle(row, "cancelled", self.now(), "withdrawn before it was handed over")
        elif {"all", f"journey:{row.journey}", f"channel:{row.channel}"} & {*await self._held()}:
            await self._returns.ask((row, "paused before it was handed over"))

    async def _settle(
        self, row: OutboxRecord, result: ReceiptResult, at: datetime, detail: str, bounced: str | None = None
    ) -> None:
        settled = Settled(row.effect_id, row.customer_id, result, at, row.attempt, detail, bounced)
        await self._receipts.ask(settled)

    async def _settle_together(self, receipts: Sequence[Settled]) -> list[None]:
        await settle(self.engine, receipts, self.now())
        self.moved()
        return [None] * len(receipts)

    async def _persistently(self, record: Callable[[], Awaitable[None]]) -> None:
        """A receipt is worth waiting for: the mail has left, only the store does not know it yet."""
        for attempt in itertools.count(1):
            try:
                await record()
                return
            except (PostventaError, OSError) as error:
                pause = min(30.0, 0.2 * 2 ** min(attempt, 8))
                log.error("a receipt could not be stored, trying again in %.0f s: %s", pause, error)  # noqa: TRY400
                await asyncio.sleep(pause)

    def _note_channel(self, name: str, end: End) -> None:
        """Rest a channel that fails as a whole, instead of failing each message with it."""
        if not end.channel_down:
            if self._resting.pop(name, None) is not None:
                log.warning("channel '%s' works again", name)
            return
        until, failures = self._resting.get(name, (0.0, 0))
        loop_now = asyncio.get_running_loop().time()
        if until > loop_now:
            return
        pause = min(300.0, 2.0 * 2**failures)
        self._resting[name] = (loop_now + pause, failures + 1)
        log.error("channel '%s' does not work, next try in %.0f s; nothing is lost: %s", name, pause, end.detail)


def _where(row: OutboxRecord) -> str:
    """Where the reason stands. The log does not tell it: a mail server's answer may quote the customer."""
    return f"the page /mailbox/{row.effect_id} tells why"


async def _wait(wake: asyncio.Event, seconds: float) -> None:
    with contextlib.suppress(asyncio.TimeoutError):
        await asyncio.wait_for(wake.wait(), seconds)
