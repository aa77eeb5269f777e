"""What an operator sees of a running shop: /metrics, the probes, the page of the streams; the API behind the acts."""

from __future__ import annotations

import asyncio
import os
import shutil
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from postventa.core.state import Stand
from postventa.engine.meters import Meters
from postventa.engine.operate import Operators
from postventa.engine.receipts import Settled, claim, settle
from postventa.errors import StoreError
from postventa.runtimes.listeners import Listener
from postventa.store.base import CustomerWrite, DeadLetter, HistoryRow
from postventa.web import watching
from postventa.web.private import private_app

Samples = dict[tuple[str, frozenset[tuple[str, str]]], float]
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-background-networking",
         "--disable-component-update", "--disable-sync"]  # fmt: skip


@pytest.fixture
async def shop(web: Any, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Any]:
    """The shop with an operator, lag on a topic, and counters as a running engine has them."""
    monkeypatch.setattr(watching, "KEPT", -1.0)  # every look is a new one
    meters = Meters()
    with meters.batch() as batch:
        for outcome in ("accepted", "accepted", "duplicate"):
            batch.event("orders", outcome)
        batch.event("http", "rejected")
    meters.send("email", "sent")

    async def lag() -> dict[tuple[str, int], int]:
        return {("orders", 0): 3, ("orders", 1): 1200, ("shipments", 0): 0}

    async def oldest() -> dict[tuple[str, int], datetime]:
        return {("orders", 1): datetime.now(UTC) - timedelta(minutes=90)}

    operators = Operators(web.engine, lambda: web.now, dict)
    web.services = web.make(
        meters=meters, lag=lag, oldest=oldest, operators=operators, status=lambda: {"caught_up": True}
    )
    return web


@pytest.fixture
async def operator(shop: Any, connect: Any) -> AsyncIterator[httpx.AsyncClient]:
    async with connect(private_app(shop.services)) as browser:
        yield browser


async def trouble(web: Any) -> tuple[str, str]:
    """One mail in doubt, one run parked, one dead letter, one overdue; gives effect id and run id."""
    await web.order(1, "Ana", "en")
    await web.order(2, "Bruno", "en")
    for one in await claim(web.engine, web.now, limit=1):
        async with web.store.transaction() as tx:
            await tx.intents({one.record.effect_id: one.attempt}, web.now)
    web.now += timedelta(hours=9)
    await web.post(web.event("late", "order.placed", 0, order_id="o-5", customer={"customer_id": "c-1"}),
                   web.event("paid", "order.paid", 0, order_id="o-5"))  # fmt: skip
    (message, *_) = await claim(web.engine, web.now)
    async with web.store.transaction() as tx:
        await tx.intents({message.record.effect_id: message.attempt}, web.now)
    ended = Settled(message.record.effect_id, message.record.customer_id, "uncertain", web.now, message.attempt)
    await settle(web.engine, [ended], web.now)
    async with web.store.transaction() as tx:
        before = (await tx.lock_customers(["c-2"]))["c-2"]
        after = before.fork()
        run = next(iter(after.runs.values()))
        stand = Stand("parked", web.now, reason="KeyError: 'weight'", resume=run.stand)
        after.runs = {**after.runs, run.run_id: replace(run, stand=stand)}
        row = HistoryRow("c-2", tx.seq_of("c-2") + 1, web.now, "timer", "r")
        await tx.save([CustomerWrite(before, after, (row,))])
        await tx.put_dead_letters([DeadLetter("orders/1/77", "expected a known event type", "{}", web.now)])
    web.now += timedelta(days=3)
    return message.record.effect_id, run.run_id


async def scraped(operator: httpx.AsyncClient) -> Samples:
    answer = await operator.get("/metrics")
    assert answer.status_code == 200
    families = text_string_to_metric_families(answer.text)
    return {(one.name, frozenset(one.labels.items())): one.value for family in families for one in family.samples}


def sample(found: Samples, name: str, **labels: str) -> float:
    return found[f"postventa_{name}", frozenset(labels.items())]


# --- metrics and probes ----------------------------------------------------------------------------------------------
async def test_metrics_tell_what_came_in_and_what_is_stuck(shop: Any, operator: httpx.AsyncClient) -> None:
    await trouble(shop)
    found = await scraped(operator)
    assert sample(found, "events_total", topic="orders", outcome="accepted") == 2
    assert sample(found, "events_total", topic="http", outcome="rejected") == 1
    assert sample(found, "batch_events_count") == 1
    assert sample(found, "batch_events_bucket", le="5") == 1
    assert sample(found, "batch_seconds_count") == 1
    assert sample(found, "commit_age_seconds") >= 0
    assert sample(found, "lag_events", topic="orders", partition="1") == 1200
    assert sample(found, "offset_gaps_total") == 0
    assert sample(found, "sends_total", channel="email", result="sent") == 1
    assert sample(found, "overdue_customers") > 0
    assert sample(found, "overdue_oldest_age_seconds") > 3600
    assert sample(found, "outbox", kind="message", state="uncertain") == sample(found, "uncertain_messages") == 1
    for name in ("parked_runs", "dead_letters", "intake_caught_up", "store_up", "release_live"):
        assert sample(found, name) == 1, name


async def test_metrics_name_nobody(shop: Any, operator: httpx.AsyncClient) -> None:
    await trouble(shop)
    text = (await operator.get("/metrics")).text.lower()
    for word in ("ana", "bruno", "example.com", "c-1", "o-1"):
        assert word not in text


async def test_a_store_that_is_away_is_told_and_the_rest_still_counts(
    shop: Any, operator: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def away(now: Any) -> Any:
        raise StoreError("the disk reports an error")

    monkeypatch.setattr(shop.store.views, "gauges", away)
    found = await scraped(operator)
    assert sample(found, "store_up") == 0
    assert sample(found, "events_total", topic="orders", outcome="accepted") == 2
    answer = await operator.get("/readyz")
    assert answer.status_code == 503
    assert "the disk reports an error" in answer.json()["reasons"][0]
    assert (await operator.get("/healthz")).text == "ok\n"
    assert (await operator.get("/streams")).status_code == 200


async def test_ready_means_published_and_caught_up(shop: Any, connect: Any) -> None:
    for caught_up, status in ((True, 200), (False, 503)):
        services = replace(shop.services, status=lambda caught_up=caught_up: {"caught_up": caught_up})
        async with connect(private_app(services)) as browser:
            answer = await browser.get("/readyz")
            assert (answer.status_code, answer.json()["ready"]) == (status, caught_up)
            assert bool(answer.json()["reasons"]) != caught_up


async def test_probes_need_no_token_and_metrics_do(shop: Any, connect: Any) -> None:
    services = replace(shop.services, private_token="a-token-of-the-shop")
    async with connect(private_app(services), "10.0.0.7", "engine.internal") as probe:
        for path in ("/healthz", "/readyz"):
            assert (await probe.get(path)).status_code == 200
        refused = await probe.get("/metrics", headers={"Accept": "application/json"})
        assert refused.status_code == 401
        assert (await probe.get("/metrics", headers={"Authorization": "Bearer a-token-of-the-shop"})).status_code == 200


# --- the acts over HTTP ----------------------------------------------------------------------------------------------
async def test_acts_answer_for_each_thing_that_was_named(shop: Any, operator: httpx.AsyncClient) -> None:
    effect, run = await trouble(shop)
    (letter,) = await shop.store.views.dead_letters()
    for path, body, expected in (
        ("dead-letters/replay", {"ids": [letter.id, 9999]}, [False, False]),
        ("dead-letters/discard", {"ids": [letter.id]}, [True]),
        ("messages/resend", {"ids": [effect, "nothing"]}, [True, False]),
        ("messages/drop", {"ids": [effect]}, [False]),
        ("runs/retry", {"runs": [["c-2", run]]}, [True]),
        ("runs/end", {"runs": [["c-2", run], ["c-2", "nothing"]]}, [True, False]),
        ("suppress", {"addresses": ["ana@example.com"], "reason": "asked"}, [True]),
    ):
        answer = await operator.post(f"/v1/{path}", json={"by": "eva", **body})
        assert answer.status_code == 200, answer.text
        assert [one["ok"] for one in answer.json()["results"]] == expected, (path, answer.json())
    acts = [row["what"] for row in await shop.store.views.audited() if row["who"] == "eva"]
    assert acts == ["suppress", "end run", "retry run", "message resend", "dead letter discarded"]


async def test_an_act_without_anything_named_is_refused(operator: httpx.AsyncClient) -> None:
    for path in ("dead-letters/replay", "messages/resend", "runs/end"):
        assert (await operator.post(f"/v1/{path}", json={"ids": [], "runs": []})).status_code == 422


# --- the page --------------------------------------------------------------------------------------------------------
async def test_the_page_as_json(shop: Any, operator: httpx.AsyncClient) -> None:
    await trouble(shop)
    told = (await operator.get("/streams?format=json")).json()
    by_name = {one["topic"]: one for one in told["topics"]}
    assert by_name["orders"]["lag"] == 1203
    assert by_name["orders"]["waits"] >= 90 * 60
    assert by_name["shipments"]["waits"] is None
    assert by_name["orders"]["outcomes"] == {"accepted": 2, "duplicate": 1}
    assert (by_name["http"]["lag"], by_name["shipments"]["last"]) == (None, None)
    assert len(told["uncertain"]) == len(told["parked"]) == 1


@pytest.mark.browser
async def test_the_page_in_a_browser(shop: Any) -> None:
    """It fits phone and desktop without scripts, and names the command beside each trouble. With PICTURES_DIR it is
    kept as a picture, too."""
    if not os.environ.get("CI"):
        pytest.importorskip("playwright.async_api", reason="playwright is not installed")
    from playwright.async_api import async_playwright

    effect, run = await trouble(shop)
    listener = Listener("private", "127.0.0.1:0", private_app(shop.services))
    listener.bind()
    serving = asyncio.create_task(listener.serve())
    path = next(found for name in ("chromium", "chromium-browser", "google-chrome") if (found := shutil.which(name)))
    async with async_playwright() as driver:
        chromium = await driver.chromium.launch(executable_path=path, args=FLAGS)
        for size in ({"width": 390, "height": 844}, {"width": 1200, "height": 900}):
            for scheme in ("light", "dark"):
                await _look(chromium, listener.url, size, scheme, effect, run)
        await chromium.close()
    await listener.close()
    await serving


async def _look(chromium: Any, url: str, size: Any, scheme: Any, effect: str, run: str) -> None:
    context = await chromium.new_context(viewport=size, color_scheme=scheme, java_script_enabled=False)
    context.set_default_timeout(10_000)
    page = await context.new_page()
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text))
    await page.goto(url)
    await page.get_by_role("link", name="Streams").click()
    assert await page.locator("h1").inner_text() == "Streams"
    text = await page.locator("main").inner_text()
    for word in (effect, run, "1203", "the first waits 90 minutes", "KeyError",
                 "postventa messages uncertain resend", "postventa kafka lag",
                 "postventa runs parked retry", "postventa dead-letters replay", "postventa status"):  # fmt: skip
        assert word in text, word
    session = await context.new_cdp_session(page)
    metrics = await session.send("Page.getLayoutMetrics")
    if keep := os.environ.get("PICTURES_DIR"):
        await page.screenshot(path=str(Path(keep) / f"streams-{size['width']}-{scheme}.png"), full_page=True)
    assert metrics["cssContentSize"]["width"] <= size["width"]
    assert complaints == []
    await context.close()
