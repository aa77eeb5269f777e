"""`postventa messages uncertain list | resend | drop`: mails of which nobody knows whether they left."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from postventa.cli.acting import All, AsJson, Folder, act, chosen, listed, table, tell
from postventa.cli.control import who
from postventa.core.values import time_text
from postventa.store.base import OutboxRecord, Store

MANY = 100_000
NONE = "No mail is uncertain."

command = typer.Typer(no_args_is_help=True)
uncertain = typer.Typer(no_args_is_help=True)
command.add_typer(uncertain, name="uncertain", help="Mails that may have left: list them, send again, or leave them.")

Ids = Annotated[list[str] | None, typer.Argument(metavar="[ID]...", help="Their ids, see 'list'.")]
Reason = Annotated[str, typer.Option("--reason", help="Why, for the audit.")]


@uncertain.command("list")
def list_(
    project: Folder = Path(),
    limit: Annotated[int, typer.Option(help="At most so many, the oldest.")] = 200,
    as_json: AsJson = False,
) -> None:
    """Which they are, to whom, and what the mail server said last."""
    rows = [_row(one) for one in _uncertain(project, limit)]
    table(rows, ("id", "at", "message", "to", "customer", "detail"), as_json, NONE)


@uncertain.command()
def resend(
    ids: Ids = None, everything: All = False, reason: Reason = "", project: Folder = Path(), as_json: AsJson = False
) -> None:
    """Send once more under the same Message-ID: many mail programs show it once. Not to who objected meanwhile."""
    named = chosen(ids or [], everything, lambda: _all(project), "postventa messages uncertain resend ID")
    told = act(project, "/v1/messages/resend", "ids", named, {"reason": reason},
               lambda to, part: to.resend(part, who(), reason))  # fmt: skip
    tell(told, as_json, NONE)


@uncertain.command()
def drop(
    ids: Ids = None, everything: All = False, reason: Reason = "", project: Folder = Path(), as_json: AsJson = False
) -> None:
    """Leave them as they are: nothing is sent again, nobody is asked again."""
    named = chosen(ids or [], everything, lambda: _all(project), "postventa messages uncertain drop ID")
    told = act(project, "/v1/messages/drop", "ids", named, {"reason": reason},
               lambda to, part: to.drop(part, who(), reason))  # fmt: skip
    tell(told, as_json, NONE)


def _uncertain(project: Path, limit: int) -> list[OutboxRecord]:
    async def look(store: Store) -> list[OutboxRecord]:
        return await store.views.uncertain(limit)

    found: list[OutboxRecord] = listed(project, look)
    return found


def _all(project: Path) -> list[str]:
    return [one.effect_id for one in _uncertain(project, MANY)]


def _row(one: OutboxRecord) -> dict[str, Any]:
    return {
        "id": one.effect_id, "at": time_text(one.intent_at or one.created_at), "message": one.message,
        "to": one.address, "customer": one.customer_id, "detail": one.detail,
    }  # fmt: skip
