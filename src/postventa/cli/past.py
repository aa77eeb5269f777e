"""Where `postventa backtest` finds what happened: a file of events, the project's own database, topics of Kafka."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from postventa.cli.progress import Tell
from postventa.cli.reach import reading
from postventa.core.values import as_time
from postventa.engine.backtest import Past, read_lines
from postventa.errors import ConfigError
from postventa.project import Project

PAGE = 500
EVER = datetime(1970, 1, 1, tzinfo=UTC)


def moment(text: str, option: str) -> datetime:
    """A time that an option names. ConfigError when it is none."""
    found = as_time(text)
    if found is None:
        raise ConfigError(f"'{text}' is not a time", option, "write it like 2026-06-30T00:00:00Z")
    return found.astimezone(UTC)


def from_file(file: Path, project: Project, tell: Tell | None) -> Past:
    """Events of JSON lines; `-` is standard input."""
    with _lines(file) as lines:
        return read_lines(project, lines, tell, str(file))


@contextmanager
def _lines(file: Path) -> Iterator[Iterator[bytes]]:
    if str(file) == "-":
        yield iter(sys.stdin.buffer)
        return
    with file.open("rb") as opened:
        yield iter(opened)


def from_database(folder: Path, tell: Tell | None) -> Past:
    """Every event the engine of this project took in and still keeps, under the customer it found."""
    return asyncio.run(_from_database(folder, tell))


async def _from_database(folder: Path, tell: Tell | None) -> Past:
    past = Past()
    async with reading(folder) as store:
        views = store.views
        total = int((await views.counts(datetime.now(UTC)))["customers"])
        after = ""
        while page := await views.customer_ids(after, PAGE):
            for customer in page:
                events = [(at, event) for event, at in await views.events(customer)]
                if events:
                    past.known[customer] = events
            after = page[-1]
            if tell is not None:
                tell("reading customers", len(past.known), total)
    return past


def from_topics(names: Sequence[str], folder: Path, project: Project, tell: Tell | None) -> Past:
    """Every record the topics still hold, each through the agent that reads its topic."""
    from postventa.agents.loader import load_agents
    from postventa.cli.replay import read_topic
    from postventa.publish import Access
    from postventa.source.nearest import suggest

    agents, _ = load_agents(folder / "agents", project.registry)
    past = Past()
    access = Access.of(project.settings.kafka)
    for name in names:
        if name not in agents:
            raise ConfigError(f"no agent reads topic '{name}'", str(folder / "agents"), suggest(name, agents, "topics"))
        stretch = read_topic(access, agents[name], project, EVER, None)
        past.incomings += stretch.incomings
        past.bad += stretch.refused
        if tell is not None:
            tell("reading topics", len(past.incomings), None)
    return past
