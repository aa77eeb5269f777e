"""Who may see the private pages: this machine, or whoever holds the token.

Without a token only loopback connections are answered, and only under a name of this machine: a website that points its
own name at 127.0.0.1 (DNS rebinding) is refused. With a token every request brings it, as `Authorization: Bearer`, or
as the cookie that the login page sets. Requests that change something are refused when another site's page sent them.
"""

from __future__ import annotations

import hmac
import ipaddress
from collections.abc import Mapping
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from postventa.web.http import Json, same_site, wants_json
from postventa.web.services import Services

COOKIE = "postventa"
PROBES = frozenset({"/healthz", "/readyz"})
"""For whoever starts and stops processes, from anywhere: they tell nothing about anybody."""
OPEN = ("/login", "/style/")
"""Paths that need no token; they show nothing."""


class Guarded:
    """The middleware that lets through or refuses."""

    def __init__(self, app: ASGIApp, services: Services) -> None:
        self._app = app
        self._services = services

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] == "http" and (refusal := self._refusal(Request(scope))) is not None:
            await refusal(scope, receive, send)
            return
        await self._app(scope, receive, send)

    def _refusal(self, request: Request) -> Response | None:
        if request.url.path in PROBES:
            return None
        if request.method not in {"GET", "HEAD"} and not same_site(request):
            return _no(403, "a page of another website sent this", "use the engine's own pages, or the command line")
        if self._services.private_token:
            return self._without_token(request, self._services.private_token)
        return self._from_outside(request)

    def _without_token(self, request: Request, token: str) -> Response | None:
        if request.url.path.startswith(OPEN) or holds_token(request, token):
            return None
        if wants_json(request) or request.method not in {"GET", "HEAD"}:
            mend = "send the header 'Authorization: Bearer <token>'"
            return _no(401, "this engine asks for its token", mend, {"WWW-Authenticate": "Bearer"})
        return RedirectResponse(f"/login?next={quote(request.url.path)}", 303)

    def _from_outside(self, request: Request) -> Response | None:
        if request.client is None or not _loopback(request.client.host):
            return _no(403, "the private pages answer this machine alone", "set a token: listen.token_env")
        name = _name(request.headers.get("host", ""))
        if name not in self._services.private_hosts and not _loopback(name):
            return _no(403, f"unknown host name {name[:80]!r}", "open http://127.0.0.1 with the engine's port")
        return None


def holds_token(request: Request, token: str) -> bool:
    """Whether the request brings the token; compared in constant time."""
    kind, _, brought = request.headers.get("authorization", "").partition(" ")
    bearer = kind.lower() == "bearer" and same_text(brought.strip(), token)
    return bearer or same_text(request.cookies.get(COOKIE, ""), session(token))


def session(token: str) -> str:
    """What the cookie holds: made from the token, and no way back."""
    return hmac.digest(token.encode(), b"postventa/session/1", "sha256").hex()


def same_text(one: str, other: str) -> bool:
    """Equality in constant time."""
    return hmac.compare_digest(one.encode("utf-8", "replace"), other.encode("utf-8", "replace"))


def _no(status: int, error: str, mend: str, headers: Mapping[str, str] | None = None) -> Response:
    return Json({"error": error, "mend": mend}, status, dict(headers or {}))


def _name(host: str) -> str:
    """The name in a Host header, without its port, in lower case."""
    if host.startswith("["):
        return host[1:].partition("]")[0].lower()
    return host.partition(":")[0].lower().rstrip(".")


def _loopback(name: str) -> bool:
    if name == "localhost":
        return True
    try:
        address = ipaddress.ip_address(name)
    except ValueError:
        return False
    mapped = getattr(address, "ipv4_mapped", None)
    return (mapped or address).is_loopback
