"""What a journey brought, for people and for programs: the page, and the same figures as plain JSON."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from fastapi import FastAPI, Request
from markupsafe import Markup
from starlette.exceptions import HTTPException
from starlette.responses import Response

from postventa.engine.odds import CONFIDENCE
from postventa.engine.results import ExperimentFigures, MessageFigures, Results, results
from postventa.web import charts
from postventa.web.http import wants_json
from postventa.web.services import Services
from postventa.web.show import Show
from postventa.web.side_by_side import number
from postventa.web.tongue import ENGLISH, Tongue, tongue

STATES: Mapping[str, str] = {
    "pending": "to be sent", "claimed": "on its way", "sending": "on its way", "uncertain": "uncertain",
}  # fmt: skip
"""Messages that are not settled yet. Why others were not sent is told by their reasons."""
ENDS: Mapping[str, str] = {"refused": "refused by the mail server", "gave_up": "given up after many tries"}
"""Reasons that are one word."""
OUTCOMES: Mapping[str, str] = {
    "completed": "went through all steps", "exited": "left early", "goal": "ended by the goal",
    "restarted": "begun anew", "cancelled": "cancelled", "erased": "erased",
}  # fmt: skip
VERDICTS: Mapping[str, str] = {
    "empty": "Nobody has met this experiment yet.",
    "mismatch": "The variants have other sizes than their weights say, and chance explains that in fewer than one of a "
                "thousand cases. Find out where customers are lost before you read the rates.",
    "no_size": "No size is planned, so no winner is named: write `size:` beside `experiment`, the customers it needs.",
    "too_early": "{people} of {size} planned customers. It is too early to name a winner.",
    "winner": "{winner} does best: a lead like this comes by chance in {chance} of cases.",
    "no_difference": "The planned size is reached, and no variant is clearly better than the others.",
}  # fmt: skip


def add_results(app: FastAPI, services: Services, show: Show) -> None:
    """The page of one journey's results."""

    @app.get("/journeys/{name}/results")
    async def what_it_brought(request: Request, name: str) -> Response:
        found = await results(services.views, services.catalog(), name)
        if found is None:
            raise HTTPException(404, f"no journey {name[:80]!r} is published or still has people in it")
        if wants_json(request):
            return await show(request, "results.html", plain(found))
        return await show(request, "results.html", page_facts(found, tongue(services.language)))


# --- for programs -----------------------------------------------------------------------------------------------------
def plain(found: Results) -> dict[str, Any]:
    """The figures as plain JSON; money is text, shares are numbers from 0 to 1."""
    return {
        "journey": found.journey, "title": found.title, "entered": found.entered, "inside": found.inside,
        "ended": found.ended, "refused": found.refused,
        "messages": [
            {"message": one.message, "sent": one.sent, "states": one.states, "skipped": one.skipped}
            for one in found.messages
        ],
        "goal": {
            "on": found.goal, "reached": found.goals.reached, "customers": found.goals.customers,
            "total": money(found.goals.total), "with_total": found.goals.valued, "currency": found.currency,
        },
        "experiments": [_experiment(one) for one in found.experiments],
    }  # fmt: skip


def _experiment(one: ExperimentFigures) -> dict[str, Any]:
    return {
        "experiment": one.name, "measure": one.measure, "size": one.size, "people": one.people,
        "verdict": one.verdict, "winner": one.winner or None, "chance": round(one.chance, 6),
        "mismatch": round(one.mismatch, 6), "confidence": CONFIDENCE,
        "variants": [
            {"variant": arm.name, "people": arm.people, "expected": round(arm.expected, 1), "reached": arm.reached,
             "rate": round(arm.rate, 6), "low": round(arm.low, 6), "high": round(arm.high, 6),
             "total": money(arm.total)}
            for arm in one.variants
        ],
    }  # fmt: skip


# --- for people -------------------------------------------------------------------------------------------------------
def money(amount: Decimal) -> str:
    """With two decimals, or more where there are more."""
    return str(amount.quantize(Decimal("0.01"))) if amount == amount.quantize(Decimal("0.01")) else str(amount)


def share(value: float, t: Tongue = ENGLISH) -> str:
    """`12.5 %`."""
    return f"{number(100 * value, t, 1)} %"


def reason_words(reason: str, t: Tongue = ENGLISH) -> str:
    """Why a message was skipped."""
    return t(ENDS.get(reason, t.reason(reason)))


def not_sent(one: MessageFigures, t: Tongue = ENGLISH) -> list[tuple[str, int]]:
    """Why mails of a message were not sent, and those that are still to be sent: (words, how many)."""
    waiting = [(t(words), one.states[state]) for state, words in STATES.items() if state in one.states]
    return [*((reason_words(reason, t), count) for reason, count in one.skipped.items()), *waiting]


def outcome_words(ended: str, t: Tongue = ENGLISH) -> str:
    """`left early: order.cancelled` of `exited: order.cancelled`."""
    outcome, colon, reason = ended.partition(": ")
    return t(OUTCOMES.get(outcome, outcome)) + (f": {t.reason(reason)}" if colon else "")


def verdict_words(one: ExperimentFigures, t: Tongue = ENGLISH) -> str:
    """What may be said of an experiment, in a sentence."""
    chance = share(one.chance, t) if one.chance >= SMALL else f"< {share(SMALL, t)}"
    people, size = number(one.people, t), number(one.size or 0, t)
    return t(VERDICTS[one.verdict], people=people, size=size, winner=one.winner, chance=chance)


SMALL = 0.001
"""Chances below are not told to the digit."""


def page_facts(found: Results, t: Tongue) -> dict[str, Any]:
    """What the template shows."""
    return {
        "t": t, "found": found, "share": lambda value: share(value, t),
        "n": lambda value, places=0: number(value, t, places), "not_sent": lambda one: not_sent(one, t),
        "outcome": lambda ended: outcome_words(ended, t), "verdict": lambda one: verdict_words(one, t),
        "sent": sum(one.sent for one in found.messages),
        "skipped": sum(sum(one.skipped.values()) for one in found.messages),
        "chart": lambda one: _chart(one, t), "confidence": f"{CONFIDENCE:.0%}",
    }  # fmt: skip


def _chart(one: ExperimentFigures, t: Tongue) -> Markup:
    rows = [(arm.name, arm.rate, arm.low, arm.high, share(arm.rate, t)) for arm in one.variants]
    return charts.intervals(rows, t("Rate of each variant, with its interval"))
