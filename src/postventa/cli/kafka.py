"""`postventa kafka setup | lag | restored`: the topics, how far they are read, and what left before a backup came."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple

import typer

from postventa.agents.loader import load_agents
from postventa.cli import control
from postventa.cli.reach import reading
from postventa.core.values import time_text
from postventa.errors import PostventaError
from postventa.project import Project
from postventa.publish import Access
from postventa.runtimes.kafka import admin
from postventa.runtimes.kafka.admin import Place, Span, Topic
from postventa.runtimes.kafka.caught_up import intake_state
from postventa.runtimes.kafka.published import left_between
from postventa.runtimes.kafka.restored import Account, Mark, gone_on, mark_of, settle_all
from postventa.settings import Settings

SHORT = timedelta(days=3)
"""A topic that keeps records for less than a long weekend loses events while nobody looks."""

command = typer.Typer(no_args_is_help=True)

Folder = Annotated[Path, typer.Option("--project", metavar="DIR", help="The project's folder.")]
AsJson = Annotated[bool, typer.Option("--json", help="For machines.")]


class Finding(NamedTuple):
    """One topic: how it is, and how to mend it."""

    topic: str
    result: Literal["ok", "made", "warn", "missing"]
    says: str
    mend: str = ""


@command.command()
def setup(
    project: Folder = Path(),
    check: Annotated[bool, typer.Option("--check", help="Make nothing, only look.")] = False,
    as_json: AsJson = False,
) -> None:
    """Make the topics that are missing, and tell where the others are not as they should be. Changes no topic.

    Topics: those of agents/, and where we publish to (kafka.out, kafka.dead_letters). Exit code 1 with a finding.
    """
    loaded = Project.load(project)
    settings = loaded.settings
    inputs = sorted(load_agents(project / "agents", loaded.registry)[0])
    outputs = [settings.kafka.out, settings.kafka.dead_letters]
    findings = admin.ask(Access.of(settings.kafka), lambda client: _set_up(client, settings, inputs, outputs, check))
    if as_json:
        typer.echo(json.dumps([finding._asdict() for finding in findings], ensure_ascii=False, indent=2))
    else:
        for finding in findings:
            typer.echo(f"{finding.result:<7}  {finding.topic:<28} {finding.says}")
            if finding.mend:
                typer.echo(f"{'':>9}→ {finding.mend}")
    raise typer.Exit(1 if any(finding.result in {"warn", "missing"} for finding in findings) else 0)


def _set_up(client: Any, settings: Settings, inputs: list[str], outputs: list[str], check: bool) -> list[Finding]:
    wanted = [*inputs, *outputs]
    found = admin.topics(client, wanted)
    configs = admin.configs(client, found)
    findings: list[Finding] = []
    for name in wanted:
        if name in found:
            findings += _looked_at(found[name], configs.get(name, {}), settings)
        elif check:
            findings.append(Finding(name, "missing", "there is no such topic", "postventa kafka setup"))
        else:
            findings.append(_made(client, name, settings))
    return findings


def _made(client: Any, name: str, settings: Settings) -> Finding:
    from kafka.errors import InvalidReplicationFactorError

    kafka = settings.kafka
    wanted = {name: {"num_partitions": kafka.partitions, "replication_factor": kafka.replication}}
    try:
        client.create_topics(wanted, wait_for_metadata=True)
    except InvalidReplicationFactorError as error:
        raise PostventaError(
            f"the cluster has fewer than {kafka.replication} brokers",
            f"topic {name}",
            "set kafka.replication in postventa.yaml",
        ) from error
    return Finding(name, "made", f"{kafka.partitions} partitions, {kafka.replication} replicas")


def _looked_at(topic: Topic, config: Mapping[str, str], settings: Settings) -> list[Finding]:
    """A topic that was there. Any number of partitions will do; what loses events will not."""
    says = f"{topic.partitions} partitions, {topic.replication} replicas"
    findings: list[Finding] = []
    if "compact" in config.get("cleanup.policy", ""):
        findings.append(Finding(
            topic.name, "warn", "it is compacted: of two events under one key the older disappears",
            f"kafka-configs --alter --topic {topic.name} --add-config cleanup.policy=delete",
        ))  # fmt: skip
    kept = int(config.get("retention.ms", "-1"))
    if 0 <= kept < SHORT.total_seconds() * 1000:
        findings.append(Finding(
            topic.name, "warn", f"it keeps events for {timedelta(milliseconds=kept)} only: a longer stop loses some",
            f"kafka-configs --alter --topic {topic.name} --add-config retention.ms=604800000",
        ))  # fmt: skip
    if topic.replication < settings.kafka.replication:
        findings.append(Finding(
            topic.name, "warn", f"{says}; kafka.replication asks for {settings.kafka.replication}",
            "add replicas (kafka-reassign-partitions), or lower the setting",
        ))  # fmt: skip
    return findings or [Finding(topic.name, "ok", says)]


# --- lag --------------------------------------------------------------------------------------------------------------
class Lag(NamedTuple):
    """One partition: where it is read, where it ends, and since when the oldest unread event waits."""

    topic: str
    partition: int
    position: int
    end: int
    behind: int
    oldest: datetime | None
    committed: int | None


@command.command()
def lag(project: Folder = Path(), as_json: AsJson = False) -> None:
    """How far each partition is read, and how old the oldest event is that waits.

    'position' is what the database holds; 'committed' is Kafka's own note, a few seconds behind it.
    """
    now = datetime.now(UTC)
    loaded = Project.load(project)
    access = Access.of(loaded.settings.kafka)
    inputs = sorted(load_agents(project / "agents", loaded.registry)[0])
    stored, intake = asyncio.run(_from_store(project))
    rows = list(_lags(access, loaded.settings.kafka.group, inputs, stored))
    if as_json:
        plain = [row._asdict() | {"oldest": time_text(row.oldest) if row.oldest else None} for row in rows]
        typer.echo(json.dumps({"intake": intake, "partitions": plain}, ensure_ascii=False, indent=1))
        return
    typer.echo(f"{'topic':<28} {'part':>4} {'position':>10} {'committed':>10} {'end':>10} {'behind':>8}  oldest waits")
    for row in rows:
        waits = _span(now - row.oldest) if row.oldest else "-"
        done = "-" if row.committed is None else row.committed
        typer.echo(
            f"{row.topic:<28} {row.partition:>4} {row.position:>10} {done:>10} {row.end:>10} {row.behind:>8}  {waits}"
        )
    there = {row.topic for row in rows}
    for name in inputs:
        if name not in there:
            typer.echo(f"{name:<28} there is no such topic: postventa kafka setup", err=True)
    if intake and not intake["caught_up"]:
        typer.echo("timers and mail wait until the intake has caught up", err=True)


@command.command()
def restored(
    project: Folder = Path(),
    since: Annotated[
        str | None, typer.Option(metavar="TIME", help="When the backup was made; else what a worker found out.")
    ] = None,
    gone: Annotated[
        str | None, typer.Option(metavar="TIME", help="When the old database was lost: later nothing can have left.")
    ] = None,
) -> None:
    """After a backup was restored: note as sent what left since it was made, and hold what may have left for your word.

    'postventa.out' tells what left. Do this while everything is paused and the workers have read up; decide about the
    uncertain ones; then resume. Without it the workers do the same, message by message, after you resumed.
    """
    account, begin = asyncio.run(_restored(project, since, gone))
    typer.echo(f"{account.sent} messages left after {time_text(begin)} and are noted as sent.")
    if account.to_come:
        typer.echo(f"{account.to_come} more left that no run has come to yet; they are not sent again either.")
    if account.uncertain:
        typer.echo(
            f"{account.uncertain} may have left, nobody knows. They wait for you: postventa messages uncertain list"
        )


async def _restored(project: Path, since: str | None, gone: str | None) -> tuple[Account, datetime]:
    made, lost = control.moment(since, "--since"), control.moment(gone, "--gone")
    loaded = Project.load(project)
    settings = loaded.sound_settings
    kafka = settings.kafka
    async with control.opened(project, settings) as engine:
        now, mark = datetime.now(UTC), await mark_of(engine.store.views)
        if made is not None:
            mark = replace(mark, made=made) if mark is not None else Mark(made, now)
        if mark is None:
            raise PostventaError(
                "no worker has found a restored backup", mend="say when the backup was made: --since TIME"
            )
        mark = await gone_on(engine.store, mark if lost is None else replace(mark, found=min(lost, mark.found)))
        access = Access.of(kafka)
        left = await asyncio.to_thread(left_between, access, kafka.out, kafka.group, mark.made, mark.found)
        account = await settle_all(engine, mark, left, now)
        async with engine.store.transaction() as tx:
            detail = {"since": time_text(mark.made), "messages": account.sent, "uncertain": account.uncertain}
            await tx.audit(now, control.who(), "note as sent", detail)
        return account, mark.made


async def _from_store(project: Path) -> tuple[dict[Place, int], dict[str, Any] | None]:
    async with reading(project) as store:
        return await store.views.positions(), await intake_state(store.views)


def _lags(access: Access, group: str, inputs: list[str], stored: Mapping[Place, int]) -> Iterator[Lag]:
    def question(client: Any) -> tuple[dict[Place, Span], dict[Place, int]]:
        return admin.spans(client, admin.topics(client, inputs)), admin.committed(client, group)

    spans, committed = admin.ask(access, question)
    reached = {place: max(stored.get(place, 0), span.first) for place, span in spans.items()}
    first = admin.first_records(access, {place: reached[place] for place in spans if reached[place] < spans[place].end})
    for place in sorted(spans):
        # What is left may be nothing but transactions' markers.
        behind = spans[place].end - reached[place] if place in first else 0
        oldest = first[place][1] if place in first else None
        yield Lag(*place, reached[place], spans[place].end, behind, oldest, committed.get(place))


def _span(span: timedelta) -> str:
    return str(timedelta(seconds=max(0, int(span.total_seconds()))))
