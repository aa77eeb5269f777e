"""The same events through a sped-up worker, three and more topics and a real mail server, and through the backtest."""

from __future__ import annotations

import json
import os
import sys
import time
from asyncio import to_thread
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

import pytest
from kafka_world import POSTVENTA, World

from postventa.agents.loader import load_agents
from postventa.project import Project
from postventa.runtimes.demo import demo_events
from postventa.runtimes.feed import lines_of
from postventa.store.postgres import PostgresStore
from postventa.store.sqlite import SqliteStore

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "acceptance" / "run"))

from sped_up import OLIST, ROOT, backtested, call, decided, effects_sent, project_in, real_orders

pytestmark = [pytest.mark.kafka, pytest.mark.slow]
ORDERS = int(os.environ.get("ORDERS", "500"))
KAFKA = """
kafka:
  servers: [{servers}]
  group: {prefix}group
  out: {prefix}out
  dead_letters: {prefix}dead-letters
  partitions: 3
  replication: 1
"""
TOPICS = {"orders": "order.*", "shipments": "shipment.in_transit", "deliveries": "shipment.delivered",
          "engagement": "survey.*"}  # fmt: skip
AGENT = '''\
"""Events in our own form."""
from postventa.agents import agent


@agent(topic="{topic}", schema="{schema}", key="order_id")
def {topic}(record):
    return record
'''


def on_kafka(world: World, source: Path, shop: Path, more: str = "") -> Path:
    """That project in a new folder, read from topics of this test alone and with this test's mail server."""
    if not (source / "agents").exists():
        (shop / "agents").mkdir(parents=True)
        for topic, schema in TOPICS.items():
            (shop / "agents" / f"{topic}.py").write_text(AGENT.format(topic=topic, schema=schema))
    project_in(source, shop, int(world.project.settings.channels.email.port))  # type: ignore[union-attr]
    with (shop / "postventa.yaml").open("a", encoding="utf-8") as settings:
        settings.write(more + KAFKA.format(servers=world.broker.bootstrap_servers, prefix=world.prefix))
    for agent in (shop / "agents").glob("*.py"):
        agent.write_text(agent.read_text().replace('topic="', f'topic="{world.prefix}'))
    topics = load_agents(shop / "agents", Project.load(shop).registry)[0]
    world.broker.topics.create(*topics, f"{world.prefix}out", f"{world.prefix}dead-letters", partitions=3)
    world.folder = shop
    return shop


async def sped_up(world: World, shop: Path, events: Path) -> None:
    """One worker through all of them, as fast as it can."""
    words = ("--project", str(shop), "--events", str(events), "--speed", "max")
    worker = world.start(*POSTVENTA, "worker", *words)
    assert await to_thread(worker.wait, 600) == 0, world.log()[-3000:]
    assert "GAP" not in world.log()


def arrived(world: World) -> list[str]:
    """What the mail server took, by effect id, each as often as it came."""
    return sorted(name.strip("<>").partition("@")[0] for _, _, name in world.mails)


async def test_a_worker_at_full_speed_decides_what_the_backtest_decides(world: World, tmp_path: Path) -> None:
    shop = on_kafka(world, ROOT, tmp_path / "reference")
    some = tuple(f"TC-{10200 + number}" for number in (0, 3, 7, 9, 12, 20))
    told = demo_events(datetime(2026, 3, 2, 8, tzinfo=UTC))
    events = tmp_path / "events.jsonl"
    events.write_text(lines_of(one for one in told if str(one["data"].get("order_id", "")).startswith(some)))

    tested = await to_thread(backtested, shop, events)
    await sped_up(world, shop, events)
    assert await decided(SqliteStore(shop / ".postventa" / "state.db", readonly=True)) == tested
    assert arrived(world) == effects_sent(tested) != []


@pytest.mark.olist
async def test_real_orders_decide_the_same_on_kafka_embedded_and_in_the_backtest(
    shared_world: World, tmp_path: Path
) -> None:
    """One worker on PostgreSQL, the topics of the reference project, 500 real orders; byte for byte."""
    world = shared_world
    events = tmp_path / "events.jsonl"
    events.write_text("".join(real_orders(ORDERS)), encoding="utf-8")
    kinds = Counter(json.loads(line)["type"] for line in events.read_text(encoding="utf-8").splitlines())
    assert kinds["order.placed"] == ORDERS

    alone = tmp_path / "embedded"
    project_in(OLIST, alone, int(world.project.settings.channels.email.port))  # type: ignore[union-attr]
    tested = await to_thread(backtested, alone, events)
    run = ("run", "--project", str(alone), "--events", str(events), "--speed", "max", "--until", "events")
    await to_thread(call, *run, "--port", "0")
    embedded = await decided(SqliteStore(alone / ".postventa" / "state.db", readonly=True))
    mails_embedded = arrived(world)
    world.mails.clear()

    shop = on_kafka(world, OLIST, tmp_path / "olist", "store: {postgres_env: SHOP_DATABASE}")
    await world.publish()
    began = time.monotonic()
    await sped_up(world, shop, events)
    took = time.monotonic() - began
    on_topics = {name: sum(world.broker.topics.end_offsets(world.topic(name)).values()) for name in TOPICS}
    print(f"{ORDERS} orders, {kinds.total()} events, {len(tested)} decisions, {len(world.mails)} mails, {took:.0f} s")
    print(on_topics)

    assert on_topics == {
        "orders": kinds["order.placed"] + kinds["order.paid"] + kinds["order.cancelled"],
        "shipments": kinds["shipment.in_transit"],
        "deliveries": kinds["shipment.delivered"],
        "engagement": kinds["survey.answered"],
    }
    assert tested == embedded
    assert await decided(PostgresStore(world.environ["SHOP_DATABASE"], readonly=True)) == tested
    assert arrived(world) == mails_embedded == effects_sent(tested) != []
