"""`postventa results`: what journeys brought, from the database, beside a running engine or without one."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Annotated

import typer

from postventa.cli.reach import reading, settings_of
from postventa.cli.tables import below, show, table
from postventa.engine.release import Releases
from postventa.engine.results import ExperimentFigures, Results, results
from postventa.errors import ConfigError
from postventa.source.nearest import suggest
from postventa.web.results import money, not_sent, outcome_words, plain, share, verdict_words
from postventa.web.tongue import Tongue, tongue


def command(
    journey: Annotated[str | None, typer.Argument(metavar="[JOURNEY]", help="One journey, with everything.")] = None,
    project: Annotated[Path, typer.Option(metavar="DIR", help="The project's folder.")] = Path(),
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object per journey.")] = False,
) -> None:
    """Show what journeys brought: entered, sent, skipped and why, goals and their value, experiments with their odds.

    No winner of an experiment is named before the size its file plans (`size:`), and none from an uneven split.
    """
    found = asyncio.run(_results(project, journey))
    t = tongue(settings_of(project).language)
    if as_json:
        for one in found:
            typer.echo(json.dumps(plain(one), ensure_ascii=False))
    elif journey is None:
        _print_all(found, t)
    else:
        _print_one(found[0], t)


async def _results(project: Path, journey: str | None) -> list[Results]:
    async with reading(project) as store:
        catalog = (await Releases(store).live()).catalog
        known = sorted({*catalog.live, *(name for name, _ in catalog.versions)})
        asked = known if journey is None else [journey]
        found = [await results(store.views, catalog, name) for name in asked]
        told = [one for one in found if one is not None]
        if journey is not None and not told:
            raise ConfigError(f"no journey '{journey}' was ever published", mend=suggest(journey, known, "journeys"))
        return told


# --- words ------------------------------------------------------------------------------------------------------------
def _print_all(found: list[Results], t: Tongue) -> None:
    if not found:
        typer.echo(t("No journey is published yet: postventa publish."))
        return
    numbers = ("entered", "inside", "mails sent", "skipped", "goals reached", "worth")
    made = table(t("What it brought"), [t("journey")], [t(name) for name in numbers])
    for one in found:
        sent = sum(message.sent for message in one.messages)
        skipped = sum(sum(message.skipped.values()) for message in one.messages)
        goals = (str(one.goals.reached), f"{money(one.goals.total)} {one.currency}") if one.goal else ("–", "–")
        made.add_row(one.journey, str(one.entered), str(one.inside), str(sent), str(skipped), *goals)
    show(made)


def _print_one(one: Results, t: Tongue) -> None:
    typer.echo(f"{one.journey}: {one.title}")
    typer.echo(f"  {t('{count} entered, {inside} inside now', count=one.entered, inside=one.inside)}")
    for ended, count in one.ended.items():
        typer.echo(f"  {count:>7}  {outcome_words(ended, t)}")
    for reason, count in one.refused.items():
        typer.echo(f"  {count:>7}  {t('did not begin')}: {t.reason(reason)}")
    if one.goal:
        text = "{count} goals ({events}) by {people} customers, worth {total} {currency}"
        goals, total = one.goals, money(one.goals.total)
        told = t(text, count=goals.reached, events=one.goal, people=goals.customers, total=total, currency=one.currency)
        typer.echo(f"  {told}")
    _print_messages(one, t)
    for experiment in one.experiments:
        _print_experiment(experiment, t)


def _print_messages(one: Results, t: Tongue) -> None:
    made = table("", [t("message")], [t("sent"), t("skipped")])
    for message in one.messages:
        made.add_row(message.message, str(message.sent), str(sum(message.skipped.values()) or ""))
        for words, count in not_sent(message, t):
            made.add_row(below(words, 1), "", str(count), style="dim")
    show(made)


def _print_experiment(one: ExperimentFigures, t: Tongue) -> None:
    numbers = [t("customers"), t("by its weight"), t("reached {what}", what=t(one.measure)), t("rate"), t("interval")]
    made = table(t("Experiment {name}", name=one.name), [t("variant")], numbers)
    for arm in one.variants:
        rates = (share(arm.rate, t), f"{share(arm.low, t)} – {share(arm.high, t)}") if arm.people else ("–", "–")
        made.add_row(arm.name, str(arm.people), f"{arm.expected:.1f}", str(arm.reached), *rates)
    show(made)
    typer.echo(verdict_words(one, t))
