"""What simulations and scenario tests say, in the language of `language:` in postventa.yaml."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from postventa.web import tongue as shared

_DAYS = {
    "en": ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"),
    "es": ("lun", "mar", "mié", "jue", "vie", "sáb", "dom"),
}
_MONTHS = {
    "en": ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"),
    "es": ("ene", "feb", "mar", "abr", "may", "jun", "jul", "ago", "sep", "oct", "nov", "dic"),
}

SPANISH: Mapping[str, str] = {
    "made up": "inventado",
    "follows from {event}": "resulta de {event}",
    "starts: {event}": "empieza: {event}",
    "{message} is not sent: {why}": "{message} no se envía: {why}",
    "{message} has to wait: {why}": "{message} tiene que esperar: {why}",
    "waits {why}": "espera {why}",
    "goes on: {why}": "sigue: {why}",
    "{event} came": "llegó {event}",
    "goes on without it: {why}": "sigue sin ello: {why}",
    "ends: {why}": "termina: {why}",
    "does not start: {why}": "no empieza: {why}",
    "takes the way “otherwise”": "toma el camino «otherwise»",
    "takes the way “{condition}”": "toma el camino «{condition}»",
    "moved to {time}: window": "pasa a las {time}: horario",
    "moved to {time}: cap": "pasa a las {time}: tope",
    "moved to {time}: hold": "pasa a las {time}: pausa",
    "variant": "variante", "award": "puntos", "set": "apunta", "emit": "emite", "hold": "pausa",
    "release": "fin de pausa", "round": "vuelta", "repeat": "repetición", "goal": "objetivo",
    "answered": "respuesta", "parked": "parado",
    "repeated": "repetido", "clock": "reloj",
    "one customer": "un cliente",
    "Nobody started this journey.": "Nadie empezó este recorrido.",
    "Still at {step} at the end ({when}).": "Al final sigue en {step} ({when}).",
    "no date": "sin fecha",
    "mail": "correo", "mails": "correos",
    "The other journeys sent {count} more to this customer: --everything shows them.":
        "Los otros recorridos le enviaron {count} más: --everything los muestra.",
    "The mails are in {folder}: open index.html.": "Los correos están en {folder}: abre index.html.",
    "straight on": "todo seguido", "no mail": "ningún correo", "day": "día", "days": "días",
    "customer": "cliente", "customers": "clientes",
    "otherwise": "otherwise", "{step} in vain": "{step} en vano", "{step} without an answer": "{step} sin respuesta",
    "{survey} answered": "{survey} contestada", "variant {name}": "variante {name}",
    "exit by {event}": "salida por {event}", "Nobody reaches:": "Nadie llega a:",
    "{people} walk every way ({ways}).": "{people} bastan para recorrer todos los caminos ({ways}).",
    "nobody comes to this step": "nadie llega a este paso",
    "no facts were found for which this case is the first that holds":
        "no se encontraron datos con los que este caso sea el primero que se cumple",
    "{count} customers were sent, and none took this way": "se probó con {count} clientes y ninguno tomó este camino",
    "at the end": "al final", "at any time": "en cualquier momento",
    "{count} as expected": "{count} como se esperaba", "{count} not": "{count} no",
    "- was expected and did not happen, + happened and was not expected":
        "- se esperaba y no pasó, + pasó y no se esperaba",
    "{count} with mistakes in the file": "{count} con errores en el archivo",
    "What one customer would get, in this order.": "Lo que recibiría un cliente, por este orden.",
}  # fmt: skip
"""Keyed by the English texts that stand in the code; `shared` has those of the pages."""


@dataclass(frozen=True, slots=True)
class Tongue(shared.Tongue):
    """Speaks one language: its own texts, then those of the pages."""

    def __call__(self, text: str, **values: Any) -> str:
        """The text in this language, its {names} filled in."""
        if self.language == "es" and text in SPANISH:
            return SPANISH[text].format(**values) if values else SPANISH[text]
        return shared.Tongue.__call__(self, text, **values)

    def short_day(self, local: datetime) -> str:
        """`Mon 2 Mar 2026` of a local time."""
        days, months = _DAYS[self.language], _MONTHS[self.language]
        return f"{days[local.weekday()]} {local.day} {months[local.month - 1]} {local.year}"

    def moment(self, local: datetime) -> str:
        """`Mon 2 Mar 10:05` of a local time."""
        return f"{self.short_day(local).rpartition(' ')[0]} {local:%H:%M}"


def tongue_of(language: str) -> Tongue:
    """The tongue of a language; English for one that is not spoken here."""
    return Tongue("es") if language == "es" else Tongue()
