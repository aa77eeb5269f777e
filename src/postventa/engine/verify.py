"""The oracle: every customer's history folded through a fresh core must give what the store holds.

Customer by customer, so memory does not grow with the shop. Compared are the unfinished and finished runs, messages on
their way, holds, points and facts; every posting of the ledger; and the ids of all messages and events ever decided.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, NamedTuple

from postventa.core.advance import advance
from postventa.core.effect import PostPoints, SendMessage
from postventa.core.event import Event
from postventa.core.journey import Catalog
from postventa.core.state import CustomerState
from postventa.engine.release import Releases
from postventa.store.base import HistoryRow, Views
from postventa.store.codec import dumps, state_from_plain, state_to_plain
from postventa.store.inputs import input_from_plain

COMPARED = (
    "facts",
    "consents",
    "things",
    "runs",
    "ended",
    "watches",
    "holds",
    "assignments",
    "lots",
    "settling",
    "outbox",
    "heard",
)
_PAGE = 500
_ALL = 1_000_000
_TRIES = 5
_OFTEN = 20
_FOR_EVER = datetime.max.replace(tzinfo=UTC)


class Difference(NamedTuple):
    """Something of one customer that the history does not explain."""

    customer: str
    what: str
    history: str
    """What the history gives."""
    store: str


@dataclass(slots=True)
class Verified:
    """What was looked at."""

    customers: int = 0
    rows: int = 0
    erased: int = 0
    """Persons who were erased: nothing of them is left to be verified."""
    shortened: int = 0
    """Customers whose history begins at a snapshot or a merge: what came before is compared in part."""


@dataclass(slots=True)
class _Fold:
    """One customer made anew."""

    state: CustomerState
    messages: dict[str, datetime] = field(default_factory=dict)
    """Effect id -> when it was first decided."""
    postings: dict[str, int] = field(default_factory=dict)
    whole: bool = True
    """From the first row on, without a merge."""
    differences: list[Difference] = field(default_factory=list)


async def verify(
    views: Views,
    releases: Releases,
    told: Verified,
    messages_since: datetime | None = None,
    tell: Callable[[str, int, int | None], None] | None = None,
) -> AsyncIterator[Difference]:
    """Every difference, customer by customer; `told` is counted on the way, `tell` hears (what, how many, of how many).

    `messages_since`: sent messages older than that may have been dropped by age (the `retention` setting).
    """
    catalogs: dict[str, Catalog] = {}
    counts = await views.counts(_FOR_EVER)
    told.erased = counts["erased"]
    after = ""
    while page := await views.customer_ids(after, _PAGE):
        for customer in page:
            for _ in range(_TRIES):  # a running engine may move the customer while we look
                history = await views.history(customer)
                for hash_ in {row.release for row in history} - catalogs.keys():
                    catalogs[hash_] = await releases.catalog_of(hash_)
                events = {event.key: event for event, _ in await views.events(customer)}
                fold = fold_history(customer, history, events, catalogs)
                differences = await _compare(views, fold, messages_since)
                if not differences or len(await views.history(customer)) == len(history):
                    break
            told.customers += 1
            told.rows += len(history)
            told.shortened += not fold.whole
            if tell is not None and told.customers % _OFTEN == 0:
                tell("replaying customers", told.customers, counts["customers"])
            for difference in differences:
                yield difference
        after = page[-1]


def fold_history(
    customer: str,
    history: Sequence[HistoryRow],
    events: Mapping[tuple[str, str], Event],
    catalogs: Mapping[str, Catalog],
) -> _Fold:
    """Make every call of `advance` again, in order. Stops at the first row that cannot be."""
    history, whole = _from_where_it_can_be_told(history, events)
    fold = _Fold(CustomerState(customer), whole=whole)
    for row in history:
        if row.kind == "snapshot":
            kept = state_from_plain(row.payload)
            if row is not history[0]:
                fold.differences += _state_differences(fold.state, kept, f"the snapshot in row {row.seq}")
            fold.state = kept
        elif row.kind == "merge":
            fold.state, fold.whole = state_from_plain(row.payload), False
        else:
            try:
                given = input_from_plain(row.kind, row.payload, events)
            except (KeyError, ValueError) as error:
                fold.differences.append(Difference(customer, f"row {row.seq} ({row.kind})", f"unreadable: {error}", ""))
                return fold
            outcome = advance(fold.state, given, row.now, catalogs[row.release])
            fold.state = outcome.state
            for effect in outcome.effects:
                if isinstance(effect, SendMessage):
                    fold.messages.setdefault(effect.effect_id, effect.created_at)
                elif isinstance(effect, PostPoints):
                    fold.postings.setdefault(effect.posting_id, effect.points)
    return fold


def _from_where_it_can_be_told(
    history: Sequence[HistoryRow], events: Mapping[tuple[str, str], Event]
) -> tuple[Sequence[HistoryRow], bool]:
    """The rows to fold, and whether they are all there ever were. Age takes rows and events from the old end, never
    without a snapshot to go on from; between the two there may be rows whose beginning is gone."""
    if not history:
        return history, True
    told = len(history)
    while told and (history[told - 1].kind != "event" or _names(history[told - 1]) in events):
        told -= 1
    if told == 0 and history[0].seq == 1:
        return history, True
    for place in range(told, len(history)):
        if history[place].kind in {"snapshot", "merge"}:
            return history[place:], False
    return history, history[0].seq == 1


def _names(row: HistoryRow) -> tuple[str, str]:
    return str(row.payload.get("source")), str(row.payload.get("id"))


async def _compare(views: Views, fold: _Fold, messages_since: datetime | None) -> list[Difference]:
    customer = fold.state.customer_id
    stored = await views.customer(customer)
    if stored is None:
        return []  # erased or merged while we looked
    found = [*fold.differences, *_state_differences(fold.state, stored, "the store")]
    ledger = {str(one["posting_id"]): int(one["points"]) for one in await views.postings(customer)}
    found += _postings(customer, fold, ledger)
    rows = {one.effect_id for one in await views.messages(customer, _ALL)}
    missing = {
        effect for effect, at in fold.messages.items()
        if effect not in rows and (messages_since is None or at >= messages_since)
    }  # fmt: skip
    found += [Difference(customer, f"message {one}", "decided", "not there") for one in sorted(missing)]
    if fold.whole:
        surplus = sorted(rows - fold.messages.keys())
        found += [Difference(customer, f"message {one}", "never decided", "there") for one in surplus]
    return found


def _postings(customer: str, fold: _Fold, ledger: Mapping[str, int]) -> Iterable[Difference]:
    for name in sorted(fold.postings.keys() | (ledger.keys() if fold.whole else set())):
        mine, theirs = fold.postings.get(name), ledger.get(name)
        if mine != theirs:
            yield Difference(customer, f"posting {name}", str(mine), str(theirs))


def _state_differences(mine: CustomerState, theirs: CustomerState, where: str) -> list[Difference]:
    """The parts that differ, each as JSON; of a mapping or list only the entries that do."""
    one, other = _parts(mine), _parts(theirs)
    found = []
    for name in COMPARED:
        left, right = one[name], other[name]
        for key in sorted(left.keys() | right.keys()):
            if left.get(key) != right.get(key):
                what = f"{name}: {key} ({where})"
                found.append(Difference(mine.customer_id, what, left.get(key, "nothing"), right.get(key, "nothing")))
    return found


def _parts(state: CustomerState) -> dict[str, dict[str, str]]:
    plain: Mapping[str, Any] = state_to_plain(state)
    parts: dict[str, dict[str, str]] = {}
    for name in COMPARED:
        value = plain[name]
        entries = value.items() if isinstance(value, Mapping) else ((_name(one), one) for one in value)
        parts[name] = {str(key): _text(one) for key, one in entries}
    return parts


def _name(one: Mapping[str, Any]) -> str:
    """What an entry of a list is called."""
    for key in ("run_id", "effect_id"):
        if key in one:
            return str(one[key])
    names = ("journey", "subject", "type", "ref", "id", "channel", "purpose")
    return " ".join(_text(one[name]) for name in names if name in one)


def _text(value: Any) -> str:
    return value if isinstance(value, str) else dumps(_sorted(value))


def _sorted(value: Any) -> Any:
    """The value with its keys in order: a database may give an object's keys in another one."""
    if isinstance(value, Mapping):
        return {key: _sorted(value[key]) for key in sorted(value)}
    if isinstance(value, list | tuple):
        return [_sorted(one) for one in value]
    return value
