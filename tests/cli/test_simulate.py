"""`postventa simulate`: a made-up customer's timeline, the ways nobody reaches, and mails in a folder."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from postventa import starter
from postventa.cli import main
from postventa.engine.backtest import backtest
from postventa.project import Project

pytestmark = pytest.mark.usefixtures("read_once")
ROOT = Path(__file__).resolve().parents[2]


def told(capsys: pytest.CaptureFixture[str], shop: Path, *words: str, code: int = 0) -> str:
    assert main.run(["simulate", *words, "--project", str(shop)]) == code
    return capsys.readouterr().out


def as_json(capsys: pytest.CaptureFixture[str], shop: Path, *words: str) -> dict[str, Any]:
    return json.loads(told(capsys, shop, *words, "--json"))


def sent(found: dict[str, Any]) -> list[tuple[str, str]]:
    """(local time, message) of every mail."""
    return [(one["local"][:16], one["message"]) for one in found["timeline"] if one["kind"] == "send"]


def test_the_usual_customer_of_the_reference_journey(capsys: pytest.CaptureFixture[str], shop: Path) -> None:
    found = as_json(capsys, shop, "after-purchase")
    assert sent(found) == [
        ("2026-03-02T10:05", "thank-you"),
        ("2026-03-06T10:00", "how-was-delivery"),
        ("2026-03-11T10:00", "satisfaction"),
        ("2026-03-12T18:00", "referral-invite"),
        ("2026-03-13T10:00", "loyalty-coupon"),
    ]
    lines = {one["message"]: one for one in found["timeline"] if one["kind"] == "send"}
    assert lines["thank-you"]["subject"] == "Gracias por confiar en nosotros"
    assert lines["thank-you"]["place"].startswith("journeys/after-purchase.yaml:")


@pytest.mark.parametrize("journey", sorted(path.stem for path in (ROOT / "journeys").glob("*.yaml")))
def test_a_backtest_of_its_events_decides_the_same(
    capsys: pytest.CaptureFixture[str], shop: Path, journey: str
) -> None:
    found = as_json(capsys, shop, journey, "--everything")
    records = [json.dumps(record).encode() for record in found["made_up"]]
    project = Project.load(shop)
    end = max(one["at"] for one in found["timeline"])
    report = backtest(project, records, datetime.fromisoformat(end))
    decided = [(one["at"], one["message"], one["reason"]) for one in report.decisions]
    mine = [
        (one["at"], one["message"], one["reason"])
        for one in found["timeline"]
        if one["kind"] in {"send", "skip", "defer"}
    ]
    assert sorted(mine) == sorted(decided)
    assert sent(found)


def test_reasons_stand_in_words_beside_their_lines(capsys: pytest.CaptureFixture[str], shop: Path) -> None:
    shown = told(capsys, shop, "after-purchase", "--at", "2026-03-02 23:10")
    assert "Mon 2 Mar 2026" in shown
    assert "thank-you has to wait: outside the send window: moved to Tue 3 Mar 09:00" in shown
    assert "(moved to 09:00: window)" in shown
    assert "takes the way “answer.score is 5”" in shown


def test_what_is_asked_for_happens(capsys: pytest.CaptureFixture[str], shop: Path) -> None:
    found = as_json(
        capsys,
        shop,
        "after-purchase",
        "--set",
        "answer.score=1",
        "--set",
        "order.total=80",
        "--set",
        "customer.locale=en",
    )
    assert found["timeline"][-1]["text"] == "ends: unhappy"
    assert any(one["text"].startswith("order.placed  SIM-1 80 EUR") for one in found["timeline"])
    subjects = {one["message"]: one["subject"] for one in found["timeline"] if one["kind"] == "send"}
    assert subjects["thank-you"] == "Thank you for choosing us"


def test_what_never_happens_is_waited_for_in_vain(capsys: pytest.CaptureFixture[str], shop: Path) -> None:
    found = as_json(capsys, shop, "after-purchase", "--never", "shipment.delivered")
    assert sent(found) == [("2026-03-02T10:05", "thank-you")]
    assert found["timeline"][-1]["text"] == "ends: not-delivered"


def test_an_event_more_on_its_day(capsys: pytest.CaptureFixture[str], shop: Path) -> None:
    found = as_json(capsys, shop, "after-purchase", "--event", "order.cancelled@3 days")
    assert found["timeline"][-1]["local"].startswith("2026-03-05T10:00")
    assert found["timeline"][-1]["text"].startswith("ends: order.cancelled")


def test_facts_the_start_asks_for_are_made_up(capsys: pytest.CaptureFixture[str], shop: Path) -> None:
    """This journey begins with the second order: the sample customer has one before."""
    assert [message for _, message in sent(as_json(capsys, shop, "second-order-points"))] == ["points-balance"]


def test_events_of_a_file(capsys: pytest.CaptureFixture[str], shop: Path) -> None:
    file = str(shop / "samples/events.jsonl")
    found = as_json(capsys, shop, "after-purchase", "--events", file, "--customer", "c-002")
    assert found["customer"] == "c-002"
    assert ("2026-03-02T11:58", "thank-you") in sent(found)
    assert not found["made_up"]


def test_mails_in_a_folder(capsys: pytest.CaptureFixture[str], shop: Path, tmp_path: Path) -> None:
    told(capsys, shop, "after-purchase", "--mails", str(tmp_path / "mails"))
    index = (tmp_path / "mails/index.html").read_text()
    names = sorted(path.name for path in (tmp_path / "mails").glob("*.html"))
    assert len(names) == 10
    assert all(f'href="{name}"' in index for name in names if name != "index.html")
    first = (tmp_path / "mails/01-order-confirmation.html").read_text()
    assert "SIM-1" in first
    assert "{{" not in first


def test_every_way_of_every_reference_journey_is_walked(capsys: pytest.CaptureFixture[str], shop: Path) -> None:
    for journey in sorted(path.stem for path in (shop / "journeys").glob("*.yaml")):
        found = as_json(capsys, shop, journey, "--all-paths")
        assert found["reached_everything"], (journey, found["unreached"])
    ways = {way for path in as_json(capsys, shop, "after-purchase", "--all-paths")["paths"] for way in path["ways"]}
    assert {"answer.score at most 2", "otherwise", "variant control", "wait_for:order.delivered in vain"} <= ways
    assert {f"exit by order.{verb}" for verb in ("cancelled", "refunded", "returned")} <= ways


JOURNEY = """\
journey: odd
subject: order
start:
  on: order.paid
  where:
    order.total: {at_least: 30}
steps:
  - branch:
      - when:
          order.total: {at_least: 100}
        then:
          - emit: ticket.requested
      - when:
          all_of:
            - order.total: {more_than: 200}
        then:
          - exit: never-here
      - when:
          customer.country: PT
        then:
          - exit: portugal
      - otherwise: go_on
  - exit: done
"""


def test_a_case_that_can_never_hold_is_told_with_its_line(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    (tmp_path / "postventa.yaml").write_text("shop: S\nlanguage: es\ncountry: ES\n")
    (tmp_path / "journeys").mkdir()
    (tmp_path / "journeys/odd.yaml").write_text(JOURNEY)
    shown = told(capsys, tmp_path, "odd", "--all-paths", code=1)
    missing = shown.partition("Nadie llega a:")[2].strip().splitlines()
    assert len(missing) == 1
    assert missing[0].startswith("journeys/odd.yaml:8  order.total más de 200: no se encontraron datos")
    assert "customer.country es PT" in shown


def test_facts_are_found_for_every_word_a_condition_can_have(
    capsys: pytest.CaptureFixture[str], shop: Path, tmp_path: Path
) -> None:
    starter.copy_to(tmp_path / "s")
    settings = tmp_path / "s/postventa.yaml"
    settings.write_text(settings.read_text() + "tags: [vip, friend]\n")
    journey = (ROOT / "tests/journeys/ok/every-word.yaml").read_text()
    (tmp_path / "s/journeys/every-word.yaml").write_text(journey)
    found = as_json(capsys, tmp_path / "s", "every-word", "--all-paths")
    assert found["unreached"] == []
    assert len(found["paths"]) == journey.count("when:") + 1


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["after-purchas"], "did you mean 'after-purchase'?"),
        (["after-purchase", "--event", "order.paidd"], "did you mean 'order.paid'?"),
        (["after-purchase", "--set", "order.totl=80"], "did you mean 'order.total'?"),
        (["after-purchase", "--set", "order.total=viel"], "'viel' is not a number"),
        (["after-purchase", "--set", "customer.points=80"], "worked out by postventa"),
        (["after-purchase", "--never", "shipment.delivred"], "did you mean 'shipment.delivered'?"),
        (["after-purchase", "--at", "tomorrow"], "'tomorrow' is not a time"),
    ],
)
def test_mistakes_are_told_with_the_nearest_name(
    capsys: pytest.CaptureFixture[str], shop: Path, words: list[str], says: str
) -> None:
    assert main.run(["simulate", *words, "--project", str(shop)]) == 2
    assert says in capsys.readouterr().err


def test_in_spanish(capsys: pytest.CaptureFixture[str], shop: Path, tmp_path: Path) -> None:
    starter.copy_to(tmp_path / "s")
    settings = tmp_path / "s/postventa.yaml"
    settings.write_text(settings.read_text() + "language: es\n")
    shown = told(capsys, tmp_path / "s", "after-purchase", "--at", "2026-03-02 23:10")
    assert "lun 2 mar 2026" in shown
    assert "(pasa a las 09:00: horario)" in shown
    assert "termina: todos los pasos están hechos" in shown
    assert "hasta el jue 2 abr 09:00" in shown
    for words, says in {
        ("simulate", "after-purchas"): "ningún recorrido se llama 'after-purchas'",
        ("simulate", "after-purchase", "--set", "order.total=x"): "'x' no es un número",
        ("simulate", "after-purchase", "--never", "order.pade"): "¿querías decir 'order.paid'?",
        ("new", "message", "Dos Palabras"): "minúsculas, cifras y '-', como dos-palabras",
    }.items():
        assert main.run([*words, "--project", str(tmp_path / "s")]) == 2
        assert says in capsys.readouterr().err
