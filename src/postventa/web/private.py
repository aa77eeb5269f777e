"""What the shop itself uses: events in, state out, and the pages that answer "what happened, and why?".

For this machine alone unless a token is set (see `access`). Every page is JSON for whoever accepts JSON.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs, quote

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import RedirectResponse, Response

from postventa.errors import PostventaError, StoreBusy, StoreError
from postventa.web.access import COOKIE, Guarded, same_text, session
from postventa.web.control import add_control, status_facts
from postventa.web.events import LIMIT, TOO_BIG, add_events
from postventa.web.http import Json, Limited, Protected, log, wants_json
from postventa.web.mailbox import add_mailbox
from postventa.web.metrics import add_metrics
from postventa.web.moves import add_moves
from postventa.web.operate import add_operators
from postventa.web.pages import page, style_response
from postventa.web.previews import add_previews
from postventa.web.results import add_results
from postventa.web.services import Services
from postventa.web.show import Show, shower
from postventa.web.streaming import add_streams
from postventa.web.streams import drawn, journey, journeys
from postventa.web.timeline import customer_page
from postventa.web.tongue import tongue
from postventa.web.watching import Watcher
from postventa.web.why import Archive, why


def private_app(services: Services) -> FastAPI:
    """The application for the private listener."""
    app = FastAPI(title="postventa", docs_url=None, redoc_url=None, openapi_url="/openapi.json")
    show = shower(services)
    add_events(app, services)
    add_control(app, services)
    watcher = Watcher(services)
    add_metrics(app, watcher, services.meters)
    if services.operators is not None:
        add_operators(app, services.operators)
        add_moves(app, services, services.operators)
    _health(app, services, show)
    add_streams(app, services, watcher, show)
    add_mailbox(app, services, show)
    add_previews(app, services, show)
    _customers(app, services, show)
    _journeys(app, services, show)
    add_results(app, services, show)
    _lists(app, services, show)
    _login(app, services)
    _errors(app, show)
    app.add_middleware(Limited, limit=LIMIT, refuse=Json(TOO_BIG, 413))
    app.add_middleware(Guarded, services=services)
    app.add_middleware(Protected)
    return app


# --- pages -----------------------------------------------------------------------------------------------------------
def _health(app: FastAPI, services: Services, show: Show) -> None:
    @app.get("/")
    async def health(request: Request) -> Response:
        facts = await status_facts(services)
        last = await services.views.messages(limit=12)
        mails = [
            {"effect_id": one.effect_id, "message": one.message, "to": one.address, "state": one.state,
             "customer": one.customer_id, "at": one.intent_at or one.settled_at or one.created_at}
            for one in last
        ]  # fmt: skip
        return await show(request, "health.html", {**facts, "last": mails})

    @app.get("/style/{name}")
    async def style(request: Request, name: str) -> Response:
        del name
        return style_response(request, services.project().brand)


def _customers(app: FastAPI, services: Services, show: Show) -> None:
    @app.get("/customers")
    async def customers(request: Request, q: str = "", after: str = "") -> Response:
        asked = q.strip()
        found = await services.views.find_customer(asked) if asked else await services.views.customer_ids(after, 50)
        if asked and len(found) == 1 and not wants_json(request):
            return RedirectResponse(f"/customers/{quote(found[0], safe='')}", 303)
        rows = [row for one in found[:50] if (row := await _customer_row(services, one)) is not None]
        more = found[-1] if not asked and len(found) == 50 else ""
        return await show(request, "customers.html", {"q": asked, "customers": rows, "more": more})

    archive = Archive(services.views)

    @app.get("/why/{customer_id:path}")
    async def reasons(request: Request, customer_id: str, message: str | None = None) -> Response:
        told = await why(archive, customer_id, tongue(services.language), message or None)
        state = await services.views.customer(customer_id)
        if told is None or state is None:
            raise HTTPException(404, f"no customer {customer_id[:80]!r} is known here")
        name = state.facts.get("first_name") or state.facts.get("email") or customer_id
        facts = {"id": customer_id, "name": name, "asked": message or "", "messages": told}
        return await show(request, "why.html", facts)

    @app.get("/customers/{customer_id:path}")
    async def customer(request: Request, customer_id: str) -> Response:
        facts = await customer_page(services, customer_id)
        if facts is None:
            found = await services.views.find_customer(customer_id)
            if len(found) == 1:
                return RedirectResponse(f"/customers/{quote(found[0], safe='')}", 303)
            raise HTTPException(404, f"no customer {customer_id[:80]!r} is known here")
        return await show(request, "customer.html", facts)


async def _customer_row(services: Services, customer_id: str) -> dict[str, Any] | None:
    state = await services.views.customer(customer_id)
    if state is None:
        return None
    facts = state.facts
    orders = facts.get("orders")
    return {
        "id": customer_id, "email": facts.get("email"), "first_name": facts.get("first_name"),
        "orders": orders.get("count", 0) if isinstance(orders, dict) else 0, "runs": len(state.runs), "now": state.now,
    }  # fmt: skip


def _journeys(app: FastAPI, services: Services, show: Show) -> None:
    @app.get("/journeys")
    async def all_of_them(request: Request) -> Response:
        return await show(request, "journeys.html", {"journeys": await journeys(services)})

    @app.get("/journeys/{name}")
    async def one(request: Request, name: str) -> Response:
        facts = await journey(services, name)
        if facts is None:
            raise HTTPException(404, f"no journey {name[:80]!r} is published or still has people in it")
        pictures = {} if wants_json(request) else drawn(services, name, facts["standing"])
        return await show(request, "journey.html", {"journey": facts, **pictures})


def _lists(app: FastAPI, services: Services, show: Show) -> None:
    @app.get("/dead-letters")
    async def dead_letters(request: Request) -> Response:
        letters = [
            {"id": one.id, "at": one.at, "source": one.source, "event": one.event_id, "field": one.field,
             "reason": one.reason, "record": one.record}
            for one in await services.views.dead_letters()
        ]  # fmt: skip
        return await show(request, "dead-letters.html", {"dead_letters": letters})

    @app.get("/waiting")
    async def waiting(request: Request) -> Response:
        rows = [
            {"order": one.order_id, "received_at": one.received_at, "type": one.event.type, "id": one.event.id,
             "source": one.event.source, "occurred_at": one.event.occurred_at}
            for one in await services.views.waiting()
        ]  # fmt: skip
        return await show(request, "waiting.html", {"waiting": rows})


# --- who is there ----------------------------------------------------------------------------------------------------
def _login(app: FastAPI, services: Services) -> None:
    @app.get("/login")
    async def ask(request: Request) -> Response:
        return _login_page(services, request.query_params.get("next", "/"))

    @app.post("/login")
    async def enter(request: Request) -> Response:
        form = parse_qs((await request.body()).decode("utf-8", "replace"), max_num_fields=5)
        told, to = form.get("token", [""])[0].strip(), form.get("next", ["/"])[0]
        token = services.private_token
        if not token or not same_text(told, token):
            return _login_page(services, to, wrong=bool(token), status=401 if token else 200)
        response = RedirectResponse(_local(to), 303)
        secure = request.url.scheme == "https"
        response.set_cookie(COOKIE, session(token), httponly=True, samesite="strict", secure=secure, path="/")
        return response


def _login_page(services: Services, to: str, *, wrong: bool = False, status: int = 200) -> Response:
    brand = services.project().brand
    needed, t = bool(services.private_token), tongue(services.language)
    values = {"next": _local(to), "wrong": wrong, "needed": needed, "t": t}
    return page("login.html", brand, values, status)


def _local(path: str) -> str:
    """A path of our own; anything else becomes the first page."""
    return path if path.startswith("/") and not path.startswith(("//", "/\\")) and path.isprintable() else "/"


# --- errors ----------------------------------------------------------------------------------------------------------
def _errors(app: FastAPI, show: Show) -> None:
    @app.exception_handler(HTTPException)
    async def http_error(request: Request, error: HTTPException) -> Response:
        facts = {"error": str(error.detail), "mend": "", "status": error.status_code}
        return await show(request, "error.html", facts, error.status_code)

    @app.exception_handler(RequestValidationError)
    async def wrong(request: Request, error: RequestValidationError) -> Response:
        del request
        first = error.errors()[0]
        place = "/".join(str(part) for part in first["loc"][1:])
        return Json({"error": str(first["msg"]), "where": place, "mend": "see /openapi.json"}, 422)

    @app.exception_handler(PostventaError)
    async def ours(request: Request, error: PostventaError) -> Response:
        status = 503 if isinstance(error, StoreBusy) else 507 if isinstance(error, StoreError) else 422
        if status != 422:
            log.error("%s", error)
        facts = {"error": error.message, "where": error.where, "mend": error.mend}
        response = Json(facts, status)
        if status == 503:
            response.headers["Retry-After"] = "2"
        del request
        return response
