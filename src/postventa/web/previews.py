"""The messages of the live release as customers would get them: a list, and each on a phone, a desktop and in the dark.

The pages run nothing: a mail stands in a frame that is not allowed to either.
"""

from __future__ import annotations

import re
from typing import Any

from fastapi import FastAPI, Request
from starlette.exceptions import HTTPException
from starlette.responses import HTMLResponse, Response

from postventa.errors import PostventaError
from postventa.project import Project
from postventa.web.gallery import in_scheme
from postventa.web.mailbox import FRAME
from postventa.web.past import Past, from_store
from postventa.web.previewing import Preview, locales_of, preview, previews, sent_by
from postventa.web.services import Services
from postventa.web.show import Show
from postventa.web.tongue import tongue

_HEAD = re.compile(r"<head\b[^>]*>", re.IGNORECASE)


def add_previews(app: FastAPI, services: Services, show: Show) -> None:
    """Add the pages."""
    t = tongue(services.language)

    async def made(message: str, locale: str, variant: str, customer: str) -> Preview:
        project = _with(services.project(), message)
        past = await _past(services, customer, message)
        wanted = locale or (past.locale if past else project.settings.locale)
        return preview(project, message, wanted, variant, t, past=past)

    @app.get("/messages")
    async def messages(request: Request) -> Response:
        project = services.project()
        rows = [_row(project, name, list(previews(project, name, t))) for name in project.messages]
        return await show(request, "messages.html", {"messages": rows})

    @app.get("/messages/{message}")
    async def message(
        request: Request, message: str, locale: str = "", variant: str = "", customer: str = ""
    ) -> Response:
        project = _with(services.project(), message)
        trouble = ""
        try:
            one = await made(message, locale, variant, customer.strip())
        except PostventaError as error:
            trouble = str(error)
            one = await made(message, locale, variant, "")
        facts: dict[str, Any] = {
            "preview": one.row(), "text": one.mail.text if one.mail else "", "trouble": trouble,
            "asked": {"locale": one.locale, "variant": variant, "customer": customer.strip()},
            "locales": locales_of(project, message), "variants": project.messages.variants(message),
            "klass": project.messages.spec(message).klass, "sender": str(project.messages.sender(message)),
            "sent_by": sent_by(project.journeys, message),
        }  # fmt: skip
        return await show(request, "message.html", facts)

    @app.get("/messages/{message}/html")
    async def html(
        message: str, locale: str = "", variant: str = "", customer: str = "", scheme: str = "light"
    ) -> Response:
        one = await made(message, locale, variant, customer.strip())
        if one.mail is None:
            raise HTTPException(404, "this message cannot be made: see its page")
        body = in_scheme(one.mail.html, dark=scheme == "dark")
        body = _HEAD.sub(lambda head: head[0] + '<base target="_blank">', body, count=1)
        return HTMLResponse(body, headers={"Content-Security-Policy": FRAME, "X-Frame-Options": "SAMEORIGIN"})


def _with(project: Project, message: str) -> Project:
    if message not in project.messages:
        raise HTTPException(404, f"no message {message[:80]!r} is in the live release")
    return project


async def _past(services: Services, customer: str, message: str) -> Past | None:
    if not customer:
        return None
    return await from_store(services.views, services.catalog(), customer, message, services.now())


def _row(project: Project, name: str, made: list[Preview]) -> dict[str, Any]:
    """A message in the list: its subject in the shop's language, and how much there is to mend."""
    first = next((one for one in made if one.mail is not None and not one.variant), made[0])
    return {
        "message": name, "subject": first.mail.subject if first.mail else "",
        "class": project.messages.spec(name).klass,
        "preheader": first.mail.preheader if first.mail else "", "bytes": max(one.size for one in made),
        "locales": project.messages.locales(name), "variants": project.messages.variants(name),
        "sent_by": sent_by(project.journeys, name), "findings": sum(len(one.findings) for one in made),
    }  # fmt: skip
