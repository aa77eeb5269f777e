"""The real orders through the backtest, beside a second opinion worked out here from the tables with a wall clock.

Nothing of the engine is used for the second opinion: local times of the tables are compared as they stand there.
"""

from __future__ import annotations

import csv
import json
import os
import re
import shutil
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


def survey_time(order: Story, end: datetime, wait: timedelta = DAY) -> tuple[datetime | None, str]:
    """When the survey is due on the wall clock, `wait` after the delivery, or None; and what decided it."""
    if order.paid is None:
        return None, "never paid"
    begun = max(order.paid, order.bought)
    # A delivery from before the payment is none that the journey waits for.
    came = order.delivered if order.delivered and order.delivered >= order.paid else None
    if came and came <= order.promised:
        due, why = came + wait, "a day after the delivery"
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


# --- a survey after seven days instead of one -------------------------------------------------------------------------
WEEK = timedelta(days=7)


@pytest.fixture(scope="module")
def changed(told: Any, tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    """What `backtest --compare` says of the change: every difference, then the sum."""
    folder = tmp_path_factory.mktemp("seven")
    shutil.copytree(EXAMPLE, folder / "shop")
    journey = folder / "shop" / "journeys" / "satisfaction.yaml"
    before = journey.read_text(encoding="utf-8")
    assert before.count("wait: 1 day\n") == 1
    journey.write_text(before.replace("wait: 1 day\n", "wait: 7 days\n"), encoding="utf-8")
    earlier = folder / "before.jsonl"
    earlier.write_text("".join(json.dumps(one) + "\n" for one in told[0]), encoding="utf-8")
    events = folder / "events.jsonl"
    with events.open("wb") as file:
        subprocess.run([sys.executable, EXAMPLE / "to_events.py", os.environ["OLIST_DIR"]], stdout=file, check=True)
    command = [sys.executable, "-m", "postventa.cli.main", "backtest", "--project", folder / "shop"]
    command += ["--events", events, "--compare", earlier, "--json"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_both_versions_of_the_survey_are_what_the_tables_say(
    stories: list[Story], told: Any, changed: list[dict[str, Any]]
) -> None:
    end = told[2]
    versions = [{order.name: survey_time(order, end, wait)[0] for order in stories} for wait in (DAY, WEEK)]
    expected = [Counter((name, at) for name, at in version.items() if at) for version in versions]
    found = [sent(told[0], "satisfaction")]
    gone = Counter((name_of(one), on_the_wall(one["before"])) for one in changed[:-1] if one["before"])
    new = Counter((name_of(one), on_the_wall(one["after"])) for one in changed[:-1] if one["after"])
    assert gone <= found[0]
    found.append(found[0] - gone + new)
    assert found == expected
    assert {one["message"] for one in changed[:-1]} == {"satisfaction"}
    told_twice = {one["message"]: (one["before"], one["after"]) for one in changed[-1]["summary"]["messages"]}
    print([len(one) for one in expected], told_twice)
    assert told_twice["satisfaction"] == tuple(one.total() for one in expected)
    assert told_twice["thank-you"][0] == told_twice["thank-you"][1] == sent(told[0], "thank-you").total()


def test_who_gets_the_survey_in_one_version_only_and_why(
    stories: list[Story], told: Any, changed: list[dict[str, Any]]
) -> None:
    """Within a day asked, within seven not: because the answer, or a cancellation, came in between."""
    end = told[2]
    expected: dict[str, str] = {}
    for order in stories:
        (one, _), (seven, why) = survey_time(order, end), survey_time(order, end, WEEK)
        assert one or not seven, "a longer wait asks nobody who was not asked"
        if one and not seven:
            expected[order.name] = KINDS[why]
    found = {name_of(one): one["why"]["kind"] for one in changed[:-1] if not one["after"]}
    print(Counter(expected.values()))
    assert found == expected
    moved = [one for one in changed[:-1] if one["before"] and one["after"]]
    assert len(changed) == len(found) + len(moved) + 1
    assert len(expected) > 2000
    assert moved


KINDS = {"answered before": "answered", "cancelled before": "exited", "after the last event": "pending"}


def name_of(change: dict[str, Any]) -> str:
    return str(change["subject"]).removeprefix("order:")


def test_the_sum_counts_customers_and_mails_as_the_differences_do(told: Any, changed: list[dict[str, Any]]) -> None:
    summary = changed[-1]["summary"]
    mails: dict[str, list[int]] = defaultdict(lambda: [0, 0])
    for one in told[0]:
        if one["decision"] == "send":
            mails[one["customer"]][0] += 1
            mails[one["customer"]][1] += 1
    before = max(count for count, _ in mails.values())
    for one in changed[:-1]:
        mails[one["customer"]][1] += (one["after"] is not None) - (one["before"] is not None)
    kinds = Counter("fewer" if two < one else "more" if two > one else "" for one, two in mails.values())
    people = summary["customers"]
    assert (people["fewer"], people["more"], people["with_mail"]) == (kinds["fewer"], kinds["more"], len(mails))
    assert people["moved"] + people["same"] + people["other"] == kinds[""]
    assert people["changed"] == len({one["customer"] for one in changed[:-1]})
    assert summary["most"]["before"]["mails"] == before
    assert summary["most"]["after"]["mails"] == max(count for _, count in mails.values())
    assert len(summary["examples"]) == 10
