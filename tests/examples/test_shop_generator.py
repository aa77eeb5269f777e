"""The made-up shop: its demands agree with each other, there is enough of everything hard, and the checker sees slips.

Whether the engine meets the demands is tested elsewhere; here the generator and the checker stand alone.
"""

from __future__ import annotations

import ast
import itertools
import json
import subprocess
import sys
from collections import Counter, defaultdict
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "examples" / "shop"))

import check as checker

SHOP = Path(checker.__file__).parent
OPTIONAL = {"tutorial", "care-tips", "satisfaction", "points-balance", "win-back"}
Row = dict[str, Any]


def generate(out: Path, *more: str) -> Path:
    command = [sys.executable, SHOP / "generate.py", "--seed", "7", "--out", out, *more]
    subprocess.run(command, check=True, capture_output=True)
    return out


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return generate(tmp_path_factory.mktemp("shop"))


@pytest.fixture(scope="module")
def events(shop: Path) -> list[Row]:
    return checker.read(shop / "events.jsonl")


@pytest.fixture(scope="module")
def rows(shop: Path) -> list[Row]:
    return checker.read(shop / "must.jsonl")


@pytest.fixture(scope="module")
def obedient(rows: list[Row]) -> list[Row]:
    """What an engine decided that did exactly what was demanded and nothing else."""
    decisions = []
    for row in rows:
        if row["kind"] not in {"send", "decided"}:
            continue
        whom = row.get("customer", "guest:" + row.get("subject", ""))
        decisions.append(
            {
                "at": row["at"] if "at" in row else row["between"][0 if row["kind"] == "send" else 1],
                "customer": whom if isinstance(whom, str) else whom[-1],
                "subject": row.get("subject", "customer"),
                "message": row["message"],
                "decision": "send" if row["kind"] == "send" else "skip",
                "reason": "told to",
            }
        )
    return decisions


def test_the_generator_knows_nothing_of_postventa() -> None:
    for file in sorted(SHOP.glob("*.py")):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            roots = {name.split(".")[0] for name in names}
            own = {path.stem for path in SHOP.glob("*.py")}
            assert roots <= set(sys.stdlib_module_names) | own, f"{file.name} imports {roots}"


def test_the_same_seed_gives_the_same_bytes(tmp_path: Path) -> None:
    small = ("--customers", "60", "--months", "6")
    one, two = generate(tmp_path / "one", *small), generate(tmp_path / "two", *small)
    for name in ("events.jsonl", "must.jsonl"):
        assert (one / name).read_bytes() == (two / name).read_bytes()


def test_an_engine_that_does_what_is_demanded_passes(obedient: list[Row], rows: list[Row]) -> None:
    assert checker.violations(obedient, rows) == {}


def test_what_the_shop_hears_is_out_of_order_and_repeated(events: list[Row]) -> None:
    heard = [event.get("recordedtime", event["time"]) for event in events]
    assert heard == sorted(heard)
    late = sum("recordedtime" in event for event in events)
    turned = sum(later["time"] < earlier["time"] for earlier, later in itertools.pairwise(events))
    repeated = len(events) - len({(event["source"], event["id"]) for event in events})
    types = Counter(event["type"] for event in events)
    split = Counter(event["data"]["order_id"] for event in events if event["type"] == "shipment.delivered")
    print(f"{len(events)} events: {late} late, {turned} out of order, {repeated} repeated; {dict(types)}")
    assert 15_000 <= len(events) <= 40_000
    assert min(late, turned, repeated) > 300
    assert sum(count > 1 for count in split.values()) > 200
    for rare in ("exchange.created", "customer.merged", "customer.erased", "customer.updated", "return.cancelled"):
        assert types[rare] >= 8, rare


def test_the_cap_is_reached_by_many(rows: list[Row], obedient: list[Row]) -> None:
    held = [row for row in rows if row["kind"] == "decided"]
    freed = [row for row in rows if "held it" in row["why"]]
    whose = {subject: number for number, row in enumerate(rows) if row.get("per") for subject in row["subjects"]}
    sent: dict[int, list[datetime]] = defaultdict(list)
    for decision in obedient:
        if decision["decision"] == "send" and decision["message"] in OPTIONAL and decision["subject"] in whose:
            sent[whose[decision["subject"]]].append(datetime.fromisoformat(decision["at"]))
    full = [number for number, times in sent.items() if _pairs(sorted(times), timedelta(days=7))]
    print(f"{len(full)} customers certainly reach the cap; {len(held)} mails may be held, {len(freed)} certainly are")
    assert len(full) > 300
    assert len(held) > 500
    assert len(freed) > 50


def _pairs(times: list[datetime], within: timedelta) -> bool:
    return any(later - earlier < within for earlier, later in itertools.pairwise(times))


def test_many_waits_cross_a_night_in_which_clocks_change(events: list[Row], rows: list[Row]) -> None:
    zones: dict[str, str] = {}
    for event in events:
        if event["type"] == "order.placed":
            zones[event["data"]["order_id"]] = event["data"]["customer"].get("timezone", "Europe/Madrid")
    back = {"tutorial": 1, "satisfaction": 2, "delay-notice": 10}
    crossing: Counter[str] = Counter()
    skipped_hour = 0
    for row in rows:
        if row["kind"] != "send" or "at" not in row or row["message"] not in back:
            continue
        order = row["subject"].split(":")[1].split("/")[0].removesuffix("-p1").removesuffix("-p2").removesuffix("-p3")
        at, zone = datetime.fromisoformat(row["at"]), ZoneInfo(zones[order])
        before = at - timedelta(days=back[row["message"]])
        if at.astimezone(zone).utcoffset() != before.astimezone(zone).utcoffset():
            crossing[row["message"]] += 1
        if row["message"] == "delay-notice" and at.astimezone(zone).strftime("%H:%M:%S") in {"03:00:00", "02:00:00"}:
            skipped_hour += 1
    print(f"{dict(crossing)} exact moments after a change of clocks, {skipped_hour} in an hour that did not exist")
    assert min(crossing[message] for message in back) > 15
    assert skipped_hour >= 3


def test_many_journeys_end_before_their_mail(rows: list[Row]) -> None:
    reasons = Counter((row["why"], str(row["message"])) for row in rows if row["kind"] == "never" and "subject" in row)
    print(dict(reasons))
    assert sum(count for (why, _), count in reasons.items() if why == "cancelled") > 200
    assert sum(count for (why, _), count in reasons.items() if why.startswith("its order, line")) > 500
    assert sum(count for (why, _), count in reasons.items() if "within ten days" in why) > 1000


@pytest.mark.parametrize(
    ("message", "shift", "kind"),
    [("tutorial", timedelta(hours=1), "send"), ("delay-notice", timedelta(hours=-1), "send")],
)
def test_an_hour_too_early_or_too_late_is_seen(
    obedient: list[Row], rows: list[Row], message: str, shift: timedelta, kind: str
) -> None:
    moved = next(one for one in obedient if one["message"] == message and one["decision"] == "send")
    at = (datetime.fromisoformat(moved["at"]) + shift).isoformat()
    slipped = [{**one, "at": at} if one is moved else one for one in obedient]
    found = checker.violations(slipped, [row for row in rows if row["kind"] == "send" and "at" in row])
    assert list(found) == [kind]
    assert moved["subject"] in found[kind][0]


def test_a_mail_after_the_exit_is_seen(obedient: list[Row], rows: list[Row]) -> None:
    gone = next(row for row in rows if row["kind"] == "never" and row["why"] == "cancelled")
    late = (datetime.fromisoformat(gone["from"]) + timedelta(days=3)).isoformat()
    extra = {**obedient[0], "at": late, "subject": gone["subject"], "customer": "x", "message": gone["message"][0]}
    assert gone["subject"] in checker.violations([*obedient, extra], rows)["never"][0]


def test_a_third_mail_in_a_week_is_seen(obedient: list[Row], rows: list[Row]) -> None:
    capped = next(row for row in rows if row.get("per"))
    lines = [subject for subject in capped["subjects"] if subject.startswith("line:")]
    one = {**obedient[0], "customer": "unknown-guest", "subject": lines[0], "decision": "send"}
    mails = [
        {**one, "at": f"2030-01-0{day}T10:00:00Z", "message": message}
        for day, message in ((1, "tutorial"), (3, "care-tips"), (7, "win-back"))
    ]
    assert "more than 2 within 7 days" in checker.violations(mails, [capped])["at_most"][0]
    assert checker.violations(mails[:2], [capped]) == {}


def test_a_forgotten_mail_and_a_wrong_customer_are_seen(obedient: list[Row], rows: list[Row]) -> None:
    lost = next(one for one in obedient if one["decision"] == "skip")
    row = next(row for row in rows if row["kind"] == "decided" and row["subject"] == lost["subject"])
    assert "nothing was decided" in checker.violations([], [row])["decided"][0]
    row = next(row for row in rows if row["kind"] == "send" and "customer" in row and "subject" in row)
    sent = next(one for one in obedient if one["subject"] == row["subject"] and one["message"] == row["message"])
    assert "went to customer" in checker.violations([{**sent, "customer": "c-other"}], [row])["send"][0]


def test_the_checker_as_a_program(tmp_path: Path, obedient: list[Row], shop: Path) -> None:
    decisions = tmp_path / "decisions.jsonl"

    def run(lines: list[str]) -> subprocess.CompletedProcess[str]:
        decisions.write_text("\n".join(lines), encoding="utf-8")
        command = [sys.executable, SHOP / "check.py", decisions, shop / "must.jsonl"]
        return subprocess.run(command, capture_output=True, text=True, check=False)

    lines = [json.dumps(one) for one in obedient]
    assert run(lines).returncode == 0
    missing = run(lines[1:])
    assert missing.returncode == 1
    assert obedient[0]["subject"] in missing.stdout
    broken = run(["{"])
    assert broken.returncode == 2
    assert "decisions.jsonl:1: not JSON" in broken.stderr
