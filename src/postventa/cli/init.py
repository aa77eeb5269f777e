"""`postventa init DIR`: a new project that already works, and the next three commands."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Annotated

import typer

from postventa import starter

_GITIGNORE = """\
# what a running engine writes beside the project
.postventa/
*.db
*.db-shm
*.db-wal
.env
__pycache__/
"""

_README = """\
# {name}

What our customers receive after they buy, and when. Made with postventa.

    postventa run --dev --demo    sample customers move through the journeys, time runs fast, no mail leaves
    postventa validate            every problem of every file, with its line
    postventa simulate after-purchase --open    one customer through a journey: what is sent, when, and why
    postventa test                the scenarios in tests/: what has to happen, and nothing else
    postventa backtest --events EVENTS.jsonl    who would have got what, and when

| folder or file | what it is | who edits it |
|---|---|---|
| `journeys/` | one timeline per file: what is sent, when, and what ends it | marketing |
| `templates/` | the mails and pages, one folder per message, one file per language | marketing |
| `surveys/` | the questions and their scales | marketing |
| `tests/` | what has to come of a customer's story: played by `postventa test` | marketing |
| `loyalty.yaml`, `brand.yaml`, `products.csv` | rewards; name and promises; the catalogue | marketing |
| `agents/` | one short file per stream: how a platform's record becomes an event | engineers |
| `schemas/` | the event contract; own event types go to `schemas/events/` | engineers |
| `postventa.yaml` | the settings: languages, time zone, sending hours, limits, mail server | operators |
"""


def command(
    directory: Annotated[Path, typer.Argument(metavar="DIR", help="A new or an empty folder.", show_default=False)],
) -> None:
    """Make a new project: journeys, templates and settings that already work."""
    written = starter.copy_to(directory)
    (directory / ".gitignore").write_text(_GITIGNORE, encoding="utf-8")
    (directory / "README.md").write_text(_README.format(name=directory.resolve().name), encoding="utf-8")
    journeys = sum(path.is_relative_to(directory / "journeys") for path in written)
    typer.echo(f"Made {directory}: {journeys} journeys and {len(written) + 2} files in all. Next:\n")
    typer.echo(f"  cd {shlex.quote(str(directory))}")
    typer.echo("  postventa run --dev --demo    # sample customers, time runs fast, no mail leaves this machine")
    typer.echo("  postventa validate            # after a change: every problem, with its line")
    typer.echo("  postventa test                # and whether what has to happen still does")
