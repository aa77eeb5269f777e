"""The language of what marketers and operators read: the shop's own pages and the commands beside them.

English is what stands in the code; `spanish` has the same texts in Spanish, keyed by the English ones. A text without
a translation stays English, so that nothing is ever left blank; a test finds those. What customers read is `words`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from postventa.core.condition import Duration
from postventa.source.durations import in_words
from postventa.web.reasons import in_spanish
from postventa.web.spanish import DAYS, MONTHS, STATES, TEXTS, UNITS


@dataclass(frozen=True, slots=True)
class Tongue:
    """Speaks one language ("en" or "es"): `t("Customers")`, `t("{count} people", count=3)`."""

    language: str = "en"

    def __call__(self, text: str, **values: Any) -> str:
        """The text in this language, its {names} filled in."""
        found = TEXTS.get(text, text) if self.language == "es" else text
        return found.format(**values) if values else found

    def count(self, number: int, one: str, many: str) -> str:
        """`1 person`, `3 people`: the number and its word; both words have their translation."""
        return f"{number} {self(one if number == 1 else many)}"

    def state(self, name: str) -> str:
        """How one mail stands: `sent`, `gave up`."""
        words = name.replace("_", " ")
        return STATES.get(words, words) if self.language == "es" else words

    def reason(self, text: str) -> str:
        """A reason of the engine's; they are kept in English and put into words when they are read."""
        return in_spanish(text) if self.language == "es" else text

    def span(self, span: Duration) -> str:
        """`2 days 12 hours`."""
        return self.units(in_words(span))

    def units(self, text: str) -> str:
        """The units of time in an English text."""
        if self.language != "es":
            return text
        return " ".join(UNITS.get(word, word) for word in text.split(" "))

    def when(self, value: Any) -> str:
        """`22 Nov 2026, 14:10` (UTC, as the pages say once)."""
        moment = moment_of(value)
        if moment is None:
            return "–"
        month = MONTHS[moment.month - 1] if self.language == "es" else f"{moment:%b}"
        return f"{moment.day} {month} {moment:%Y, %H:%M}"

    def day(self, value: Any) -> str:
        """`Sunday 22 November 2026`."""
        moment = moment_of(value)
        if moment is None:
            return "–"
        if self.language == "es":
            return f"{DAYS[moment.weekday()]} {moment.day} {MONTHS[moment.month - 1]} {moment.year}"
        return f"{moment:%A} {moment.day} {moment:%B %Y}"


def moment_of(value: Any) -> datetime | None:
    """A time, or the text of one, in UTC; None for anything else."""
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value)
        except ValueError:
            return None
    return value.astimezone(UTC) if isinstance(value, datetime) else None


ENGLISH = Tongue()


def tongue(language: str) -> Tongue:
    """The tongue of a language; English for one that is not spoken here."""
    return Tongue("es") if language.partition("-")[0].lower() == "es" else ENGLISH


Texts = Mapping[str, str]
