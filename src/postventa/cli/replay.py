"""`postventa events replay`: a stretch of a topic once more, through a backtest or, asked twice, into the engine."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from postventa.agents.declare import Agent
from postventa.agents.loader import load_agents
from postventa.cli.backtest import print_report
from postventa.cli.past import moment
from postventa.cli.reach import Api, url_of
from postventa.engine.backtest import Past, play
from postventa.errors import ConfigError, RecordError
from postventa.project import Project
from postventa.publish import Access
from postventa.runtimes.kafka.driver import record_of
from postventa.schemas.parse import Incoming
from postventa.source.nearest import suggest

BATCH = 500
SHOWN = 10


@dataclass(slots=True)
class Stretch:
    """What a topic held between two moments."""

    incomings: list[Incoming] = field(default_factory=list)
    refused: list[tuple[str, RecordError]] = field(default_factory=list)
    left_out: int = 0


def replay(
    topic: Annotated[str, typer.Option(metavar="NAME", help="A topic that a file in agents/ reads.")],
    begin: Annotated[str, typer.Option("--from", metavar="TIME", help="Records written from then on.")],
    end: Annotated[str | None, typer.Option("--to", metavar="TIME", help="Until then (default: now).")] = None,
    project: Annotated[Path, typer.Option(metavar="DIR", help="The project's folder.")] = Path(),
    into_engine: Annotated[bool, typer.Option("--into-engine", help="Not a backtest: the engine itself.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="With --into-engine: yes, really.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON line per decision, or per event.")] = False,
) -> None:
    """Read a stretch of a topic again and tell what the journeys of this folder would do with it.

    With --into-engine --yes the events go to the engine: those it knows are recognised, the others take effect now,
    and mails may leave because of them.
    """
    loaded = Project.load(project).require_sound()
    agents, _ = load_agents(project / "agents", loaded.registry)
    if topic not in agents:
        raise ConfigError(f"no agent reads topic '{topic}'", str(project / "agents"), suggest(topic, agents, "topics"))
    start, stop = moment(begin, "--from"), moment(end, "--to") if end else None
    access = Access.of(loaded.settings.kafka)
    stretch = read_topic(access, agents[topic], loaded, start, stop)
    for where, error in stretch.refused[:SHOWN]:
        typer.echo(f"{where}: {error}", err=True)
    if not into_engine:
        print_report(play(loaded, Past(stretch.incomings)), as_json=as_json)
        return
    if not yes:
        raise ConfigError(
            f"{len(stretch.incomings)} events would go to the engine, and mails may leave because of them",
            f"topic {topic}",
            "look first: the same without --into-engine; then add --yes",
        )
    answers = _into(loaded, project, stretch.incomings)
    _tell(answers, as_json)


# --- the topic --------------------------------------------------------------------------------------------------------
def read_topic(access: Access, agent: Agent, loaded: Project, start: datetime, stop: datetime | None) -> Stretch:
    """Every record of a topic written between, through the agent that reads it."""
    found = Stretch()
    now = datetime.now(UTC)
    for where, value, headers in _records(access, agent.topic, start, stop):
        try:
            incoming = agent.read(value, loaded.registry, headers=headers, now=now) if value is not None else None
        except RecordError as error:
            found.refused.append((where, error))
            continue
        if incoming is None:
            found.left_out += 1
        else:
            found.incomings.append(incoming)
    return found


def _records(access: Access, topic: str, start: datetime, stop: datetime | None) -> Iterator[tuple[str, Any, Any]]:
    """(topic/partition/offset, value, headers) of every record written between, partition by partition."""
    from kafka import KafkaConsumer, TopicPartition

    from postventa.runtimes.kafka import admin

    first = admin.offsets_at(access, topic, start)
    until = admin.offsets_at(access, topic, stop) if stop else {}
    held = admin.ask(access, lambda client: admin.spans(client, admin.topics(client, [topic])))
    consumer = KafkaConsumer(**access.options(), enable_auto_commit=False, isolation_level="read_committed")
    try:
        for number, offset in sorted(first.items()):
            end = until.get(number)
            end = held[topic, number].end if end is None else end
            if offset is None or offset >= end:
                continue
            place = TopicPartition(topic, number)
            consumer.assign([place])
            consumer.seek(place, offset)
            while consumer.position(place) < end:
                for one in consumer.poll(timeout_ms=1000).get(place, ()):
                    if one.offset < end:
                        yield f"{topic}/{number}/{one.offset}", one.value, one.headers or None
    finally:
        consumer.close()


# --- the engine -------------------------------------------------------------------------------------------------------
def _into(loaded: Project, project: Path, incomings: Sequence[Incoming]) -> list[dict[str, Any]]:
    """By the running engine where one answers, else straight into the store."""
    address = url_of(project, loaded.settings)
    if address is None:
        return asyncio.run(_into_store(loaded, project, incomings))
    api = Api(address, loaded.settings)
    answers: list[dict[str, Any]] = []
    lines = [record_of(one) for one in incomings]
    for start in range(0, len(lines), BATCH):
        body = b"\n".join(lines[start : start + BATCH]) + b"\n"
        answers += api.post("/v1/events", body, "application/x-ndjson")["results"]
    return answers


async def _into_store(loaded: Project, project: Path, incomings: Sequence[Incoming]) -> list[dict[str, Any]]:
    from postventa.engine.batch import take
    from postventa.engine.engine import open_engine
    from postventa.runtimes.outward import tokens_of
    from postventa.runtimes.stores import store_of

    database = project / loaded.settings.store.sqlite
    store = store_of(loaded.settings, database)
    await store.open()
    answers: list[dict[str, Any]] = []
    try:
        secret = tokens_of(loaded.settings, database.parent).keys[-1].secret.decode()
        engine = await open_engine(store, secret)
        for start in range(0, len(incomings), BATCH):
            told = await take(engine, incomings[start : start + BATCH], datetime.now(UTC))
            answers += [{"id": one.id, "status": one.status, "reason": one.reason} for one in told]
    finally:
        await store.close()
    return answers


def _tell(answers: Sequence[dict[str, Any]], as_json: bool) -> None:
    if as_json:
        for answer in answers:
            typer.echo(json.dumps(answer, ensure_ascii=False))
    counts = Counter(str(one["status"]) for one in answers)
    typer.echo(", ".join(f"{count} {status}" for status, count in sorted(counts.items())) or "no events", err=as_json)
