"""Why did she not get the survey? Every way in which a mail comes, comes later or never comes, told with its line."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import httpx
import pytest

from postventa.errors import PostventaError
from postventa.project import Project
from postventa.store.base import Pause
from postventa.web.tongue import ENGLISH, tongue
from postventa.web.why import Archive, why


async def verdicts(web: Any, customer: str, message: str, language: str = "en") -> list[dict[str, Any]]:
    told = await why(Archive(web.store.views), customer, tongue(language), message)
    assert told is not None
    return [one for answer in told for one in answer["verdicts"]]


async def verdict(web: Any, customer: str, message: str, journey: str = "after-purchase") -> dict[str, Any]:
    (one,) = [one for one in await verdicts(web, customer, message) if one["journey"] == journey]
    return one


async def test_a_mail_that_was_sent_names_its_line_version_and_release(web: Any) -> None:
    who = await web.order(1, "Ana")
    one = await verdict(web, who, "thank-you")
    journey = web.services.catalog().live["after-purchase"]
    assert (one["what"], one["place"]) == ("sent", "journeys/after-purchase.yaml:14")
    assert one["version"] == journey.version
    assert one["release"] == await web.store.views.control("live_release")
    assert one["effect_id"] == (await web.mail("thank-you"))["effect_id"]


async def test_not_yet_says_where_the_run_stands_and_until_when(web: Any) -> None:
    who = await web.order(1, "Ana")
    await web.pass_time(timedelta(days=3))
    one = await verdict(web, who, "satisfaction")
    assert one["what"] == "waiting"
    assert one["text"] == "not yet: the run is at “wait 5 days”, until 9 Mar 2026, 09:00"
    assert one["place"] == "journeys/after-purchase.yaml:24"


async def test_a_start_condition_that_failed_is_named_with_what_was_there_and_its_line(web: Any) -> None:
    who = await web.order(1, "Ana")
    one = await verdict(web, who, "points-balance", "second-order-points")
    assert one["what"] == "not_begun"
    assert "customer.orders.count is 2” (it was 1)" in one["text"]
    assert one["place"] == "journeys/second-order-points.yaml:9"
    assert one["conditions"] == [{"condition": "customer.orders.count is 2", "found": 1}]
    unknown = await verdict(web, who, "delay-notice", "delay-notice")
    assert "order.promised_at is known” (it was not known)" in unknown["text"]


async def test_the_condition_is_read_as_it_was_then_not_as_it_is_now(web: Any) -> None:
    who = await web.order(1, "Ana")
    await web.order(2, "Ana2", customer_id=who)
    found = [one for one in await verdicts(web, who, "points-balance") if one["journey"] == "second-order-points"]
    assert {one["what"] for one in found} <= {"sent", "waiting", "skipped"}  # the second order began it
    assert found


async def test_an_event_that_ended_the_run_is_named(web: Any) -> None:
    who = await web.order(1, "Ana")
    await web.pass_time(timedelta(days=2))
    await web.post(web.event("r1", "order.refunded", order_id="o-1", amount="98.80", currency="EUR"))
    one = await verdict(web, who, "satisfaction")
    assert one["what"] == "ended"
    assert "order.refunded" in one["text"]
    assert "“wait 5 days”" in one["text"]


async def test_another_way_is_told_with_the_step_that_decided(web: Any) -> None:
    who = await web.order(1, "Ana")
    await web.pass_time(timedelta(days=8))
    await web.post(
        web.event("a1", "survey.answered", survey="satisfaction", score=3, subject="order/o-1", order_id="o-1")
    )
    invite = await verdict(web, who, "referral-invite")
    assert (invite["what"], invite["place"]) == ("other_way", "journeys/after-purchase.yaml:31")
    assert "no case holds" in invite["text"]
    reminder = await verdict(web, who, "satisfaction-reminder")
    assert (reminder["what"], reminder["text"]) == ("not_asked", "not needed: answered before the reminder was due")


async def test_a_timeout_that_led_out_is_told(web: Any) -> None:
    await web.post(
        web.event("p1", "order.placed", 0, order_id="o-5", total="40.00", currency="EUR",
                  customer={"customer_id": "c-5", "email": "eva@example.com"}),
        web.event("p2", "order.paid", 1, order_id="o-5", total="40.00", currency="EUR"),
    )  # fmt: skip
    await web.dispatcher.drain()
    await web.pass_time(timedelta(days=32))
    one = await verdict(web, "c-5", "satisfaction")
    assert one["what"] == "other_way"
    assert one["text"].startswith("the run went another way at “wait for order.delivered, 30 days at most”: ")
    assert one["place"] == "journeys/after-purchase.yaml:15"


async def test_an_objection_is_the_reason(web: Any) -> None:
    who = await web.order(1, "Ana")
    await web.post(
        web.event("u1", "customer.unsubscribed", customer_id=who, channel="email", purpose="*", source="page")
    )
    await web.pass_time(timedelta(days=9))
    one = await verdict(web, who, "satisfaction")
    assert one["what"] == "skipped"
    assert "the customer objected" in one["text"]


async def test_a_mail_outside_the_sending_hours_is_held_until_they_begin(web: Any) -> None:
    web.now = web.now.replace(hour=22)
    await web.post(
        web.event("p1", "order.placed", 0, order_id="o-6", total="40.00", currency="EUR",
                  customer={"customer_id": "c-6", "email": "eva@example.com"}),
        web.event("p2", "order.paid", 1, order_id="o-6", total="40.00", currency="EUR"),
    )  # fmt: skip
    one = await verdict(web, "c-6", "thank-you")
    assert one["what"] == "held"
    assert "outside the send window" in one["text"]
    assert one["until"] == "2026-03-03T08:00:00Z"
    spanish = (await verdicts(web, "c-6", "thank-you", "es"))[0]
    assert spanish["text"].startswith("retenido: fuera del horario de envío: pasa al 2026-03-03 09:00")


async def test_a_cap_is_the_reason_while_it_holds_and_after_it_was_waited_for(web: Any) -> None:
    who = {"customer_id": "c-8", "email": "eva@example.com"}
    for number in range(4):
        order = {"order_id": f"o-8{number}", "total": "40.00", "currency": "EUR"}
        await web.post(
            web.event(f"p{number}", "order.placed", 0, customer=who, **order),
            web.event(f"q{number}", "order.paid", 1, **order),
        )
        await web.dispatcher.drain()
    found = {one["subject"]: one for one in await verdicts(web, "c-8", "thank-you")}
    assert [found[f"order/o-8{number}"]["what"] for number in range(4)] == ["sent", "sent", "sent", "held"]
    assert "the cap of 3 per 7 days is reached" in found["order/o-83"]["text"]
    assert found["order/o-83"]["until"] == "2026-03-05T09:00:00Z"  # if_blocked: wait up to 3 days
    await web.pass_time(timedelta(days=4))
    found = {one["subject"]: one for one in await verdicts(web, "c-8", "thank-you")}
    assert found["order/o-83"]["what"] == "skipped"
    assert "waited as long as if_blocked allows" in found["order/o-83"]["text"]


async def test_a_pause_is_the_reason_while_it_lasts(web: Any) -> None:
    async with web.store.transaction() as tx:
        await tx.set_pause(Pause("all", "wrong prices", web.now, "ana"))
    await web.post(
        web.event("p1", "order.placed", 0, order_id="o-7", total="40.00", currency="EUR",
                  customer={"customer_id": "c-7", "email": "eva@example.com"}),
    )  # fmt: skip
    one = await verdict(web, "c-7", "order-confirmation", "order-confirmation")
    assert (one["what"], one["text"]) == ("held", "ready, but all is paused: wrong prices")


async def test_an_event_from_before_the_journey_was_published_is_told_so(web: Any) -> None:
    files = dict(web.services.project().files)
    later = {name: raw for name, raw in files.items() if name != "journeys/product-tutorial.yaml"}
    await web.engine.releases.publish(Project.from_files(later), web.now, "t", "without")
    who = await web.order(1, "Ana")
    await web.engine.releases.publish(Project.from_files(files), web.now, "t", "with")
    one = await verdict(web, who, "tutorial", "product-tutorial")
    assert one["what"] == "too_early"
    assert "was not published yet" in one["text"]


async def test_nothing_came_is_an_answer_too(web: Any) -> None:
    await web.order(1, "Ana")
    await web.post(web.event("c1", "customer.updated", customer={"customer_id": "c-9", "email": "x@example.com"}))
    found = await verdicts(web, "c-9", "thank-you")
    assert [one["text"] for one in found] == ["not begun: no order.paid has come for this customer"]
    assert found[0]["place"] == "journeys/after-purchase.yaml:7"


async def test_a_message_that_no_journey_sends_is_answered_with_the_nearest(web: Any) -> None:
    who = await web.order(1, "Ana")
    with pytest.raises(PostventaError, match="thank-yuo") as raised:
        await why(Archive(web.store.views), who, ENGLISH, "thank-yuo")
    assert "did you mean 'thank-you'?" in str(raised.value.mend)


async def test_the_page_and_its_json_say_the_same(web: Any, private: httpx.AsyncClient) -> None:
    who = await web.order(1, "Ana")
    page = (await private.get(f"/why/{who}?message=points-balance", headers={"Accept": "text/html"})).text
    told = (await private.get(f"/why/{who}?message=points-balance", headers={"Accept": "application/json"})).json()
    assert [one["message"] for one in told["messages"]] == ["points-balance"]
    assert "it was 1" in page
    assert "journeys/second-order-points.yaml:9" in page
    assert (await private.get("/why/nobody")).status_code == 404
    assert f"/why/{who}" in (await private.get(f"/customers/{who}", headers={"Accept": "text/html"})).text


async def test_the_page_speaks_spanish(web: Any, connect: Any) -> None:
    from postventa.web.private import private_app

    who = await web.order(1, "Ana")
    async with connect(private_app(replace(web.services, language="es"))) as browser:
        page = (await browser.get(f"/why/{who}", headers={"Accept": "text/html"})).text
    assert "Qué se envió, qué no, y por qué" in page
    assert '<html lang="es">' in page
    assert "not begun" not in page
