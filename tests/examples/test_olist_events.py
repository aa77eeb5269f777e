"""The converter of the Olist tables: every event it writes is one the tables hold, counted here a second way."""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
CONVERTER = ROOT / "examples" / "olist" / "to_events.py"
TABLES = Path(os.environ.get("OLIST_DIR") or "nowhere")

MADE_UP = {
    "customers": "customer_id,customer_unique_id,customer_state\nc1,p1,SP\nc2,p1,SP\nc3,p3,AM\n",
    "products": "product_id,product_category_name\nchair,moveis_decoracao\nthing,\n",
    "order_items": (
        "order_id,order_item_id,product_id,price,freight_value\n"
        "o1,2,thing,5.5,1.00\no1,1,chair,129.9,10.10\no2,1,chair,129.9,10.10\n"
    ),
    "order_payments": "order_id,payment_sequential,payment_value\no1,1,100\no1,2,46.5\no2,1,140\no3,1,12.34\n",
    "order_reviews": (
        "review_id,order_id,review_score,review_comment_title,review_comment_message,review_answer_timestamp\n"
        "r2,o1,1,,mudei de ideia,2017-11-20 10:00:00\nr1,o1,4, Bom ,chegou,2017-11-12 08:00:00\n"
    ),
    "orders": (
        "order_id,customer_id,order_status,order_purchase_timestamp,order_approved_at,order_delivered_carrier_date,"
        "order_delivered_customer_date,order_estimated_delivery_date\n"
        "o1,c1,delivered,2017-10-14 21:00:00,2017-10-14 22:00:00,"
        "2017-10-16 08:00:00,2017-11-10 12:00:00,2017-11-09 00:00:00\n"
        "o2,c2,canceled,2018-02-17 22:30:00,2018-02-17 23:30:00,2018-02-17 22:00:00,,2018-03-01 00:00:00\n"
        "o3,c3,unavailable,2017-06-01 10:00:00,,,,2017-06-20 00:00:00\n"
    ),
}


def convert(directory: Path) -> bytes:
    return subprocess.run([sys.executable, CONVERTER, directory], check=True, capture_output=True).stdout


def parse(output: bytes) -> list[dict[str, Any]]:
    return [json.loads(line) for line in output.decode().splitlines()]


@pytest.fixture(scope="module")
def made_up(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    directory = tmp_path_factory.mktemp("olist")
    for table, text in MADE_UP.items():
        (directory / f"olist_{table}_dataset.csv").write_text(text, encoding="utf-8")
    return {event["id"]: event for event in parse(convert(directory))}


def test_the_offset_of_the_day_is_written_out(made_up: dict[str, dict[str, Any]]) -> None:
    # Summer time began on 15 October 2017; 23:30 on 17 February 2018 came twice, the first with -02:00.
    assert made_up["o1/order.placed"]["time"] == "2017-10-14T21:00:00-03:00"
    assert made_up["o1/shipment.in_transit"]["time"] == "2017-10-16T08:00:00-02:00"
    assert made_up["o2/order.paid"]["time"] == "2018-02-17T23:30:00-02:00"
    assert made_up["o2/order.placed"]["data"]["promised_at"] == "2018-03-01T00:00:00-03:00"


def test_a_cancellation_comes_one_second_after_the_last_thing_known(made_up: dict[str, dict[str, Any]]) -> None:
    assert made_up["o2/order.cancelled"]["time"] == "2018-02-17T23:30:01-02:00"
    assert made_up["o3/order.cancelled"]["time"] == "2017-06-01T10:00:01-03:00"
    assert made_up["o3/order.cancelled"]["data"]["reason"] == "unavailable"


def test_an_order_never_approved_has_no_payment(made_up: dict[str, dict[str, Any]]) -> None:
    assert "o3/order.paid" not in made_up
    assert made_up["o3/order.placed"]["data"]["lines"] == []
    assert made_up["o3/order.placed"]["data"]["total"] == "12.34"


def test_lines_and_money_are_exact(made_up: dict[str, dict[str, Any]]) -> None:
    data = made_up["o1/order.placed"]["data"]
    assert data["total"] == "146.50"
    assert [line["line_id"] for line in data["lines"]] == ["1", "2"]
    assert data["lines"][0]["category"] == "moveis_decoracao"
    assert data["lines"][0]["price"] == "129.90"
    assert "category" not in data["lines"][1]


def test_the_first_answer_counts(made_up: dict[str, dict[str, Any]]) -> None:
    answers = [event for event in made_up.values() if event["type"] == "survey.answered"]
    assert [answer["data"] for answer in answers] == [
        {"order_id": "o1", "survey": "satisfaction", "score": 4, "text": "Bom\nchegou"}
    ]


def test_two_orders_of_one_person_name_the_same_customer(made_up: dict[str, dict[str, Any]]) -> None:
    people = [made_up[f"{order}/order.placed"]["data"]["customer"]["customer_id"] for order in ("o1", "o2", "o3")]
    assert people == ["p1", "p1", "p3"]


def test_a_missing_table_is_named(tmp_path: Path) -> None:
    done = subprocess.run([sys.executable, CONVERTER, tmp_path], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "olist_customers_dataset.csv: not found" in done.stderr


@pytest.fixture(scope="module")
def real() -> bytes:
    return convert(TABLES)


@pytest.mark.olist
def test_every_cell_of_the_real_tables_became_one_event(real: bytes) -> None:
    with (TABLES / "olist_orders_dataset.csv").open(encoding="utf-8-sig", newline="") as file:
        orders = list(csv.DictReader(file))
    with (TABLES / "olist_order_reviews_dataset.csv").open(encoding="utf-8-sig", newline="") as file:
        reviewed = {row["order_id"] for row in csv.DictReader(file)}
    expected = {
        "order.placed": len(orders),
        "order.paid": sum(row["order_approved_at"] != "" for row in orders),
        "shipment.in_transit": sum(row["order_delivered_carrier_date"] != "" for row in orders),
        "shipment.delivered": sum(row["order_delivered_customer_date"] != "" for row in orders),
        "order.cancelled": sum(row["order_status"] in {"canceled", "unavailable"} for row in orders),
        "survey.answered": len(reviewed),
    }
    found = Counter(event["type"] for event in parse(real))
    print(f"{sum(found.values())} events: {dict(sorted(found.items()))}")
    assert found == expected


@pytest.mark.olist
def test_the_real_events_are_in_time_order_with_unique_ids_that_name_their_order(real: bytes) -> None:
    events = parse(real)
    keys = [(datetime.fromisoformat(event["time"]).astimezone(UTC), event["source"], event["id"]) for event in events]
    assert keys == sorted(keys)
    assert len({event["id"] for event in events}) == len(events)
    assert all(event["data"]["order_id"] in event["id"] for event in events)
    assert all(event["time"][-6:] in {"-03:00", "-02:00"} for event in events)


@pytest.mark.olist
def test_no_real_cancellation_comes_before_something_else_of_its_order(real: bytes) -> None:
    last: dict[str, datetime] = {}
    cancelled: dict[str, datetime] = {}
    for event in parse(real):
        time, order = datetime.fromisoformat(event["time"]), event["data"]["order_id"]
        if event["type"] == "order.cancelled":
            cancelled[order] = time
        elif event["type"] != "survey.answered":
            last[order] = max(time, last.get(order, time))
    assert len(cancelled) > 800
    assert all(time == last[order] + timedelta(seconds=1) for order, time in cancelled.items())


@pytest.mark.olist
def test_the_same_tables_give_the_same_bytes(real: bytes) -> None:
    assert convert(TABLES) == real
