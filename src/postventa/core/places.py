"""Where somebody who stands in one version of a journey stands in another.

A step is found again by its id. One that has none of its own (its id is its place in the file) is found by that place
where it still does the same; so a file that gets its ids only now loses nobody. A step that is gone sends its people to
the next one that was kept.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from postventa.core.journey import END, AnyStep, Journey

NO_NAMES: Mapping[str, str] = {}


@dataclass(frozen=True, slots=True)
class Places:
    """Two versions of one journey, and which step of the one goes on as which of the other."""

    old: Journey
    new: Journey
    renamed: Mapping[str, str] = field(default_factory=dict)
    """Old step id -> new step id, by an operator's word."""
    partners: Mapping[int, int] = field(init=False)
    """Index of an old step -> index of the new step it goes on as."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "partners", _partners(self.old, self.new, self.renamed))

    def partner(self, index: int) -> AnyStep | None:
        """The step that an old one goes on as."""
        place = self.partners.get(index)
        return None if place is None else self.new.steps[place]

    def landing(self, index: int) -> AnyStep | None:
        """Where a run that stands at an old step stands now; None: neither that step nor any after it was kept."""
        seen: set[int] = set()
        while index != END and index not in seen:
            seen.add(index)
            if (found := self.partner(index)) is not None:
                return found
            index = self.old.steps[index].next
        return None

    @property
    def names(self) -> Mapping[str, str]:
        """Old step id -> new step id, where they differ."""
        pairs = ((self.old.steps[a].id, self.new.steps[b].id) for a, b in self.partners.items())
        return {a: b for a, b in pairs if a != b}


def _partners(old: Journey, new: Journey, renamed: Mapping[str, str]) -> dict[int, int]:
    """By name, then what has no name by its place. A renaming that speaks of other versions says nothing here."""
    after = {step.id: step for step in new.steps}
    found: dict[int, int] = {}
    for step in old.steps:
        name = renamed.get(step.id, step.id)
        if name in after and (step.id in renamed or name not in renamed.values()):
            found[step.index] = after[name].index
    taken = set(found.values())
    by_place = {step.path: step for step in new.steps if step.index not in taken}
    for step in old.steps:
        other = by_place.get(step.path)
        if step.index not in found and other is not None and type(other) is type(step) and _nameless(step, other):
            found[step.index] = other.index
    return found


def _nameless(one: AnyStep, other: AnyStep) -> bool:
    """Whether one of the two has no id of its own."""
    return one.id == one.path or other.id == other.path
