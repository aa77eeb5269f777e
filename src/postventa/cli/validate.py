"""`postventa validate`: every problem of every file of the project at once, each with its line and a repair."""

from __future__ import annotations

import json
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from postventa.cli.language import language_of

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
    explain: Annotated[str, typer.Option(metavar="CODE", help="The same as: postventa explain CODE.")] = "",
) -> None:
    """Check every file of the project; all problems at once, each with its line."""
    language = language_of(project)
    if explain:
        from postventa.cli.explain import explained

        typer.echo(explained(explain, language))
        return
    loaded, problems = _checked(project)
    problems = [problem.told(language) for problem in problems]
    if as_json or form is Form.json:
        typer.echo(json.dumps(_for_machines(loaded, problems), ensure_ascii=False, indent=2))
    elif form is Form.github:
        for problem in problems:
            typer.echo(_annotation(problem))
    else:
        typer.echo(_for_people(loaded, problems, language))
    if any(strict or problem.severity == "error" for problem in problems):
        raise typer.Exit(1)


def _checked(folder: Path) -> tuple[Project, list[Problem]]:
    """The project and everything that is wrong with it, its agents and the people inside included."""
    from postventa.cli.inside import removed_steps
    from postventa.cli.progress import progress
    from postventa.project import Project
    from postventa.source.problem import in_order

    with progress("checking", language_of(folder)) as tell:
        loaded = Project.load(folder, with_agents=True, tell=tell)
    return loaded, in_order([*loaded.problems, *removed_steps(folder, loaded)])


def _for_people(project: Project, problems: list[Problem], language: str) -> str:
    """Every problem with its line, then what was read, or how much is wrong."""
    from postventa.source.language import told
    from postventa.source.problem import report

    wrong = sum(problem.severity == "error" for problem in problems)
    warned = len(problems) - wrong
    warnings = _many(warned, "warning")
    if wrong:
        said = f"{_many(wrong, 'error')}, {warnings}; `postventa explain CODE` says more"
    else:
        read = f"{_many(len(project.journeys), 'journey')}, {_many(len(list(project.messages)), 'message')}"
        said = f"{read}, {_many(len(project.surveys), 'survey')}: no errors" + (f", {warnings}" if warned else "")
    shown = report(problems, project.sources(), told("warning", language))
    return "\n\n".join(part for part in (shown, told(said, language)) if part)


def _for_machines(project: Project, problems: list[Problem]) -> dict[str, object]:
    return {
        "ok": not any(problem.severity == "error" for problem in problems),
        "release": project.hash,
        "journeys": sorted(project.journeys),
        "problems": [problem.to_json() for problem in problems],
    }


def _annotation(problem: Problem) -> str:
    """GitHub's workflow command; its own signs are escaped."""
    place = f"file={problem.file},line={max(problem.line, 1)},col={max(problem.column, 1)},title={problem.code}"
    text = f"{problem.message}. {problem.mend}" if problem.mend else problem.message
    for sign, escaped in (("%", "%25"), ("\r", "%0D"), ("\n", "%0A")):
        text = text.replace(sign, escaped)
    return f"::{problem.severity} {place}::{text}"


def _many(count: int, what: str) -> str:
    return f"{count} {what}{'' if count == 1 else 's'}"
