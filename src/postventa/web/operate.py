"""What the command line asks a running engine to do for an operator: dead letters, doubts, runs, addresses."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict

from fastapi import FastAPI
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response

from postventa.engine.operate import Done, Operators
from postventa.web.http import Json

MANY = 1000
"""Things in one request; the command line sends more in parts."""


class Body(BaseModel):
    """Who asks, and why."""

    model_config = ConfigDict(extra="forbid")

    by: str = Field(default="", max_length=200)
    reason: str = Field(default="", max_length=500)


class Letters(Body):
    """Dead letters by their number."""

    ids: list[int] = Field(min_length=1, max_length=MANY)


class Doubts(Body):
    """Messages in doubt by their effect id."""

    ids: list[str] = Field(min_length=1, max_length=MANY)


class Runs(Body):
    """Runs, each as [customer, run id]."""

    runs: list[tuple[str, str]] = Field(min_length=1, max_length=MANY)


class Addresses(Body):
    """Addresses nothing is to be sent to."""

    addresses: list[str] = Field(min_length=1, max_length=MANY)
    reason: str = Field(min_length=1, max_length=500)


def add_operators(app: FastAPI, operators: Operators) -> None:
    """Add the routes. Each answers with one result per thing that was named."""

    @app.post("/v1/dead-letters/replay")
    async def replay(body: Letters) -> Response:
        """Read the records again and take them in."""
        return _told(await operators.replay(body.ids, body.by))

    @app.post("/v1/dead-letters/discard")
    async def discard(body: Letters) -> Response:
        """Remove them for good."""
        return _told(await operators.discard(body.ids, body.by, body.reason))

    @app.post("/v1/messages/resend")
    async def resend(body: Doubts) -> Response:
        """Send once more, under the same Message-ID."""
        return _told(await operators.resend(body.ids, body.by, body.reason))

    @app.post("/v1/messages/drop")
    async def drop(body: Doubts) -> Response:
        """Leave them as they are."""
        return _told(await operators.drop(body.ids, body.by, body.reason))

    @app.post("/v1/runs/retry")
    async def retry(body: Runs) -> Response:
        """Try the step at which they were parked once more."""
        return _told(await operators.retry(body.runs, body.by))

    @app.post("/v1/runs/end")
    async def end(body: Runs) -> Response:
        """End them here."""
        return _told(await operators.end(body.runs, body.by, body.reason))

    @app.post("/v1/suppress")
    async def suppress(body: Addresses) -> Response:
        """Nothing is sent to these addresses any more."""
        return _told([await operators.suppress(one, body.by, body.reason) for one in body.addresses])


def _told(done: Sequence[Done]) -> Response:
    return Json({"results": [asdict(one) for one in done]})
