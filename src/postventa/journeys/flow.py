"""The ways through a journey: what may come after each step, and what is known on each way to it.

A rule gives what is known at the start and how a step changes it; `spread` carries that along every way, loops too.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Callable, Hashable, Iterator, Mapping
from dataclasses import dataclass
from typing import TypeVar

from postventa.journeys.tree import Block, Step, Tree

S = TypeVar("S", bound=Hashable)
MOST = 64
"""So many different states are followed at one step; a journey that needs more is not looked at any further there."""


@dataclass(frozen=True, slots=True)
class Way:
    """One way on from a step: by which of its blocks ("" where it has none), and where to (None: out of the journey).

    `types` are the events that lead this way; `back` marks the end of a round of `repeat`.
    """

    step: Step
    slot: str
    to: Step | None
    types: tuple[str, ...] = ()
    back: bool = False


class Flow:
    """The steps of a tree, tied together."""

    def __init__(self, tree: Tree) -> None:
        self.ways: dict[int, list[Way]] = {}
        self.first: Step | None = None
        if tree.steps is not None:
            self.first = tree.steps.steps[0] if tree.steps.steps else None
            self._tie(tree.steps, None, back=False)

    def spread(self, start: S, pass_on: Callable[[Way, S], S]) -> Mapping[int, frozenset[S]]:
        """By `id(step)`: everything that may be known on arriving there. `pass_on`: how a way changes it."""
        known: dict[int, set[S]] = defaultdict(set)
        ahead: deque[tuple[Step, S]] = deque()
        if self.first is not None:
            known[id(self.first)].add(start)
            ahead.append((self.first, start))
        while ahead:
            step, state = ahead.popleft()
            for way in self.ways[id(step)]:
                if way.to is None:
                    continue
                after = pass_on(way, state)
                there = known[id(way.to)]
                if after not in there and len(there) < MOST:
                    there.add(after)
                    ahead.append((way.to, after))
        return {key: frozenset(states) for key, states in known.items()}

    def reached(self, way: Way) -> frozenset[int]:
        """`id(step)` of every step that may follow on this way."""
        seen: set[int] = set()
        ahead = [way.to] if way.to is not None and not way.back else []
        while ahead:
            step = ahead.pop()
            if id(step) not in seen:
                seen.add(id(step))
                ahead += [one.to for one in self.ways[id(step)] if one.to is not None and not one.back]
        return frozenset(seen)

    # --- inside
    def _tie(self, block: Block, after: Step | None, *, back: bool) -> None:
        for number, step in enumerate(block.steps):
            last = number + 1 == len(block.steps)
            following = after if last else block.steps[number + 1]
            self.ways[id(step)] = list(self._ways(step, following, back and last))
            for below in step.blocks.values():
                inner = (step, True) if step.verb == "repeat" else (following, back and last)
                self._tie(below, inner[0], back=inner[1])

    @staticmethod
    def _ways(step: Step, after: Step | None, back: bool) -> Iterator[Way]:
        def way(slot: str, types: tuple[str, ...] = ()) -> Way:
            block = step.blocks.get(slot)
            steps = block.steps if block else []
            return Way(step, slot, steps[0] if steps else after, types, back and not steps)

        match step.verb:
            case "exit":
                return
            case "wait_for":
                types = sorted({name for on in step.object or () for name in on.types})
                named = [name for name in types if f"then/{name}" in step.blocks]
                yield from (way(f"then/{name}", (name,)) for name in named)
                if rest := tuple(name for name in types if name not in named):
                    yield way("then", rest)
                yield way("on_timeout")
            case "ask":
                yield way("then", ("survey.answered",))
                yield way("on_timeout")
            case "wait_until":
                yield way("")
                if "timeout" in step.node:
                    yield way("on_timeout")
            case "branch" | "experiment":
                yield from (way(slot) for slot in step.blocks)
            case "repeat":
                yield way("steps")
                yield Way(step, "", after, (), back)
            case _:
                yield Way(step, "", after, (), back)
