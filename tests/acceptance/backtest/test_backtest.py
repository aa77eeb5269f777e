"""The backtest as a user runs it: its contract line by line, same events same bytes, and the real orders."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from postventa.cli.main import run

ROOT = Path(__file__).parents[3]
SHOP = {
    "postventa.yaml": "shop: Test\nlocale: en\ntimezone: Europe/Madrid\ncurrency: EUR\n"
    "windows: [{from: '09:00', to: '21:00'}]\ncaps: [{emails: 1, per: 7 days}]\n",
    "brand.yaml": "name: Test\nsender: Test <a@shop.example>\npostal_address: Street 1\n",
    "journeys/thanks.yaml": "journey: thanks\ntitle: T\nowner: a@shop.example\nsubject: order\n"
    "start: {on: order.paid}\nexit_on: [order.cancelled]\n"
    "steps:\n  - send: thanks\n  - wait: 2 days\n  - send: tips\n    if_blocked: skip\n",
    "templates/thanks/message.yaml": "class: transactional\nsubject: {en: Thank you}\n",
    "templates/thanks/en.md": "Thank you.\n",
    "templates/tips/message.yaml": "class: soft_opt_in\nsubject: {en: Tips}\n",
    "templates/tips/en.md": "Tips.\n",
}


def event(type_: str, id_: str, time: str, **data: Any) -> dict[str, Any]:
    return {"id": id_, "source": "shop", "type": type_, "time": time, "data": data}


def order(name: str, day: int, **customer: str) -> list[dict[str, Any]]:
    lines = [{"line_id": "1", "sku": "A", "quantity": 1, "price": "9.00"}]
    return [
        event("order.placed", f"{name}/placed", f"2026-03-{day:02}T10:00:00+01:00", order_id=name, total="9.00",
              currency="EUR", lines=lines, customer=customer),
        event("order.paid", f"{name}/paid", f"2026-03-{day:02}T11:00:00+01:00", order_id=name),
    ]  # fmt: skip


EVENTS = [
    *order("o-1", 2, customer_id="ana", email="ana@example.com"),
    *order("o-2", 3, customer_id="ana"),
    *order("o-3", 3, email="Guest@example.com"),
    event("order.cancelled", "o-3/x", "2026-03-04T12:00:00+01:00", order_id="o-3"),
    *order("o-4", 20, customer_id="gus", email="guest@example.com"),
    event("shipment.in_transit", "lost/1", "2026-03-21T12:00:00+01:00", order_id="lost", shipment_id="s"),
]


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    for name, text in SHOP.items():
        file = tmp_path / "shop" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
    return tmp_path / "shop"


class Done(NamedTuple):
    code: int
    out: str
    err: str


Backtest = Callable[..., Done]


@pytest.fixture
def backtest(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Backtest:
    """The command in this process: starting Python takes longer than all the rest."""

    def call(project: Path, events: list[Any] | str, *more: str) -> Done:
        text = events if isinstance(events, str) else "".join(json.dumps(one) + "\n" for one in events)
        file = tmp_path / "events.jsonl"
        file.write_text(text, encoding="utf-8")
        capsys.readouterr()
        code = run(["backtest", "--project", str(project), "--events", str(file), *more])
        return Done(code, *capsys.readouterr())

    return call


def read(done: Done) -> list[dict[str, Any]]:
    assert done.code == 0, done.err
    return [json.loads(line) for line in done.out.splitlines()]


def test_every_decision_in_its_documented_form_and_order(shop: Path, backtest: Backtest) -> None:
    found = read(backtest(shop, EVENTS, "--json"))
    names = ["at", "customer", "subject", "journey", "version", "step", "round", "message", "channel", "variant"]
    names += ["decision", "reason", "effect"]
    assert all(list(one) == names for one in found)
    told = [(one["at"], one["customer"], one["subject"], one["message"], one["decision"]) for one in found]
    assert told == [
        ("2026-03-02T10:00:00Z", "ana", "order:o-1", "thanks", "send"),
        ("2026-03-03T10:00:00Z", "ana", "order:o-2", "thanks", "send"),
        ("2026-03-03T10:00:00Z", "gus", "order:o-3", "thanks", "send"),
        ("2026-03-04T10:00:00Z", "ana", "order:o-1", "tips", "send"),
        ("2026-03-05T10:00:00Z", "ana", "order:o-2", "tips", "skip"),
        ("2026-03-20T10:00:00Z", "gus", "order:o-4", "thanks", "send"),
    ]
    skipped = next(one for one in found if one["decision"] == "skip")
    assert "7 days" in skipped["reason"]


def test_the_same_events_in_any_order_give_the_same_bytes(shop: Path, backtest: Backtest) -> None:
    once = backtest(shop, EVENTS, "--json")
    shuffled = [*EVENTS, EVENTS[0]]
    random.Random(7).shuffle(shuffled)
    assert backtest(shop, shuffled, "--json").out == once.out != ""


def test_a_longer_end_decides_what_was_pending(shop: Path, backtest: Backtest) -> None:
    assert "1 steps still pending" in backtest(shop, EVENTS, "--json").err
    later = read(backtest(shop, EVENTS, "--json", "--until", "2026-03-22T11:00:00+01:00"))
    assert (later[-1]["at"], later[-1]["message"]) == ("2026-03-22T10:00:00Z", "tips")
    assert read(backtest(shop, EVENTS, "--json", "--until", "2026-03-02T10:59:59+01:00")) == []


def test_bad_lines_are_told_with_their_number_and_the_rest_goes_on(shop: Path, backtest: Backtest) -> None:
    text = "\n".join(
        ["{broken", *(json.dumps(one) for one in EVENTS), '{"id": "x", "source": "s", "type": "order.payd"}']
    )
    done = backtest(shop, text, "--json")
    assert done.code == 0
    assert len(done.out.splitlines()) == 6
    assert "events.jsonl:1: " in done.err
    assert f"events.jsonl:{len(EVENTS) + 2}: " in done.err
    assert "order.paid" in done.err
    assert "2 bad lines left out" in done.err


def test_without_json_a_table_says_how_many_and_why(shop: Path, backtest: Backtest) -> None:
    done = backtest(shop, EVENTS)
    assert done.code == 0
    for word in ("thanks", "tips", "sent", "the cap of 1 per 7 days", "Still under way", "lost"):
        assert word in done.out


def test_a_project_with_a_mistake_is_not_run(shop: Path, backtest: Backtest) -> None:
    (shop / "journeys" / "thanks.yaml").write_text("journey: thanks\nsteps: [{sendd: thanks}]\n", encoding="utf-8")
    done = backtest(shop, EVENTS, "--json")
    assert (done.code, done.out) == (1, "")
    assert "journeys/thanks.yaml:2" in done.err


@pytest.mark.olist
def test_on_the_real_orders_everybody_who_paid_is_thanked_once_and_asked_once(backtest: Backtest) -> None:
    example = ROOT / "examples" / "olist"
    made = subprocess.run([sys.executable, str(example / "to_events.py"), os.environ["OLIST_DIR"]], capture_output=True,
                          text=True, check=True).stdout  # fmt: skip
    events = [json.loads(line) for line in made.splitlines()]
    paid = {one["data"]["order_id"]: one["time"] for one in events if one["type"] == "order.paid"}
    gone = {one["data"]["order_id"] for one in events if one["type"] == "order.cancelled"}
    done = backtest(example, made, "--json")
    found = read(done)
    thanked = Counter(one["subject"] for one in found if (one["message"], one["decision"]) == ("thank-you", "send"))
    assert set(thanked.values()) == {1}
    assert set(thanked) <= {f"order:{name}" for name in paid}
    assert len(thanked) >= 0.98 * len(paid.keys() - gone)
    asked = Counter(one["subject"] for one in found if (one["message"], one["decision"]) == ("satisfaction", "send"))
    assert set(asked.values()) == {1}
    print(f"{len(paid)} paid orders: {len(thanked)} thanked, {len(asked)} asked, {len(found)} decisions")
