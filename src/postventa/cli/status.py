"""`postventa status`: what runs, waits, is due, was sent and is stuck; from the running engine, else the database."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from postventa.cli.reach import Api, database_of, reading, settings_of, url_of
from postventa.core.values import time_text


def command(
    project: Annotated[Path, typer.Option(metavar="DIR", help="The project's folder.")] = Path(),
    url: Annotated[str | None, typer.Option(metavar="URL", help="Ask the engine at this address.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False,
) -> None:
    """Show how the engine stands. Works without one, too: then from the database."""
    settings = settings_of(project)
    address = url_of(project, settings, url)
    facts = Api(address, settings).get("/v1/status") if address else asyncio.run(_from_database(project))
    if as_json:
        typer.echo(json.dumps(facts, ensure_ascii=False, indent=1))
        return
    where = f"at {address}" if address else f"no engine runs; from {database_of(project, settings)}"
    _print(facts, where)


async def _from_database(project: Path) -> dict[str, Any]:
    now = datetime.now(UTC)
    async with reading(project) as store:
        counts = await store.views.counts(now)
        releases = await store.views.releases()
        due = await store.views.next_due()
        return {
            "now": time_text(now),
            **counts,
            "running": sum(one["count"] for one in counts["runs"]),
            "next_due": time_text(due) if due else None,
            "pauses": [
                {"scope": one.scope, "reason": one.reason, "at": time_text(one.at), "by": one.by}
                for one in await store.views.pauses()
            ],
            "release": next((one for one in releases if one["live"]), None),
            "engine": {},
        }


# --- words ------------------------------------------------------------------------------------------------------------
def _print(facts: dict[str, Any], where: str) -> None:
    say = typer.echo
    release = facts.get("release")
    say(f"postventa {where}")
    say(f"  release     {release['hash'][:12]} of {release['published_at']}" if release else "  release     none yet")
    for key, value in (facts.get("engine") or {}).items():
        say(f"  {key:<11} {value}")
    say(f"  customers   {facts['customers']}")
    say(f"  under way   {facts['running']}{_by_journey(facts['runs'])}")
    due = facts["due"]
    late = f", the oldest since {due['oldest']}" if due["overdue"] and due["oldest"] else ""
    say(f"  due now     {due['overdue']}{late}; next {facts['next_due'] or 'never'}")
    say(f"  messages    {_counted(facts['messages']) or 'none yet'}")
    say(f"  waiting     {facts['waiting']} events for their order")
    for key, label, mend in (
        ("dead_letters", "dead letters", "records that could not be used: see the private pages"),
        ("parked", "parked", "runs that failed and stand still"),
        ("uncertain", "uncertain", "mails that may or may not have left"),
        ("refused_events", "refused", "events that the outlet's receiver will not have: see its answers in the log"),
    ):
        if facts[key]:
            typer.secho(f"  {label:<11} {facts[key]}  ({mend})", fg="yellow")
    for pause in facts["pauses"]:
        typer.secho(f"  PAUSED      {pause['scope']} since {pause['at']}: {pause['reason']}", fg="yellow", bold=True)


def _by_journey(runs: list[dict[str, Any]]) -> str:
    inside: Counter[str] = Counter()
    for one in runs:
        inside[one["journey"]] += one["count"]
    return f" ({_counted(inside)})" if inside else ""


def _counted(counts: dict[str, int]) -> str:
    return ", ".join(f"{name} {count}" for name, count in sorted(counts.items()))
