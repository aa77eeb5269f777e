"""Whose link is this? From a token to the mail it stands in and the customer who got it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from starlette.requests import Request

from postventa.core.state import CustomerState
from postventa.store.base import OutboxRecord
from postventa.tokens import Purpose, TokenError
from postventa.web.services import Services
from postventa.web.words import Words, locale_of, words_for


class LinkError(Exception):
    """The link cannot act. `status` is 404 (not ours, cut off, another page's) or 410 (too old, nothing kept)."""

    def __init__(self, status: Literal[404, 410]) -> None:
        super().__init__()
        self.status = status


@dataclass(frozen=True, slots=True)
class Link:
    """An opened link. `name` is what the token holds; `row` is None when it holds a customer's alias."""

    name: str
    token: str
    state: CustomerState
    row: OutboxRecord | None
    words: Words

    @property
    def locale(self) -> str:
        """The language of its pages."""
        return self.words.locale


async def opened(services: Services, request: Request, purpose: Purpose, token: str) -> Link:
    """The link behind a token. Raises LinkError, which tells nothing but that it does not work."""
    try:
        name = services.tokens.read(purpose, token, services.now())
    except TokenError as error:
        raise LinkError(410 if error.why == "expired" else 404) from None
    row = await services.views.outbox_row(name)
    ids = [row.customer_id] if row is not None else await services.views.find_customer(name)
    state = await services.views.customer(ids[0]) if len(ids) == 1 else None
    if state is None or state.erased:
        raise LinkError(410)
    return Link(name, token, state, row, spoken(services, request, state))


def spoken(services: Services, request: Request, state: CustomerState | None = None) -> Words:
    """The words for whoever looks: the customer's language, else the browser's, else the shop's."""
    project = services.project()
    known = state.facts.get("locale") if state is not None else None
    locale = locale_of(known, request.headers.get("accept-language", ""), project.settings.locale)
    return words_for(project.brand, locale)
