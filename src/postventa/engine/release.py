"""Releases: what is published, and the compiled catalog that everything runs from.

A release is the whole project under one hash. The engine runs from the live one; older journeys in which somebody
still stands stay in its catalog, so that everybody ends the version they began.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from postventa.core.journey import Ask, Catalog, Journey, Send
from postventa.core.state import CustomerState
from postventa.core.values import as_time, time_text
from postventa.errors import ConfigError, PostventaError
from postventa.project import Project
from postventa.store.base import Release, Store

LIVE_FROM = "live_from"
"""Control key: the instant of the first publish."""

CLOCK, STEPPING = "clock", "stepping"
"""Control key: by which clock this store lives. One that steps reads old events as if they happened just now."""

Versions = Mapping[tuple[str, str], Journey]


@dataclass(frozen=True, slots=True)
class Live:
    """The release that runs, compiled. `project` also has what is needed to render its messages."""

    hash: str
    project: Project
    catalog: Catalog

    def lacks(self, state: CustomerState) -> bool:
        """True when a run of this customer stands in a version that this catalog does not have."""
        known, live = self.catalog.versions, self.catalog.live
        for run in state.runs.values():
            if (run.journey, run.version) not in known:
                here = live.get(run.journey)
                if here is None or here.version != run.version:
                    return True
        return False


@dataclass(slots=True)
class Releases:
    """The live release, and every older one that is needed. Bundles are compiled once per hash."""

    store: Store
    _live: Live | None = None
    _projects: dict[str, Project] = field(default_factory=dict)

    async def live(self) -> Live:
        """What runs now. Raises ConfigError when nothing was ever published."""
        if self._live is None:
            return await self.reload()
        return self._live

    async def reload(self) -> Live:
        """Look into the store again: another process may have published."""
        hash_ = await self.store.views.control("live_release")
        if hash_ is None:
            raise ConfigError("nothing is published yet", mend="run 'postventa publish', or 'postventa run --dev'")
        self._live = await self._compiled(hash_)
        return self._live

    async def changed(self) -> bool:
        """Reload if another process made another release the live one; tells whether it did."""
        hash_ = await self.store.views.control("live_release")
        if hash_ is None or (self._live is not None and hash_ == self._live.hash):
            return False
        await self.reload()
        return True

    async def publish(self, project: Project, now: datetime, by: str = "", message: str = "") -> Release:
        """Store the project and make it the live release. The first publish is the instant everything is live from.

        Raises JourneyError with every problem of its files, and PostventaError when a message would disappear that
        somebody inside a journey is still going to get.
        """
        project.require_sound()
        self._check(project, await self.versions(await self.store.views.versions_in_use()))
        release = Release(project.hash, dict(project.files), now, by, message)
        first = await self.store.views.control(LIVE_FROM) is None
        async with self.store.transaction() as tx:
            await tx.put_release(release)
            if first:
                await tx.set_control(LIVE_FROM, time_text(now))
            await tx.audit(now, by, "publish", {"release": release.hash, "message": message})
        self._projects[project.hash] = project
        await self.reload()
        return release

    async def catalog_of(self, hash_: str) -> Catalog:
        """The catalog of one release with every journey version ever published: what a history is folded with.

        Raises ConfigError for an unknown hash.
        """
        catalog = (await self._compiled(hash_)).catalog
        versions: dict[tuple[str, str], Journey] = {}
        for release in await self.store.views.releases():
            project = await self._project(str(release["hash"]))
            versions |= {(one.id, one.version): one for one in project.journeys.values()}
        here = {(one.id, one.version) for one in catalog.live.values()}
        return replace(catalog, versions={key: one for key, one in versions.items() if key not in here})

    # --- inside
    async def _compiled(self, hash_: str) -> Live:
        project = await self._project(hash_)
        versions = {**(self._live.catalog.versions if self._live else {}), **await self._versions_in_use()}
        if self._live is not None:
            versions |= {(one.id, one.version): one for one in self._live.catalog.live.values()}
        here = {(one.id, one.version) for one in project.journeys.values()}
        older = {key: one for key, one in versions.items() if key not in here}
        live_from = as_time(await self.store.views.control(LIVE_FROM))
        catalog = project.catalog(live_from)
        if await self.store.views.control(CLOCK) == STEPPING:
            catalog = as_if_always_live(catalog)
        # Its own journeys are in `live` already: named twice, each of their conditions would be read twice.
        return Live(hash_, project, replace(catalog, release=hash_, versions=older))

    async def versions(self, wanted: Collection[tuple[str, str]]) -> Versions:
        """The compiled journeys of these (journey, version), those that were ever published."""
        missing = set(wanted)
        found: dict[tuple[str, str], Journey] = {}
        async for project in self._newest_first(missing):
            mine = {(one.id, one.version): one for one in project.journeys.values()}
            found |= {key: one for key, one in mine.items() if key in missing}
            missing -= mine.keys()
        return found

    async def _newest_first(self, missing: Collection[object]) -> AsyncIterator[Project]:
        """The published projects, for as long as something is missing: those in use first."""
        views = self.store.views
        hashes = sorted(await views.release_hashes_in_use()) if missing else []
        rest = (str(one["hash"]) for one in await views.releases()) if missing else iter(())
        for hash_ in dict.fromkeys((*hashes, *rest)):
            if not missing:
                return
            yield await self._project(hash_)

    async def _versions_in_use(self) -> Versions:
        """Every version in which somebody stands, and those of the live release."""
        live = await self.store.views.control("live_release")
        found = dict(await self.versions(await self.store.views.versions_in_use()))
        if live is not None:
            found |= {(one.id, one.version): one for one in (await self._project(live)).journeys.values()}
        return found

    async def _project(self, hash_: str) -> Project:
        known = self._projects.get(hash_)
        if known is None:
            release = await self.store.views.release(hash_)
            if release is None:
                raise ConfigError(f"release {hash_[:12]} is in use and not in this store", mend="restore the database")
            known = self._projects[hash_] = Project.from_files(release.files)
        return known

    def _check(self, project: Project, in_use: Versions) -> None:
        messages = project.catalog().messages
        for journey in in_use.values():
            needs = sorted(_messages(journey.steps) - messages.keys())
            if needs:
                raise PostventaError(
                    f"message {needs[0]!r} is still going to be sent to people inside journey {journey.id!r}",
                    where=f"templates/{needs[0]}",
                    mend="keep it until they have left the journey ('postventa status' counts them)",
                )


def as_if_always_live(catalog: Catalog) -> Catalog:
    """The catalog without the two guards against mailing the past."""
    return replace(catalog, shop=replace(catalog.shop, live_from=None, max_start_lateness=None))


def _messages(steps: Iterable[object]) -> set[str]:
    """The messages these steps send."""
    names: set[str] = set()
    for step in steps:
        if isinstance(step, Send):
            names.add(step.message)
        elif isinstance(step, Ask):
            names |= {one for one in (step.message, step.reminder) if one}
    return names
