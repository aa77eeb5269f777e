"""What an operator decides: dead letters, messages in doubt, runs that stand still, addresses nothing is sent to.

Every act stands in the audit, in the transaction that does it. Each gives one `Done` per thing that was named, so that
a list of a hundred tells which three were refused, and why.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from postventa.agents.declare import Agent
from postventa.core.event import Command, InDoubt
from postventa.engine.batch import take
from postventa.engine.engine import Engine
from postventa.engine.letters import read_letter
from postventa.engine.work import Work
from postventa.errors import RecordError
from postventa.store.base import DeadLetter, OutboxRecord

GONE = "it is not there (any more)"


@dataclass(frozen=True, slots=True)
class Done:
    """What became of one thing: `ok`, and in words how."""

    id: str
    ok: bool
    how: str


@dataclass(slots=True)
class Operators:
    """The acts on one engine. `changed` is called after each: there may be something to send or to fire."""

    engine: Engine
    now: Callable[[], datetime]
    agents: Callable[[], Mapping[str, Agent]]
    """By topic: they read the records of the topics again."""
    changed: Callable[[], None] = lambda: None

    # --- dead letters --------------------------------------------------------------------------------------------
    async def replay(self, numbers: Sequence[int], by: str) -> list[Done]:
        """Read each record again and take it in. Refused again, it is a dead letter again with a new reason."""
        registry = (await self.engine.releases.live()).project.registry
        told = []
        for number in dict.fromkeys(numbers):
            letter = await self.engine.store.views.dead_letter(number)
            if letter is None:
                told.append(Done(str(number), False, GONE))
                continue
            try:
                incoming = read_letter(letter, registry, self.agents(), self.now())
            except RecordError as error:
                mend = f" ({error.mend})" if error.mend else ""
                told.append(Done(str(number), False, f"still refused: {error.field} {error.message}{mend}"))
                continue
            if incoming is None:
                how = "the agent of its topic leaves such records out"
            else:
                (answer,) = await take(self.engine, [incoming], self.now())
                how = f"{answer.status}{f': {answer.reason}' if answer.reason else ''}"
            await self._removed([number], by, "dead letter replayed", how)
            told.append(Done(str(number), not how.startswith("rejected"), how))
        self.changed()
        return told

    async def discard(self, numbers: Sequence[int], by: str, reason: str) -> list[Done]:
        """Remove them. What they held is lost; the audit keeps where each came from and why it was refused."""
        gone = {letter.id for letter in await self._removed(numbers, by, "dead letter discarded", reason)}
        return [
            Done(str(one), one in gone, "discarded" if one in gone else GONE) for one in dict.fromkeys(numbers)
        ]  # fmt: skip

    async def _removed(self, numbers: Sequence[int], by: str, what: str, how: str) -> list[DeadLetter]:
        now = self.now()
        async with self.engine.store.transaction() as tx:
            taken = await tx.take_dead_letters(list(numbers))
            for letter in taken:
                detail = {"id": letter.id, "source": letter.source, "event": letter.event_id, "why": letter.reason}
                await tx.audit(now, by, what, {**detail, "how": how})
        return taken

    # --- messages in doubt ---------------------------------------------------------------------------------------
    async def resend(self, effect_ids: Sequence[str], by: str, reason: str = "") -> list[Done]:
        """They leave once more under the same Message-ID, unless the customer objected meanwhile."""
        return await self._decide(effect_ids, by, reason, "resend")

    async def drop(self, effect_ids: Sequence[str], by: str, reason: str = "") -> list[Done]:
        """They stay as they are: perhaps received, perhaps not; nobody is asked about them again."""
        return await self._decide(effect_ids, by, reason, "drop")

    async def _decide(
        self, effect_ids: Sequence[str], by: str, reason: str, kind: Literal["resend", "drop"]
    ) -> list[Done]:
        told = [await self._decide_one(effect_id, by, reason, kind) for effect_id in dict.fromkeys(effect_ids)]
        self.changed()
        return told

    async def _decide_one(self, effect_id: str, by: str, reason: str, kind: Literal["resend", "drop"]) -> Done:
        row = await self.engine.store.views.outbox_row(effect_id)
        if row is None or row.state != "uncertain":
            return Done(effect_id, False, GONE if row is None else f"it is not uncertain but {row.state}")
        now = self.now()

        async def body(work: Work) -> bool:
            await work.lock([row.customer_id])
            dropped = "dropped by an operator"
            moved = (
                await work.tx.resend(effect_id)
                if kind == "resend"
                else await work.tx.settle(effect_id, "gave_up", now, dropped, row.attempt)
            )
            if moved:
                asked = Command(kind, next(iter(row.run_ids), ""), _signed(reason, by), _in_doubt(row))
                work.advance(row.customer_id, asked, now)
                await work.save()
                await work.tx.audit(now, by, f"message {kind}", {"effect_id": effect_id, "reason": reason})
            return moved

        if not await self.engine.transact(body):
            return Done(effect_id, False, "somebody else decided it in this moment")
        return Done(effect_id, True, "leaves again" if kind == "resend" else "left as it is")

    # --- runs ----------------------------------------------------------------------------------------------------
    async def retry(self, runs: Sequence[tuple[str, str]], by: str) -> list[Done]:
        """Parked runs, as (customer, run id), try the step they failed at once more."""
        return [await self._command(customer, Command("retry_run", run), by) for customer, run in runs]

    async def end(self, runs: Sequence[tuple[str, str]], by: str, reason: str = "") -> list[Done]:
        """Runs, as (customer, run id), end here: what they had on its way is withdrawn."""
        why = _signed(reason, by)
        return [await self._command(customer, Command("end_run", run, why), by) for customer, run in runs]

    async def _command(self, customer: str, asked: Command, by: str) -> Done:
        if await self.engine.store.views.customer(customer) is None:
            return Done(asked.run_id, False, f"no customer {customer!r} is known")
        now = self.now()

        async def body(work: Work) -> Done:
            await work.lock([customer])
            if asked.run_id not in work.state(customer).runs:
                return Done(asked.run_id, False, "no such run is under way")
            outcome = work.advance(customer, asked, now)
            refused = next((entry.reason for entry in outcome.trace if entry.what == "refused"), None)
            again = next((entry.reason for entry in outcome.trace if entry.what == "parked"), None)
            await work.save()
            detail = {"run": asked.run_id, "customer": customer, "reason": asked.reason}
            await work.tx.audit(now, by, asked.kind.replace("_", " "), detail)
            if again is not None:
                return Done(asked.run_id, False, f"it failed again: {again}")
            how = "ended" if asked.kind == "end_run" else "goes on"
            return Done(asked.run_id, refused is None, refused or how)

        done = await self.engine.transact(body)
        self.changed()
        return done

    # --- addresses -----------------------------------------------------------------------------------------------
    async def suppress(self, address: str, by: str, reason: str) -> Done:
        """Nothing but what an order needs is sent to this address from now on; with `bounced` or `invalid` as the
        reason nothing at all."""
        now = self.now()
        async with self.engine.store.transaction() as tx:
            known = await tx.suppressed([address])
            await tx.suppress(address, reason, now)
            await tx.audit(now, by, "suppress", {"address": address.lower(), "reason": reason})
        self.changed()
        before = next(iter(known.values()), None)
        return Done(address, True, f"was suppressed already: {before}" if before else "suppressed")


def _signed(reason: str, by: str) -> str:
    return f"{reason} ({by})" if reason and by else reason or by


def _in_doubt(row: OutboxRecord) -> InDoubt:
    return InDoubt(
        row.effect_id, row.run_ids, row.step_id or "", row.message or "", row.channel or "", row.address or "",
        row.created_at,
    )  # fmt: skip
