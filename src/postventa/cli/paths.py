"""How `postventa simulate JOURNEY --all-paths` shows every way through a journey, and what nobody reaches."""

from __future__ import annotations

import json
from typing import Any

import typer

from postventa.core.journey import Ask, Branch, Journey
from postventa.project import Project
from postventa.testing.paths import Edge, Paths, Walk, walk_all
from postventa.testing.simulate import Plan
from postventa.testing.tongue import Tongue, tongue_of
from postventa.testing.wishes import usual_start
from postventa.web.telling import condition


def print_paths(project: Project, journey_id: str, plan: Plan, *, as_json: bool) -> None:
    """Walk every way and print them. Exit code 1 when a way cannot be walked."""
    found = walk_all(project, journey_id, usual_start(project), plan)
    t = tongue_of(project.settings.language)
    if as_json:
        typer.echo(json.dumps(_for_machines(found, t), ensure_ascii=False, indent=1))
    else:
        _print(found, t)
    if found.unreached:
        raise typer.Exit(1)


def shown(found: Paths) -> list[Edge]:
    """What nobody reaches, without the steps that lie on a way nobody takes."""
    ways = [edge for edge in found.unreached if edge.kind != "step"]
    dead = [path for edge in ways if (path := _below(found.journey, edge)) is not None]
    paths = {step.id: step.path for step in found.journey.steps}
    lone = [
        edge for edge in found.unreached
        if edge.kind == "step" and not any(paths[edge.step].startswith(path) for path in dead)
    ]  # fmt: skip
    hidden = {edge.step for edge in ways for path in dead if paths.get(edge.step, "").startswith(path)}
    return [edge for edge in ways if edge.step not in hidden] + lone


def _below(journey: Journey, edge: Edge) -> str | None:
    """Where in the file the steps of a way begin, as far as it has steps of its own."""
    step = next((one for one in journey.steps if one.id == edge.step), None)
    if step is None:
        return None
    target = None
    if isinstance(step, Branch):
        target = step.otherwise if edge.kind == "otherwise" else step.cases[int(edge.what) - 1][1]
    elif edge.kind == "timeout" and hasattr(step, "on_timeout"):
        target = step.on_timeout
    elif isinstance(step, Ask):
        target = step.then
    path = journey.steps[target].path if target is not None and 0 <= target < len(journey.steps) else ""
    return path.rpartition("/")[0] + "/" if path.startswith(step.path + "/") else None


# --- words ------------------------------------------------------------------------------------------------------------
def _print(found: Paths, t: Tongue) -> None:
    journey, missing = found.journey, shown(found)
    typer.secho(f"{journey.id}: {journey.title}" if journey.title else journey.id, bold=True)
    typer.echo("")
    for number, walk in enumerate(found.walks, 1):
        ways = " → ".join(filter(None, (label(edge, journey, t) for edge in walk.taken)))
        typer.echo(f"{number:>3}  {ways or t('straight on')}")
        mails = ", ".join(walk.mails) or t("no mail")
        typer.secho(f"     {t.count(walk.days, 'day', 'days')}: {mails}", dim=True)
    typer.echo("")
    if not missing:
        every = sum(edge.kind != "step" for edge in found.edges)
        typer.secho(
            t(
                "{people} walk every way ({ways}).",
                people=t.count(len(found.walks), "customer", "customers"),
                ways=every,
            ),
            fg="green",
        )
        return
    typer.secho(t("Nobody reaches:"), fg="yellow")
    for edge in missing:
        place = f"{journey.file}:{edge.line}" if edge.line else journey.file
        typer.echo(f"  {place}  {label(edge, journey, t) or edge.step}: {_reason(edge, found, t)}")


def label(edge: Edge, journey: Journey, t: Tongue) -> str:
    """A way in a few words; nothing for a step that is only passed."""
    step = next((one for one in journey.steps if one.id == edge.step), None)
    match edge.kind:
        case "case" if isinstance(step, Branch):
            return condition(step.cases[int(edge.what) - 1][0], t)
        case "otherwise":
            return t("otherwise")
        case "timeout":
            return t("{step} without an answer" if isinstance(step, Ask) else "{step} in vain", step=edge.step)
        case "answer":
            return t("{survey} answered", survey=edge.what)
        case "variant":
            return t("variant {name}", name=edge.what)
        case "exit_on":
            return t("exit by {event}", event=edge.what)
        case "event":
            return edge.what
    return ""


def _reason(edge: Edge, found: Paths, t: Tongue) -> str:
    taken = {one.step for walk in found.walks for one in walk.taken}
    if edge.step and edge.step not in taken:
        return t("nobody comes to this step")
    if edge in found.impossible:
        return t("no facts were found for which this case is the first that holds")
    return t("{count} customers were sent, and none took this way", count=found.tried)


def _for_machines(found: Paths, t: Tongue) -> dict[str, Any]:
    return {
        "journey": found.journey.id,
        "reached_everything": not found.unreached,
        "tried": found.tried,
        "paths": [_walk(walk, found.journey, t) for walk in found.walks],
        "unreached": [
            {"step": edge.step, "line": edge.line, "kind": edge.kind, "what": edge.what,
             "reason": _reason(edge, found, t)} for edge in shown(found)
        ],
    }  # fmt: skip


def _walk(walk: Walk, journey: Journey, t: Tongue) -> dict[str, Any]:
    ways = [text for edge in walk.taken if (text := label(edge, journey, t))]
    return {"ways": ways, "mails": list(walk.mails), "days": walk.days}
