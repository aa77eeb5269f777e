"""PostgreSQL: statements built from the column lists of `rows`, each for a whole batch: one array per column.

Parameters are arrays of text and numbers and are cast where they enter; what is read comes out as text and numbers
again, so that `rows` reads both databases alike.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from typing import Any, Protocol

Row = Sequence[Any]


class Fetching(Protocol):
    """Who can ask: a connection, or a transaction."""

    async def fetch(self, statement: str, *values: Any) -> list[Any]:
        """The rows of one statement."""


class Sql(Fetching, Protocol):
    """Who can ask and change: a transaction."""

    async def execute(self, statement: str, *values: Any) -> int:
        """Run one statement; gives how many rows it concerned."""


_JSON = frozenset({
    "facts", "stamps", "consents", "ended", "watches", "holds", "assignments", "counted", "lots", "settling", "outbox",
    "verdicts", "heard", "ids", "data", "standing", "start", "vars", "matched", "marks", "rounds", "variants", "queued",
    "payload", "subject", "run_ids", "context", "event", "choices", "mail", "detail_json",
})  # fmt: skip
_TIMES = frozenset({
    "now", "due_at", "applied_at", "occurred_at", "recorded_at", "started_at", "at", "ended_at", "created_at",
    "lease_until", "first_try_at", "intent_at", "settled_at", "received_at",
})  # fmt: skip
_NUMBERS = frozenset({"seq", "step", "line", "round", "priority", "attempt", "points", "partition", "next"})
_FLAGS = frozenset({"erased", "remembered"})
_TEXT_HERE = frozenset({("answers", "subject")})


def _kind(table: str, name: str) -> str:
    if (table, name) in _TEXT_HERE:
        return "text"
    for kind, names in (("jsonb", _JSON), ("timestamptz", _TIMES), ("bigint", _NUMBERS), ("flag", _FLAGS)):
        if name in names:
            return kind
    return {"next_try_at": "next_try", "score": "score"}.get(name, "text")


_ARRAYS = {"bigint": "bigint", "flag": "bigint", "score": "float8"}
_CASTS = {
    "text": "{0}", "bigint": "{0}", "jsonb": "{0}::jsonb", "timestamptz": "{0}::timestamptz", "flag": "{0} <> 0",
    "score": "{0}::numeric", "next_try": "coalesce(nullif({0}, '')::timestamptz, '-infinity')",
}  # fmt: skip
_READS = {
    "timestamptz": "{0}::text", "next_try": "nullif({0}, '-infinity')::text", "score": "{0}::float8",
}  # fmt: skip


def given(table: str, names: Sequence[str], alias: str = "given", first: int = 1) -> str:
    """`unnest(…) as given (…)`: the parameters from `first` on, one array per column, as a table."""
    arrays = ", ".join(
        f"${place}::{_ARRAYS.get(_kind(table, name), 'text')}[]" for place, name in enumerate(names, first)
    )
    return f"unnest({arrays}) as {alias} ({', '.join(names)})"


def cast(table: str, name: str, alias: str = "given") -> str:
    """A column of `given` as the table keeps it."""
    return _CASTS[_kind(table, name)].format(f"{alias}.{name}")


def columns(table: str, names: Sequence[str]) -> str:
    """A select list that gives these columns as `rows` reads them."""
    reads = [_READS.get(_kind(table, name), "{0}").format(f"{table}.{name}") for name in names]
    return ", ".join(f"{read} as {name}" for read, name in zip(reads, names, strict=True))


def texts(table: str, names: Sequence[str]) -> str:
    """The same columns as one array of text, so that rows of several tables come with one statement."""
    reads = [_READS.get(_kind(table, name), "{0}").format(f"{table}.{name}") for name in names]
    return f"array[{', '.join(f'({read})::text' for read in reads)}]"


def reader(table: str, names: Sequence[str]) -> Callable[[Sequence[str | None]], Row]:
    """From such an array to the row that `columns` gives."""
    numbers = [place for place, name in enumerate(names) if _kind(table, name) == "bigint"]
    flags = [place for place, name in enumerate(names) if _kind(table, name) == "flag"]

    def read(found: Sequence[str | None]) -> Row:
        row: list[Any] = list(found)
        for place in numbers:
            row[place] = None if row[place] is None else int(row[place])
        for place in flags:
            row[place] = row[place] == "true"
        return row

    return read


def insert(table: str, names: Sequence[str], ending: str = "", first: int = 1) -> str:
    """Insert a batch."""
    values = ", ".join(cast(table, name) for name in names)
    return f"insert into {table} ({', '.join(names)}) select {values} from {given(table, names, first=first)} {ending}"


def upsert(table: str, names: Sequence[str], keys: int, *, kept: Collection[str] = (), first: int = 1) -> str:
    """Insert a batch over what is there. The first `keys` columns are the key; `kept` ones stay as they are."""
    changing = ", ".join(f"{name} = excluded.{name}" for name in names[keys:] if name not in kept)
    return insert(table, names, f"on conflict ({', '.join(names[:keys])}) do update set {changing}", first)


def matching(table: str, names: Sequence[str]) -> str:
    """The condition that a row's key is among `given`."""
    return " and ".join(f"{table}.{name} = given.{name}" for name in names)


def arrays(rows: Iterable[Row], width: int = 0) -> list[list[Any]]:
    """Rows as the arrays of their columns; `width` is how many there are when there may be no row."""
    turned = list(map(list, zip(*rows, strict=True)))
    return turned or [[] for _ in range(width)]


def last_of_each(rows: Sequence[Row], keys: int) -> Sequence[Row]:
    """One row per key, the last: a statement may not change a row twice."""
    found = {tuple(row[:keys]): row for row in rows}
    return rows if len(found) == len(rows) else list(found.values())
