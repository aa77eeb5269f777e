"""The few words that blocks and the layout say themselves, per language. A shop's brand.yaml may replace any of them.

A language we do not speak falls back to English word by word, so that adding one word never leaves a gap.
"""

from __future__ import annotations

from collections.abc import Mapping

WORDS: Mapping[str, Mapping[str, str]] = {
    "en": {
        "quantity": "Qty",
        "track": "Track your parcel",
        "carrier": "Carrier",
        "expected": "Expected",
        "your_code": "Your code",
        "valid_until": "Valid until",
        "worst": "Not happy at all",
        "best": "Very happy",
        "of": "of",
        "why": "You receive this mail because you bought at {name}.",
        "unsubscribe": "Stop these mails",
        "preferences": "Choose what you receive",
    },
    "es": {
        "quantity": "Cant.",
        "track": "Seguir mi envío",
        "carrier": "Transportista",
        "expected": "Entrega prevista",
        "your_code": "Tu código",
        "valid_until": "Válido hasta el",
        "worst": "Nada contento",
        "best": "Muy contento",
        "of": "de",
        "why": "Recibes este correo porque compraste en {name}.",
        "unsubscribe": "No recibir más estos correos",
        "preferences": "Elegir qué recibo",
    },
    "pt": {
        "quantity": "Qtd.",
        "track": "Acompanhar o envio",
        "carrier": "Transportadora",
        "expected": "Entrega prevista",
        "your_code": "Seu código",
        "valid_until": "Válido até",
        "worst": "Nada satisfeito",
        "best": "Muito satisfeito",
        "of": "de",
        "why": "Você recebe este e-mail porque comprou na {name}.",
        "unsubscribe": "Não receber mais estes e-mails",
        "preferences": "Escolher o que recebo",
    },
}


def language_of(tag: str) -> str:
    """The language of a tag: `pt` of `pt-BR`."""
    return tag.replace("_", "-").partition("-")[0].lower()


def words_for(locale: str, own: Mapping[str, Mapping[str, str]]) -> dict[str, str]:
    """The words for a locale: the shop's own for it, else ours for the language, else English."""
    language = language_of(locale)
    return {**WORDS["en"], **WORDS.get(language, {}), **own.get(language, {}), **own.get(locale, {})}


def nearest_locale(wanted: str, available: list[str], default: str) -> str | None:
    """pt-BR, then pt, then any pt-…, then the shop's default, then the first there is. None when there is none."""
    by_key = {tag.lower(): tag for tag in available}
    language = language_of(wanted)
    relatives = sorted(tag for key, tag in by_key.items() if language_of(key) == language)
    for key in (wanted.lower(), language, *(tag.lower() for tag in relatives), default.lower(), language_of(default)):
        if key in by_key:
            return by_key[key]
    return min(available) if available else None
