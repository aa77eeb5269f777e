"""The picture of a journey: every step is in it, nothing lies on anything else, and words say the same."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from postventa.core.journey import Journey
from postventa.project import Project
from postventa.web.diagram import diagram
from postventa.web.drawing import NARROW, WIDE, Sheet, svg, wide, wrapped
from postventa.web.flow import Card, flow
from postventa.web.mermaid import mermaid
from postventa.web.tongue import tongue

ROOT = Path(__file__).resolve().parents[3]
PROJECT = Project.load(ROOT)
SVG = "{http://www.w3.org/2000/svg}"


def every_verb() -> Journey:
    """The file that has every verb, as part of the reference project."""
    raw = (ROOT / "tests" / "journeys" / "ok" / "every-verb.yaml").read_bytes().replace(b"win-back", b"referral-invite")
    others = {name: raw for name, raw in PROJECT.files.items() if not name.startswith("journeys/")}
    return Project.from_files({**others, "journeys/every-verb.yaml": raw}).journeys["every-verb"]


JOURNEYS = {**PROJECT.journeys, "every-verb": every_verb()}


def boxes(picture: str) -> Iterator[tuple[float, float, float, float]]:
    """Left, top, right, bottom of every card, on the sheet."""

    def walk(node: ET.Element, x: float, y: float) -> Iterator[tuple[float, float, float, float]]:
        if move := re.match(r"translate\(([-\d.]+) ([-\d.]+)\)", node.get("transform", "")):
            x, y = x + float(move[1]), y + float(move[2])
        if node.tag == f"{SVG}rect" and node.get("class", "").startswith("box"):
            left, top = x + float(node.get("x", 0)), y + float(node.get("y", 0))
            yield left, top, left + float(node.get("width", 0)), top + float(node.get("height", 0))
        for child in node:
            yield from walk(child, x, y)

    yield from walk(ET.fromstring(picture), 0, 0)


@pytest.mark.parametrize("sheet", [WIDE, NARROW], ids=["wide", "narrow"])
@pytest.mark.parametrize("name", sorted(JOURNEYS))
def test_every_step_has_its_place_and_no_two_share_one(name: str, sheet: Sheet) -> None:
    picture = svg(flow(JOURNEYS[name]), sheet=sheet)
    root, found = ET.fromstring(picture), list(boxes(picture))
    assert len(found) == len(JOURNEYS[name].steps) + 1  # and the start
    width, height = float(root.get("width", 0)), float(root.get("height", 0))
    for left, top, right, bottom in found:
        assert 0 <= left < right <= width, name
        assert 0 <= top < bottom <= height, name
    for number, one in enumerate(found):
        for other in found[number + 1 :]:
            apart = one[2] <= other[0] or other[2] <= one[0] or one[3] <= other[1] or other[3] <= one[1]
            assert apart, (name, one, other)


@pytest.mark.parametrize("name", sorted(JOURNEYS))
def test_a_phone_gets_a_picture_that_fits_it(name: str) -> None:
    drawn = ET.fromstring(svg(flow(JOURNEYS[name]), sheet=NARROW))
    assert float(drawn.get("width", 0)) <= 375 - 2 * 16


@pytest.mark.parametrize("name", sorted(JOURNEYS))
def test_what_is_drawn_is_told_in_words_too(name: str) -> None:
    journey = JOURNEYS[name]
    drawn = ET.fromstring(svg(flow(journey), name="one"))
    title, text = drawn.find(f"{SVG}title"), drawn.find(f"{SVG}desc")
    assert title is not None
    assert text is not None
    assert drawn.get("aria-labelledby") == f"{title.get('id')} {text.get('id')}"
    page = diagram(flow(journey), "html", PROJECT.brand)
    assert page.count("<code>:") == len(journey.steps)
    for card in flow(journey).all():
        assert card.title in (text.text or "")


def test_the_ways_of_the_reference_journey_are_named_and_counted() -> None:
    cards = {card.id: card for card in flow(JOURNEYS["after-purchase"], counts=[{"step": 6, "count": 3}]).all()}
    wait = cards["wait_for:order.delivered"]
    assert [(way.label, len(way.cards)) for way in wait.ways] == [("it comes", 0), ("not within 30 days", 2)]
    ask = cards["ask:satisfaction"]
    assert [way.label for way in ask.ways] == ["answered", "no answer within 7 days"]
    branch: Card = ask.ways[0].cards[-1]
    assert [way.label for way in branch.ways] == ["answer.score at most 2", "answer.score is 5", "otherwise"]
    assert [way.label for way in cards["experiment:second-order"].ways] == [
        "control · 10 %", "coupon · 45 %", "points · 45 %",
    ]  # fmt: skip
    assert not wait.ends
    assert [card.count for card in flow(JOURNEYS["after-purchase"], counts=[{"step": 6, "count": 3}]).all()][6] == 3


def test_a_text_that_would_break_the_picture_stays_text() -> None:
    lines = (
        "journey: odd", 'title: "<script>alert(1)</script> & more"', "subject: order", "start:", "  on: order.paid",
        "  where:", '    customer.country: "</svg>]|{}#`"', "steps:", "  - exit: done", "",
    )  # fmt: skip
    raw = "\n".join(lines).encode()
    journey = Project.from_files({**PROJECT.files, "journeys/odd.yaml": raw}).journeys["odd"]
    picture = svg(flow(journey), style="text{}")
    assert ET.fromstring(picture).find(f"{SVG}script") is None
    assert "<script" not in diagram(flow(journey), "html", PROJECT.brand)
    assert "#lt;/svg#gt;]|{}#35;#96;" in mermaid(flow(journey))


@pytest.mark.parametrize("name", sorted(JOURNEYS))
def test_mermaid_names_each_step_once_and_every_arrow_leads_somewhere(name: str) -> None:
    lines = mermaid(flow(JOURNEYS[name])).splitlines()
    declared = [re.match(r"\s+(\w+)[\[({]", line)[1] for line in lines if re.match(r"\s+\w+[\[({]+\"", line)]  # type: ignore[index]
    arrows = [re.match(r"\s+(\w+) -->(?:\|\".*\"\|)? (\w+)$", line) for line in lines if "-->" in line]
    assert len(declared) == len(set(declared)) == len(JOURNEYS[name].steps) + 2
    assert all(arrows)
    assert {end for arrow in arrows if arrow for end in arrow.groups()} <= set(declared)
    reached, ahead = set(), ["start"]
    while ahead:
        here = ahead.pop()
        if here not in reached:
            reached.add(here)
            ahead += [arrow[2] for arrow in arrows if arrow and arrow[1] == here]
    assert set(declared) - reached <= {"done"}


def test_words_break_where_they_must_and_nowhere_else() -> None:
    assert wrapped("wait for it", 400, 12) == ["wait for it"]
    lines = wrapped("shipment.available_for_pickup or order.delivered", 120, 12.5)
    assert "".join(lines).replace(" ", "") == "shipment.available_for_pickupororder.delivered"
    assert all(wide(line, 12.5) <= 120 for line in lines)
    assert wrapped("", 100, 12) == [""]


def test_a_picture_speaks_the_shops_language() -> None:
    text = diagram(flow(JOURNEYS["every-verb"], tongue("es")), "html", PROJECT.brand, tongue("es"))
    assert '<html lang="es">' in text
    assert "Lo mismo en palabras" in text
    for english in ("Wait", "otherwise", "at most", "goes on below", "One per"):
        assert english not in text
