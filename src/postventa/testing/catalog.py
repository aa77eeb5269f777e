"""From journeys as text to the catalog `advance` reads: what a test needs of a project, without its folder."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from postventa.core.journey import Catalog, Loyalty, Message, MessageClass, Shop, Survey
from postventa.journeys.check import load_journeys
from postventa.journeys.known import Known
from postventa.schemas.registry import Registry, builtin
from postventa.source.problem import errors, report

_ID = re.compile(r"^journey: *([\w-]+)", re.MULTILINE)
_SENT = re.compile(r"\bsend: *([\w-]+)")
_ASKED = re.compile(r"\bask: *([\w-]+)")


def compiled(
    *journeys: str,
    messages: Mapping[str, MessageClass | Message] | None = None,
    surveys: Mapping[str, Survey] | None = None,
    shop: Shop | None = None,
    loyalty: Loyalty | None = None,
    products: Mapping[str, Mapping[str, Any]] | None = None,
    registry: Registry | None = None,
) -> Catalog:
    """The catalog of these journeys (one YAML text each). Messages and surveys that a journey names and nobody gives
    are transactional (those of surveys: soft opt-in), and csat from 1 to 5. Raises ValueError with every problem, each
    at its line."""
    files = {f"journeys/{_name(text)}.yaml": text for text in journeys}
    shop, loyalty, registry = shop or Shop(), loyalty or Loyalty(), registry or builtin()
    asked = {name: Survey(name, "csat", name, 1, 5) for text in journeys for name in _ASKED.findall(text)}
    asked.update(surveys or {})
    known_messages = _messages(journeys, asked, messages or {})
    known = Known(
        registry, known_messages, asked, frozenset(loyalty.rewards), frozenset(shop.groups), shop.currency
    )  # fmt: skip
    found = load_journeys(files, known)
    if errors(list(found.problems)):
        raise ValueError(report(found.problems, files))
    live = found.compiled
    versions = {(one.id, one.version): one for one in live.values()}
    return Catalog(
        "test", live, versions, known_messages, asked, products or {}, registry.kinds(), loyalty, shop
    )  # fmt: skip


def with_shop(catalog: Catalog, **changes: Any) -> Catalog:
    """The same catalog with other settings of the shop."""
    return replace(catalog, shop=replace(catalog.shop, **changes))


def _name(text: str) -> str:
    found = _ID.search(text)
    if found is None:
        raise ValueError("a journey begins with 'journey: <its name>'")
    return found.group(1)


def _messages(
    journeys: tuple[str, ...], surveys: Mapping[str, Survey], given: Mapping[str, MessageClass | Message]
) -> dict[str, Message]:
    sent = {name for text in journeys for name in _SENT.findall(text)}
    asked = {name for survey in surveys.values() for name in (survey.message, survey.reminder) if name}
    found = {name: Message(name, "transactional") for name in sorted(sent)}
    found.update({name: Message(name, "soft_opt_in") for name in sorted(asked)})
    for name, one in given.items():
        found[name] = one if isinstance(one, Message) else Message(name, one)
    return found
