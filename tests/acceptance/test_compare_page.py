"""The page of a comparison in a real browser: it fits a phone, loads nothing, prints, and anybody can use it."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from postventa.core.values import time_text
from postventa.engine.backtest import Report
from postventa.engine.compare import Side, compare
from postventa.project import Project
from postventa.web.side_by_side import Between, comparison_page
from postventa.web.tongue import tongue

ROOT = Path(__file__).resolve().parents[2]
AXE = ROOT / "tools" / "node" / "node_modules" / "axe-core" / "axe.min.js"
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-background-networking", "--disable-sync"]
pytestmark = pytest.mark.browser
if not os.environ.get("CI"):  # there it is required: its absence is a failure, not a skip
    pytest.importorskip("playwright.sync_api", reason="playwright is not installed")

DAY = datetime(2026, 3, 2, 9, tzinfo=UTC)


def decisions(wait: int) -> list[dict[str, Any]]:
    """Sixty customers; every third answers on the third day, some names are long, some mails wait for the morning."""
    found = []
    for number in range(60):
        if number % 3 == 0 and wait > 3:
            continue
        at = DAY + timedelta(days=wait + number)
        one = {"customer": f"customer-{number:040}", "subject": f"order:{number:032}", "journey": "after-purchase",
               "step": "s", "round": 1, "message": "satisfaction"}  # fmt: skip
        if number % 4 == 0:
            held = at - timedelta(hours=9)
            found.append({**one, "at": time_text(held), "decision": "defer", "reason": "outside the send window: …"})
        found.append({**one, "at": time_text(at), "decision": "send", "reason": "handed over"})
    return found


@pytest.fixture(scope="module")
def page_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    found = compare(Side(decisions(1)), Side(decisions(7)), zone="Europe/Madrid")
    between = Between(Project.load(ROOT), "release 0123456789ab", "shop", Report(events=240, customers=60, end=DAY))
    file = tmp_path_factory.mktemp("page") / "change.html"
    file.write_text(comparison_page(found, between, tongue("es")), encoding="utf-8")
    return file


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    path = next(found for name in ("chromium", "chromium-browser", "google-chrome") if (found := shutil.which(name)))
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=path, args=FLAGS)
        yield browser
        browser.close()


@pytest.mark.parametrize(("scheme", "width"), [("light", 1200), ("dark", 390)])
def test_the_page_fits_loads_nothing_and_everybody_can_use_it(
    chromium: Any, page_file: Path, scheme: str, width: int
) -> None:
    context = chromium.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)
    page = context.new_page()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(page_file.as_uri())
    page.evaluate("document.querySelectorAll('details').forEach(one => one.open = true)")
    assert [url for url in asked if not url.startswith("data:")] == [page_file.as_uri()]
    assert page.evaluate("document.documentElement.scrollWidth") == width
    for chart in page.query_selector_all("svg"):
        name, description = (chart.query_selector(tag).text_content() for tag in ("title", "desc"))
        assert name
        assert any(sign.isdigit() for sign in description)
    if AXE.is_file() or os.environ.get("CI"):
        page.evaluate(AXE.read_text(encoding="utf-8"))
        faults = page.evaluate("axe.run()")["violations"]
        assert [(one["id"], one["nodes"][0]["html"][:120]) for one in faults] == []
    context.close()


def test_on_paper_the_folded_tables_are_open(chromium: Any, page_file: Path) -> None:
    page = chromium.new_page()
    page.goto(page_file.as_uri())
    table = page.locator("details table").first
    assert not table.is_visible()
    page.emulate_media(media="print")
    # The browser lays the page out anew when it next draws.
    page.wait_for_function("document.querySelector('details table').checkVisibility({contentVisibilityAuto: true})")
    page.close()
