"""The reference mails in a real browser: no mail is wider than a phone, and dark mode is dark and readable."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, sync_playwright
from test_reference_mails import CATALOG

from postventa.templates.brand import contrast
from postventa.templates.sample import sample_context

pytestmark = pytest.mark.browser

_FLAGS = [
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"),
    *("--disable-component-update", "--disable-sync"),
]
_INKS = """() => [...document.querySelectorAll('.pv-card p, .pv-card h1, .pv-card li, .pv-ink, .pv-soft')]
    .map(e => getComputedStyle(e).color)"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    path = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    with sync_playwright() as tool:
        opened = tool.chromium.launch(executable_path=path, args=_FLAGS)
        yield opened
        opened.close()


def _hex(colour: str) -> str:
    numbers = colour.removeprefix("rgba(").removeprefix("rgb(").rstrip(")").split(",")[:3]
    return "#" + "".join(f"{int(number):02x}" for number in numbers)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_mail_fits_a_phone_and_can_be_read(browser: Browser, scheme: Any) -> None:
    context = browser.new_context(viewport={"width": 360, "height": 780}, color_scheme=scheme)
    page = context.new_page()
    for message in CATALOG:
        page.set_content(CATALOG.render(message, "es", sample_context()).html)
        assert page.evaluate("document.documentElement.scrollWidth") <= 360, message
        paper = _hex(page.evaluate("getComputedStyle(document.querySelector('.pv-card')).backgroundColor"))
        assert (contrast(paper, "#ffffff") > 10) == (scheme == "dark")
        weakest = min(contrast(_hex(ink), paper) for ink in page.evaluate(_INKS))
        assert weakest >= 4.5, message
    context.close()
