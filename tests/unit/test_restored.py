"""A restored backup: which messages left already, which may have, and which are free to leave."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from postventa.core.event import Event
from postventa.core.state import AGAIN, CustomerState, OutboxRow, Run, Stand
from postventa.runtimes.kafka.published import Left
from postventa.runtimes.kafka.restored import Mark, verdict
from postventa.store.base import OutboxRecord

FOUND = datetime(2026, 5, 4, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
MINUTES = timedelta(minutes=1)


def message(slot: str = "send", **times: datetime) -> tuple[OutboxRecord, CustomerState]:
    """One that wants to leave, of a run whose start `occurred`, was taken in at `started`, and is `at` its send."""
    occurred = times["occurred"]
    start = Event("e", "shop", "order.paid", occurred, {})
    run = Run(
        "r", "care", "1", ("order", "o"), {}, start, times.get("started", occurred), times.get("at", occurred), 0,
        Stand("outbox", occurred, effect_id="m"),
    )  # fmt: skip
    row = OutboxRow("m", ("r",), "s", "thanks", "email", "a@example.com", "claimed", FOUND, slot)
    record = OutboxRecord("m", "c", "message", "claimed", FOUND, duplicates="allow", run_ids=("r",), attempt=1)
    return record, CustomerState("c", runs={"r": run}, outbox={"m": row})


def result(mark: Mark, *left: Left, slot: str = "send", **times: datetime) -> str | None:
    end = verdict(*message(slot, **times), mark, {one.effect_id: one for one in left}, HOUR)
    return end and end.result


YOUNG = Mark(FOUND - 20 * MINUTES, FOUND)
BEFORE = FOUND - 5 * MINUTES
SENT = Left("m", "sent", BEFORE)


@pytest.mark.parametrize(
    ("times", "expected"),
    [
        pytest.param({"occurred": BEFORE}, "uncertain", id="due before, though duplicates are allowed"),
        pytest.param({"occurred": BEFORE, "started": FOUND + MINUTES}, "uncertain", id="due before, read again"),
        pytest.param({"occurred": BEFORE, "at": FOUND + MINUTES}, None, id="its time came only later"),
        pytest.param({"occurred": FOUND + MINUTES}, None, id="a new order"),
    ],
)  # fmt: skip
def test_what_was_due_before_the_backup_was_found_may_have_left(
    times: dict[str, datetime], expected: str | None
) -> None:
    assert result(YOUNG, **times) == expected


def test_what_was_published_as_sent_is_sent_and_keeps_its_time() -> None:
    end = verdict(*message(occurred=BEFORE), YOUNG, {"m": SENT}, HOUR)
    assert end is not None
    assert (end.result, end.at, end.attempt) == ("sent", BEFORE, 1)


def test_whoever_was_asked_has_the_last_word() -> None:
    assert result(YOUNG, slot=AGAIN, occurred=BEFORE) is None
    assert result(YOUNG, SENT, slot=AGAIN, occurred=BEFORE) is None


def test_runs_of_an_old_backup_go_on_from_now_and_are_asked_about_all_the_same() -> None:
    old = Mark(FOUND - 12 * HOUR, FOUND, FOUND + HOUR)
    read_again = {"occurred": FOUND - 6 * HOUR, "started": FOUND + MINUTES, "at": FOUND + MINUTES}
    overdue = {"occurred": FOUND - 30 * HOUR, "at": FOUND + MINUTES}
    assert result(old, **read_again) == result(old, **overdue) == "uncertain"
    assert result(YOUNG, **overdue) is None, "of a young backup its time is known: it is due now"
    assert result(old, occurred=FOUND - 30 * HOUR, at=FOUND + 2 * HOUR) is None
    assert result(old, occurred=FOUND + MINUTES, at=FOUND + 2 * MINUTES) is None


def test_a_mark_is_stored_as_text() -> None:
    assert [Mark.of(one.text()) for one in (YOUNG, Mark(FOUND, FOUND, FOUND))] == [YOUNG, Mark(FOUND, FOUND, FOUND)]
    assert Mark.of(None) is None
