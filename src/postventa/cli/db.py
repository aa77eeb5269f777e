"""`postventa db upgrade | status`: the tables in PostgreSQL, made and kept up to date by numbered migrations."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Annotated

import typer

from postventa.cli.reach import settings_of
from postventa.errors import ConfigError
from postventa.settings import StoreForm, secret

command = typer.Typer(no_args_is_help=True)

Folder = Annotated[Path, typer.Option("--project", metavar="DIR", help="The project's folder.")]
Env = Annotated[
    str | None,
    typer.Option(metavar="NAME", help="Another environment variable with the address: that of the tables' owner."),
]


@command.command()
def upgrade(project: Folder = Path(), env: Env = None) -> None:
    """Make the tables, or bring them up to date. Safe to call from several places at once."""
    from postventa.store import postgres

    form, address = _named(project, env)
    applied = asyncio.run(postgres.upgrade(address, form.postgres_schema))
    for name in applied:
        typer.echo(f"applied {name}")
    told = asyncio.run(postgres.schema_status(address, form.postgres_schema))
    typer.echo(f"{told.where} is up to date (schema {told.number})")


@command.command()
def status(
    project: Folder = Path(),
    env: Env = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False,
) -> None:
    """What the database has and lacks. Exit code 1 when a migration is missing."""
    from postventa.store import postgres

    form, address = _named(project, env)
    told = asyncio.run(postgres.schema_status(address, form.postgres_schema))
    if as_json:
        missing = [name for _, name in told.missing]
        plain = {"where": told.where, "server": told.server, "schema": told.number, "missing": missing}
        typer.echo(json.dumps(plain, ensure_ascii=False))
    else:
        typer.echo(f"{told.where}\n  server   PostgreSQL {told.server}")
        for _, name, when in told.applied:
            typer.echo(f"  applied  {name}  {when}")
        for _, name in told.missing:
            typer.echo(f"  missing  {name}  (postventa db upgrade)")
    if told.missing:
        raise typer.Exit(1)


def _named(project: Path, env: str | None) -> tuple[StoreForm, str]:
    """The project's store settings and the address. ConfigError where PostgreSQL is not what they name."""
    form = settings_of(project).store
    address = secret(env or form.postgres_env)
    if address is None:
        raise ConfigError(
            "this project keeps its state in a SQLite file, which the engine makes and upgrades by itself",
            where="postventa.yaml: store",
            mend="for PostgreSQL: 'store: {postgres_env: DATABASE_URL}', and set that variable to its address",
        )
    return form, address
