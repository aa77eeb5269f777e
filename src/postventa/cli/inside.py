"""Steps that a changed file no longer has while people still stand at them: where `validate` has a store."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from postventa.engine.standing import Here
    from postventa.project import Project
    from postventa.source.problem import Problem


def removed_steps(folder: Path, project: Project) -> list[Problem]:
    """One problem per step; none where nothing was ever published here, or the database cannot be read just now."""
    from postventa.errors import PostventaError

    moving = {name for name, journey in project.journeys.items() if journey.edits != "finish"}
    if not moving:
        return []
    import asyncio

    try:
        return [problem for here in asyncio.run(_inside(folder, project)) for problem in _look(here, project, moving)]
    except (PostventaError, OSError):
        return []


async def _inside(folder: Path, project: Project) -> list[Here]:
    from postventa.cli.reach import database_of, reading
    from postventa.engine.release import Releases
    from postventa.engine.standing import standing

    settings = project.settings
    if settings.store.postgres_env is None and not database_of(folder, settings).exists():
        return []
    async with reading(folder) as store:
        return await standing(store.views, Releases(store))


def _look(here: Here, project: Project, moving: set[str]) -> Iterator[Problem]:
    """A step that is gone: an error where its people would have nowhere to go on, else a warning."""
    from postventa.core.places import Places
    from postventa.source.nodes import Mapping
    from postventa.source.problem import Problem
    from postventa.source.yaml import load

    new = project.journeys.get(here.journey.id)
    if new is None or new.id not in moving or new.version == here.journey.version:
        return
    places = Places(here.journey, new)
    if places.partner(here.index) is not None:
        return
    root = load(new.file, project.files[new.file]).root
    key = root.key("edits") if isinstance(root, Mapping) and "edits" in root else None
    line, column = (key.line, key.column) if key is not None else (1, 1)
    who = f"{here.count} {'person stands' if here.count == 1 else 'people stand'}"
    message = f"{who} at '{here.step}', which this file no longer has"
    if places.landing(here.index) is None:
        help_ = "keep the step, write 'edits: finish', or name its successor: postventa migrate"
        yield Problem(new.file, line, column, "J246", message, help_, width=5)
    else:
        help_ = "look first: postventa plan"
        yield Problem(new.file, line, column, "J246", message, help_, "warning", 5)
