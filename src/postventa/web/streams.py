"""Journeys as their pages show them: the steps as a tree in words, and how many people stand at each."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from postventa.core.journey import Branch, Catalog, Journey
from postventa.web.diagram import pictures
from postventa.web.flow import flow
from postventa.web.services import Services
from postventa.web.telling import condition, in_plain_words, on_words, verb
from postventa.web.tongue import ENGLISH, Tongue, tongue

Row = dict[str, Any]


async def journeys(services: Services) -> list[Row]:
    """Every journey of the live release, and those that people still stand in: one line each."""
    catalog, t = services.catalog(), tongue(services.language)
    counts = (await services.views.counts(services.now()))["runs"]
    inside = Counter[str]()
    for one in counts:
        inside[one["journey"]] += one["count"]
    paused = {pause.scope.partition(":")[2] for pause in await services.views.pauses() if pause.scope[:8] == "journey:"}
    rows = []
    for name in sorted({*catalog.live, *inside}):
        found = catalog.live.get(name)
        rows.append({
            "id": name, "title": found.title if found else "", "file": found.file if found else "",
            "subject": found.subject if found else "", "start": on_words(found.start.on, t) if found else "",
            "inside": inside[name], "live": found is not None, "paused": name in paused,
        })  # fmt: skip
    return rows


def drawn(services: Services, name: str, counts: Iterable[Row]) -> dict[str, str]:
    """The pictures of a journey, with the people who stand at each step."""
    catalog = services.catalog()
    found = catalog.live.get(name) or _older(catalog, name)
    if found is None:
        return {"wide": "", "narrow": ""}
    t = tongue(services.language)
    return pictures(flow(found, t, [one for one in counts if one["version"] == found.version]), t)


async def journey(services: Services, name: str) -> Row | None:
    """One journey: its steps with counts, its ended runs and goals. None when there is none of that name."""
    catalog, views, t = services.catalog(), services.views, tongue(services.language)
    found = catalog.live.get(name) or _older(catalog, name)
    if found is None:
        return None
    mine = [one for one in (await views.counts(services.now()))["runs"] if one["journey"] == name]
    here = [one for one in mine if one["version"] == found.version]
    ended = await views.ended_runs(name)
    goals, goal = await views.goals(name), found.goal
    return {
        "id": found.id, "title": found.title, "file": found.file, "version": found.version, "owner": found.owner,
        "subject": found.subject, "start": on_words(found.start.on, t), "live": name in catalog.live,
        "exit_on": sorted({event for on in found.exit_on for event in on.types}),
        "goal": t("{event} within {span}", event=on_words(goal.on, t), span=t.span(goal.within)) if goal else "",
        "inside": sum(one["count"] for one in mine), "standing": here, "steps": tree(found, here, t),
        "older": _by_version(mine, found.version), "goals": len(goals), "last_ended": ended[:50],
        "outcomes": dict(Counter(_outcome(one) for one in ended).most_common()),
    }  # fmt: skip


def _older(catalog: Catalog, name: str) -> Journey | None:
    return next((one for (journey_id, _), one in catalog.versions.items() if journey_id == name), None)


def _by_version(counts: Iterable[Row], live: str) -> dict[str, int]:
    found = Counter[str]()
    for one in counts:
        if one["version"] != live:
            found[one["version"]] += one["count"]
    return dict(found)


def _outcome(ended: Row) -> str:
    """The end in words, without the moment: `exited: order.cancelled`."""
    reason = str(ended.get("reason") or "").partition(" at 2")[0]
    return f"{ended['outcome']}: {reason}" if reason else str(ended["outcome"])


# --- the tree --------------------------------------------------------------------------------------------------------
def tree(found: Journey, counts: Iterable[Row], t: Tongue = ENGLISH) -> list[Row]:
    """Steps as nested rows. `below` holds the ways out of a step: their name, and the steps on each."""
    standing: dict[int, Counter[str]] = {}
    for one in counts:
        standing.setdefault(int(one["step"]), Counter())[one["stand"]] += one["count"]
    top: list[Row] = []
    rows: dict[str, Row] = {}
    for step in found.steps:
        stands = standing.get(step.index, Counter())
        row: Row = {
            "id": step.id, "index": step.index, "line": step.line, "does": in_plain_words(step, t), "verb": verb(step),
            "count": stands.total(), "stands": dict(stands), "below": {},
        }  # fmt: skip
        rows[step.path] = row
        parent, way = _parent(step.path, rows)
        (top if parent is None else parent["below"].setdefault(_way(way, found, parent, t), [])).append(row)
    return top


def _parent(path: str, rows: Mapping[str, Row]) -> tuple[Row | None, str]:
    """The step that this one stands under, and the way from it: `on_timeout`, `when/0`, `variants/coupon`."""
    parts = path.split("/")
    for cut in range(len(parts) - 2, 1, -1):
        if (above := rows.get("/".join(parts[:cut]))) is not None:
            return above, "/".join(parts[cut:-1])
    return None, ""


def _way(way: str, found: Journey, above: Row, t: Tongue) -> str:
    first, _, rest = way.partition("/")
    match first:
        case "when":
            branch = found.steps[above["index"]]
            cases = branch.cases if isinstance(branch, Branch) else ()
            known = rest.isdigit() and int(rest) < len(cases)
            return t("if {condition}", condition=condition(cases[int(rest)][0], t) if known else "…")
        case "on_timeout":
            return t("if it does not happen")
        case "variants":
            return t("variant {name}", name=rest)
        case "then":
            return t("on {event}", event=rest) if rest else t("then")
    return t(way.replace("_", " "))
