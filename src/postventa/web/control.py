"""What the command line asks of a running engine: its status, a publish, a pause, a resume."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from fastapi import FastAPI
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field
from starlette.responses import Response

from postventa.core.values import time_text
from postventa.errors import JourneyError, PostventaError
from postventa.source.nearest import nearest
from postventa.web.http import Json
from postventa.web.services import Services

SOON = timedelta(hours=1)


class PublishBody(BaseModel):
    """What is published, in the publisher's words."""

    model_config = ConfigDict(extra="forbid")

    message: str = Field(default="", max_length=500)
    by: str = Field(default="", max_length=200)


class PauseBody(BaseModel):
    """What is to stop: "all", "journey:<id>" or "channel:<name>"."""

    model_config = ConfigDict(extra="forbid")

    scope: str = Field(default="all", max_length=200)
    reason: str = Field(min_length=1, max_length=500)
    by: str = Field(default="", max_length=200)


class ResumeBody(BaseModel):
    """What goes on; `skip_before` gives up messages created before that moment."""

    model_config = ConfigDict(extra="forbid")

    scope: str = Field(default="all", max_length=200)
    by: str = Field(default="", max_length=200)
    skip_before: AwareDatetime | None = None


def add_control(app: FastAPI, services: Services) -> None:
    """Add the routes."""

    @app.get("/v1/status")
    async def status() -> Response:
        return Json(await status_facts(services))

    @app.post("/v1/publish")
    async def publish(body: PublishBody) -> Response:
        """Make the project's files, as they stand on the engine's disk, the live release."""
        try:
            return Json(dict(await services.publish(body.message, body.by)))
        except JourneyError as error:
            problems = [str(problem) for problem in error.problems]
            return Json({"error": error.message, "mend": error.mend or "postventa validate", "problems": problems}, 422)

    @app.post("/v1/pause")
    async def pause(body: PauseBody) -> Response:
        """Nothing leaves, nothing is dropped."""
        _check_scope(services, body.scope)
        await services.pause(body.scope, body.reason, body.by)
        return Json({"paused": body.scope, "reason": body.reason})

    @app.post("/v1/resume")
    async def resume(body: ResumeBody) -> Response:
        """What was paused goes on."""
        return Json({"resumed": body.scope, **await services.resume(body.scope, body.by, body.skip_before)})


def _check_scope(services: Services, scope: str) -> None:
    """Raises PostventaError for what cannot be paused."""
    kind, _, name = scope.partition(":")
    if scope == "all" or (kind == "channel" and name):
        return
    known = sorted({*services.catalog().live, *(journey for journey, _ in services.catalog().versions)})
    if kind == "journey" and name in known:
        return
    hint = nearest(name or scope, known)
    mend = f"did you mean journey:{hint}?" if hint else "all, journey:<id> or channel:<name>"
    raise PostventaError(f"nothing is called {scope[:80]!r}", where="scope", mend=mend)


async def status_facts(services: Services) -> dict[str, Any]:
    """How it goes: counts, what is due, pauses, the live release, and what the running engine adds."""
    views, now = services.views, services.now()
    counts = await views.counts(now)
    soon = (await views.counts(now + SOON))["due"]["overdue"] - counts["due"]["overdue"]
    due = await views.next_due()
    releases = await views.releases()
    live = next((one for one in releases if one["live"]), None)
    return {
        "now": time_text(now),
        **counts,
        "running": sum(one["count"] for one in counts["runs"]),
        "due_within_an_hour": soon,
        "next_due": time_text(due) if due else None,
        "pauses": [
            {"scope": one.scope, "reason": one.reason, "at": time_text(one.at), "by": one.by}
            for one in await views.pauses()
        ],
        "release": live,
        "engine": dict(services.status()),
    }
