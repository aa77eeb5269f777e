"""The shop's own side over HTTP: events in, state out, every page as HTML and as JSON, and who may see it."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import httpx
import pytest

from postventa.errors import JourneyError, StoreBusy, StoreError
from postventa.web.private import private_app

TOKEN = "a token of the shop"
PAGES = (
    "/", "/mailbox", "/customers", "/customers?q=nobody", "/customers/c-1", "/journeys", "/journeys/after-purchase",
    "/dead-letters", "/waiting",
)  # fmt: skip


def paid(web: Any, number: int) -> dict[str, Any]:
    customer = {"customer_id": f"c-{number}", "email": f"c{number}@example.com"}
    event: dict[str, Any] = web.event(f"paid-{number}", "order.paid", 0, order_id=f"o-{number}", customer=customer)
    return event


# --- events in -------------------------------------------------------------------------------------------------------
async def test_one_event_is_answered_after_its_commit_with_where_to_look(web: Any, private: httpx.AsyncClient) -> None:
    response = await private.post("/v1/events", json=paid(web, 1))
    assert response.status_code == 202
    told = response.json()
    assert {key: told[key] for key in ("accepted", "duplicate", "waiting", "rejected")} == {
        "accepted": 1, "duplicate": 0, "waiting": 0, "rejected": 0,
    }  # fmt: skip
    (result,) = told["results"]
    assert (result["id"], result["status"]) == ("paid-1", "accepted")
    assert "after-purchase" in result["runs_started"]
    assert "order.paid" in await web.types("c-1")
    assert (await private.get(result["see"])).status_code == 200


async def test_the_same_event_twice_is_a_duplicate_and_an_unknown_order_waits(
    web: Any, private: httpx.AsyncClient
) -> None:
    other = web.event("other", "shipment.in_transit", 0, order_id="o-2", shipment_id="s-2")
    told = (await private.post("/v1/events", json=[other, paid(web, 1), paid(web, 1)])).json()
    assert [result["status"] for result in told["results"]] == ["waiting", "accepted", "duplicate"]
    assert (await private.post("/v1/events", json=paid(web, 1))).json()["duplicate"] == 1
    assert "o-2" in (await private.get("/waiting", headers={"Accept": "text/html"})).text
    assert (await private.post("/v1/events", json=paid(web, 2))).json()["accepted"] == 1
    assert (await private.get("/waiting?format=json")).json()["waiting"] == []


@pytest.mark.parametrize("form", ["list", "lines", "cloudevents", "batch", "headers"])
async def test_every_way_to_write_events_is_read(web: Any, private: httpx.AsyncClient, form: str) -> None:
    events = [paid(web, number) for number in (1, 2)]
    cloud = [{"specversion": "1.0", **event} for event in events]
    head = {f"ce-{key}": str(value) for key, value in cloud[0].items() if key != "data"}
    body, headers = {
        "list": (json.dumps(events), {}),
        "lines": ("\n".join(map(json.dumps, events)), {"content-type": "application/x-ndjson"}),
        "cloudevents": (json.dumps(cloud[0]), {"content-type": "application/cloudevents+json"}),
        "batch": (json.dumps(cloud), {"content-type": "application/cloudevents-batch+json"}),
        "headers": (json.dumps(cloud[0]["data"]), {"content-type": "application/json", **head}),
    }[form]
    response = await private.post("/v1/events", content=body, headers=headers)
    assert response.json()["accepted"] == (1 if form in {"cloudevents", "headers"} else 2), response.text


async def test_a_bad_record_says_which_field_and_how_to_mend_it_and_the_others_go_on(
    web: Any, private: httpx.AsyncClient
) -> None:
    wrong = {**paid(web, 2), "type": "order.payed"}
    response = await private.post("/v1/events", json=[wrong, paid(web, 1)])
    assert response.status_code == 202
    told = response.json()
    assert (told["accepted"], told["rejected"]) == (1, 1)
    assert told["results"][0]["field"] == "/type"
    assert "did you mean order.p" in told["results"][0]["mend"]
    assert (await private.post("/v1/events", json=wrong)).status_code == 422
    letters = (await private.get("/dead-letters?format=json")).json()["dead_letters"]
    assert len(letters) == 2
    assert "did you mean order.p" in letters[0]["reason"], "the repair stands with the letter, too"


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"\xff\xfe", b"[1, 2]", b'"text"', b'{"id": "\\u0000"}', b"[" * 5000, b'{"a":' * 5000, b"NaN"],
)
async def test_nonsense_is_refused_with_a_reason_and_nothing_breaks(private: httpx.AsyncClient, body: bytes) -> None:
    response = await private.post("/v1/events", content=body)
    assert response.status_code == 422
    assert all(result["reason"] for result in response.json()["results"])


@pytest.mark.parametrize("bad", ["Ana\x00", "Ana\ud800"])
async def test_nul_and_lone_surrogates_are_refused_where_they_stand(
    web: Any, private: httpx.AsyncClient, bad: str
) -> None:
    event = paid(web, 1)
    event["data"]["customer"]["first_name"] = bad
    response = await private.post("/v1/events", content=json.dumps(event))
    assert response.status_code == 422
    assert response.json()["results"][0]["field"] == "/data/customer/first_name"


async def test_a_body_beyond_the_limit_is_refused_before_it_is_read(web: Any, private: httpx.AsyncClient) -> None:
    async def endless() -> Any:
        for _ in range(100):
            yield b" " * 100_000

    for content in (b" " * 6_000_000, endless()):
        response = await private.post("/v1/events", content=content)
        assert response.status_code == 413
        assert "in parts" in response.json()["mend"]


async def test_an_unknown_topic_names_those_there_are(private: httpx.AsyncClient) -> None:
    response = await private.post("/v1/events?topic=ordres", json={})
    assert response.status_code == 422
    assert "orders" in response.json()["results"][0]["mend"]


@pytest.mark.parametrize(("error", "status"), [(StoreBusy("locked"), 503), (StoreError("the disk is full"), 507)])
async def test_a_store_that_takes_nothing_says_so(web: Any, connect: Any, error: StoreError, status: int) -> None:
    async def no(items: Any, source: str) -> Any:
        raise error

    async with connect(private_app(replace(web.services, ingest=no))) as machine:
        response = await machine.post("/v1/events", json=paid(web, 1))
    assert (response.status_code, response.json()["error"]) == (status, error.message)
    assert ("retry-after" in response.headers) == (status == 503)


# --- pages -----------------------------------------------------------------------------------------------------------
async def test_every_page_is_there_before_the_first_event_and_after(web: Any, private: httpx.AsyncClient) -> None:
    for path in PAGES:
        response = await private.get(path, headers={"Accept": "text/html"})
        assert response.status_code == (404 if path == "/customers/c-1" else 200), path
    await web.order(1, "Ana")
    await web.pass_time(timedelta(days=8))
    for path in PAGES:
        page = await private.get(path, headers={"Accept": "text/html"})
        twin = await private.get(path, headers={"Accept": "application/json"})
        assert (page.status_code, twin.status_code) == (200, 200), path
        assert page.headers["content-type"].startswith("text/html")
        assert twin.json()


async def test_the_timeline_tells_what_happened_why_and_where_it_is_written(
    web: Any, private: httpx.AsyncClient
) -> None:
    customer = await web.order(1, "Ana")
    await web.pass_time(timedelta(days=8))
    facts = (await private.get(f"/customers/{customer}?format=json")).json()
    moments = facts["timeline"]
    assert [moment["seq"] for moment in moments] == list(range(1, len(moments) + 1))
    titles = [moment["title"] for moment in moments]
    assert titles.index("order.placed") < titles.index("order.paid") < titles.index("shipment.delivered")
    sends = [one for moment in moments for one in moment["decisions"] if one["decision"] == "send"]
    thanks = next(one for one in sends if one["mail"]["message"] == "thank-you")
    assert thanks["mail"]["state"] == "sent"
    assert thanks["mail"]["subject"] == "Gracias por confiar en nosotros"
    assert thanks["place"] == "journeys/after-purchase.yaml:14"
    waiting = next(run for run in facts["runs"] if run["journey"] == "after-purchase")
    assert waiting["place"] == "journeys/after-purchase.yaml:25"
    page = (await private.get(f"/customers/{customer}")).text
    assert "journeys/after-purchase.yaml:14" in page
    assert "count 1 · first at" in page, "what is inside a fact is told in words, not as JSON"


async def test_a_journey_counts_its_ends_by_what_ended_them_not_by_when(web: Any, private: httpx.AsyncClient) -> None:
    for number in (1, 2):
        await web.order(number, "Ana")
        await web.pass_time(timedelta(hours=1))
        await web.post(web.event(f"off-{number}", "order.cancelled", 0, order_id=f"o-{number}"))
    ends = (await private.get("/journeys/after-purchase?format=json")).json()["journey"]["outcomes"]
    assert ends == {"exited: order.cancelled": 2}


async def test_what_customers_wrote_stays_text(web: Any, private: httpx.AsyncClient) -> None:
    await web.order(1, "<script>alert(1)</script>", email="ana@example.com")
    for path in ("/customers", "/customers/c-1", "/mailbox", "/"):
        assert "<script>alert" not in (await private.get(path, headers={"Accept": "text/html"})).text


async def test_a_journey_shows_how_many_stand_at_each_step(web: Any, private: httpx.AsyncClient) -> None:
    await web.order(1, "Ana")
    await web.order(2, "Bruno")
    steps = (await private.get("/journeys/after-purchase?format=json")).json()["journey"]["steps"]
    assert sum(step["count"] for step in steps) == 2
    ask = next(step for step in steps if step["verb"] == "ask")
    assert list(ask["below"]) == ["then"]
    branch = ask["below"]["then"][1]
    assert list(branch["below"]) == ["if answer.score at most 2", "if answer.score is 5"]
    assert (await private.get("/journeys/nothing")).status_code == 404


async def test_a_customer_is_found_by_what_support_is_told(web: Any, private: httpx.AsyncClient) -> None:
    await web.order(1, "Ana")
    for asked in ("c-1", "ana@example.com", "ANA@EXAMPLE.COM", "o-1", "TC-1"):
        response = await private.get("/customers", params={"q": asked}, headers={"Accept": "text/html"})
        assert (response.status_code, response.headers.get("location")) == (303, "/customers/c-1"), asked
    assert (await private.get("/customers", params={"q": "x' or 1=1 --\x00"})).status_code == 200


async def test_a_mail_is_shown_in_a_frame_that_runs_nothing(web: Any, private: httpx.AsyncClient) -> None:
    await web.order(1, "Ana")
    mail = await web.mail("thank-you")
    page = await private.get(f"/mailbox/{mail['effect_id']}", headers={"Accept": "text/html"})
    assert 'sandbox="allow-popups' in page.text
    assert "List-Unsubscribe-Post: List-Unsubscribe=One-Click" in page.text
    frame = await private.get(f"/mailbox/{mail['effect_id']}/html")
    policy = frame.headers["content-security-policy"]
    assert policy.startswith("sandbox allow-popups")
    assert "allow-scripts" not in policy
    assert "allow-same-origin" not in policy
    assert '<base target="_blank">' in frame.text
    assert (await private.get("/mailbox/0000")).status_code == 404


async def test_a_mail_that_is_not_kept_says_what_became_of_it(web: Any, private: httpx.AsyncClient) -> None:
    await web.order(1, "Ana", email="ána@example.com")  # a server without SMTPUTF8 cannot be asked
    row = (await web.store.views.messages("c-1"))[-1]
    page = await private.get(f"/mailbox/{row.effect_id}", headers={"Accept": "text/html"})
    assert page.status_code == 200
    assert "refused" in page.text
    assert "is not kept here" in page.text


# --- control ---------------------------------------------------------------------------------------------------------
async def test_a_pause_is_seen_everywhere_until_it_is_lifted(web: Any, private: httpx.AsyncClient) -> None:
    body = {"scope": "journey:after-purchase", "reason": "a wrong link", "by": "Olga"}
    assert (await private.post("/v1/pause", json=body)).status_code == 200
    assert (await private.get("/v1/status")).json()["pauses"][0]["reason"] == "a wrong link"
    for path in ("/", "/mailbox"):
        assert "a wrong link" in (await private.get(path, headers={"Accept": "text/html"})).text
    await private.post("/v1/resume", json={"scope": "journey:after-purchase"})
    assert (await private.get("/v1/status")).json()["pauses"] == []


@pytest.mark.parametrize(
    ("body", "part"),
    [
        ({"scope": "journey:after-purchas", "reason": "x"}, "journey:after-purchase"),
        ({"scope": "everything", "reason": "x"}, "journey:<id>"),
        ({"scope": "all"}, "reason"),
        ({"scope": "all", "reason": "x", "jurney": "y"}, "jurney"),
        ([], ""),
    ],
)
async def test_a_pause_of_nothing_is_refused_with_what_there_is(
    private: httpx.AsyncClient, body: Any, part: str
) -> None:
    response = await private.post("/v1/pause", json=body)
    assert response.status_code == 422
    assert part in response.text


async def test_publish_tells_the_release_or_every_problem(web: Any, connect: Any, private: httpx.AsyncClient) -> None:
    assert len((await private.post("/v1/publish", json={"by": "Olga"})).json()["release"]) > 10

    async def broken(message: str, by: str) -> Any:
        raise JourneyError(["journeys/a.yaml:3:1 error J104 unknown key 'chanel'", "journeys/b.yaml:1:1 error"])

    async with connect(private_app(replace(web.services, publish=broken))) as machine:
        response = await machine.post("/v1/publish", json={})
    assert response.status_code == 422
    assert len(response.json()["problems"]) == 2


async def test_status_adds_what_the_running_engine_knows(web: Any, connect: Any) -> None:
    await web.order(1, "Ana")
    async with connect(private_app(replace(web.services, status=lambda: {"caught_up": True}))) as machine:
        status = (await machine.get("/v1/status")).json()
    assert status["engine"] == {"caught_up": True}
    assert status["customers"] == 1
    assert status["running"] == sum(one["count"] for one in status["runs"])
    assert status["next_due"]
    assert status["release"]["by"] == "tests"


# --- who may see it --------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("host", ["10.0.0.7", "203.0.113.9", "2001:db8::1", "not-an-address"])
async def test_without_a_token_only_this_machine_is_answered(web: Any, connect: Any, host: str) -> None:
    async with connect(private_app(web.services), host) as outside:
        for method, path in (("GET", "/"), ("GET", "/customers"), ("POST", "/v1/events"), ("GET", "/openapi.json")):
            response = await outside.request(method, path)
            assert response.status_code == 403
            assert "token" in response.json()["mend"]
        assert (await outside.get("/healthz")).status_code == 200


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.0.1", "::1", "::ffff:127.0.0.1"])
async def test_this_machine_is_known_by_every_one_of_its_addresses(web: Any, connect: Any, host: str) -> None:
    async with connect(private_app(web.services), host) as machine:
        assert (await machine.get("/v1/status")).status_code == 200


@pytest.mark.parametrize("name", ["evil.example", "127.0.0.1.evil.example", "localhost.evil.example", ""])
async def test_another_name_for_this_machine_is_refused(web: Any, connect: Any, name: str) -> None:
    """DNS rebinding: a website gives its own name our address, and its scripts read our pages."""
    async with connect(private_app(web.services)) as machine:
        response = await machine.get("/customers", headers={"Host": name})
        assert response.status_code == 403
    known = replace(web.services, private_hosts=frozenset({"evil.example"}))
    async with connect(private_app(known), name="evil.example:8081") as machine:
        assert (await machine.get("/v1/status")).status_code == 200


@pytest.mark.parametrize(
    "headers",
    [{"Origin": "https://evil.example"}, {"Origin": "null"}, {"Sec-Fetch-Site": "cross-site"},
     {"Sec-Fetch-Site": "same-site"}, {"Origin": "http://localhost:1"}],
)  # fmt: skip
async def test_a_page_of_another_site_cannot_change_anything(
    web: Any, private: httpx.AsyncClient, headers: dict[str, str]
) -> None:
    for path in ("/v1/events", "/v1/pause", "/v1/publish", "/login"):
        response = await private.post(path, content=json.dumps(paid(web, 1)), headers=headers)
        assert response.status_code == 403, path
    assert await web.types("c-1") == []


async def test_with_a_token_everybody_brings_it(web: Any, connect: Any) -> None:
    app = private_app(replace(web.services, private_token=TOKEN))
    for host, name in (("203.0.113.9", "shop.example"), ("127.0.0.1", "localhost")):
        async with connect(app, host, name) as someone:
            assert (await someone.get("/v1/status", headers={"Accept": "application/json"})).status_code == 401
            assert (await someone.post("/v1/events", json=paid(web, 1))).status_code == 401
            for wrong in (TOKEN[:-1], TOKEN + "x", "", "é"):
                headers = {"Authorization": f"Bearer {wrong}".encode(), "Accept": b"application/json"}
                assert (await someone.get("/v1/status", headers=headers)).status_code == 401
            right = {"Authorization": f"Bearer {TOKEN}"}
            assert (await someone.get("/v1/status", headers=right)).status_code == 200
    assert await web.types("c-1") == []


async def test_a_person_signs_in_once_and_comes_back_to_the_page(web: Any, connect: Any) -> None:
    app = private_app(replace(web.services, private_token=TOKEN))
    async with connect(app, "203.0.113.9", "shop.example") as browser:
        page = await browser.get("/customers", headers={"Accept": "text/html"})
        assert (page.status_code, page.headers["location"]) == (303, "/login?next=/customers")
        assert "token" in (await browser.get("/login")).text
        wrong = await browser.post("/login", data={"token": "guess", "next": "/customers"})
        assert (wrong.status_code, "set-cookie" in wrong.headers) == (401, False)
        entered = await browser.post("/login", data={"token": TOKEN, "next": "/customers"})
        assert (entered.status_code, entered.headers["location"]) == (303, "/customers")
        cookie = entered.headers["set-cookie"]
        assert "HttpOnly" in cookie
        assert "SameSite=strict" in cookie
        assert TOKEN not in cookie
        assert (await browser.get("/customers", headers={"Accept": "text/html"})).status_code == 200


@pytest.mark.parametrize("to", ["//evil.example", "https://evil.example", "/\\evil.example", "javascript:x", "/a\nb"])
async def test_signing_in_leads_nowhere_else(web: Any, connect: Any, to: str) -> None:
    app = private_app(replace(web.services, private_token=TOKEN))
    async with connect(app, "203.0.113.9", "shop.example") as browser:
        entered = await browser.post("/login", data={"token": TOKEN, "next": to})
        assert entered.headers["location"] == "/"


# --- what a journey brought -------------------------------------------------------------------------------------------
async def test_the_results_of_a_journey_are_a_page_and_json(web: Any, private: httpx.AsyncClient) -> None:
    await web.order(1, "Ana")
    await web.pass_time(timedelta(days=20))
    await web.order(2, "Ana")
    page = await private.get("/journeys/after-purchase/results", headers={"Accept": "text/html"})
    assert page.status_code == 200
    assert "thank-you" in page.text
    assert "Experiment second-order" in page.text
    assert "style=" not in page.text, "the page's own rule forbids styles in it"
    told = (await private.get("/journeys/after-purchase/results?format=json")).json()
    sent = {one["message"]: one["sent"] for one in told["messages"]}
    assert sent["thank-you"] == told["entered"] == 2
    assert [one["variant"] for one in told["experiments"][0]["variants"]] == ["control", "coupon", "points"]
    assert told["experiments"][0]["people"] == 1
    assert told["experiments"][0]["verdict"] == "no_size"
    assert (
        "/journeys/after-purchase/results"
        in (await private.get("/journeys/after-purchase?format=html", headers={"Accept": "text/html"})).text
    )
    assert (await private.get("/journeys/nowhere/results")).status_code == 404


async def test_the_results_speak_the_shops_language(web: Any, connect: Any) -> None:
    await web.order(1, "Ana")
    async with connect(private_app(web.make(language="es"))) as browser:
        page = (await browser.get("/journeys/after-purchase/results", headers={"Accept": "text/html"})).text
    assert "Qué resultados dio" in page
    assert "Nadie ha llegado todavía a este experimento." in page
