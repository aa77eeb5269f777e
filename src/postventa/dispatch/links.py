"""The personal links of a mail: signed, made for this customer and this mail, and leading nowhere by being opened."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from postventa.dispatch.context import Links
from postventa.store.base import OutboxRecord
from postventa.tokens import Tokens


def signed_links(tokens: Tokens, public_url: str) -> Links:
    """Links below `public_url`. They name the mail's effect id; the store knows whose it is."""

    def links(row: OutboxRecord, locale: str, now: datetime) -> Mapping[str, Any]:
        del locale  # the pages know the customer's language

        def answer(score: object) -> str:
            return tokens.url(public_url, "answer", row.effect_id, now, score=int(str(score)))

        return {
            "unsubscribe": tokens.url(public_url, "unsubscribe", row.effect_id, now),
            "preferences": tokens.url(public_url, "preferences", row.effect_id, now),
            "answer": answer,
        }

    return links
