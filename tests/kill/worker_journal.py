"""What the database itself writes down about every message: who moved it from which state to which, and when.

A trigger, beside the product's tables and unknown to it. So it can be told in whose hands a message was when its
holder was killed.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import asyncpg
from worker_processes import Fault

MAKE = """
create schema watch;
create table watch.steps (
    number bigint generated always as identity primary key,
    at double precision not null default extract(epoch from clock_timestamp()),
    who text not null, effect_id text not null, attempt bigint not null, was text not null, state text not null
);
create index on watch.steps (effect_id, number);
create function watch.note() returns trigger language plpgsql as $$
begin
    insert into watch.steps (who, effect_id, attempt, was, state)
    values (current_setting('application_name'), new.effect_id, new.attempt, old.state, new.state);
    return null;
end $$;
create trigger watch after update on postventa.outbox for each row
when (new.kind = 'message' and old.state is distinct from new.state) execute function watch.note();
"""
HELD = """
select state, count(*) from (
    select distinct on (effect_id) effect_id, who, state from watch.steps
    where effect_id in (select effect_id from postventa.outbox where state in ('claimed', 'sending'))
    order by effect_id, number desc
) as latest where who = $1 and state in ('claimed', 'sending') group by state
"""


@dataclass(frozen=True)
class Step:
    """One move of a message."""

    at: float
    who: str
    effect_id: str
    attempt: int
    was: str
    state: str


@dataclass(frozen=True)
class Doubt:
    """A message that was under way and came back without an answer."""

    effect_id: str
    who: str
    """Who had it under way."""
    began: float
    ended: float
    state: str
    """Where it went: pending (sent again) or uncertain."""


@dataclass
class Journal:
    """The steps, read by whoever asks; the database may have been restarted meanwhile."""

    dsn: str

    def begin(self) -> None:
        asyncio.run(self._ask("execute", MAKE))

    def held_by(self, who: str) -> dict[str, int]:
        """How many messages this worker has claimed, and how many it is sending."""
        return {row[0]: row[1] for row in asyncio.run(self._ask("fetch", HELD, who))}

    def steps(self) -> list[Step]:
        rows = asyncio.run(
            self._ask("fetch", "select at, who, effect_id, attempt, was, state from watch.steps order by number")
        )
        return [Step(*row) for row in rows]

    async def _ask(self, how: str, text: str, *values: object) -> list[tuple[str, int]]:
        connection = await asyncpg.connect(self.dsn)
        try:
            return list(await getattr(connection, how)(text, *values))
        finally:
            await connection.close()


def doubts(steps: Sequence[Step]) -> Iterator[Doubt]:
    """Every message that went from `sending` back to `pending`, or to `uncertain`."""
    intent: dict[str, Step] = {}
    for step in steps:
        if step.state == "sending":
            intent[step.effect_id] = step
        elif step.was == "sending" and step.state in {"pending", "uncertain"}:
            before = intent[step.effect_id]
            yield Doubt(step.effect_id, before.who, before.at, step.at, step.state)


def explained(doubt: Doubt, faults: Sequence[Fault]) -> bool:
    """True when its holder, the database or the broker was struck while it was under way.

    An intent that was on its way to the database when its sender died is written a moment later.
    """
    hit = (one for one in faults if one.who in {doubt.who, "database"})
    return any(one.began - 1 <= doubt.ended and one.ended + 1 >= doubt.began for one in hit)
