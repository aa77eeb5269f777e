"""The real orders through the backtest, beside a second opinion worked out here from the tables with a wall clock.

Nothing of the engine is used for the second opinion: local times of the tables are compared as they stand there.
"""

from __future__ import annotations

import csv
import json
import os
import re
import subprocess
import sys
from collections import Counter, defaultdict
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

pytestmark = pytest.mark.olist

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "olist"
ZONE = ZoneInfo("America/Sao_Paulo")
OPENS, CLOSES = time(9), time(21)
WAITING_ROOM = 72 * 3600
DAY = timedelta(days=1)


@dataclass
class Story:
    """One order, in the local times of the tables."""

    name: str
    bought: datetime
    paid: datetime | None
    delivered: datetime | None
    promised: datetime
    cancelled: datetime | None
    answered: datetime | None
    lost: list[str]
    """Events so long before their order that nobody waited for it."""


def rows(table: str) -> list[dict[str, str]]:
    with (Path(os.environ["OLIST_DIR"]) / f"olist_{table}_dataset.csv").open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def stories() -> list[Story]:
    answers: dict[str, list[str]] = defaultdict(list)
    for review in rows("order_reviews"):
        answers[review["order_id"]].append(review["review_answer_timestamp"])
    return [story(row, min(answers[row["order_id"]], default="")) for row in rows("orders")]


def story(row: dict[str, str], answer: str) -> Story:
    at = {
        name: datetime.fromisoformat(text) for name, text in row.items() if text and text[0].isdigit() and ":" in text
    }
    bought = at["order_purchase_timestamp"]
    told = {
        "order.paid": at.get("order_approved_at"),
        "shipment.in_transit": at.get("order_delivered_carrier_date"),
        "shipment.delivered": at.get("order_delivered_customer_date"),
    }
    gone = row["order_status"] in {"canceled", "unavailable"}
    last = max([bought, *(moment for moment in told.values() if moment)])
    told["order.cancelled"] = last + timedelta(seconds=1) if gone else None
    told["survey.answered"] = datetime.fromisoformat(answer) if answer else None
    lost = [kind for kind, moment in told.items() if moment and exactly(bought) - exactly(moment) > WAITING_ROOM]
    told.update(dict.fromkeys(lost))
    return Story(
        row["order_id"], bought, told["order.paid"], told["shipment.delivered"],
        at["order_estimated_delivery_date"], told["order.cancelled"], told["survey.answered"], lost,
    )  # fmt: skip


def exactly(local: datetime) -> float:
    """In seconds: the waiting room is measured by the stopwatch."""
    return local.replace(tzinfo=ZONE).timestamp()


def survey_time(order: Story, end: datetime) -> tuple[datetime | None, str]:
    """When the survey is due on the wall clock, or None; and what decided it."""
    if order.paid is None:
        return None, "never paid"
    begun = max(order.paid, order.bought)
    # A delivery from before the payment is none that the journey waits for.
    came = order.delivered if order.delivered and order.delivered >= order.paid else None
    if came and came <= order.promised:
        due, why = came + DAY, "a day after the delivery"
    else:
        due, why = max(order.promised, begun), "on the promised date, nothing had come"
    if not OPENS <= due.time() < CLOSES:
        due = datetime.combine(due.date() + (DAY if due.time() >= CLOSES else timedelta()), OPENS)
    if order.cancelled and order.cancelled <= due:
        return None, "cancelled before"
    if order.answered and order.answered <= due:
        return None, "answered before"
    return (due, why) if due <= end else (None, "after the last event")


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> tuple[list[dict[str, Any]], str, datetime]:
    """The decisions, the summary, and the local time of the last event."""
    events = tmp_path_factory.mktemp("olist") / "events.jsonl"
    with events.open("wb") as file:
        subprocess.run([sys.executable, EXAMPLE / "to_events.py", os.environ["OLIST_DIR"]], stdout=file, check=True)
    last = json.loads(events.read_bytes().splitlines()[-1])["time"]
    command = [
        sys.executable,
        "-m",
        "postventa.cli.main",
        "backtest",
        "--project",
        EXAMPLE,
        "--events",
        events,
        "--json",
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return [json.loads(line) for line in done.stdout.splitlines()], done.stderr, on_the_wall(last)


def on_the_wall(moment: str) -> datetime:
    return datetime.fromisoformat(moment).astimezone(ZONE).replace(tzinfo=None)


def sent(decisions: list[dict[str, Any]], message: str) -> Counter[tuple[str, datetime]]:
    return Counter(
        (one["subject"].removeprefix("order:"), on_the_wall(one["at"]))
        for one in decisions
        if one["message"] == message and one["decision"] == "send"
    )


def test_every_order_is_thanked_the_moment_it_is_paid(stories: list[Story], told: Any) -> None:
    expected = Counter(
        (order.name, max(order.paid, order.bought))
        for order in stories
        if order.paid and not (order.cancelled and order.cancelled <= order.paid)
    )
    print(f"{len(stories)} orders, {len(expected)} thanked")
    assert sent(told[0], "thank-you") == expected


def test_every_survey_leaves_at_its_local_time(stories: list[Story], told: Any) -> None:
    decisions, _, end = told
    due = {order.name: survey_time(order, end) for order in stories}
    reasons = Counter(why for _, why in due.values())
    print(dict(sorted(reasons.items())))
    assert len(reasons) >= 5
    assert min(reasons.values()) > 100, "each of the reasons is there often enough to matter"
    expected = Counter((name, moment) for name, (moment, _) in due.items() if moment)
    found = sent(decisions, "satisfaction")
    assert (found - expected, expected - found) == (Counter(), Counter())


def test_what_moved_nobody_came_days_before_its_order(stories: list[Story], told: Any) -> None:
    lost = Counter(kind for order in stories for kind in order.lost)
    print(dict(lost))
    said = re.search(r"(\d+) events moved nobody \(order \w+ did not come in time\)", told[1])
    assert said is not None, told[1]
    assert int(said.group(1)) == lost.total()
