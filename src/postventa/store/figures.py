"""What a store counts for the results of one journey: the port, and the statements both databases understand.

Only rows that are kept are counted: of messages and trace those that age has not taken (`retention`), of erased persons
nothing.
"""

# ruff: noqa: S608 (SQL of our own names)

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Protocol

from postventa.store.codec import time_from_text, time_to_text

Row = dict[str, Any]


class Figures(Protocol):
    """The part of `store.base.Views` behind `postventa results`."""

    async def figures(self, journey: str) -> Row:
        """Of one journey: `entered` and `inside` (runs), `ended` by outcome and reason, `refused` starts by reason,
        `messages` by message and state, `skipped` by message and reason, each list with a `count`; and `exposed`: one
        row per run that met an experiment, oldest first. Of reasons only what comes before a time of day in them.
        """

    async def occurrences(self, event_type: str) -> list[tuple[str, str]]:
        """(customer id, when it occurred) of every event of this type that is kept, oldest first; times are text."""


def statements(asked: str, cut: Callable[[str, str], str], at: Callable[[str], str]) -> Mapping[str, str]:
    """The queries by name. `asked` is the parameter, `cut(column, mark)` the text before a mark, `at(column)` a time as
    text."""
    place = f"journey = {asked}"
    grouped = "group by 1, 2 order by 1, 2"
    return {
        "inside": f"select count(*) from runs where {place}",
        "ended": f"select outcome, {cut('reason', ' at ')}, count(*) from ended_runs where {place} {grouped}",
        "refused": f"select what, {cut('reason', ' occurred on ')}, count(*) from trace"
        f" where what = 'refused' and {place} {grouped}",
        "messages": f"select message, state, count(*) from outbox where kind = 'message' and {place} {grouped}",
        "skipped": f"select message, {cut('reason', ': on ')}, count(*) from trace"
        f" where decision = 'skip' and {place} {grouped}",
        "exposed": f"select customer_id, run_id, {at('trace.at')}, version, step_id, reason, variant from trace"
        f" where what = 'variant' and {place} order by trace.at, number",
        "occurrences": f"select customer_id, {at('events.occurred_at')} from events where type = {asked}"
        " order by events.occurred_at, customer_id, source, id",
    }


def figures(found: Mapping[str, Sequence[Any]]) -> Row:
    """The rows of all queries as `Figures.figures` gives them."""
    inside = int(found["inside"][0][0])
    ended = _counted(found["ended"], "outcome", "reason")
    return {
        "entered": inside + sum(one["count"] for one in ended),
        "inside": inside,
        "ended": ended,
        "refused": [{"reason": row[1], "count": int(row[2])} for row in found["refused"]],
        "messages": _counted(found["messages"], "message", "state"),
        "skipped": _counted(found["skipped"], "message", "reason"),
        "exposed": [
            {"customer_id": row[0], "run_id": row[1], "at": utc(row[2]), "version": row[3],
             "experiment": row[5].partition(": ")[0], "variant": row[6]}
            for row in found["exposed"]
        ],
    }  # fmt: skip


def _counted(rows: Iterable[Any], *names: str) -> list[Row]:
    return [{**dict(zip(names, row, strict=False)), "count": int(row[2])} for row in rows]


def utc(text: str) -> str:
    """A time as every row of a view has it."""
    return time_to_text(time_from_text(text))


def before(text: str, mark: str) -> str:
    """What `cut` does, for a store without a database."""
    return text.partition(mark)[0]
