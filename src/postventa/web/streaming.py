"""`/streams`: how far each topic is read, what is due, what is on its way, what is stuck, each with its command."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

from fastapi import FastAPI, Request
from starlette.responses import Response

from postventa.web.services import Services
from postventa.web.show import Show
from postventa.web.watching import Look, Watcher, age

FEW = 20
"""Rows of each list on the page; the commands list all."""


def add_streams(app: FastAPI, services: Services, watcher: Watcher, show: Show) -> None:
    """Add the page."""

    @app.get("/streams")
    async def streams(request: Request) -> Response:
        look = await watcher.look()
        facts = {
            "topics": topics(services, look), "gauges": dict(look.gauges), "trouble": look.trouble,
            "late": age(look.gauges.get("oldest_due"), look.now), "reasons": look.reasons, "sends": _sends(services),
            "stuck": age(look.gauges.get("oldest_pending"), look.now),
            "uncertain": [] if look.trouble else await _uncertain(services),
            "parked": [] if look.trouble else await services.views.parked(FEW),
        }  # fmt: skip
        return await show(request, "streams.html", facts)


def topics(services: Services, look: Look) -> list[dict[str, Any]]:
    """One row for each topic, and for HTTP and files: what came, when last, and what is still to be read."""
    meters = services.meters
    names = {topic for topic, _ in meters.events} | {topic for topic, _ in look.lag} | look.last.keys()
    return [
        {
            "topic": name,
            "lag": _lag(look.lag, name),
            "partitions": {str(part): count for (topic, part), count in sorted(look.lag.items()) if topic == name},
            "waits": _waits(look, name),
            "last": max(filter(None, (meters.last_at.get(name), look.last.get(name))), default=None),
            "outcomes": {what: count for (topic, what), count in sorted(meters.events.items()) if topic == name},
        }
        for name in sorted(names | {"http"})
    ]


def _lag(lag: Mapping[tuple[str, int], int], name: str) -> int | None:
    """None for what has no offsets."""
    counts = [count for (topic, _), count in lag.items() if topic == name]
    return sum(counts) if counts else None


def _waits(look: Look, name: str) -> float | None:
    """Seconds since the oldest record was written that is still to be read."""
    ages = [age(at) or 0.0 for (topic, _), at in look.oldest.items() if topic == name]
    return max(ages, default=None)


def _sends(services: Services) -> dict[str, int]:
    found = Counter[str]()
    for (_, result), count in services.meters.sends.items():
        found[result] += count
    return dict(found.most_common())


async def _uncertain(services: Services) -> list[dict[str, Any]]:
    return [
        {"effect_id": row.effect_id, "message": row.message, "customer": row.customer_id, "to": row.address,
         "at": row.intent_at or row.created_at, "detail": row.detail}
        for row in await services.views.uncertain(FEW)
    ]  # fmt: skip
