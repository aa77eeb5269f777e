"""Customers' pages over HTTP: a GET records nothing, a POST acts once, a bad link tells nothing."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import httpx
import pytest

from postventa.core.journey import Survey
from postventa.errors import StoreBusy
from postventa.journeys.surveys import FollowUp, SurveyPage
from postventa.web.public import public_app

DAYS = timedelta(days=8)
ONE_CLICK = "List-Unsubscribe=One-Click"


@pytest.fixture
async def ana(web: Any) -> str:
    """A customer who was asked for her opinion and has not answered."""
    customer: str = await web.order(1, "Ana")
    await web.pass_time(DAYS)
    return customer


# --- link scanners ---------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("method", ["GET", "HEAD"])
async def test_a_link_scanner_that_follows_every_link_of_every_mail_records_nothing(
    web: Any, public: httpx.AsyncClient, ana: str, method: str
) -> None:
    before = await web.store.views.history(ana)
    followed = 0
    for mail in await web.store.mailbox.mails():
        for part in mail["html"].split('href="')[1:]:
            if (url := part.partition('"')[0]).startswith(web.public_url):
                response = await public.request(method, url)
                assert response.status_code == 200
                followed += 1
    assert followed > 10
    assert await web.store.views.history(ana) == before


# --- surveys ---------------------------------------------------------------------------------------------------------
async def test_an_answer_is_an_event_about_the_order_and_moves_its_run(
    web: Any, public: httpx.AsyncClient, ana: str
) -> None:
    link = await web.link("satisfaction", "a")
    response = await public.post(link, data={"score": "1", "more-why": "Llegó rota"})
    assert response.status_code == 200
    assert "Lo leemos todo" in response.text
    (answer,) = await web.answers(ana)
    assert answer == {
        "survey": "satisfaction", "score": 1, "text": "Llegó rota", "follow_ups": {"why": "Llegó rota"},
        "order_id": "o-1", "subject": "order/o-1",
    }  # fmt: skip
    (ended,) = await web.store.views.ended_runs("after-purchase")
    assert ended["reason"] == "unhappy"


async def test_the_same_answer_twice_is_one_and_another_answer_is_another(
    web: Any, public: httpx.AsyncClient, ana: str
) -> None:
    link = await web.link("satisfaction", "a")
    for score in ("4", "4", "2", "2", "4"):  # a double click, a change of mind, and back again
        web.now += timedelta(seconds=30)
        assert (await public.post(link, data={"score": score})).status_code == 200
    assert [answer["score"] for answer in await web.answers(ana)] == [4, 2, 4]
    shown = (await public.get(link)).text
    assert "Ya nos has respondido" in shown
    assert 'value="4" required checked' in shown
    assert not [run for run in (await web.store.views.customer(ana)).runs.values() if run.journey == "after-purchase"
                and run.stand.kind == "answer"]  # fmt: skip


async def test_a_star_in_the_mail_is_shown_as_chosen(web: Any, public: httpx.AsyncClient, ana: str) -> None:
    link = await web.link("satisfaction", "a")
    assert 'value="3" required checked' in (await public.get(f"{link}?score=3")).text
    for nonsense in ("9", "-1", "3.5", "x", "٣", "9" * 5000, ""):
        assert " checked" not in (await public.get(link, params={"score": nonsense})).text


@pytest.mark.parametrize("form", [{}, {"score": "6"}, {"score": "0"}, {"score": "five"}, {"choice": "1"}])
async def test_no_answer_is_asked_for_again_with_what_was_written(
    web: Any, public: httpx.AsyncClient, ana: str, form: dict[str, str]
) -> None:
    response = await public.post(await web.link("satisfaction", "a"), data={**form, "more-why": "<b>porque sí</b>"})
    assert response.status_code == 422
    assert "Elige primero una respuesta" in response.text
    assert "&lt;b&gt;porque sí&lt;/b&gt;" in response.text
    assert await web.answers(ana) == []


async def test_nul_and_lone_surrogates_are_left_out_of_what_was_written(
    web: Any, public: httpx.AsyncClient, ana: str
) -> None:
    body = b"score=2&more-why=rota%00+del+todo%ED%A0%80%0D%0Ay+tarde"
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    assert (await public.post(await web.link("satisfaction", "a"), content=body, headers=headers)).status_code == 200
    (answer,) = await web.answers(ana)
    assert answer["text"].startswith("rota del todo")
    assert answer["text"].endswith("\ny tarde")
    assert "\x00" not in answer["text"]


async def test_what_is_too_long_is_not_cut_off_in_silence(web: Any, public: httpx.AsyncClient, ana: str) -> None:
    link = await web.link("satisfaction", "a")
    long = await public.post(link, data={"score": "2", "more-why": "ay " * 2000})
    assert (long.status_code, "más largo" in long.text) == (422, True)
    huge = await public.post(link, data={"score": "2", "more-why": "ay " * 100_000})
    assert huge.status_code == 413
    assert await web.answers(ana) == []


KINDS = {
    "stars": ({"score": "5"}, {"score": 5}),
    "nps": ({"score": "0"}, {"score": 0}),
    "ces": ({"score": "7"}, {"score": 7}),
    "choice": ({"choice": "late"}, {"choices": ["late"]}),
    "text": ({"text": " Todo bien "}, {"text": "Todo bien"}),
}


def survey(kind: str) -> SurveyPage:
    """A survey of that kind under the id of the one that was asked."""
    low, high = {"nps": (0, 10), "ces": (1, 7), "stars": (1, 5)}.get(kind, (0, 0))
    choices = {"late": {"es": "Llegó tarde", "en": "It came late"}, "other": {"es": "Otra cosa", "en": "Else"}}
    question = {"es": "¿Nos recomendarías a un amigo?", "en": "Would you recommend us?"}
    more = (FollowUp(id="why", question={"es": "¿Por qué?"}, at_least=9),)
    core = Survey("satisfaction", kind, "satisfaction", low, high)
    return SurveyPage(core, question, choices=choices if kind == "choice" else {}, follow_ups=more)


@pytest.mark.parametrize("kind", KINDS)
async def test_every_kind_of_survey_can_be_answered(web: Any, connect: Any, ana: str, kind: str) -> None:
    project = replace(web.services.project(), surveys={"satisfaction": survey(kind)})
    said, kept = KINDS[kind]
    async with connect(public_app(replace(web.services, project=lambda: project))) as browser:
        link = await web.link("satisfaction", "a")
        assert "¿Nos recomendarías a un amigo?" in (await browser.get(link)).text
        assert (await browser.post(link, data={next(iter(said)): "nonsense-\x00"})).status_code in {200, 422}
        assert (await browser.post(link, data=said)).status_code == 200
    answer = (await web.answers(ana))[-1]
    assert {key: answer[key] for key in kept} == kept


# --- stop ------------------------------------------------------------------------------------------------------------
async def stopped(web: Any, customer: str) -> bool:
    """Whether the customer's word is kept: nothing but transactional mails may come."""
    consent = (await web.store.views.customer(customer)).consents.get(("email", "*"))
    return consent is not None and not consent.given


@pytest.mark.parametrize("encoding", ["urlencoded", "multipart"])
async def test_one_click_in_both_encodings_acts_at_once(
    web: Any, public: httpx.AsyncClient, ana: str, encoding: str
) -> None:
    """As mail programs send it: no cookie, no redirect, the address of the mail's own header."""
    url = (await web.mail("satisfaction"))["headers"]["List-Unsubscribe"].strip("<>")
    if encoding == "urlencoded":
        response = await public.post(url, data={"List-Unsubscribe": "One-Click"})
    else:
        response = await public.post(url, files={"List-Unsubscribe": (None, "One-Click")})
    assert response.status_code == 200
    assert "set-cookie" not in response.headers
    assert await stopped(web, ana)


async def test_after_one_click_only_transactional_mails_come(web: Any, public: httpx.AsyncClient) -> None:
    customer = await web.order(1, "Ana")
    before = {mail["effect_id"] for mail in await web.store.mailbox.mails()}
    await public.post(await web.link("thank-you", "u"), content=ONE_CLICK)
    await web.pass_time(timedelta(days=20))
    assert {mail["effect_id"] for mail in await web.store.mailbox.mails()} == before
    skipped = [entry for entry in await web.store.views.trace(customer) if entry["decision"] == "skip"]
    assert any("objected" in entry["reason"] for entry in skipped)


async def test_one_click_again_and_again_is_one_event(web: Any, public: httpx.AsyncClient, ana: str) -> None:
    link = await web.link("satisfaction", "u")
    for _ in range(4):
        web.now += timedelta(seconds=1)
        assert (await public.post(link, content=ONE_CLICK)).status_code == 200
    assert (await web.types(ana)).count("customer.unsubscribed") == 1


async def test_any_post_stops_whatever_its_body(web: Any, public: httpx.AsyncClient, ana: str) -> None:
    """A mail program with a broken body still speaks for the customer."""
    headers = {"Content-Type": "multipart/form-data"}
    response = await public.post(await web.link("satisfaction", "u"), content=b"\xff--broken", headers=headers)
    assert response.status_code == 200
    assert await stopped(web, ana)


async def test_a_yes_is_heard_after_a_no_and_a_no_after_a_yes(web: Any, public: httpx.AsyncClient, ana: str) -> None:
    preferences, stop = await web.link("satisfaction", "p"), await web.link("satisfaction", "u")
    await public.post(stop, content=ONE_CLICK)
    saved = await public.post(preferences, data={"on": ["surveys", "loyalty"]})
    assert saved.text.count(" checked") == 2
    await public.post(stop, content=ONE_CLICK)
    assert (await public.get(preferences)).text.count(" checked") == 0


# --- preferences -----------------------------------------------------------------------------------------------------
async def test_the_preference_page_says_no_to_one_purpose_and_leaves_the_others(
    web: Any, public: httpx.AsyncClient, ana: str
) -> None:
    link = await web.link("satisfaction", "p")
    before = (await public.get(link)).text
    assert before.count('name="on"') == 4
    on = [name for name in ("after_sales", "loyalty", "referral", "surveys") if f'value="{name}" checked' in before]
    assert "surveys" in on
    saved = await public.post(link, data={"on": [name for name in on if name != "surveys"]})
    assert "Guardado" in saved.text
    assert (await web.types(ana)).count("customer.unsubscribed") == 1
    assert 'value="surveys" checked' not in (await public.get(link)).text
    assert saved.text.count(" checked") == len(on) - 1


async def test_saving_what_is_already_so_says_nothing(web: Any, public: httpx.AsyncClient, ana: str) -> None:
    link = await web.link("satisfaction", "p")
    text = (await public.get(link)).text
    on = [name for name in ("after_sales", "loyalty", "referral", "surveys") if f'value="{name}" checked' in text]
    before = await web.types(ana)
    assert (await public.post(link, data={"on": [*on, "made-up-purpose"]})).status_code == 200
    assert await web.types(ana) == before


async def test_none_of_these_is_one_word_for_all(web: Any, public: httpx.AsyncClient, ana: str) -> None:
    saved = await public.post(await web.link("satisfaction", "p"), data={"on": "surveys", "none": "1"})
    assert saved.text.count(" checked") == 0
    assert await stopped(web, ana)


# --- languages -------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("locale", "browser", "words"),
    [
        ("es", "en", "Prefiero elegir"),
        ("en-GB", "es", "Choose what you receive"),
        ("pt-BR", "en", "Prefiro escolher"),
        ("pl", "es", "Choose what you receive"),
    ],
)
async def test_pages_speak_the_customers_language(
    web: Any, public: httpx.AsyncClient, locale: str, browser: str, words: str
) -> None:
    await web.order(1, "Ana", locale)
    page = await public.get(await web.link("thank-you", "u"), headers={"Accept-Language": browser})
    assert words in page.text


@pytest.mark.parametrize(
    ("browser", "words"),
    [
        ("pt-BR,pt;q=0.9", "Este link"),
        ("fr;q=1,en;q=0.8", "This link"),
        ("", "Este enlace"),
        ("*;q=x,,", "Este enlace"),
    ],
)
async def test_where_nobody_is_known_the_browsers_language_counts(
    public: httpx.AsyncClient, browser: str, words: str
) -> None:
    assert words in (await public.get("/u/nothing", headers={"Accept-Language": browser})).text


# --- bad links -------------------------------------------------------------------------------------------------------
async def test_forged_cut_off_and_misused_links_look_the_same_and_do_nothing(
    web: Any, public: httpx.AsyncClient, ana: str
) -> None:
    stop, answer = await web.link("satisfaction", "u"), await web.link("satisfaction", "a")
    before = await web.store.views.history(ana)
    pages = set()
    for path in (stop[:-1], f"{stop}A", stop[:20], stop[:5] + "B" + stop[6:], f"/u/{answer[3:]}", "/u/x", "/u/%00"):
        for response in (await public.get(path), await public.post(path, content=ONE_CLICK)):
            assert response.status_code == 404
            pages.add(response.text)
    assert len(pages) == 1
    assert "ana" not in pages.pop().lower()
    assert await web.store.views.history(ana) == before


async def test_an_old_survey_link_says_so_and_an_old_stop_link_still_works(
    web: Any, public: httpx.AsyncClient, ana: str
) -> None:
    stop, answer = await web.link("satisfaction", "u"), await web.link("satisfaction", "a")
    web.now += timedelta(days=3650)
    response = await public.post(answer, data={"score": "5"})
    assert (response.status_code, "ha caducado" in response.text or "has ended" in response.text) == (410, True)
    assert await web.answers(ana) == []
    assert (await public.post(stop, content=ONE_CLICK)).status_code == 200
    assert await stopped(web, ana)


async def test_links_of_an_erased_person_are_gone(web: Any, public: httpx.AsyncClient, ana: str) -> None:
    link = await web.link("satisfaction", "u")
    web.now += timedelta(minutes=1)
    await web.post(web.event("forget", "customer.erased", 0, customer_id=ana))
    assert (await public.post(link, content=ONE_CLICK)).status_code == 410


async def test_a_link_goes_on_for_the_person_two_customers_became(
    web: Any, public: httpx.AsyncClient, ana: str
) -> None:
    link = await web.link("satisfaction", "u")
    web.now += timedelta(minutes=1)
    await web.post(web.event("join", "customer.merged", 0, **{"from": ana, "into": "account-1"}))
    assert (await public.post(link, content=ONE_CLICK)).status_code == 200
    assert await stopped(web, "account-1")


async def test_a_rotated_key_leaves_old_mails_working(web: Any, connect: Any, ana: str) -> None:
    from postventa.tokens import Tokens

    link = await web.link("satisfaction", "u")
    rotated = replace(web.services, tokens=Tokens.parse("2:the-new-secret-of-the-shop,1:a-secret-of-the-shop"))
    async with connect(public_app(rotated)) as browser:
        assert (await browser.get(link)).status_code == 200
    without = replace(web.services, tokens=Tokens.parse("2:the-new-secret-of-the-shop"))
    async with connect(public_app(without)) as browser:
        assert (await browser.get(link)).status_code == 404


# --- trouble, headers ------------------------------------------------------------------------------------------------
async def test_when_the_store_takes_nothing_the_customer_is_asked_to_try_again(
    web: Any, connect: Any, ana: str
) -> None:
    async def full(items: Any, source: str) -> Any:
        raise StoreBusy("the disk is full", where="/var/lib/shop/state.db")

    async with connect(public_app(replace(web.services, ingest=full))) as browser:
        for kind, form in (("a", {"score": "5"}), ("u", {}), ("p", {"none": "1"})):
            response = await browser.post(await web.link("satisfaction", kind), data=form)
            assert response.status_code == 503
            assert "inténtalo otra vez" in response.text or "try again" in response.text
            assert "state.db" not in response.text


async def test_every_page_is_kept_out_of_caches_frames_and_search(
    web: Any, public: httpx.AsyncClient, ana: str
) -> None:
    for path in (await web.link("satisfaction", "a"), "/a/x", "/nothing", "/healthz"):
        headers = (await public.get(path)).headers
        assert headers["cache-control"] == "no-store"
        assert headers["referrer-policy"] == "no-referrer"
        assert "noindex" in headers["x-robots-tag"]
        assert "default-src 'none'" in headers["content-security-policy"]
        assert "frame-ancestors 'none'" in headers["content-security-policy"]
        assert "script" not in headers["content-security-policy"]
    assert "Disallow: /" in (await public.get("/robots.txt")).text


async def test_the_public_side_shows_nothing_of_the_shops_own_pages(public: httpx.AsyncClient, ana: str) -> None:
    for path in ("/", "/customers/c-1", "/mailbox", "/v1/status", "/openapi.json", "/docs"):
        assert (await public.get(path)).status_code == 404
    assert (await public.post("/v1/events", json=[])).status_code == 404
