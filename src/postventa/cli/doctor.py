"""`postventa doctor`: is everything there that the engine needs? One line each, with the repair."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

_SIGNS = {"ok": "ok  ", "warn": "warn", "fail": "FAIL"}


def command(
    project: Annotated[Path, typer.Option(metavar="DIR", help="The project's folder.")] = Path(),
    as_json: Annotated[bool, typer.Option("--json", help="For machines.")] = False,
) -> None:
    """Check Python, project, settings, keys, database, mail server and clock; say how to mend each."""
    import asyncio

    from postventa.cli.checks import examine

    findings = asyncio.run(examine(project))
    if as_json:
        typer.echo(json.dumps([finding._asdict() for finding in findings], ensure_ascii=False, indent=2))
    else:
        for finding in findings:
            typer.echo(f"{_SIGNS[finding.result]}  {finding.what:<10} {finding.says}")
            if finding.mend and finding.result != "ok":
                typer.echo(f"{'':>16} → {finding.mend}")
    raise typer.Exit(1 if any(finding.result == "fail" for finding in findings) else 0)
