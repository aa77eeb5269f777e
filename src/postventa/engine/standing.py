"""Who stands where: how many people per journey, version and step, and which of them a changed file would lose.

For `plan`, `publish` and `validate`. It only reads, so it works beside a running engine, and on a store opened for
reading:

    inside = await standing(store.views, Releases(store))
    for one in lost(project.journeys, inside):       # steps with people in them that a file with `follow` removes
        ...                                          # one.here.step, one.here.count, one.edits
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from postventa.core.journey import Journey
from postventa.core.places import NO_NAMES, Places
from postventa.store.base import Views

if TYPE_CHECKING:  # releases ask for who stands where before they change
    from postventa.engine.release import Releases


@dataclass(frozen=True, slots=True)
class Here:
    """The people at one step of one version. `stands`: how many wait for what (`timer`, `event`, `outbox`, …)."""

    journey: Journey
    index: int
    count: int
    stands: Mapping[str, int] = field(default_factory=dict)

    @property
    def step(self) -> str:
        """The step's id."""
        return self.journey.steps[self.index].id

    @property
    def line(self) -> int:
        """The step's line in the file as it was then."""
        return self.journey.steps[self.index].line


@dataclass(frozen=True, slots=True)
class Lost:
    """People whose step is gone from the new file, and every step after it too: nowhere to go on."""

    here: Here
    new: Journey

    @property
    def edits(self) -> str:
        """The new file's word."""
        return self.new.edits


async def runs_inside(views: Views) -> list[Mapping[str, Any]]:
    """The unfinished runs: {journey, version, step, stand, count}."""
    rows: list[Mapping[str, Any]] = (await views.counts(datetime.now(UTC)))["runs"]  # what is due is not asked here
    return rows


async def standing(views: Views, releases: Releases) -> list[Here]:
    """Everybody who is inside a journey, by journey, version and place in the file."""
    found: dict[tuple[str, str, int], Counter[str]] = {}
    for one in await runs_inside(views):
        place = (one["journey"], one["version"], int(one["step"]))
        found.setdefault(place, Counter())[one["stand"]] += one["count"]
    versions = await releases.versions({(journey, version) for journey, version, _ in found})
    return [
        Here(versions[name, version], index, stands.total(), dict(stands))
        for (name, version, index), stands in sorted(found.items())
        if (name, version) in versions and 0 <= index < len(versions[name, version].steps)
    ]


def lost(
    journeys: Mapping[str, Journey],
    inside: Iterable[Here],
    *,
    renamed: Mapping[str, str] = NO_NAMES,
    always: bool = False,
) -> list[Lost]:
    """The steps with people in them that would leave these people nowhere to go on, where the new file's word is
    `follow` or `retime` (`always`: whatever it says). Only other versions than the new one count."""
    found = []
    for here in inside:
        new = journeys.get(here.journey.id)
        if new is None or new.version == here.journey.version or (new.edits == "finish" and not always):
            continue
        if Places(here.journey, new, renamed).landing(here.index) is None:
            found.append(Lost(here, new))
    return found


def people(inside: Sequence[Here]) -> int:
    """How many they are together."""
    return sum(one.count for one in inside)
