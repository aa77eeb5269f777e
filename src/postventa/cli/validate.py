"""`postventa validate`: every problem of every file of the project at once, each with its line and a repair."""

from __future__ import annotations

import json
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from postventa.project import Project
    from postventa.source.problem import Problem


class Form(StrEnum):
    """How the problems are printed."""

    text = "text"
    json = "json"
    github = "github"


def command(
    project: Annotated[Path, typer.Option(help="The project's folder.")] = Path(),
    form: Annotated[Form, typer.Option("--format", help="For people, machines, or GitHub's annotations.")] = Form.text,
    as_json: Annotated[bool, typer.Option("--json", help="The same as --format json.")] = False,
    strict: Annotated[bool, typer.Option(help="Warnings count as errors.")] = False,
    explain: Annotated[str, typer.Option(metavar="CODE", help="Say what a code such as J104 means.")] = "",
) -> None:
    """Check every file of the project; all problems at once, each with its line."""
    if explain:
        typer.echo(_meaning(explain))
        return
    from postventa.project import Project

    loaded = Project.load(project)
    if as_json or form is Form.json:
        typer.echo(json.dumps(_for_machines(loaded), ensure_ascii=False, indent=2))
    elif form is Form.github:
        for problem in loaded.problems:
            typer.echo(_annotation(problem))
    else:
        typer.echo("\n\n".join(part for part in (loaded.report(), _summary(loaded)) if part))
    if loaded.errors or (strict and loaded.problems):
        raise typer.Exit(1)


def _summary(project: Project) -> str:
    """The last line: what was read, or how much is wrong."""
    wrong, warned = len(project.errors), len(project.problems) - len(project.errors)
    read = f"{_many(len(project.journeys), 'journey')}, {_many(len(list(project.messages)), 'message')}, "
    read += _many(len(project.surveys), "survey")
    if not wrong:
        return f"{read}: no errors" + (f", {_many(warned, 'warning')}" if warned else "")
    return f"{_many(wrong, 'error')}, {_many(warned, 'warning')}; `postventa validate --explain CODE` says more"


def _for_machines(project: Project) -> dict[str, object]:
    return {
        "ok": not project.errors,
        "release": project.hash,
        "journeys": sorted(project.journeys),
        "problems": [problem.to_json() for problem in project.problems],
    }


def _annotation(problem: Problem) -> str:
    """GitHub's workflow command; its own signs are escaped."""
    place = f"file={problem.file},line={max(problem.line, 1)},col={max(problem.column, 1)},title={problem.code}"
    text = f"{problem.message}. {problem.help}" if problem.help else problem.message
    for sign, escaped in (("%", "%25"), ("\r", "%0D"), ("\n", "%0A")):
        text = text.replace(sign, escaped)
    return f"::{problem.severity} {place}::{text}"


def _meaning(code: str) -> str:
    from postventa import settings
    from postventa.errors import ConfigError
    from postventa.journeys.codes import CODES
    from postventa.source.nearest import suggest

    known = {**CODES, **settings.CODES}
    text = known.get(code.upper())
    if text is None:
        raise ConfigError(f"no code is called '{code}'", mend=suggest(code.upper(), known, "codes", 60))
    return f"{code.upper()}  {text}"


def _many(count: int, what: str) -> str:
    return f"{count} {what}{'' if count == 1 else 's'}"
