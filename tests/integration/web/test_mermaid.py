"""The Mermaid text of a journey, in the real Mermaid: what GitHub and GitLab would draw is what the journey does."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from postventa.project import Project
from postventa.web.flow import flow
from postventa.web.mermaid import mermaid
from postventa.web.tongue import tongue

ROOT = Path(__file__).resolve().parents[3]
MERMAID = ROOT / "tools/node/node_modules/mermaid/dist/mermaid.min.js"
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-background-networking", "--disable-sync"]
ASKED = """async text => {
  const drawn = await mermaid.mermaidAPI.getDiagramFromText(text);
  const edges = drawn.db.getEdges().map(one => [one.start, one.end]);
  const labels = Object.fromEntries([...drawn.db.getVertices()].map(([id, one]) => [id, one.text]));
  const {svg} = await mermaid.render("d", text);
  return {edges, labels, svg};
}"""
NASTY = '</svg>]|{}#`"; end %% subgraph x --> click s0 "javascript:alert(1)"'
pytestmark = [pytest.mark.browser, pytest.mark.slow]
if not os.environ.get("CI"):  # there it is required: its absence is a failure, not a skip
    pytest.importorskip("playwright.sync_api", reason="playwright is not installed")


@cache
def project() -> Project:
    """The reference project."""
    return Project.load(ROOT)


@pytest.fixture(scope="module")
def draw() -> Iterator[Any]:
    """`draw(text)`: nodes, arrows and the picture, as Mermaid understands the text."""
    if not MERMAID.is_file() and not os.environ.get("CI"):
        pytest.skip("mermaid is not installed: npm ci --prefix tools/node")
    from playwright.sync_api import sync_playwright

    path = next(found for name in ("chromium", "chromium-browser", "google-chrome") if (found := shutil.which(name)))
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=path, args=FLAGS)
        page = browser.new_page()
        page.add_script_tag(path=MERMAID)
        page.evaluate("mermaid.initialize({startOnLoad: false, securityLevel: 'strict'})")
        yield lambda text: page.evaluate(ASKED, text)
        browser.close()


@pytest.mark.parametrize("language", ["en", "es"])
def test_mermaid_draws_every_journey_with_all_its_steps(draw: Any, language: str) -> None:
    for journey in project().journeys.values():
        shown = flow(journey)
        found = draw(mermaid(shown, tongue(language)))
        names = {f"s{card.index}": card.title for card in shown.all()}
        assert found["labels"].keys() == {"start", "done", *names}, journey.id
        for name, title in names.items():
            assert title.split()[0] in found["labels"][name].replace("#quot;", '"'), journey.id
        assert {end for _, end in found["edges"]} | {"done"} == {"done", *names}, journey.id
        assert found["svg"].startswith("<svg"), journey.id


def test_what_somebody_wrote_stays_text(draw: Any) -> None:
    lines = (
        "journey: odd", "subject: order", "start:", "  on: order.paid", "  where:", f"    customer.country: '{NASTY}'",
        "steps:", "  - exit: done", "",
    )  # fmt: skip
    journey = Project.from_files({**project().files, "journeys/odd.yaml": "\n".join(lines).encode()}).journeys["odd"]
    found = draw(mermaid(flow(journey)))
    assert (found["labels"].keys(), found["edges"]) == ({"start", "s0", "done"}, [["start", "s0"]])
    assert "href" not in found["svg"]
    assert "alert(1)" in found["svg"]
