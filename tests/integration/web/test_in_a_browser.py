"""The pages in a real browser, scripts switched off: they work by themselves, fit a phone, and break no own rule.

With PICTURES_DIR set, every page is also kept there as a picture (phone and desktop, light and dark).
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from postventa.cli.main import run
from postventa.core.journey import Survey
from postventa.journeys.surveys import SurveyPage
from postventa.project import Project
from postventa.runtimes.listeners import Listener
from postventa.templates.sample import sample_context
from postventa.web.diagram import diagram
from postventa.web.flow import flow
from postventa.web.gallery import gallery
from postventa.web.previewing import previews
from postventa.web.private import private_app
from postventa.web.public import public_app
from postventa.web.tongue import ENGLISH

pytestmark = pytest.mark.browser
if not os.environ.get("CI"):  # there it is required: its absence is a failure, not a skip
    pytest.importorskip("playwright.async_api", reason="playwright is not installed")

FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-background-networking",
         "--disable-component-update", "--disable-sync"]  # fmt: skip
AXE = Path(__file__).resolve().parents[3] / "tools" / "node" / "node_modules" / "axe-core" / "axe.min.js"
_NOT_OURS = ("/a/AAAA", "/customers/c-99", "/html")
"""Pages that are not there, and mails in their frame, which loads nothing they ask for but pictures."""
SIZES = {"phone": {"width": 390, "height": 844}, "desktop": {"width": 1200, "height": 900}}


def reference() -> Project:
    """The reference project's files."""
    return Project.load(Path(__file__).resolve().parents[3])


@dataclass
class Site:
    """Both apps on real ports, and the shop behind them."""

    web: Any
    public: str
    private: str


@pytest.fixture
async def site(web: Any) -> AsyncIterator[Site]:
    public = Listener("public", "127.0.0.1:0", public_app(web.services))
    private = Listener("private", "127.0.0.1:0", private_app(web.services))
    tasks = []
    for listener in (public, private):
        listener.bind()
        tasks.append(asyncio.create_task(listener.serve()))
    web.public_url = public.url
    yield Site(web, public.url, private.url)
    for listener in (public, private):
        await listener.close()
    await asyncio.gather(*tasks)


@pytest.fixture
async def chromium() -> AsyncIterator[Any]:
    from playwright.async_api import async_playwright

    path = next(found for name in ("chromium", "chromium-browser", "google-chrome") if (found := shutil.which(name)))
    async with async_playwright() as driver:
        browser = await driver.chromium.launch(executable_path=path, args=FLAGS)
        yield browser
        await browser.close()


@contextlib.asynccontextmanager
async def opened(
    chromium: Any, size: str = "phone", scheme: str = "light", language: str = "es-ES"
) -> AsyncIterator[Any]:
    """A page without scripts. What the browser complains about (a blocked style, a broken address) fails the test."""
    complaints: list[str] = []
    context = await chromium.new_context(
        viewport=SIZES[size], color_scheme=scheme, locale=language, java_script_enabled=False, device_scale_factor=1
    )
    context.set_default_timeout(10_000)
    page = await context.new_page()
    page.on("console", lambda message: complaints.append(f"{message.text} {message.location['url']}"))
    yield page
    await context.close()
    assert not [one for one in complaints if not one.endswith(_NOT_OURS)]


async def test_a_survey_is_answered_without_scripts(site: Site, chromium: Any) -> None:
    customer = await site.web.order(1, "Ana")
    await site.web.pass_time(timedelta(days=8))
    link = await site.web.link("satisfaction", "a")
    async with opened(chromium) as page:
        await page.goto(f"{site.public}{link}?score=4")
        assert await page.locator("input[name=score]:checked").get_attribute("value") == "4"
        assert await page.locator("textarea").is_hidden()  # asked after a low score alone
        await page.locator("input[value='2']").check(force=True)
        await page.locator("textarea").fill("Llegó tarde y sin aviso")
        assert await site.web.answers(customer) == []
        await page.get_by_role("button").click()
        assert await page.locator("h1").inner_text() == "Gracias"
    (answer,) = await site.web.answers(customer)
    assert (answer["score"], answer["text"], answer["subject"]) == (2, "Llegó tarde y sin aviso", "order/o-1")


async def test_a_survey_is_answered_with_the_keyboard(site: Site, chromium: Any) -> None:
    customer = await site.web.order(1, "Ana")
    await site.web.pass_time(timedelta(days=8))
    async with opened(chromium) as page:
        await page.goto(site.public + await site.web.link("satisfaction", "a"))
        await page.keyboard.press("Tab")
        await page.keyboard.press("ArrowRight")
        await page.keyboard.press("ArrowRight")
        await page.keyboard.press("Enter")
        await page.get_by_role("heading", name="Gracias").wait_for()
    (answer,) = await site.web.answers(customer)
    assert answer["score"] in {2, 3}


async def test_mails_are_stopped_and_one_kind_is_allowed_again(site: Site, chromium: Any) -> None:
    customer = await site.web.order(1, "Ana")
    async with opened(chromium) as page:
        await page.goto(site.public + await site.web.link("thank-you", "u"))
        assert "customer.unsubscribed" not in await site.web.types(customer)
        await page.get_by_role("button", name="No recibir más").click()
        assert "Hecho" in await page.locator("h1").inner_text()
        await page.get_by_role("link", name="Elige qué recibes").click()
        assert await page.locator("input:checked").count() == 0
        await page.get_by_label("Encuestas").check()
        await page.get_by_role("button", name="Guardar").click()
        assert await page.locator("input:checked").get_attribute("value") == "surveys"
    assert "customer.consented" in await site.web.types(customer)
    before = {mail["effect_id"] for mail in await site.web.store.mailbox.mails()}
    await site.web.pass_time(timedelta(days=8))
    later = {mail["message"] for mail in await site.web.store.mailbox.mails() if mail["effect_id"] not in before}
    assert later <= {"satisfaction", "satisfaction-reminder"}
    assert "satisfaction" in later


async def test_the_links_of_a_mail_can_be_tried_from_the_mailbox(site: Site, chromium: Any) -> None:
    await site.web.order(1, "Ana")
    await site.web.pass_time(timedelta(days=8))
    mail = await site.web.mail("satisfaction")
    async with opened(chromium, "desktop") as page:
        await page.goto(f"{site.private}/mailbox/{mail['effect_id']}")
        frame = page.frame_locator("iframe.desktop")
        async with page.context.expect_page() as popup:
            await frame.locator("a[href*='/a/']").nth(4).click()
        survey = await popup.value
        await survey.wait_for_load_state()
        assert survey.url.startswith(f"{site.public}/a/")
        assert await survey.locator("input:checked").count() == 1


async def _filled(web: Any) -> dict[str, str]:
    """Plausible rows for every page, and the paths to look at."""
    said = {"consent": [{"channel": "email", "purpose": "marketing", "given": True, "source": "checkout"}]}
    for number, (name, locale) in enumerate([("Ana", "es"), ("Bruno", "es"), ("Daisy", "en"), ("Elodie", "pt")], 1):
        await web.order(number, name, locale, **said)
    await web.pass_time(timedelta(days=9))
    await web.post(
        web.event("x1", "shipment.in_transit", 0, order_id="o-unknown", shipment_id="s-unknown"),
        web.event("x2", "order.payed", 0, order_id="o-1"),
        {"id": "x3", "source": "shop", "type": "order.paid", "data": {"order_id": "o-9"}},
    )
    await web.order(7, "Gloria")
    link, mail = web.link, await web.mail("satisfaction", "c-1")
    english = await link("satisfaction", "a", "c-3")
    return {
        "survey": await link("satisfaction", "a", "c-1"), "survey-en": f"{english}?score=2",
        "unsubscribe": await link("thank-you", "u", "c-2"), "preferences": await link("thank-you", "p", "c-2"),
        "gone": "/a/AAAA", "health": "/", "mailbox": "/mailbox", "mail": f"/mailbox/{mail['effect_id']}",
        "customers": "/customers", "customer": "/customers/c-1", "journeys": "/journeys",
        "journey": "/journeys/after-purchase", "dead-letters": "/dead-letters", "waiting": "/waiting",
        "messages": "/messages", "message": "/messages/tutorial?variant=coffee&customer=c-1", "why": "/why/c-1",
        "results": "/journeys/after-purchase/results", "streams": "/streams", "login": "/login",
        "nobody": "/customers?q=nobody", "missing": "/customers/c-99",
    }  # fmt: skip


async def test_every_page_fits_a_phone_and_a_desktop(site: Site, chromium: Any) -> None:
    pages = await _filled(site.web)
    await site.web.pause("journey:after-purchase", "the survey has a wrong link", "operator")
    keep = os.environ.get("PICTURES_DIR")
    for size, only in (("phone", "light"), ("desktop", "dark")):
        for scheme in ("light", "dark") if keep else (only,):  # colours are no wider in the dark
            async with opened(chromium, size, scheme) as page:
                for name, path in pages.items():
                    base = site.public if path[:3] in {"/a/", "/u/", "/p/"} else site.private
                    response = await page.goto(base + path)
                    assert response.status in {200, 404}, (name, response.status)
                    wide = await _width(page)
                    if keep:
                        await page.screenshot(path=str(Path(keep) / f"{name}-{size}-{scheme}.png"), full_page=True)
                    assert wide <= SIZES[size]["width"], f"{name} is {wide} px wide on a {size}"
                for button in ("thanks", "stopped"):
                    await _after(page, site.public, pages, button)
                    if keep:
                        await page.screenshot(path=str(Path(keep) / f"{button}-{size}-{scheme}.png"), full_page=True)


@pytest.mark.parametrize("kind", ["stars", "nps", "ces", "choice", "text"])
async def test_every_kind_of_survey_fits_a_phone(site: Site, chromium: Any, kind: str) -> None:
    choices = {"late": {"es": "Llegó tarde"}, "broken": {"es": "Llegó roto"}, "other": {"es": "Otra cosa"}}
    low, high = {"nps": (0, 10), "ces": (1, 7), "stars": (1, 5)}.get(kind, (0, 0))
    question = {"es": "¿Nos recomendarías a un amigo o a alguien de tu familia?"}
    core = Survey("satisfaction", kind, "satisfaction", low, high)
    survey = SurveyPage(core, question, choices=choices if kind == "choice" else {})
    await site.web.order(1, "Ana")
    await site.web.pass_time(timedelta(days=8))
    site.web.surveys = {"satisfaction": survey}
    link = site.public + await site.web.link("satisfaction", "a")
    for size, scheme in (("phone", "light"), ("phone", "dark"), ("desktop", "light")):
        async with opened(chromium, size, scheme) as page:
            await page.goto(f"{link}?score=4")
            if kind == "choice":
                await page.locator("input[value='broken']").check(force=True)
            assert await _width(page) <= SIZES[size]["width"]
            if keep := os.environ.get("PICTURES_DIR"):
                await page.screenshot(path=str(Path(keep) / f"kind-{kind}-{size}-{scheme}.png"), full_page=True)


async def _after(page: Any, base: str, pages: dict[str, str], name: str) -> None:
    """The page behind a button."""
    await page.goto(base + pages["unsubscribe" if name == "stopped" else "survey"])
    if name == "thanks":
        await page.locator("input[name=score]").nth(3).check(force=True)
    await page.get_by_role("button").first.click()
    assert await page.locator(".mark").count() == 1


async def _width(page: Any) -> int:
    """How wide the page's content is. Measured from outside: the page itself runs no script."""
    session = await page.context.new_cdp_session(page)
    metrics = await session.send("Page.getLayoutMetrics")
    await session.detach()
    return int(metrics["cssContentSize"]["width"])


# --- for everybody ---------------------------------------------------------------------------------------------------
@pytest.fixture
def axe() -> str:
    """axe-core, the checker of accessibility. Required where CI is set; elsewhere `npm ci` in tools/node brings it."""
    if not AXE.is_file() and not os.environ.get("CI"):
        pytest.skip("axe is not installed: npm ci --prefix tools/node")
    return AXE.read_text(encoding="utf-8")


_OF_PAGES = ("landmark-one-main", "region")
"""Rules about whole pages: a mail stands inside the mail program's page."""


@contextlib.asynccontextmanager
async def looked_at(chromium: Any, scheme: str) -> AsyncIterator[Any]:
    """A page in which the checker may run. The pages themselves bring no script."""
    context = await chromium.new_context(
        viewport=SIZES["desktop"], color_scheme=scheme, bypass_csp=True, reduced_motion="reduce"
    )
    context.set_default_timeout(20_000)
    yield await context.new_page()
    await context.close()


async def faults(page: Any, axe: str, without: tuple[str, ...] = ()) -> list[str]:
    """What the checker finds: the rule, what is wrong, and the first place where it is. Frames are looked at apart."""
    await page.evaluate(axe)
    rules = {name: {"enabled": False} for name in without}
    options = {"iframes": False, "resultTypes": ["violations"], "rules": rules}
    found = await page.evaluate("options => axe.run(document, options)", options)
    return [f"{one['id']}: {one['help']} at {one['nodes'][0]['html'][:160]}" for one in found["violations"]]


@pytest.mark.parametrize("scheme", ["light", pytest.param("dark", marks=pytest.mark.slow)])
async def test_everybody_can_use_every_page(site: Site, chromium: Any, axe: str, scheme: str) -> None:
    pages = await _filled(site.web)
    found = {}
    async with looked_at(chromium, scheme) as page:
        for name, path in pages.items():
            base = site.public if path[:3] in {"/a/", "/u/", "/p/"} else site.private
            await page.goto(base + path)
            if wrong := await faults(page, axe):
                found[name] = wrong
        for button in ("thanks", "stopped"):
            await _after(page, site.public, pages, button)
            if wrong := await faults(page, axe):
                found[button] = wrong
    assert not found


@pytest.mark.parametrize("scheme", ["light", pytest.param("dark", marks=pytest.mark.slow)])
async def test_everybody_can_read_the_mails_the_drawings_and_the_pages_of_commands(
    chromium: Any, axe: str, scheme: str, tmp_path: Path
) -> None:
    project, found = reference(), {}
    context = sample_context("es")
    sheets = {name: project.messages.render(name, "es", context).html for name in project.messages}
    sheets |= {one.id: diagram(flow(one), "html", project.brand) for one in project.journeys.values()}
    made = [one for name in project.messages for one in previews(project, name, ENGLISH)]
    sheets["all messages"] = gallery(made, project, ENGLISH)
    words = ["simulate", "after-purchase", "--project", str(project.root), "--mails", str(tmp_path)]
    assert await asyncio.to_thread(run, words) == 0
    sheets["simulated"] = (tmp_path / "index.html").read_text(encoding="utf-8")
    async with looked_at(chromium, scheme) as page:
        for name, html in sheets.items():
            await page.set_content(html)
            if wrong := await faults(page, axe, _OF_PAGES if name in project.messages else ()):
                found[name] = wrong
    assert not found
