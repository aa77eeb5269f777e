"""`postventa why`: everything that happened to one customer, each decision with its reason and its line."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Annotated, Any

import typer

from postventa.cli.reach import reading
from postventa.core.journey import Catalog
from postventa.core.values import time_text
from postventa.engine.release import Releases
from postventa.errors import PostventaError
from postventa.store.base import Views
from postventa.web.streams import place_of
from postventa.web.timeline import timeline

ENTRIES = 100_000


def command(
    who: Annotated[str, typer.Argument(metavar="WHO", help="A customer's id, an order, or an address.")],
    project: Annotated[Path, typer.Option(metavar="DIR", help="The project's folder.")] = Path(),
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False,
) -> None:
    """Tell what happened to a customer, and why: events, waits, mails, each with the line that decided."""
    stories = asyncio.run(_stories(who, project))
    if as_json:
        typer.echo(json.dumps(stories, ensure_ascii=False, indent=1))
        return
    for story in stories:
        _print(story)


async def _stories(who: str, project: Path) -> list[dict[str, Any]]:
    async with reading(project) as store:
        found = await store.views.find_customer(who)
        if not found:
            raise PostventaError(
                f"nobody is called {who!r}", mend="give a customer's id, an order's id or number, or an address"
            )
        live = await store.views.control("live_release")
        catalog = await Releases(store).catalog_of(live) if live else Catalog("", {}, {})
        return [await _story(store.views, catalog, one) for one in found]


async def _story(views: Views, catalog: Catalog, customer: str) -> dict[str, Any]:
    state = await views.customer(customer)
    runs = []
    for run in state.runs.values() if state else ():
        journey = catalog.journey_of(run.journey, run.version)
        step = journey.steps[run.step] if journey and 0 <= run.step < len(journey.steps) else None
        runs.append({
            "journey": run.journey, "subject": ":".join(filter(None, run.subject)), "step": step.id if step else None,
            "stands": run.stand.kind, "due_at": time_text(run.stand.due_at) if run.stand.due_at else None,
            "reason": run.stand.reason,
            "place": place_of(catalog, run.journey, run.version, step.line if step else None),
        })  # fmt: skip
    history, events = await views.history(customer), await views.events(customer)
    return {
        "customer": customer,
        "facts": dict(state.facts) if state else {},
        "runs": runs,
        "timeline": timeline(history, events, await views.trace(customer, ENTRIES), catalog),
    }


# --- words ------------------------------------------------------------------------------------------------------------
def _print(story: dict[str, Any]) -> None:
    facts = story["facts"]
    names = [str(facts[key]) for key in ("first_name", "email", "locale", "timezone") if facts.get(key)]
    typer.secho(" · ".join([story["customer"], *names]), bold=True)
    typer.echo("\nwhat happened")
    for moment in story["timeline"]:
        _print_moment(moment)
    typer.echo("\nunder way" if story["runs"] else "\nnothing is under way")
    for run in story["runs"]:
        until = f" until {_short(run['due_at'])}" if run["due_at"] else ""
        why = f": {run['reason']}" if run["reason"] else ""
        place = f"   {run['place']}" if run["place"] else ""
        typer.echo(f"  {run['journey']} ({run['subject']}) at {run['step']}, {run['stands']}{until}{why}{place}")
    typer.echo("")


def _print_moment(moment: dict[str, Any]) -> None:
    title = moment["title"]
    if moment["kind"] == "event" and "id" in moment:
        late = "" if moment["occurred_at"] == moment["at"] else f", occurred {_short(moment['occurred_at'])}"
        title = f"{title}  ({moment['source']} {moment['id']}{late})"
    if not moment["decisions"] and moment["kind"] in {"claim", "timer"}:
        return
    typer.echo(f"  {_short(moment['at'])}  {title}")
    for one in moment["decisions"]:
        about = " ".join(filter(None, (one["journey"], one["message"])))
        place = f"   {one['place']}" if one["place"] else ""
        typer.echo(f"      {one['what']:<9} {about + ': ' if about else ''}{one['reason']}{place}")


def _short(text: str) -> str:
    """`2026-03-02 09:00:07Z` of an RFC 3339 text."""
    return text[:19].replace("T", " ") + "Z"
