"""`postventa events send | import --history | replay`: events to the engine; the past as facts that mail nobody."""

from __future__ import annotations

import asyncio
import json
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import typer

from postventa.cli.progress import progress, watched
from postventa.cli.reach import Api, own_database, reading, settings_of, url_of
from postventa.cli.replay import replay
from postventa.core.values import as_time, time_text
from postventa.engine.batch import take
from postventa.engine.engine import open_engine
from postventa.engine.release import LIVE_FROM
from postventa.errors import ConfigError, NotRunning, RecordError
from postventa.project import Project
from postventa.runtimes.outward import tokens_of
from postventa.runtimes.stores import store_of
from postventa.schemas.parse import Incoming, parse_event
from postventa.settings import Settings
from postventa.store.base import DeadLetter

BATCH = 500
BIGGEST = 4 * 1024 * 1024
"""Bytes of one request."""
SHOWN = 20

command = typer.Typer(no_args_is_help=True)

File = Annotated[str, typer.Argument(metavar="FILE", help="Events as JSON lines, a list or one ('-': standard input).")]
Folder = Annotated[Path, typer.Option("--project", metavar="DIR", help="The project's folder.")]
Url = Annotated[str | None, typer.Option(metavar="URL", help="The engine's private address.")]
AsJson = Annotated[bool, typer.Option("--json", help="One JSON line per event.")]


class Line(NamedTuple):
    """One event of the file as it stands there."""

    number: int
    text: bytes


class Told(NamedTuple):
    """What became of it."""

    number: int
    answer: dict[str, Any]


command.command()(replay)


@command.command()
def send(
    file: File,
    project: Folder = Path(),
    url: Url = None,
    kafka: Annotated[bool, typer.Option("--kafka", help="Publish them on their topics instead.")] = False,
    topic: Annotated[str | None, typer.Option(metavar="NAME", help="With --kafka: all on this topic.")] = None,
    as_json: AsJson = False,
) -> None:
    """Send events to the running engine, or publish them on Kafka; tell what became of each."""
    settings = settings_of(project)
    if kafka:
        with progress("publishing events") as tell:
            _tell(_published(project, topic, watched(list(_lines(file)), "publishing events", tell)), file, as_json)
        return
    address = url_of(project, settings, url)
    if address is None:
        raise NotRunning(
            "no engine runs here", where=str(project), mend="start it: postventa run, or name it: --url URL"
        )
    with progress("sending events") as tell:
        _tell(_sent(Api(address, settings), watched(list(_lines(file)), "sending events", tell)), file, as_json)


@command.command("import")
def import_(
    file: File,
    history: Annotated[bool, typer.Option("--history", help="Facts only: nothing starts, nothing is sent.")] = False,
    project: Folder = Path(),
    as_json: AsJson = False,
) -> None:
    """Bring in the past: orders, points and consents become known; nobody gets a mail because of it.

    History is what occurred before the shop went live ('live_from', else the first publish); the rest is refused.
    """
    if not history:
        raise ConfigError("say what the file is", mend="postventa events import --history FILE, or: events send FILE")
    loaded = Project.load(project)
    live_from = asyncio.run(_live_from(project, loaded.sound_settings))
    lines, refused = _only_history(list(_lines(file)), loaded, live_from)
    address = url_of(project, loaded.sound_settings)
    with progress("importing events") as tell:
        past = watched(lines, "importing events", tell)
        told = (
            list(_sent(Api(address, loaded.sound_settings), past))
            if address
            else asyncio.run(_stored(project, loaded, past))
        )
    _tell(iter(sorted([*refused, *told])), file, as_json)


# --- the file ---------------------------------------------------------------------------------------------------------
def _lines(file: str) -> Iterator[Line]:
    """One event each. A list, or one event over several lines, is taken apart first."""
    raw = sys.stdin.buffer.read() if file == "-" else Path(file).read_bytes()
    lines = [Line(number, text) for number, text in enumerate(raw.splitlines(), 1) if text.strip()]
    if not lines:
        raise ConfigError("there are no events in it", where=file)
    whole = _json(raw) if raw.lstrip()[:1] == b"[" or _json(lines[0].text) is None else None
    if isinstance(whole, list):
        return (Line(number, json.dumps(one).encode()) for number, one in enumerate(whole, 1))
    if isinstance(whole, dict):
        return iter([Line(1, json.dumps(whole).encode())])
    return iter(lines)


def _json(raw: bytes) -> Any:
    try:
        return json.loads(raw)
    except ValueError:
        return None


def _parts(lines: Iterator[Line] | Sequence[Line]) -> Iterator[list[Line]]:
    part: list[Line] = []
    size = 0
    for line in lines:
        if part and (len(part) == BATCH or size + len(line.text) > BIGGEST):
            yield part
            part, size = [], 0
        part.append(line)
        size += len(line.text) + 1
    if part:
        yield part


# --- Kafka ------------------------------------------------------------------------------------------------------------
def _published(project: Path, topic: str | None, lines: Iterator[Line]) -> Iterator[Told]:
    """Each line on `topic`, else on the topic whose agent gives its type; checked before it is sent."""
    from postventa.publish import Publisher

    with Publisher.of_project(project) as publisher:
        for line in lines:
            record = _json(line.text)
            try:
                if not isinstance(record, dict):
                    raise RecordError("", line.text[:80], "a JSON object", "one event per line")
                place = topic or publisher.topic_of(str(record.get("type", "")))
                partition, offset = publisher.send(place, record)
            except RecordError as error:
                yield Told(line.number, _refusal(error))
                continue
            where = f"{place}/{partition}/{offset}"
            yield Told(line.number, {"id": record.get("id"), "status": "published", "reason": where})


# --- the engine -------------------------------------------------------------------------------------------------------
def _sent(api: Api, lines: Iterator[Line] | Sequence[Line]) -> Iterator[Told]:
    for part in _parts(lines):
        body = b"\n".join(line.text for line in part) + b"\n"
        results = api.post("/v1/events", body, "application/x-ndjson")["results"]
        yield from (Told(line.number, result) for line, result in zip(part, results, strict=True))


async def _stored(project: Path, loaded: Project, lines: Iterator[Line]) -> list[Told]:
    """Without a running engine: straight into the database, as its only writer."""
    database = own_database(project, loaded.sound_settings)
    store = store_of(loaded.sound_settings, database)
    await store.open()
    told: list[Told] = []
    try:
        engine = await open_engine(store, tokens_of(loaded.sound_settings, database.parent).keys[-1].secret.decode())
        for part in _parts(lines):
            now = datetime.now(UTC)
            read = [(line, _read(line, loaded, now)) for line in part]
            good = [one for _, one in read if isinstance(one, Incoming)]
            letters = [
                DeadLetter("import", str(error), line.text.decode("utf-8", "replace"), now, error.field)
                for line, error in read if isinstance(error, RecordError)
            ]  # fmt: skip
            answers = iter(await take(engine, good, now, letters=letters))
            for line, one in read:
                if isinstance(one, RecordError):
                    told.append(Told(line.number, _refusal(one)))
                else:
                    answer = next(answers)
                    told.append(Told(line.number, {"id": answer.id, "status": answer.status, "reason": answer.reason}))
    finally:
        await store.close()
    return told


# --- history ----------------------------------------------------------------------------------------------------------
async def _live_from(project: Path, settings: Settings) -> datetime:
    if settings.live_from is not None:
        return settings.live_from
    async with reading(project) as store:
        first = as_time(await store.views.control(LIVE_FROM))
    if first is None:
        raise ConfigError("nothing is published yet, so nothing is history yet", mend="postventa publish, then import")
    return first


def _only_history(lines: Sequence[Line], loaded: Project, live_from: datetime) -> tuple[list[Line], list[Told]]:
    past: list[Line] = []
    refused: list[Told] = []
    for line in lines:
        one = _read(line, loaded, datetime.now(UTC))
        if isinstance(one, RecordError):
            refused.append(Told(line.number, _refusal(one)))
        elif one.event.occurred_at >= live_from:
            why = f"it occurred after the shop went live ({time_text(live_from)}): it is no history"
            mend = "send it: postventa events send"
            refused.append(Told(line.number, {"id": one.event.id, "status": "rejected", "reason": why, "mend": mend}))
        else:
            past.append(line)
    return past, refused


def _read(line: Line, loaded: Project, now: datetime) -> Incoming | RecordError:
    try:
        return parse_event(line.text, loaded.registry, now=now)
    except RecordError as error:
        return error


def _refusal(error: RecordError) -> dict[str, Any]:
    return {"id": None, "status": "rejected", "reason": error.message, "field": error.field, "mend": error.mend}


# --- words ------------------------------------------------------------------------------------------------------------
def _tell(told: Iterator[Told], file: str, as_json: bool) -> None:
    """What became of them; exit code 1 when one was refused."""
    counts: Counter[str] = Counter()
    for number, answer in told:
        counts[str(answer["status"])] += 1
        if as_json:
            typer.echo(json.dumps({"line": number, **answer}, ensure_ascii=False))
        elif answer["status"] == "rejected" and counts["rejected"] <= SHOWN:
            place = f" {answer['field']}" if answer.get("field") else ""
            mend = f" ({answer['mend']})" if answer.get("mend") else ""
            typer.echo(f"{file}:{number}:{place} {answer['reason']}{mend}", err=True)
    if counts["rejected"] > SHOWN and not as_json:
        typer.echo(f"… and {counts['rejected'] - SHOWN} more refused", err=True)
    summary = ", ".join(f"{count} {status}" for status, count in sorted(counts.items()))
    typer.echo(summary or "no events", err=as_json)
    if counts["rejected"]:
        raise typer.Exit(1)
