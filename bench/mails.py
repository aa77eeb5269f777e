"""Mails per second of processor time: rendered for one customer and made into the bytes of a mail."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import cycle, islice
from pathlib import Path
from statistics import median
from time import process_time

from bench.figure import Figure
from bench.yardstick import spin
from postventa.channels.base import Envelope, message_id_for
from postventa.channels.mime import mime_bytes
from postventa.project import Project
from postventa.templates.sample import sample_context

ROOT = Path(__file__).parents[1]
_DATE = datetime(2026, 3, 12, 12, tzinfo=UTC)


def measure(rounds: int, mails: int) -> Figure:
    """Every message of the reference project by turns, in its languages."""
    project = Project.load(ROOT)
    kinds = [(name, locale) for name in sorted(project.messages) for locale in ("es", "en")]
    for name, locale in kinds:
        _one(project, name, locale, 0)
    rates, costs = [], []
    for _ in range(rounds):
        turns = spin()
        begun = process_time()
        size = sum(_one(project, *kind, number) for number, kind in enumerate(islice(cycle(kinds), mails)))
        rates.append(mails / (process_time() - begun))
        costs.append(turns / rates[-1])
    beside = f"{len(kinds)} kinds, {size / mails / 1000:.1f} kB each; one costs {median(costs):,.0f} turns of a loop"
    return Figure("mails on one core, render and MIME", median(rates), "/s", 500, 500, "more", beside)


def _one(project: Project, message: str, locale: str, number: int) -> int:
    context = sample_context(locale)
    mail = project.messages.render(message, locale, context, zone="Europe/Madrid")
    sender = project.messages.sender(message)
    effect = f"{number:032x}"
    raw = mime_bytes(
        Envelope(
            effect_id=effect, message=message, to="ana@example.com", to_name="Ana", sender=sender.address,
            sender_name=sender.name, reply_to="", subject=mail.subject, html=mail.html, text=mail.text,
            date=_DATE, message_id=message_id_for(effect, sender.address), locale=mail.locale, customer_id="ana",
            unsubscribe_url="https://tiendaclara.example/m/u/kX9v",
        )
    )  # fmt: skip
    return len(raw)
