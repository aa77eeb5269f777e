"""`run --dev`: every save becomes a release. A file with problems is told, and the last good release goes on."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from watchfiles import awatch

from postventa.engine.release import Releases
from postventa.errors import PostventaError
from postventa.project import Project, belongs

log = logging.getLogger("postventa.project")


async def publish_if_changed(
    root: Path, releases: Releases, now: Callable[[], datetime], tell: Callable[[str], None]
) -> Project | None:
    """Publish the folder as it is now unless it is what runs already; tells its problems and publishes nothing then."""
    project = Project.load(root)
    if project.errors:
        tell(f"{project.report()}\nnot published: the last good version goes on")
        return None
    live = await releases.store.views.live_release()
    if live is not None and live.hash == project.hash:
        return project
    try:
        release = await releases.publish(project, now(), by="dev", message="saved")
    except PostventaError as error:
        tell(f"not published: {error}")
        return None
    tell(f"published {release.hash[:12]}: {len(project.journeys)} journeys, {len(list(project.messages))} messages")
    return project


async def watch(
    root: Path,
    releases: Releases,
    now: Callable[[], datetime],
    tell: Callable[[str], None],
    changed: Callable[[], None],
    stop: asyncio.Event,
) -> None:
    """Look at every save until `stop` is set. Never ends by a mistake in a file."""
    top = root.resolve()  # noqa: ASYNC240 - once, at start

    def ours(_change: object, path: str) -> bool:
        try:
            return belongs(Path(path).relative_to(top).as_posix())
        except ValueError:
            return False

    async for _ in awatch(top, stop_event=stop, watch_filter=ours, debounce=300):
        try:
            await publish_if_changed(root, releases, now, tell)
            changed()
        except PostventaError as error:
            tell(f"not published: {error}")
        except OSError as error:  # a file that is being written, or was just removed
            log.warning("a changed file cannot be read: %s", error)
