"""`postventa why`: what a customer got, what not and why, and everything that happened; each with its line."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Annotated, Any

import typer

from postventa.cli.reach import reading, settings_of
from postventa.core.journey import Catalog
from postventa.core.values import time_text
from postventa.engine.release import Releases
from postventa.errors import PostventaError
from postventa.store.base import Store
from postventa.web.telling import place_of
from postventa.web.timeline import timeline
from postventa.web.tongue import Tongue, tongue
from postventa.web.why import Archive, why

ENTRIES = 100_000


def command(
    who: Annotated[str, typer.Argument(metavar="CUSTOMER", help="A customer's id, an order, or an address.")],
    message: Annotated[
        str | None, typer.Option("--message", metavar="M", help="Only this message: why it came, or did not.")
    ] = None,
    project: Annotated[Path, typer.Option(metavar="DIR", help="The project's folder.")] = Path(),
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document.")] = False,
) -> None:
    """Tell which messages a customer got, which not and why, and everything that happened, each with its line."""
    t = tongue(settings_of(project).language)
    stories = asyncio.run(_stories(who, message, project, t))
    if as_json:
        typer.echo(json.dumps(stories, ensure_ascii=False, indent=1, default=str))
        return
    for story in stories:
        _print(story, t, alone=message is not None)


async def _stories(who: str, message: str | None, project: Path, t: Tongue) -> list[dict[str, Any]]:
    async with reading(project) as store:
        found = await store.views.find_customer(who)
        if not found:
            raise PostventaError(
                t("nobody is called {who}", who=repr(who)),
                mend=t("give a customer's id, an order's id or number, or an address"),
            )
        live = await store.views.control("live_release")
        catalog = await Releases(store).catalog_of(live) if live else Catalog("", {}, {})
        return [await _story(store, catalog, one, message, t) for one in found]


async def _story(store: Store, catalog: Catalog, customer: str, message: str | None, t: Tongue) -> dict[str, Any]:
    views = store.views
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
    messages = await why(Archive(views), customer, t, message)
    history, events = await views.history(customer), await views.events(customer)
    return {
        "customer": customer,
        "facts": dict(state.facts) if state else {},
        "messages": messages or [],
        "runs": runs,
        "timeline": timeline(history, events, await views.trace(customer, ENTRIES), catalog),
    }


# --- words ------------------------------------------------------------------------------------------------------------
def _print(story: dict[str, Any], t: Tongue, *, alone: bool) -> None:
    facts = story["facts"]
    names = [str(facts[key]) for key in ("first_name", "email", "locale", "timezone") if facts.get(key)]
    typer.secho(" · ".join([story["customer"], *names]), bold=True)
    if not alone:
        typer.echo(f"\n{t('what happened')}")
        for moment in story["timeline"]:
            _print_moment(moment, t)
        typer.echo(f"\n{t('under way')}" if story["runs"] else f"\n{t('nothing is under way')}")
        for run in story["runs"]:
            _print_run(run, t)
    typer.echo(f"\n{t('sent, and not sent')}")
    for one in story["messages"]:
        typer.secho(f"  {one['message']}", bold=True)
        for verdict in one["verdicts"]:
            _print_verdict(verdict, t)
    if not story["messages"]:
        typer.echo(f"  {t('nothing is known of any message')}")
    typer.echo("")


def _print_verdict(verdict: dict[str, Any], t: Tongue) -> None:
    at = f"{_short(verdict['at'])}  " if verdict["at"] else ""
    about = f" ({verdict['subject']})" if verdict["subject"] else ""
    typer.echo(f"    {at}{verdict['text']}{about}")
    release = f", {t('release')} {verdict['release'][:12]}" if verdict["release"] else ""
    typer.echo(f"        {verdict['place']}   {t('version')} {verdict['version'][:12]}{release}")


def _print_run(run: dict[str, Any], t: Tongue) -> None:
    until = f" {t('until')} {_short(run['due_at'])}" if run["due_at"] else ""
    reason = f": {t.reason(run['reason'])}" if run["reason"] else ""
    place = f"   {run['place']}" if run["place"] else ""
    typer.echo(f"  {run['journey']} ({run['subject']}), {run['step']}, {t(run['stands'])}{until}{reason}{place}")


def _print_moment(moment: dict[str, Any], t: Tongue) -> None:
    title = t(moment["title"])
    if moment["kind"] == "event" and "id" in moment:
        happened = t("occurred {at}", at=_short(moment["occurred_at"]))
        late = "" if moment["occurred_at"] == moment["at"] else f", {happened}"
        title = f"{title}  ({moment['source']} {moment['id']}{late})"
    if not moment["decisions"] and moment["kind"] in {"claim", "timer"}:
        return
    typer.echo(f"  {_short(moment['at'])}  {title}")
    for one in moment["decisions"]:
        about = " ".join(filter(None, (one["journey"], one["message"])))
        place = f"   {one['place']}" if one["place"] else ""
        typer.echo(f"      {t(one['what']):<9} {about + ': ' if about else ''}{t.reason(one['reason'])}{place}")


def _short(text: str) -> str:
    """`2026-03-02 09:00:07Z` of an RFC 3339 text."""
    return text[:19].replace("T", " ") + "Z"
