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
from postventa.engine.orders import KEY, Order, ordered, standing_orders, text_of
from postventa.engine.standing import lost, people, standing
from postventa.errors import ConfigError, PostventaError
from postventa.project import Project
from postventa.store.base import Release, Store

LIVE_FROM = "live_from"
"""Control key: the instant of the first publish."""

CLOCK, STEPPING = "clock", "stepping"
"""Control key: by which clock this store lives. One that steps reads old events as if they happened just now."""

Versions = Mapping[tuple[str, str], Journey]

_NOWHERE = {
    "en": "people inside would stand nowhere ({count}): '{step}' is gone, and every step after it",
    "es": "habría personas que no estarían en ningún sitio ({count}): ya no está '{step}' ni ningún paso posterior",
}
_INSTEAD = {
    "en": "keep the step, or write 'edits: finish'; where they go can be said after that: "
    "postventa migrate {journey} --map {step}=NEW-STEP",
    "es": "deja el paso, o escribe 'edits: finish'; adónde van se puede decir después: "
    "postventa migrate {journey} --map {step}=PASO-NUEVO",
}
"""By language: people would be lost, and what to do instead."""


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
    _known: Versions = field(default_factory=dict)
    """Further versions somebody is about to go over to."""

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

        Where a file says `follow` or `retime`, an order is left that brings the people inside over (`engine.moving`).
        Raises JourneyError with every problem of its files, and PostventaError when a message would disappear that
        somebody inside a journey is still going to get, or when people would stand nowhere.
        """
        project.require_sound()
        release = Release(project.hash, dict(project.files), now, by, message)
        return await self._activate(project, release, {"release": project.hash, "message": message}, back=False)

    async def activate(self, hash_: str, now: datetime, by: str = "", message: str = "") -> Release:
        """Make an earlier release the live one again. Its people come back by the rule that brought them here.

        `hash_` may be its beginning. Raises ConfigError where it names no release or several, else as `publish`.
        """
        hash_ = await self.named(hash_)
        project, known = await self._project(hash_), await self.store.views.release(hash_)
        assert known is not None, "it was just found"
        release = replace(known, published_at=now, by=by, message=message or known.message)
        told = {"release": hash_, "back": True, "message": message}  # the release itself keeps its first message
        return await self._activate(project, release, told, back=True)

    async def _activate(self, project: Project, release: Release, told: Mapping[str, object], *, back: bool) -> Release:
        views = self.store.views
        in_use = await views.versions_in_use()
        live = await self.live_or_none()
        before = dict(live.project.journeys) if live else {}
        orders = ordered(project.journeys, before, in_use, release.by, back=back)
        await self._check_steps(project, orders, before)
        moving = {(one.journey, version) for one in orders for version in one.from_}
        self._check(project, await self.versions(in_use - moving))
        first = await views.control(LIVE_FROM) is None
        kept = [one for one in await standing_orders(views) if one.named and _still_meant(one, project)]
        async with self.store.transaction() as tx:
            await tx.put_release(release)
            await tx.set_control(KEY, text_of([*kept, *orders]))
            if first:
                await tx.set_control(LIVE_FROM, time_text(release.published_at))
            await tx.audit(release.published_at, release.by, "publish", told)
        self._projects[project.hash] = project
        await self.reload()
        return release

    async def live_or_none(self) -> Live | None:
        """What runs now; None before the first publish."""
        return None if await self.store.views.control("live_release") is None else await self.reload()

    async def named(self, beginning: str) -> str:
        """The one release whose hash begins like this. ConfigError for none and for several."""
        known = [str(one["hash"]) for one in await self.store.views.releases()]
        found = [hash_ for hash_ in known if hash_.startswith(beginning)]
        if len(found) != 1 or not beginning:
            what = "several releases begin" if len(found) > 1 else "no release begins"
            raise ConfigError(f"{what} with {beginning!r}", mend="postventa publish --list shows them")
        return found[0]

    async def know(self, journey: str, version: str) -> Journey:
        """A published version of a journey, from now on in the live catalog too. ConfigError when there is none."""
        live = await self.live()
        found = live.catalog.journey_of(journey, version)
        if found is not None:
            return found
        self._known = {**self._known, **await self.versions({(journey, version)})}
        live = await self.reload()
        found = live.catalog.journey_of(journey, version)
        if found is None:
            raise ConfigError(f"version {version} of journey {journey!r} was never published here")
        return found

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
        return await self.compiled(await self._project(hash_), hash_)

    async def compiled(self, project: Project, hash_: str) -> Live:
        """A project as it would run now, with every older version in which somebody stands; published or not."""
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

    async def versions_of(self, journey: str) -> dict[str, Journey]:
        """Every version of a journey that was ever published, the newest first."""
        found: dict[str, Journey] = {}
        for release in await self.store.views.releases():
            one = (await self._project(str(release["hash"]))).journeys.get(journey)
            if one is not None:
                found.setdefault(one.version, one)
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
        found = {**self._known, **await self.versions(await self.store.views.versions_in_use())}
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

    async def _check_steps(self, project: Project, orders: Iterable[Order], live: Mapping[str, Journey]) -> None:
        """Nobody may be brought to nowhere."""
        changed = {
            one.journey: project.journeys[one.journey]
            for one in orders
            if one.journey not in live or live[one.journey].version != one.version
        }
        if not changed:
            return
        gone = lost(changed, await standing(self.store.views, self), always=True)
        if gone:
            first, count = gone[0], people([one.here for one in gone])
            what, mend = (texts[project.settings.language] for texts in (_NOWHERE, _INSTEAD))
            names = {"count": count, "step": first.here.step, "journey": first.new.id}
            raise PostventaError(what.format(**names), f"{first.new.file}: edits", mend.format(**names))

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


def _still_meant(order: Order, project: Project) -> bool:
    """Whether an operator's order leads to a version that is still the live one."""
    journey = project.journeys.get(order.journey)
    return journey is not None and journey.version == order.version


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
