"""How a private page is answered: the same facts as HTML for people and as JSON for machines."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from starlette.requests import Request
from starlette.responses import Response

from postventa.web.http import Json, wants_json
from postventa.web.pages import page
from postventa.web.services import Services
from postventa.web.tongue import tongue

MENU = (
    ("/", "Health"), ("/streams", "Streams"), ("/mailbox", "Mailbox"), ("/customers", "Customers"),
    ("/journeys", "Journeys"), ("/messages", "Messages"), ("/waiting", "Waiting room"),
    ("/dead-letters", "Dead letters"),
)  # fmt: skip


class Show(Protocol):
    """Answers a request with a page's facts."""

    async def __call__(self, request: Request, name: str, facts: Mapping[str, Any], status: int = 200) -> Response:
        """JSON where the client asks for it, else the template `name`."""


def shower(services: Services) -> Show:
    """The `Show` of an application."""

    async def show(request: Request, name: str, facts: Mapping[str, Any], status: int = 200) -> Response:
        if wants_json(request):
            return Json(facts, status)
        asked = request.url.path.replace("/why/", "/customers/", 1)
        here = next((path for path, _ in MENU[1:] if asked.startswith(path)), "/")
        around = {
            "menu": MENU, "here": here, "now": services.now(), "refresh": _seconds(request),
            "pauses": await services.views.pauses(), "t": tongue(services.language),
        }  # fmt: skip
        return page(name, services.project().brand, {**facts, **around}, status)

    return show


def _seconds(request: Request) -> int:
    """`?refresh=5`: the page loads itself again; only where somebody asked for it."""
    asked = request.query_params.get("refresh", "")
    return min(max(int(asked), 2), 3600) if asked.isascii() and asked.isdigit() and len(asked) < 6 else 0
