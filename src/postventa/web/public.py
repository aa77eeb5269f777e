"""What customers see: the page of a survey, the page that stops mails, and the page of preferences.

Link scanners follow every address in a mail, so a GET shows and a POST acts. Nothing here needs a script, a cookie or a
login: the signed link is the key. No page tells whose it is, nor why exactly a link does not work.
"""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI, Request
from starlette.exceptions import HTTPException
from starlette.responses import PlainTextResponse, Response

from postventa.errors import PostventaError
from postventa.journeys.surveys import SurveyPage
from postventa.web import preferences
from postventa.web.answers import Form, Said, answer_event, earlier, read_form, score_of
from postventa.web.http import Limited, Protected, log
from postventa.web.link import Link, LinkError, opened, spoken
from postventa.web.pages import page, style_response
from postventa.web.services import Services

LIMIT = 64 * 1024
"""Bytes of a form; the longest text a survey keeps is far below."""
READ = ["GET", "HEAD"]


def public_app(services: Services) -> FastAPI:
    """The application for the public listener."""
    app = FastAPI(title="postventa, public", docs_url=None, redoc_url=None, openapi_url=None)
    _survey(app, services)
    _unsubscribe(app, services)
    _preferences(app, services)
    _plain_pages(app, services)
    _errors(app, services)
    too_big = PlainTextResponse("More than 64 kB: nothing was recorded.\n", 413)
    app.add_middleware(Limited, limit=LIMIT, refuse=too_big)
    app.add_middleware(Protected)
    return app


# --- surveys ---------------------------------------------------------------------------------------------------------
def _survey(app: FastAPI, services: Services) -> None:
    @app.api_route("/a/{token}", methods=READ)
    async def show(request: Request, token: str) -> Response:
        link, survey = await _asked(services, request, token)
        before = earlier(await services.views.events(link.state.customer_id), link.name)
        said = Said(score=score_of(request.query_params.get("score"), survey))
        if before is not None and said.score is None:
            said.score = score_of(str(before.data.get("score")), survey)
        return _question(services, link, survey, said, answered=before is not None)

    @app.post("/a/{token}")
    async def answer(request: Request, token: str) -> Response:
        link, survey = await _asked(services, request, token)
        said = read_form(await _form(request), survey)
        if said.problem:
            return _question(services, link, survey, said, status=422)
        before = earlier(await services.views.events(link.state.customer_id), link.name)
        await _take(services, answer_event(link, survey.core.id, said, before, services.now()))
        thanks = survey.text(survey.thanks, link.locale)
        return _page(services, "thanks.html", link, thanks=thanks)


async def _asked(services: Services, request: Request, token: str) -> tuple[Link, SurveyPage]:
    link = await opened(services, request, "answer", token)
    survey = services.project().surveys.get(link.row.survey or "") if link.row is not None else None
    if survey is None:
        raise LinkError(410)
    return link, survey


def _question(
    services: Services, link: Link, survey: SurveyPage, said: Said, *, answered: bool = False, status: int = 200
) -> Response:
    """The survey's form, with what was said so far."""
    words, kind = link.words, survey.core.kind
    ends = survey.labels.get(link.locale) or survey.labels.get(link.locale.partition("-")[0])
    low, high = ends or (words.get(f"worst_{kind}", words["worst"]), words.get(f"best_{kind}", words["best"]))
    scores = range(survey.core.low, survey.core.high + 1)
    follow_ups = [
        {"id": one.id, "question": survey.text(one.question, link.locale), "scores": _asked_after(one, scores)}
        for one in survey.follow_ups
    ]
    return _page(
        services, "survey.html", link, status, survey=survey, kind=kind, said=said, answered=answered,
        question=survey.text(survey.question, link.locale), low=low, high=high, scores=scores, follow_ups=follow_ups,
        choices={name: survey.text(texts, link.locale) for name, texts in survey.choices.items()},
    )  # fmt: skip


def _asked_after(follow_up: Any, scores: range) -> list[int] | None:
    """The scores after which a follow-up is asked; None is always."""
    if follow_up.at_most is None and follow_up.at_least is None:
        return None
    low = follow_up.at_least if follow_up.at_least is not None else scores[0]
    high = follow_up.at_most if follow_up.at_most is not None else scores[-1]
    return [score for score in scores if low <= score <= high]


# --- stop ------------------------------------------------------------------------------------------------------------
def _unsubscribe(app: FastAPI, services: Services) -> None:
    @app.api_route("/u/{token}", methods=READ)
    async def show(request: Request, token: str) -> Response:
        link = await opened(services, request, "unsubscribe", token)
        return _page(services, "unsubscribe.html", link, done=False, preferences=_preferences_path(services, link))

    @app.post("/u/{token}")
    async def stop(request: Request, token: str) -> Response:
        """Any POST acts, whatever its body: a mail program's one click (RFC 8058) and the page's button alike."""
        link = await opened(services, request, "unsubscribe", token)
        if not preferences.objects_to_all(link.state):
            where = "link in a mail"
            said = preferences.said(link.state, "unsubscribed", preferences.ALL, where, services.now())
            await _take(services, said)
        if b"One-Click" in await request.body():
            return PlainTextResponse("unsubscribed\n")
        return _page(services, "unsubscribe.html", link, done=True, preferences=_preferences_path(services, link))


def _preferences_path(services: Services, link: Link) -> str:
    return services.tokens.url("", "preferences", link.name, services.now())


# --- preferences -----------------------------------------------------------------------------------------------------
def _preferences(app: FastAPI, services: Services) -> None:
    @app.api_route("/p/{token}", methods=READ)
    async def show(request: Request, token: str) -> Response:
        link = await opened(services, request, "preferences", token)
        return _switches(services, link, saved=False)

    @app.post("/p/{token}")
    async def save(request: Request, token: str) -> Response:
        link = await opened(services, request, "preferences", token)
        form, now = await _form(request), services.now()
        wanted = () if form.get("none") else form.get("on", ())
        now_on = preferences.switches(link.state, services.catalog(), now)
        await _take(services, *preferences.changes(link.state, now_on, wanted, now))
        return _switches(services, await opened(services, request, "preferences", token), saved=True)


def _switches(services: Services, link: Link, *, saved: bool) -> Response:
    now_on = preferences.switches(link.state, services.catalog(), services.now())
    return _page(services, "preferences.html", link, switches=now_on, saved=saved)


# --- the rest --------------------------------------------------------------------------------------------------------
def _plain_pages(app: FastAPI, services: Services) -> None:
    @app.api_route("/style/{name}", methods=READ)
    async def style(request: Request, name: str) -> Response:
        del name
        return style_response(request, services.project().brand)

    @app.api_route("/robots.txt", methods=READ)
    async def robots() -> Response:
        return PlainTextResponse("User-agent: *\nDisallow: /\n")

    @app.api_route("/healthz", methods=READ)
    async def healthy() -> Response:
        return PlainTextResponse("ok\n")


def _errors(app: FastAPI, services: Services) -> None:
    def told(request: Request, status: int, what: str) -> Response:
        words = spoken(services, request)
        return page("trouble.html", services.project().brand, {"words": words, "what": what}, status)

    @app.exception_handler(LinkError)
    async def link_error(request: Request, error: LinkError) -> Response:
        return told(request, error.status, "gone" if error.status == 410 else "unknown")

    @app.exception_handler(HTTPException)
    async def http_error(request: Request, error: HTTPException) -> Response:
        return told(request, error.status_code, "unknown")

    @app.exception_handler(PostventaError)
    async def our_error(request: Request, error: PostventaError) -> Response:
        log.error("a customer's page failed: %s", error)
        return told(request, 503, "trouble")

    @app.exception_handler(Exception)
    async def any_error(request: Request, error: Exception) -> Response:
        del error  # the server logs it
        return told(request, 500, "trouble")


def _page(services: Services, name: str, link: Link, status: int = 200, **values: Any) -> Response:
    return page(name, services.project().brand, {"words": link.words, **values}, status)


async def _form(request: Request) -> Form:
    """A form's fields, urlencoded or multipart; files are left out."""
    async with request.form(max_files=0, max_fields=100) as form:
        found: dict[str, list[str]] = {}
        for name, value in form.multi_items():
            if isinstance(value, str):
                found.setdefault(name, []).append(value)
        return found


async def _take(services: Services, *events: Any) -> None:
    """Store what was said. Raises PostventaError when it could not be: then the page says so and asks to try again."""
    if not events:
        return
    for answer in await services.ingest(events, "public page"):
        if answer.status == "rejected":
            raise PostventaError(f"refused: {answer.reason}", where=answer.field, mend=answer.mend)
