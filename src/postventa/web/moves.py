"""What the command line asks of a running engine about people inside: back to a release, move them, how far it is."""

from __future__ import annotations

from typing import Literal

from fastapi import FastAPI
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response

from postventa.engine.moving import give, order_for, progress
from postventa.engine.operate import Operators
from postventa.web.http import Json
from postventa.web.services import Services


class ActivateBody(BaseModel):
    """Which release, by the beginning of its hash."""

    model_config = ConfigDict(extra="forbid")

    release: str = Field(min_length=1, max_length=64)
    message: str = Field(default="", max_length=500)
    by: str = Field(default="", max_length=200)


class MigrateBody(BaseModel):
    """Who goes where; versions by the beginning of their hash, empty: the live one, and everybody elsewhere."""

    model_config = ConfigDict(extra="forbid")

    journey: str = Field(max_length=200)
    version: str = Field(default="", max_length=64)
    from_: str = Field(default="", max_length=64, alias="from")
    how: Literal["", "follow", "retime"] = ""
    renamed: dict[str, str] = Field(default_factory=dict, max_length=200)
    by: str = Field(default="", max_length=200)


def add_moves(app: FastAPI, services: Services, operators: Operators) -> None:
    """Add the routes."""
    activate = services.activate
    if activate is not None:

        @app.post("/v1/activate")
        async def back(body: ActivateBody) -> Response:
            """Make an earlier release the live one."""
            return Json(dict(await activate(body.release, body.message, body.by)))

    @app.post("/v1/migrate")
    async def migrate(body: MigrateBody) -> Response:
        """Leave an order; it is carried out beside everything else."""
        engine = operators.engine
        asked = await order_for(
            engine.releases, body.journey, body.version, body.from_, body.how, renamed=body.renamed, by=body.by
        )  # fmt: skip
        if asked.from_:
            asked = await give(engine, asked, operators.now())
        told = {"order": asked.to_plain(), "moves": await progress(engine)}
        operators.changed()  # told before it begins: how many there are to bring
        return Json(told)

    @app.get("/v1/moves")
    async def moves() -> Response:
        """The orders in force, and how many runs each still speaks of."""
        return Json({"moves": await progress(operators.engine)})
