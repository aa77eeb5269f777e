"""`postventa runs parked list | retry | end`, `postventa runs cancel`: runs that stand still, and runs to be ended."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from postventa.cli.acting import All, AsJson, Folder, Reason, act, chosen, listed, table, tell
from postventa.cli.control import who
from postventa.errors import ConfigError
from postventa.store.base import Store

MANY = 100_000
NONE = "No run is parked."

command = typer.Typer(no_args_is_help=True)
parked = typer.Typer(no_args_is_help=True)
command.add_typer(parked, name="parked", help="Runs that failed: list them, let them try again, or end them.")

Ids = Annotated[list[str] | None, typer.Argument(metavar="[RUN]...", help="Their ids, see 'list'.")]
Journey = Annotated[str, typer.Option(metavar="ID", help="Only those of this journey.")]


@parked.command("list")
def list_(project: Folder = Path(), journey: Journey = "", as_json: AsJson = False) -> None:
    """Which they are, whose, and what failed."""
    columns = ("run_id", "since", "journey", "subject", "customer_id", "reason")
    table(_parked(project, journey), columns, as_json, NONE)


@parked.command()
def retry(
    runs: Ids = None, everything: All = False, journey: Journey = "", project: Folder = Path(), as_json: AsJson = False
) -> None:
    """Try the step at which they failed once more, then what came meanwhile. Mend the journey and publish first."""
    pairs = _pairs(project, runs or [], everything, journey)
    told = act(project, "/v1/runs/retry", "runs", pairs, {}, lambda to, part: to.retry(part, who()))
    tell(told, as_json, NONE)


@parked.command()
def end(
    reason: Reason,
    runs: Ids = None,
    everything: All = False,
    journey: Journey = "",
    project: Folder = Path(),
    as_json: AsJson = False,
) -> None:
    """End them where they stand: nothing more is sent by them."""
    pairs = _pairs(project, runs or [], everything, journey)
    told = act(project, "/v1/runs/end", "runs", pairs, {"reason": reason},
               lambda to, part: to.end(part, who(), reason))  # fmt: skip
    tell(told, as_json, NONE)


@command.command()
def cancel(
    whose: Annotated[str, typer.Argument(metavar="WHO", help="Customer id, address, order id or order number.")],
    reason: Reason,
    journey: Annotated[str | None, typer.Option(metavar="ID", help="Only runs of this journey.")] = None,
    run: Annotated[str | None, typer.Option(metavar="RUN", help="Only this run.")] = None,
    project: Folder = Path(),
    as_json: AsJson = False,
) -> None:
    """End a customer's runs: what they had on its way is withdrawn. Where several are under way, say which."""

    async def look(store: Store) -> list[dict[str, Any]]:
        return await _runs_of(store, whose)

    found = [one for one in listed(project, look) if journey in {None, one["journey"]} and run in {None, one["run_id"]}]
    if not found:
        raise ConfigError(f"no such run of {whose!r} is under way", mend=f"postventa why {whose}")
    if len(found) > 1 and journey is None and run is None:
        table(found, ("run_id", "journey", "subject", "customer_id"), False, "")
        raise ConfigError(f"{len(found)} runs are under way", mend="name one: --run RUN, or --journey ID")
    pairs = [(one["customer_id"], one["run_id"]) for one in found]
    told = act(project, "/v1/runs/end", "runs", pairs, {"reason": reason},
               lambda to, part: to.end(part, who(), reason))  # fmt: skip
    tell(told, as_json, "")


async def _runs_of(store: Store, whose: str) -> list[dict[str, Any]]:
    states = [await store.views.customer(customer) for customer in await store.views.find_customer(whose)]
    return [
        {"run_id": one.run_id, "journey": one.journey, "subject": list(one.subject), "customer_id": state.customer_id}
        for state in states
        if state is not None
        for one in state.runs.values()
    ]


def _parked(project: Path, journey: str) -> list[dict[str, Any]]:
    async def look(store: Store) -> list[dict[str, Any]]:
        return await store.views.parked(MANY)

    return [one for one in listed(project, look) if journey in {"", one["journey"]}]


def _pairs(project: Path, named: list[str], everything: bool, journey: str) -> list[tuple[str, str]]:
    """(customer, run) of the parked runs that were meant."""
    known = {one["run_id"]: (one["customer_id"], one["run_id"]) for one in _parked(project, journey)}
    ids = chosen(named, everything, lambda: list(known), "postventa runs parked list")
    unknown = [one for one in ids if one not in known]
    if unknown:
        raise ConfigError(f"no parked run is called {', '.join(unknown)}", mend="postventa runs parked list")
    return [known[one] for one in ids]
