"""The local mailbox: what would have left, as the customer would see it, in a frame that runs nothing."""

from __future__ import annotations

import re
from typing import Any

from fastapi import FastAPI, Request
from starlette.exceptions import HTTPException
from starlette.responses import HTMLResponse, Response

from postventa.store.base import OutboxRecord
from postventa.web.services import Services
from postventa.web.show import Show

FRAME = (
    "sandbox allow-popups allow-popups-to-escape-sandbox; default-src 'none'; img-src https: http: data:; "
    "style-src 'unsafe-inline'; font-src https:; frame-ancestors 'self'"
)
"""A mail's own pages: pictures and styles, no script, no form; its links open beside it, so they can be tried."""
_HEAD = re.compile(r"<head\b[^>]*>", re.IGNORECASE)


def add_mailbox(app: FastAPI, services: Services, show: Show) -> None:
    """Add the pages of the mailbox."""

    @app.get("/mailbox")
    async def mailbox(request: Request, customer: str | None = None, limit: int = 100) -> Response:
        found = await services.mailbox.mails(min(max(limit, 1), 1000), customer)
        mails = [{name: value for name, value in mail.items() if name not in _LONG} for mail in found]
        return await show(request, "mailbox.html", {"mails": mails, "customer": customer})

    @app.get("/mailbox/{effect_id}")
    async def mail(request: Request, effect_id: str) -> Response:
        row = await services.views.outbox_row(effect_id)
        found = await services.mailbox.mail(effect_id)
        if found is None and row is not None:
            return await show(request, "mail-not-kept.html", {"about": _about(row)})
        kept = found or await _mail(services, effect_id)
        return await show(request, "mail.html", {"mail": kept, "about": _about(row), "bytes": size_of(kept)})

    @app.get("/mailbox/{effect_id}/html")
    async def html(effect_id: str) -> Response:
        found = await _mail(services, effect_id)
        body = _HEAD.sub(lambda head: head[0] + '<base target="_blank">', str(found.get("html") or ""), count=1)
        return HTMLResponse(body, headers={"Content-Security-Policy": FRAME, "X-Frame-Options": "SAMEORIGIN"})


_LONG = frozenset({"html", "text"})


def _about(row: OutboxRecord | None) -> dict[str, Any]:
    """What the engine knows of the mail, whether or not it is kept here."""
    if row is None:
        return {}
    return {
        "journey": row.journey, "message": row.message, "class": row.klass, "state": row.state, "to": row.address,
        "customer": row.customer_id, "detail": row.detail, "at": row.intent_at or row.settled_at or row.created_at,
    }  # fmt: skip


async def _mail(services: Services, effect_id: str) -> dict[str, Any]:
    found = await services.mailbox.mail(effect_id)
    if found is None:
        raise HTTPException(404, "no mail of that id is kept here")
    return found


def size_of(mail: dict[str, Any]) -> int:
    """Bytes of the mail's two parts. Mail programs cut off what is longer than about 100 kB."""
    return sum(len(str(mail.get(name) or "").encode()) for name in ("html", "text"))
