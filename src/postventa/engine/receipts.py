"""The dispatcher's side of the engine: which messages may leave now, and how each of them ended.

`claim` asks the core once more, in the same transaction in which suppressed addresses are read and codes are taken.
`settle` records ends; several in one transaction. Between the two the message is the dispatcher's.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from postventa.core.effect import Claimed, Withdraw
from postventa.core.event import Claim, Receipt, ReceiptResult
from postventa.core.state import CustomerState
from postventa.engine.engine import Engine
from postventa.engine.release import Live
from postventa.engine.work import Work
from postventa.store.base import OutboxRecord

LEASE = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class ClaimedMessage:
    """A message that may leave until its lease ends. `state` is its customer's after the claim."""

    record: OutboxRecord
    """With the attempt, the code and the address as they are now."""
    state: CustomerState
    attempt: int
    code: str | None
    live: Live
    """The release it is rendered from."""


@dataclass(frozen=True, slots=True)
class Settled:
    """How a hand-over ended. `at`: the commit of its intent for `sent` and `uncertain`, else when it ended."""

    effect_id: str
    customer_id: str
    result: ReceiptResult
    at: datetime
    attempt: int
    detail: str = ""
    bounced: str | None = None
    """The address the other side refused for good: nothing is sent there any more."""


async def claim(
    engine: Engine, now: datetime, limit: int = 100, paused: Sequence[str] = (), lease: timedelta = LEASE
) -> list[ClaimedMessage]:
    """Take the pending messages of up to `limit` customers, each customer's in order of priority, age, effect id."""
    if "all" in paused:
        return []  # not even a look: behind a pause of everything the outbox grows long

    async def body(work: Work) -> list[ClaimedMessage]:
        rows = await work.tx.claimable(now, limit, paused)
        if not rows:
            return []
        by_customer: dict[str, list[OutboxRecord]] = {}
        for row in rows:
            by_customer.setdefault(row.customer_id, []).append(row)
        await work.lock(by_customer)
        refused = await _suppressed(work, rows)
        codes = await _codes(engine, work, rows)
        granted: dict[str, str | None] = {}
        for customer, mine in sorted(by_customer.items()):
            granted |= await _claim_one(work, customer, mine, refused, codes, now)
        await work.save()
        attempts = await work.tx.set_claimed(granted, lease)
        return [_claimed(work, row, attempts[row.effect_id], granted) for row in rows if row.effect_id in attempts]

    return await engine.transact(body)


async def settle(engine: Engine, results: Sequence[Settled], now: datetime) -> None:
    """Record ends. What is no longer true (a row that was claimed anew since, an erased customer) is passed over."""

    async def body(work: Work) -> None:
        names = await work.tx.aliases(sorted({one.customer_id for one in results}))
        owner = {one.customer_id: names.get(one.customer_id, one.customer_id) for one in results}
        gone = await work.tx.erased([_marker(engine, one) for one in sorted(owner)])
        mine = [one for one in results if one.customer_id in names or _marker(engine, one.customer_id) not in gone]
        await work.lock(owner[one.customer_id] for one in mine)
        for one in await _still_their_own(work, sorted(mine, key=lambda one: one.effect_id)):
            work.advance(owner[one.customer_id], Receipt(one.effect_id, one.result, one.at, one.detail), now)
        await work.save()
        for one in mine:
            if one.bounced:
                await work.tx.suppress(one.bounced.lower(), "bounced", now)

    if results:
        await engine.transact(body)


def _marker(engine: Engine, customer: str) -> str:
    """What stays of an erased customer's id. One who has a name again came back since: somebody new."""
    return engine.keys.marker("id", customer)


async def _still_their_own(work: Work, results: Sequence[Settled]) -> list[Settled]:
    """Settle the rows, and leave out those that another attempt holds by now. What such a one says is not the message's
    end, and must not move its run: the other may hand it over yet."""
    # A message that was withdrawn while it was on its way is cancelled already, or pending for its other runs.
    withdrawn = {one.effect_id for one in results if one.result == "cancelled"}
    heard = withdrawn | await work.tx.settle_all([
        (one.effect_id, one.result, one.at, one.detail, one.attempt)
        for one in results
        if one.effect_id not in withdrawn
    ])  # fmt: skip
    return [one for one in results if one.effect_id in heard]


# --- one customer's claim ---------------------------------------------------------------------------------------------
async def _claim_one(
    work: Work,
    customer: str,
    rows: Sequence[OutboxRecord],
    refused: Mapping[str, str],
    codes: Mapping[str, str],
    now: datetime,
) -> dict[str, str | None]:
    """Effect id -> code of those that may leave. A row the core does not know (any more) is taken out."""
    ids = tuple(row.effect_id for row in rows)
    asked = Claim(
        ids,
        {address: why for address in _addresses(work, rows) if (why := refused.get(address))},
        {row.effect_id: codes[row.effect_id] for row in rows if row.effect_id in codes},
    )
    effects = work.advance(customer, asked, now).effects
    answered = {effect.effect_id for effect in effects if isinstance(effect, Claimed | Withdraw)}
    for one in sorted(set(ids) - answered):
        await work.tx.settle(one, "cancelled", now, "nothing waits for this message any more")
    return {effect.effect_id: effect.code for effect in effects if isinstance(effect, Claimed)}


async def _suppressed(work: Work, rows: Iterable[OutboxRecord]) -> dict[str, str]:
    """Address in lower case -> why nothing may be sent to it; those of the rows and of their customers."""
    return await work.tx.suppressed(_addresses(work, rows))


def _addresses(work: Work, rows: Iterable[OutboxRecord]) -> list[str]:
    """Where these rows go and what their customers' addresses are by now, in lower case, sorted."""
    found = {address for row in rows for address in (row.address, work.state(row.customer_id).facts.get("email"))}
    return sorted(address.lower() for address in found if isinstance(address, str) and address)


async def _codes(engine: Engine, work: Work, rows: Iterable[OutboxRecord]) -> dict[str, str]:
    """Effect id -> code, "" where none is left, for the rows that carry a reward."""
    rewards = work.live.catalog.loyalty.rewards
    found: dict[str, str] = {}
    for row in rows:
        if row.reward is not None:
            reward = rewards.get(row.reward)
            own = reward is None or reward.codes == "generated"
            generated = engine.keys.code(reward.prefix if reward else "", row.effect_id) if own else ""
            found[row.effect_id] = await work.tx.take_code(row.reward, row.effect_id, generated) or ""
    return found


def _claimed(work: Work, row: OutboxRecord, attempt: int, granted: Mapping[str, str | None]) -> ClaimedMessage:
    state, code = work.state(row.customer_id), granted[row.effect_id]
    seen = state.outbox.get(row.effect_id)
    runs, address = (seen.run_ids, seen.address) if seen else (row.run_ids, row.address)
    record = replace(row, state="claimed", attempt=attempt, code=code, run_ids=runs, address=address)
    return ClaimedMessage(record, state, attempt, code, work.live)
