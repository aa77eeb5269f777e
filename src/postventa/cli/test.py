"""`postventa test`: the scenarios in tests/*.yaml: a customer's story, and what has to come of it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from postventa.cli.language import spoken
from postventa.errors import ConfigError

if TYPE_CHECKING:
    from postventa.project import Project
    from postventa.source.problem import Problem
    from postventa.testing.scenario import Row, Verdict
    from postventa.testing.tongue import Tongue

FOLDER = "tests"


def command(
    files: Annotated[
        list[Path] | None, typer.Argument(metavar="[FILE]...", help="Scenarios; default: all of tests/.")
    ] = None,
    project: Annotated[Path, typer.Option(metavar="DIR", help="The project's folder.")] = Path(),
    junit: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write the results for a build server, too.")
    ] = None,
) -> None:
    """Play every scenario of tests/*.yaml through the journeys, and show where it went otherwise than expected.

    Exit code 0: all as expected, 1: something is not, or a file has a mistake, 2: nothing to run.
    """
    from postventa.project import Project
    from postventa.source.problem import report
    from postventa.testing.tongue import tongue_of

    found = files or sorted((project / FOLDER).glob("*.yaml"))
    if not found:
        mend = "write one: test, given, expect (docs/testing.md)"
        with spoken(project):
            raise ConfigError("there are no scenarios", where=str(project / FOLDER), mend=mend)
    loaded = Project.load(project).require_sound()
    t = tongue_of(loaded.settings.language)
    verdicts, problems, sources = _run(loaded, project, found)
    for verdict in verdicts:
        _print(verdict, t)
    if problems:
        from postventa.source.language import told

        language = loaded.settings.language
        typer.echo(report([one.told(language) for one in problems], sources, told("warning", language)))
    _print_sum(verdicts, problems, t)
    if junit is not None:
        from postventa.testing.junit import junit_xml

        junit.write_text(junit_xml(verdicts, problems, t), encoding="utf-8")
    if problems or not all(one.passed for one in verdicts):
        raise typer.Exit(1)


def _run(loaded: Project, project: Path, files: list[Path]) -> tuple[list[Verdict], list[Problem], dict[str, str]]:
    from postventa.testing.scenario import run
    from postventa.testing.scenario_form import read_scenario

    verdicts: list[Verdict] = []
    problems: list[Problem] = []
    sources: dict[str, str] = {}
    for file in files:
        name = file.relative_to(project).as_posix() if file.is_relative_to(project) else file.as_posix()
        raw = file.read_bytes()
        sources[name] = raw.decode("utf-8", "replace")
        sheet, wrong = read_scenario(name, raw, loaded)
        outcome = run(loaded, sheet) if sheet is not None else wrong
        if isinstance(outcome, list):
            problems += outcome
        else:
            verdicts.append(outcome)
    return verdicts, problems, sources


# --- words ------------------------------------------------------------------------------------------------------------
def _print(verdict: Verdict, t: Tongue) -> None:
    if verdict.passed:
        typer.echo(typer.style("✓", fg="green") + f" {verdict.file}  {verdict.title}")
        return
    typer.echo(typer.style("✗", fg="red", bold=True) + f" {verdict.file}:{verdict.line}  {verdict.title}")
    for row in verdict.rows:
        colour = {"-": "red", "+": "green"}.get(row.sign)
        typer.secho(f"    {described(row, t)}".rstrip(), fg=colour, dim=row.sign == " ")
    typer.echo("")


def described(row: Row, t: Tongue) -> str:
    """`- Thu 5 Mar 10:00  send how-was-delivery   tests/one.yaml:14`."""
    when = t.moment(row.at) if row.at is not None else t("at the end") if row.kind == "points" else t("at any time")
    more = f"  ({row.more})" if row.more else ""
    return f"{row.sign} {when:<16}  {row.kind + ' ' + row.what + more:<52}  {row.place}"


def _print_sum(verdicts: list[Verdict], problems: list[Problem], t: Tongue) -> None:
    passed = sum(one.passed for one in verdicts)
    parts = [t("{count} as expected", count=passed)]
    if failed := len(verdicts) - passed:
        parts.append(t("{count} not", count=failed))
        typer.secho(t("- was expected and did not happen, + happened and was not expected"), dim=True)
    if problems:
        parts.append(t("{count} with mistakes in the file", count=len({one.file for one in problems})))
    typer.echo(", ".join(parts))
