"""Compares what an engine decided with what must be true.

    python check.py decisions.jsonl must.jsonl

`decisions.jsonl` is what `postventa backtest --json` prints. Ends with 0 when every row of must.jsonl holds, 1 with a
list of those that do not, 2 when a file cannot be read. Standard library only.

The rows:
  send      the mail is handed over at `at`, or within `between`
  decided   within `between` it is sent or skipped: not forgotten
  never     it is not handed over; only from `from` and up to `to`, where they are given
  at_most   not more than `count` of these mails; in any span clearly shorter than `per`, where that is given
A row is about one `subject` (of a `customer`: a list where either of two ids may be told), about a `customer`, about
everything of a person (`customers` and `subjects`), or about these `subjects` alone; `each: subject` holds for each
subject by itself. No `message`: all messages. "Handed over" is the decision `send`.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

TOLERANCE = timedelta(seconds=60)
"""A mail may leave this long before or after its moment."""

CLOCK_CHANGE = timedelta(hours=1)
"""Seven days on the wall are an hour less in the week in which summer time begins: both readings of `per` pass."""

Row = dict[str, Any]


def main() -> int:
    """Prints what does not hold, the first `--show` of each kind."""
    parser = argparse.ArgumentParser(description="Does what was decided agree with what must be true?")
    parser.add_argument("decisions", type=Path)
    parser.add_argument("must", type=Path)
    parser.add_argument("--show", type=int, default=15, help="how many violations of each kind to print (default 15)")
    asked = parser.parse_args()
    try:
        decisions, rows = read(asked.decisions), read(asked.must)
    except (OSError, ValueError) as error:
        print(f"cannot read: {error}", file=sys.stderr)
        return 2
    found = violations(decisions, rows)
    for kind in sorted(found):
        print(f"{kind}: {len(found[kind])} do not hold")
        for text in found[kind][: asked.show]:
            print(f"  {text}")
        if len(found[kind]) > asked.show:
            print(f"  … and {len(found[kind]) - asked.show} more")
    total = sum(map(len, found.values()))
    print(f"{len(rows)} rows, {len(decisions)} decisions, {total} violations")
    return 1 if total else 0


def read(path: Path) -> list[Row]:
    """The objects of a JSON lines file. Errors: OSError, ValueError naming the line."""
    rows = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        try:
            rows.append(json.loads(line))
        except json.JSONDecodeError as error:
            raise ValueError(f"{path}:{number}: not JSON ({error})") from error
    return rows


def violations(decisions: list[Row], rows: list[Row]) -> dict[str, list[str]]:
    """What does not hold, in words, by kind of row."""
    record = Record(decisions)
    found: dict[str, list[str]] = defaultdict(list)
    for row in rows:
        found[row["kind"]] += CHECKS[row["kind"]](record, row)
    return {kind: texts for kind, texts in found.items() if texts}


class Record:
    """The decisions, found by whom or what they are about."""

    def __init__(self, decisions: Iterable[Row]) -> None:
        self.by_subject: dict[str, list[Row]] = defaultdict(list)
        self.by_customer: dict[str, list[Row]] = defaultdict(list)
        for decision in decisions:
            entry = {**decision, "when": datetime.fromisoformat(decision["at"])}
            self.by_subject[entry["subject"]].append(entry)
            self.by_customer[entry["customer"]].append(entry)

    def about(self, row: Row) -> list[Row]:
        """The decisions a row is about, in time order."""
        if "subject" in row:
            found = self.by_subject.get(row["subject"], [])
        elif "customer" in row:
            found = self.by_customer.get(row["customer"], [])
        else:
            found = self._person(row)
        wanted = row.get("message")
        if wanted is not None:
            names = {wanted} if isinstance(wanted, str) else set(wanted)
            found = [entry for entry in found if entry["message"] in names]
        return sorted(found, key=lambda entry: entry["when"])

    def _person(self, row: Row) -> list[Row]:
        """Everything of a person. A guest's id is not known beforehand: their subjects tell it."""
        own = [entry for subject in row.get("subjects", []) for entry in self.by_subject.get(subject, [])]
        if "customers" not in row:
            return own
        ids = {*row["customers"], *(entry["customer"] for entry in own)}
        found = own + [entry for name in sorted(ids) for entry in self.by_customer.get(name, [])]
        return list({id(entry): entry for entry in found}.values())


def check_send(record: Record, row: Row) -> list[str]:
    """The mail left in time, to the right customer."""
    first, last = span(row)
    sent = [entry for entry in record.about(row) if entry["decision"] == "send"]
    hits = [entry for entry in sent if first - TOLERANCE <= entry["when"] <= last + TOLERANCE]
    if not hits:
        wanted = row.get("at") or " to ".join(row["between"])
        return [f"{name(row)}: due {wanted} ({row['why']}); {told(record.about(row))}"]
    right = ids(row)
    wrong = {entry["customer"] for entry in hits} - right
    if not right or not wrong:
        return []
    return [f"{name(row)}: went to customer {', '.join(sorted(wrong))}, not {' or '.join(sorted(right))}"]


def check_decided(record: Record, row: Row) -> list[str]:
    """It was sent or skipped in time."""
    first, last = span(row)
    for entry in record.about(row):
        if entry["decision"] in {"send", "skip"} and first - TOLERANCE <= entry["when"] <= last + TOLERANCE:
            return []
    return [f"{name(row)}: not decided within {' to '.join(row['between'])} ({row['why']}); {told(record.about(row))}"]


def check_never(record: Record, row: Row) -> list[str]:
    """It was not handed over in the forbidden time."""
    first = datetime.fromisoformat(row["from"]) if "from" in row else None
    last = datetime.fromisoformat(row["to"]) if "to" in row else None
    return [
        f"{name(row)}: '{entry['message']}' about {entry['subject']} was sent at {entry['at']}, but {row['why']}"
        for entry in record.about(row)
        if entry["decision"] == "send"
        and (first is None or entry["when"] >= first)
        and (last is None or entry["when"] <= last)
    ]


def check_at_most(record: Record, row: Row) -> list[str]:
    """Not more than so many, at all or within any such span."""
    if row.get("each") == "subject":
        single = {key: value for key, value in row.items() if key != "each"}
        groups = [check_at_most(record, {**single, "subject": subject}) for subject in list(record.by_subject)]
        return [text for group in groups for text in group]
    sent = [entry for entry in record.about(row) if entry["decision"] == "send"]
    count, per = row["count"], days(row["per"]) if "per" in row else None
    for first, last in zip(sent, sent[count:], strict=False):
        if per is None or last["when"] - first["when"] < per - CLOCK_CHANGE:
            window = f" within {row['per']}" if per else ""
            return [f"{name(row)}: more than {count}{window}, from {first['at']} to {last['at']} ({row['why']})"]
    return []


CHECKS = {"send": check_send, "decided": check_decided, "never": check_never, "at_most": check_at_most}


def span(row: Row) -> tuple[datetime, datetime]:
    """The first and last moment of a row."""
    first, last = (row["at"], row["at"]) if "at" in row else row["between"]
    return datetime.fromisoformat(first), datetime.fromisoformat(last)


def days(text: str) -> timedelta:
    """'7 days' as a span."""
    number, unit = text.split()
    if unit not in {"day", "days"}:
        raise ValueError(f"'per: {text}': only days are known here")
    return timedelta(days=int(number))


def ids(row: Row) -> set[str]:
    """The ids under which the customer of a row may be told; none where the row names no customer."""
    named = row.get("customer", [])
    return {named} if isinstance(named, str) else set(named)


def name(row: Row) -> str:
    """Whom and what a row is about, for people."""
    whom = row.get("subject") or " or ".join(sorted(ids(row))) or ", ".join(row.get("customers") or row["subjects"])
    message = row.get("message") or "every message"
    return f"{whom}, {message if isinstance(message, str) else ' / '.join(message)}"


def told(entries: list[Row]) -> str:
    """What was decided instead."""
    if not entries:
        return "nothing was decided"
    return "decided: " + "; ".join(f"{entry['decision']} at {entry['at']} ({entry['reason']})" for entry in entries[:4])


if __name__ == "__main__":
    sys.exit(main())
