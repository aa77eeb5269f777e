"""`postventa diagram JOURNEY`: a journey as a picture for a wall, a page, or text that GitHub draws."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from postventa.core.journey import Journey
    from postventa.project import Project


class Format(StrEnum):
    """What the file is."""

    html = "html"
    svg = "svg"
    mermaid = "mermaid"


def command(
    journey: Annotated[str, typer.Argument(help="The journey's name: its file in journeys/, without .yaml.")],
    form: Annotated[Format, typer.Option("--format", help="A page, a picture, or Mermaid text.")] = Format.html,
    out: Annotated[Path | None, typer.Option(metavar="FILE", help="Where to write it; default: print it.")] = None,
    project: Annotated[Path, typer.Option(metavar="DIR", help="The project's folder.")] = Path(),
    open_: Annotated[bool, typer.Option("--open", help="Open the page in the browser.")] = False,
) -> None:
    """Draw a journey from its file: every step, every way, and the same in words."""
    from postventa.project import Project
    from postventa.web.diagram import diagram
    from postventa.web.flow import flow
    from postventa.web.tongue import tongue

    loaded = Project.load(project)
    found = _named(loaded, journey)
    t = tongue(loaded.settings.language)
    text = diagram(flow(found, t), form.value, loaded.brand, t)
    if open_ and out is None:
        import tempfile

        out = Path(tempfile.gettempdir()) / f"postventa-{found.id}.{form.value.replace('mermaid', 'mmd')}"
    if out is None:
        typer.echo(text, nl=False)
        return
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(text, encoding="utf-8")
    typer.echo(t("{file} written", file=out), err=True)
    if open_:
        import webbrowser

        webbrowser.open(out.resolve().as_uri())


def _named(project: Project, name: str) -> Journey:
    """The journey of that name. JourneyError with its mistakes, where it has some; else ConfigError."""
    from postventa.errors import ConfigError, JourneyError
    from postventa.source.nearest import suggest

    found = project.journeys.get(name)
    if found is not None:
        return found
    files = {f"journeys/{name}.yaml", name}
    if wrong := [one for one in project.errors if one.file in files or one.file.endswith(f"/{name}.yaml")]:
        raise JourneyError(wrong, where=wrong[0].file, mend="postventa validate")
    raise ConfigError(f"there is no journey {name!r}", "journeys/", suggest(name, project.journeys, "there are"))
