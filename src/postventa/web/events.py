"""`POST /v1/events`: events come in. Answered after the commit, with what became of each."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

from fastapi import FastAPI, Request
from starlette.responses import Response

from postventa.errors import RecordError
from postventa.web.services import Answer, Services

LIMIT = 5 * 1024 * 1024
"""Bytes of one request."""
TOO_BIG = {
    "error": f"more than {LIMIT // 1024 // 1024} MB in one request: nothing of it was taken",
    "mend": "send it in parts; `postventa events send FILE` does",
}
_COUNTED = ("accepted", "duplicate", "waiting", "rejected")


def add_events(app: FastAPI, services: Services) -> None:
    """Add the route."""

    @app.post("/v1/events")
    async def events(request: Request, topic: str | None = None) -> Response:
        """One event as JSON, a list, JSON lines, or CloudEvents (structured, batch, headers).

        `?topic=NAME` sends the body through the agent that reads that topic. The answer comes after the commit.
        """
        body = await request.body()
        try:
            items = services.read(body, request.headers.items(), topic)
        except RecordError as error:
            return _json(told([Answer.of(error)], ""), 422)
        answers = await services.ingest(items, "http" if topic is None else f"http/{topic}")
        refused = bool(answers) and all(answer.status == "rejected" for answer in answers)
        return _json(told(answers, str(request.base_url).rstrip("/")), 422 if refused else 202)


def told(answers: Sequence[Answer], base: str) -> dict[str, Any]:
    """The answer's body: how many of each, then one line per event in the order in which they came."""
    counts = Counter[str](answer.status for answer in answers)
    numbers = {status: counts[status] for status in _COUNTED}
    others = {status: count for status, count in counts.items() if status not in _COUNTED}
    return {**numbers, **others, "results": [_result(place, answer, base) for place, answer in enumerate(answers)]}


def _result(place: int, answer: Answer, base: str) -> dict[str, Any]:
    result: dict[str, Any] = {"id": answer.id, "status": answer.status}
    if answer.id is None:
        result["index"] = place  # it has no id that could be read: the n-th of the body, counted from 0
    if answer.reason:
        result["reason"] = answer.reason
    if answer.field is not None:
        result["field"] = answer.field
    if answer.mend:
        result["mend"] = answer.mend
    if answer.runs_started:
        result["runs_started"] = list(answer.runs_started)
    if answer.customer_id:
        result["see"] = f"{base}/customers/{quote(answer.customer_id, safe='')}"
    return result


def _json(content: dict[str, Any], status: int) -> Response:
    text = json.dumps(content, ensure_ascii=False, separators=(",", ":"))
    return Response(text.encode("utf-8", "replace") + b"\n", status, media_type="application/json")
