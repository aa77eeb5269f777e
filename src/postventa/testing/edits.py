"""The files change while somebody is inside: what becomes of a timeline's runs.

line = Timeline(compiled(OLD), "2026-03-02T10:00:00Z")
line.event("order.paid", order="o-1")
edit(line, compiled(NEW), "retime")
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from postventa.core.effect import Outcome
from postventa.core.event import How, Move
from postventa.core.journey import Catalog
from postventa.testing.timeline import Timeline


def publish(line: Timeline, catalog: Catalog) -> None:
    """From now on this catalog is live; whoever is inside stays in the version they began."""
    versions = {**line.catalog.versions, **catalog.versions}
    line.catalog = replace(catalog, versions=versions, messages={**line.catalog.messages, **catalog.messages})


def edit(
    line: Timeline, catalog: Catalog, how: How = "follow", renamed: Mapping[str, str] | None = None
) -> list[Outcome]:
    """Publish it and move everybody inside into it, journey by journey; what came of each move."""
    publish(line, catalog)
    told = []
    for journey in catalog.live.values():
        older = tuple(sorted(version for name, version in line.catalog.versions if name == journey.id))
        told.append(line.give(Move(journey.id, journey.version, older, how, renamed or {})))
    if line.hands_over:
        line.hand_over()
    return told
