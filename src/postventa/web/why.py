"""Why a customer got a message, or did not: every message of every journey, from the history, file and line in hand."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from postventa.core.journey import Ask, Catalog, Journey, Send
from postventa.core.values import as_time
from postventa.engine.release import CLOCK, LIVE_FROM, STEPPING, as_if_always_live
from postventa.errors import PostventaError
from postventa.project import Project
from postventa.source.nearest import suggest
from postventa.source.nodes import Mapping as Keys
from postventa.source.nodes import Node
from postventa.source.nodes import Sequence as Items
from postventa.source.yaml import load
from postventa.store.base import Views
from postventa.web.folded import folded
from postventa.web.tongue import Tongue
from postventa.web.verdicts import Case, Row

ALL = 1_000_000


@dataclass(slots=True)
class Archive:
    """The releases of a store as projects, each read once."""

    views: Views
    _projects: dict[str, Project] = field(default_factory=dict)

    async def project(self, release: str) -> Project | None:
        """A release as it was published; None where it is gone."""
        if release not in self._projects:
            kept = await self.views.release(release)
            if kept is None:
                return None
            self._projects[release] = Project.from_files(kept.files)
        return self._projects[release]

    async def catalogs(self, releases: set[str]) -> dict[str, Catalog]:
        """Each release compiled, with the journey versions of all the others beside its own."""
        projects = {name: found for name in releases if (found := await self.project(name)) is not None}
        versions = {(one.id, one.version): one for found in projects.values() for one in found.journeys.values()}
        live_from = as_time(await self.views.control(LIVE_FROM))
        stepping = await self.views.control(CLOCK) == STEPPING
        compiled = {name: project.catalog(live_from, versions) for name, project in projects.items()}
        return {name: as_if_always_live(one) if stepping else one for name, one in compiled.items()}


async def why(archive: Archive, customer: str, t: Tongue, message: str | None = None) -> list[dict[str, Any]] | None:
    """Per message (or of the one that is asked for) what became of it: `shown` rows of verdicts.

    None when nobody is called so. PostventaError for a message that no journey sends, with the nearest name.
    """
    views = archive.views
    state = await views.customer(customer)
    if state is None:
        return None
    history = await views.history(customer)
    release = await views.control("live_release") or ""
    known = {str(one["hash"]) for one in await views.releases()}
    catalogs = await archive.catalogs(({row.release for row in history} | {release}) & known)
    events = {event.key: event for event, _ in await views.events(customer)}
    live = catalogs[release].live if release in catalogs else {}
    case = Case(
        folded(customer, history, events, catalogs), state.runs,
        {row.effect_id: row for row in await views.messages(customer, ALL)}, live,
        {key: one for catalog in catalogs.values() for key, one in catalog.versions.items()}, release,
        {name: frozenset(one.live) for name, one in catalogs.items()}, await views.pauses(), t,
    )  # fmt: skip
    names = _messages([*live.values(), *case.versions.values()])
    if message is not None and message not in names:
        raise PostventaError(
            t("no journey sends {message}", message=repr(message)), mend=suggest(message, names, t("there are"))
        )
    told = {name: case.verdicts(name) for name in names if message in {None, name}}
    for verdicts in told.values():
        for verdict in verdicts:
            await _place(archive, verdict)
    return [{"message": name, "verdicts": verdicts} for name, verdicts in told.items() if verdicts]


def _messages(journeys: list[Journey]) -> list[str]:
    found: dict[str, None] = {}
    for journey in journeys:
        for step in journey.steps:
            if isinstance(step, Send | Ask):
                found |= dict.fromkeys(one for one in (step.message, getattr(step, "reminder", None)) if one)
    return list(found)


async def _place(archive: Archive, verdict: Row) -> None:
    """`place`: file and line, in the version that decided."""
    line, key = verdict["line"], verdict.pop("key")
    if line is None and key:
        project = await archive.project(verdict["release"])
        raw = project.files.get(verdict["file"]) if project else None
        line = _line_of(load(verdict["file"], raw).root, key) if raw is not None else None
        verdict["line"] = line
    verdict["place"] = f"{verdict['file']}:{line}" if line else verdict["file"]


def _line_of(root: Node | None, key: list[str]) -> int | None:
    """The line of the last of these keys, each looked for anywhere below the one before."""
    node, line = root, None
    for name in key:
        found = _find(node, name)
        if found is None:
            return line
        line, node = found
    return line


def _find(node: Node | None, name: str) -> tuple[int, Node | None] | None:
    if isinstance(node, Keys):
        if name in node:
            return node.key(name).line, node.get(name)
        children: list[Node | None] = [value for _, value in node]
    else:
        children = list(node.items) if isinstance(node, Items) else []
    return next((found for child in children if (found := _find(child, name)) is not None), None)
