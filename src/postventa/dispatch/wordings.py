"""Which release a message's words come from: the live one, or, for a `pinned` message, the one its run began with."""

from __future__ import annotations

from dataclasses import dataclass, field

from postventa.engine.release import Live
from postventa.project import Project
from postventa.store.base import OutboxRecord, Views
from postventa.templates.catalog import MessageCatalog


@dataclass(slots=True)
class Wordings:
    """Looks messages up in the published releases. Safe for several tasks."""

    views: Views
    _first: dict[tuple[str, str], Project] = field(default_factory=dict)
    """(journey, version) -> the oldest release that has it."""

    async def of(self, row: OutboxRecord, live: Live) -> MessageCatalog:
        """The messages to render `row` from."""
        project = live.project
        message = row.message or ""
        if message not in project.messages or project.messages.spec(message).wording != "pinned":
            return project.messages
        place = (row.journey or "", row.version or "")
        if place not in self._first:
            self._first[place] = await self._search(place, project)
        first = self._first[place].messages
        return first if message in first else project.messages

    async def _search(self, place: tuple[str, str], live: Project) -> Project:
        """The oldest release with this journey version: where the run began, its words were these."""
        for known in reversed(await self.views.releases()):
            release = await self.views.release(str(known["hash"]))
            if release is None:
                continue
            project = Project.from_files(release.files)
            journey = project.journeys.get(place[0])
            if journey is not None and journey.version == place[1]:
                return project
        return live
