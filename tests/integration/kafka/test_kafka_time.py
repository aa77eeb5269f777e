"""The same events through a sped-up worker, three and more topics and a real mail server, and through the backtest."""

from __future__ import annotations

import json
import sys
from asyncio import to_thread
from datetime import UTC, datetime
from pathlib import Path

import pytest
from kafka_world import POSTVENTA, World

from postventa.agents.loader import load_agents
from postventa.project import Project
from postventa.runtimes.demo import demo_events
from postventa.runtimes.feed import lines_of

ROOT = Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT / "tests" / "acceptance" / "run"))

import test_speed as speed  # noqa: E402

pytestmark = [pytest.mark.kafka, pytest.mark.slow]

KAFKA = """
kafka:
  servers: [{servers}]
  group: {prefix}group
  out: {prefix}out
  dead_letters: {prefix}dead-letters
  partitions: 2
  replication: 1
"""


async def test_a_worker_at_full_speed_decides_what_the_backtest_decides(world: World, tmp_path: Path) -> None:
    shop = tmp_path / "reference"
    port = int(world.project.settings.channels.email.port)  # type: ignore[union-attr]
    speed._project(ROOT, shop, port)
    with (shop / "postventa.yaml").open("a", encoding="utf-8") as settings:
        settings.write(KAFKA.format(servers=world.broker.bootstrap_servers, prefix=world.prefix))
    for agent in (shop / "agents").glob("*.py"):
        agent.write_text(agent.read_text().replace('topic="', f'topic="{world.prefix}'))
    project = Project.load(shop)
    topics = load_agents(shop / "agents", project.registry)[0]
    world.broker.topics.create(*topics, f"{world.prefix}out", f"{world.prefix}dead-letters", partitions=3)

    some = tuple(f"TC-{10200 + number}" for number in (0, 3, 7, 9, 12, 20))
    told = demo_events(datetime(2026, 3, 2, 8, tzinfo=UTC))
    events = tmp_path / "events.jsonl"
    events.write_text(lines_of(one for one in told if str(one["data"].get("order_id", "")).startswith(some)))

    folder = ("--project", str(shop))
    await to_thread(speed._call, "publish", *folder)
    tested = (await to_thread(speed._call, "backtest", *folder, "--events", str(events), "--json")).splitlines()
    world.folder = shop
    worker = world.start(*POSTVENTA, "worker", *folder, "--events", str(events), "--speed", "max")
    assert await to_thread(worker.wait, 240) == 0, world.log()[-3000:]

    assert await speed._decided(shop / ".postventa" / "state.db") == tested
    sent = {one["effect"] for one in map(json.loads, tested) if one["decision"] == "send"}
    assert sent
    assert {name.strip("<>").partition("@")[0] for _, _, name in world.mails} == sent
    assert len(world.mails) == len(sent)
