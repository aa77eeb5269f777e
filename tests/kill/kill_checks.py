"""What must hold after any kill test, asked of a store that is quiet again and of the mail server's own list."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable

from postventa.engine.release import Releases
from postventa.engine.verify import Verified, verify
from postventa.store.base import OutboxRecord, Store

MOST = 200_000


async def messages_of(store: Store) -> list[OutboxRecord]:
    """Every message there ever was."""
    return [row for row in await store.views.messages(limit=MOST) if row.kind == "message"]


async def applied_events(store: Store) -> Counter[tuple[str, str]]:
    """(source, id) of the events in the histories of all customers -> how often."""
    applied: Counter[tuple[str, str]] = Counter()
    for customer in await store.views.customer_ids(limit=MOST):
        for row in await store.views.history(customer):
            if row.kind == "event":
                applied[(str(row.payload["source"]), str(row.payload["id"]))] += 1
    return applied


async def each_took_effect_once(store: Store, accepted: Collection[tuple[str, str]]) -> None:
    applied = await applied_events(store)
    assert not set(accepted) - applied.keys(), "accepted and lost"
    assert not [key for key, count in applied.items() if count > 1], "took effect twice"


async def the_history_gives_the_store(store: Store) -> Verified:
    told = Verified()
    differences = [one async for one in verify(store.views, Releases(store), told)]
    assert not differences, differences[:5]
    assert told.customers, "there was nothing to verify"
    return told


def every_message_left_or_is_uncertain(rows: Iterable[OutboxRecord], taken: Counter[str]) -> None:
    for row in rows:
        assert row.state in {"sent", "uncertain", "cancelled"}, row
        if row.state == "sent":
            assert taken[message_id(row)], f"recorded as sent, never arrived: {row}"


def every_repetition_is_explained(rows: Iterable[OutboxRecord], taken: Counter[str], in_doubt: Collection[str]) -> None:
    """`in_doubt`: effect ids that were between intent and receipt when something was struck."""
    known = {message_id(row): row for row in rows}
    for arrived, count in taken.items():
        row = known[arrived]
        if count > 1:
            assert row.duplicates == "allow", f"must not be repeated: {row}"
            assert row.effect_id in in_doubt, f"was never in doubt: {row}"
    for row in known.values():
        if row.state == "uncertain":
            assert row.duplicates == "avoid", row
            assert row.effect_id in in_doubt, row


def message_id(row: OutboxRecord) -> str:
    return f"<{row.effect_id}@example.com>"
