"""Turns the tables of the Olist public dataset into events, one JSON object per line, in time order.

    python to_events.py OLIST_DIR > events.jsonl

Standard library only. The same tables give the same bytes. What the tables do not say is not invented: README.md
beside this file lists each decision.
"""

from __future__ import annotations

import argparse
import csv
import json
import sys
from collections import defaultdict
from collections.abc import Iterator
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

ZONE = ZoneInfo("America/Sao_Paulo")
SOURCE = "olist"
CANCELLED = {"canceled": "cancelled", "unavailable": "unavailable"}
"""Statuses that end an order before it is complete, and the reason the event gives."""

Row = dict[str, str]
Event = dict[str, Any]


def main() -> int:
    """Writes the events to standard output; 2 when the directory lacks a table."""
    parser = argparse.ArgumentParser(description="Olist tables to postventa events (JSON lines on standard output).")
    parser.add_argument("directory", type=Path, metavar="OLIST_DIR", help="where the olist_*.csv files are")
    directory = parser.parse_args().directory
    try:
        found = events(directory)
    except FileNotFoundError as error:
        hint = "OLIST_DIR must hold the published olist_*_dataset.csv files."
        print(f"{error.filename}: not found. {hint}", file=sys.stderr)
        return 2
    out = "".join(json.dumps(event, ensure_ascii=False, separators=(",", ":")) + "\n" for event in found)
    sys.stdout.buffer.write(out.encode())
    return 0


def events(directory: Path) -> list[Event]:
    """All events of the tables in `directory`, sorted by time, source and id."""
    people = {row["customer_id"]: row["customer_unique_id"] for row in read(directory, "customers")}
    categories = {row["product_id"]: row["product_category_name"] for row in read(directory, "products")}
    items = by_order(read(directory, "order_items"))
    payments = by_order(read(directory, "order_payments"))
    reviews = by_order(read(directory, "order_reviews"))
    found: list[tuple[datetime, Event]] = []
    for row in read(directory, "orders"):
        order = row["order_id"]
        lines = order_lines(items[order], categories)
        paid = sum((Decimal(payment["payment_value"]) for payment in payments[order]), Decimal(0))
        found += order_events(row, people[row["customer_id"]], lines, f"{paid:.2f}")
        found += review_events(row, reviews[order])
    found.sort(key=lambda pair: (pair[0], pair[1]["source"], pair[1]["id"]))
    return [event for _, event in found]


def order_events(row: Row, person: str, lines: list[dict[str, Any]], total: str) -> Iterator[tuple[datetime, Event]]:
    """The life of one order, as far as the table knows it. A time that is missing gives no event."""
    order = row["order_id"]
    placed = row["order_purchase_timestamp"]
    yield event(
        order,
        "order.placed",
        moment(placed),
        customer=customer(person, stamp(placed)),
        placed_at=stamp(placed),
        promised_at=stamp(row["order_estimated_delivery_date"]),
        total=total,
        currency="BRL",
        lines=lines,
    )
    known = [moment(placed)]
    payment = {"paid_at": stamp(row["order_approved_at"]), "total": total, "currency": "BRL"}
    shipment = {"shipment_id": f"{order}-1"}
    for column, kind, facts in (
        ("order_approved_at", "order.paid", payment),
        ("order_delivered_carrier_date", "shipment.in_transit", shipment),
        ("order_delivered_customer_date", "shipment.delivered", shipment),
    ):
        if row[column]:
            known.append(moment(row[column]))
            yield event(order, kind, known[-1], **facts)
    if row["order_status"] in CANCELLED:
        # The table has no time for it: one second after the last thing known of the order.
        yield event(order, "order.cancelled", max(known) + timedelta(seconds=1), reason=CANCELLED[row["order_status"]])


def review_events(row: Row, reviews: list[Row]) -> Iterator[tuple[datetime, Event]]:
    """The first answer about an order; later ones are the same customer writing again."""
    if not reviews:
        return
    first = min(reviews, key=lambda review: (review["review_answer_timestamp"], review["review_id"]))
    facts: dict[str, Any] = {"survey": "satisfaction", "score": int(first["review_score"])}
    written = [first["review_comment_title"].strip(), first["review_comment_message"].strip()]
    if any(written):
        facts["text"] = "\n".join(part for part in written if part)
    yield event(row["order_id"], "survey.answered", moment(first["review_answer_timestamp"]), **facts)


def event(order: str, kind: str, time: datetime, **facts: Any) -> tuple[datetime, Event]:
    """One event; its id is the order's and the type, so that sending the file twice changes nothing."""
    data = {"order_id": order, **facts}
    return time, {"id": f"{order}/{kind}", "source": SOURCE, "type": kind, "time": time.isoformat(), "data": data}


def customer(person: str, at: str) -> dict[str, Any]:
    """The person who bought. Buying permits mail about the purchase until they object; nothing else was agreed to."""
    return {
        "customer_id": person,
        "email": f"{person}@example.com",
        "country": "BR",
        "locale": "pt-BR",
        "consent": [{"channel": "email", "purpose": "soft_opt_in", "given": True, "at": at, "source": "purchase"}],
    }


def order_lines(items: list[Row], categories: dict[str, str]) -> list[dict[str, Any]]:
    """The lines of an order. The dataset has no product names: the category stands in."""
    lines = []
    for item in sorted(items, key=lambda row: int(row["order_item_id"])):
        product = item["product_id"]
        category = categories.get(product, "")
        line = {
            "line_id": item["order_item_id"],
            "sku": product,
            "product_id": product,
            "name": category.replace("_", " ").capitalize() or "Produto",
            "quantity": 1,
            "price": f"{Decimal(item['price']):.2f}",
        }
        if category:
            line["category"] = category
        lines.append(line)
    return lines


def moment(text: str) -> datetime:
    """A local time of the tables, its offset made explicit; a time that exists twice is the first."""
    return datetime.fromisoformat(text).replace(tzinfo=ZONE)


def stamp(text: str) -> str:
    """RFC 3339 with offset, or nothing for nothing."""
    return moment(text).isoformat() if text else ""


def read(directory: Path, table: str) -> Iterator[Row]:
    """The rows of one table. Errors: FileNotFoundError."""
    with (directory / f"olist_{table}_dataset.csv").open(encoding="utf-8-sig", newline="") as file:
        yield from csv.DictReader(file)


def by_order(rows: Iterator[Row]) -> dict[str, list[Row]]:
    """Rows of a table by their order id; an order without rows has an empty list."""
    grouped: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        grouped[row["order_id"]].append(row)
    return grouped


if __name__ == "__main__":
    sys.exit(main())
