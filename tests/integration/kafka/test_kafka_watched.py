"""What an operator sees of workers on a real broker: a worker's own numbers, and the page of the streams beside it."""

from __future__ import annotations

import json
from pathlib import Path

import httpx
import pytest
from kafka_world import POSTVENTA, World, order
from prometheus_client.parser import text_string_to_metric_families

from postventa.testing.part import free_port

pytestmark = pytest.mark.kafka


def get(url: str) -> httpx.Response:
    return httpx.get(url, trust_env=False)


def address_in(beacon: Path) -> str:
    return str(json.loads(beacon.read_text())["url"])


def numbers(url: str) -> dict[tuple[str, frozenset[str]], float]:
    """(metric, label values) -> value; empty while nobody answers."""
    try:
        text = get(f"{url}/metrics").text
    except httpx.TransportError:
        return {}
    found = (one for family in text_string_to_metric_families(text) for one in family.samples)
    return {(one.name, frozenset(one.labels.values())): one.value for one in found}


async def test_a_worker_tells_its_numbers_and_the_pages_how_far_it_is(shared_world: World) -> None:
    world, port = shared_world, free_port()
    world.make_topics()
    await world.publish()
    metrics = f"http://127.0.0.1:{port}"
    worker = world.start(
        *POSTVENTA, "worker", "--metrics", f"127.0.0.1:{port}", "--log", "json", "--project", str(world.folder)
    )
    world.send(*[("orders", order(number)) for number in range(5)])
    world.raw("orders", b"not JSON")
    topic = world.topic("orders")
    await world.until(lambda: numbers(metrics).get(("postventa_sends_total", frozenset({"email", "sent"})), 0) >= 5)
    await world.until(lambda: numbers(metrics)["postventa_dead_letters", frozenset()] == 1)  # it looks every 3 seconds
    found = numbers(metrics)
    assert found["postventa_events_total", frozenset({topic, "accepted"})] == 5
    assert found["postventa_events_total", frozenset({topic, "rejected"})] == 1
    assert found["postventa_offset_gaps_total", frozenset()] == 0
    assert found["postventa_lag_events", frozenset({topic, "0"})] == 0
    assert get(f"{metrics}/readyz").json() == {"ready": True, "reasons": []}
    assert "example.com" not in get(f"{metrics}/metrics").text

    web = world.start(*POSTVENTA, "web", "--port", "0", "--project", str(world.folder))
    beacon = world.folder / ".postventa" / "state.db.engine"
    await world.until(beacon.exists)
    url = address_in(beacon)

    def last_told() -> bool:
        rows = get(f"{url}/streams?format=json").json()["topics"]
        return any(row["topic"] == topic and row["last"] and row["lag"] == 0 for row in rows)

    await world.until(last_told)
    assert get(f"{url}/readyz").json()["ready"] is True
    assert world.stop(worker) == 0
    world.send(("orders", order(9)))
    await world.until(lambda: sum(v for k, v in numbers(url).items() if k[0] == "postventa_lag_events") == 1)
    ages = [v for k, v in numbers(url).items() if k[0] == "postventa_lag_oldest_age_seconds"]
    assert len(ages) == 1
    assert 0 <= ages[0] < 600
    assert world.stop(web) == 0
    lines = [json.loads(line) for line in world.log().splitlines() if line.startswith('{"at"')]
    assert "example.com" not in json.dumps(lines)
