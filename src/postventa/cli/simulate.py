"""`postventa simulate JOURNEY`: one customer through a journey, on a virtual clock, with the reason of every step."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from postventa.cli.language import spoken
from postventa.core.values import as_time, time_text
from postventa.errors import ConfigError

if TYPE_CHECKING:
    from postventa.project import Project
    from postventa.testing.simulate import Plan, Simulation
    from postventa.testing.telling import Line, Told

_MARKS = {"event": "•", "follows": "•", "send": "✉", "skip": "✗", "defer": "…"}


def command(
    journey: Annotated[str, typer.Argument(help="The journey's name.", show_default=False)],
    project: Annotated[Path, typer.Option(metavar="DIR", help="The project's folder.")] = Path(),
    event: Annotated[
        list[str] | None, typer.Option(metavar="EVENT", help="This happens, too: order.cancelled, order.paid@'2 days'.")
    ] = None,
    set_: Annotated[
        list[str] | None, typer.Option("--set", metavar="FACT=VALUE", help="Told otherwise: order.total=80.")
    ] = None,
    never: Annotated[list[str] | None, typer.Option(metavar="EVENT", help="This never happens.")] = None,
    events: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Play these events instead, one JSON object per line.")
    ] = None,
    customer: Annotated[str, typer.Option(metavar="ID", help="Whose events of --events.")] = "",
    start: Annotated[str, typer.Option("--at", metavar="TIME", help="When it begins.")] = "",
    until: Annotated[str, typer.Option(metavar="TIME", help="How far to look.")] = "",
    everything: Annotated[bool, typer.Option("--everything", help="Show the other journeys' lines, too.")] = False,
    mails: Annotated[Path | None, typer.Option(metavar="DIR", help="Write every mail into this folder.")] = None,
    open_: Annotated[bool, typer.Option("--open", help="Show the mails in the browser.")] = False,
    all_paths: Annotated[bool, typer.Option("--all-paths", help="Walk every branch; say what nobody reaches.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False,
) -> None:
    """Take one made-up customer through a journey: what is sent, when, and why. Nothing is sent, nothing is stored.

    Whatever the journey waits for happens at a sensible time, unless you say otherwise. The other journeys run beside
    it, as they would; --everything shows their lines.
    """
    from postventa.project import Project

    with spoken(project):
        loaded = Project.load(project).require_sound()
        _known(loaded, journey)
        if all_paths:
            from postventa.cli.paths import print_paths
            from postventa.testing.wishes import plan_of

            print_paths(loaded, journey, plan_of(loaded, event or [], set_ or [], never or []), as_json=as_json)
            return
        told = _played(loaded, journey, event or [], set_ or [], never or [], events, customer, start, until)
    shown = [line for line in told.lines() if everything or line.journey in {"", journey}]
    folder = _write_mails(told, mails, open_=open_)
    if as_json:
        typer.echo(json.dumps(_for_machines(told, shown, folder), ensure_ascii=False, indent=1))
    else:
        _print(told, shown, folder, everything=everything)


def _known(project: Project, journey: str) -> None:
    from postventa.source.nearest import suggest

    if journey not in project.journeys:
        mend = suggest(journey, sorted(project.journeys), "journeys")
        raise ConfigError(f"no journey is called '{journey}'", mend=mend)


def _played(
    project: Project, journey: str, event: list[str], told: list[str], never: list[str], events: Path | None,
    customer: str, start: str, until: str,
) -> Told:  # fmt: skip
    from postventa.testing.simulate import simulate
    from postventa.testing.telling import Told
    from postventa.testing.tongue import tongue_of
    from postventa.testing.wishes import plan_of, start_of, usual_start

    end = start_of(until, project, "--until") if until else None
    simulation: Simulation
    if events is not None:
        from postventa.testing.recorded import play_file

        simulation = play_file(project, journey, events, customer, end)
    else:
        begin = start_of(start, project, "--at") if start else usual_start(project)
        plan: Plan = plan_of(project, event, told, never)
        simulation = simulate(project, journey, plan, begin, until=end)
    return Told(simulation, tongue_of(project.settings.language))


# --- mails ------------------------------------------------------------------------------------------------------------
def _write_mails(told: Told, folder: Path | None, *, open_: bool) -> Path | None:
    if folder is None and not open_:
        return None
    from postventa.testing.folder import write_mails

    if folder is None:
        import tempfile

        folder = Path(tempfile.mkdtemp(prefix="postventa-"))
    index = write_mails(told, folder)
    if open_:
        import webbrowser

        webbrowser.open(index.resolve().as_uri())
    return folder


# --- words ------------------------------------------------------------------------------------------------------------
def _for_machines(told: Told, shown: list[Line], folder: Path | None) -> dict[str, Any]:
    simulation = told.simulation
    return {
        "journey": simulation.journey.id,
        "customer": told.player.customer,
        "timezone": str(told.local(simulation.start).tzinfo),
        "start": time_text(simulation.start),
        "end": time_text(simulation.end),
        "timeline": [{**line.to_json(), "local": told.local(line.at).isoformat()} for line in shown],
        "made_up": simulation.made_up,
        "standing": standing(told),
        "mails": str(folder) if folder is not None else None,
    }


def standing(told: Told) -> list[dict[str, str | None]]:
    """Where the journey's runs stand at the end."""
    found: list[dict[str, str | None]] = []
    for run in told.player.runs:
        if run.journey == told.simulation.journey.id:
            due = time_text(run.stand.due_at) if run.stand.due_at else None
            found.append({"step": told.simulation.journey.steps[run.step].id, "stands": run.stand.kind, "due_at": due})
    return found


def _print(told: Told, shown: list[Line], folder: Path | None, *, everything: bool) -> None:
    t, journey = told.t, told.simulation.journey
    typer.secho(f"{journey.id}: {journey.title}" if journey.title else journey.id, bold=True)
    zone = str(told.local(told.simulation.start).tzinfo)
    typer.echo(f"{t('one customer')} · {zone}")
    day = ""
    width = max((len(line.text) for line in shown), default=0)
    for line in shown:
        local = told.local(line.at)
        if (today := t.short_day(local)) != day:
            day = today
            typer.secho(f"\n{day}", bold=True)
        _print_line(line, f"{local:%H:%M}", min(width, 76), journey.id)
    _print_end(told, shown, folder, everything=everything)


def _print_line(line: Line, clock: str, width: int, journey: str) -> None:
    other = f"{line.journey}: " if line.journey not in {"", journey} else ""
    aside = line.place or line.reason
    left = f"  {clock}  {_MARKS.get(line.kind, ' ')} {other}{line.text}"
    styled = typer.style(f"{left:<{width + 12}}", bold=line.kind == "send") + "  " + typer.style(aside, dim=True)
    typer.echo(styled.rstrip())


def _print_end(told: Told, shown: list[Line], folder: Path | None, *, everything: bool) -> None:
    t = told.t
    mine = sum(line.kind == "send" for line in shown)
    others = sum(line.kind == "send" for line in told.lines()) - mine
    typer.echo("")
    if not any(line.kind == "start" and line.journey == told.simulation.journey.id for line in shown):
        typer.secho(t("Nobody started this journey."), fg="yellow")
    for one in standing(told):
        due = as_time(one["due_at"])
        when = t.short_day(told.local(due)) if due is not None else t("no date")
        typer.echo(t("Still at {step} at the end ({when}).", step=one["step"], when=when))
    typer.echo(t.count(mine, "mail", "mails"))
    if others and not everything:
        typer.echo(t("The other journeys sent {count} more to this customer: --everything shows them.", count=others))
    for mail in told.player.mails:
        if mail.failed:
            typer.secho(f"{mail.row.message}: {mail.failed}", fg="red")
    if folder is not None:
        typer.echo(t("The mails are in {folder}: open index.html.", folder=folder))
