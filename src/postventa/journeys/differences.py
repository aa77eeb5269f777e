"""What changed between two versions of a journey, step by step and key by key, as the files themselves say it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Any, Literal

from postventa.core.journey import Journey
from postventa.core.places import Places
from postventa.source.yaml import load

Kind = Literal["added", "removed", "moved", "renamed", "changed"]


@dataclass(frozen=True, slots=True)
class Change:
    """One thing that is otherwise now. Without a step it is about the whole journey."""

    kind: Kind
    step: str = ""
    line: int = 0
    """In the new file; of what was removed, in the old one."""
    key: str = ""
    old: str = ""
    new: str = ""


_BLOCKS = frozenset({"then", "on_timeout", "steps"})
_NOT_HERE = frozenset({"steps", "title", "owner", "journey"})


def differences(old: Journey, new: Journey, before: bytes, after: bytes) -> list[Change]:
    """Every change that counts; `before` and `after` are the two files."""
    one, other = load(old.file, before).plain(), load(new.file, after).plain()
    top = [change for key, a, b in _pairs(one, other, _NOT_HERE) for change in [_changed("", 0, key, a, b)]]
    return top + _steps(Places(old, new), one, other)


def _steps(places: Places, one: Any, other: Any) -> list[Change]:
    old, new = places.old, places.new
    found: list[Change] = []
    back = {b: a for a, b in places.partners.items()}
    moved = _moved([old.steps[a].index for a in sorted(places.partners)], [back[b] for b in sorted(back)])
    gone = (step for step in old.steps if step.index not in places.partners)
    found += [Change("removed", step.id, step.line, old=said(_at(one, step.path))) for step in gone]
    for step in new.steps:
        mine = _at(other, step.path)
        if step.index not in back:
            found.append(Change("added", step.id, step.line, new=said(mine)))
            continue
        was = old.steps[back[step.index]]
        if was.id != step.id:
            found.append(Change("renamed", step.id, step.line, old=was.id, new=step.id))
        if was.index in moved:
            found.append(Change("moved", step.id, step.line))
        pairs = _pairs(_own(_at(one, was.path)), _own(mine), frozenset({"id"}))
        found += [_changed(step.id, step.line, key, a, b) for key, a, b in pairs]
    return found


def _moved(before: Sequence[int], after: Sequence[int]) -> set[int]:
    """The fewest whose leaving makes both orders the same."""
    match = SequenceMatcher(None, before, after, autojunk=False)
    stay = {before[i] for block in match.get_matching_blocks() for i in range(block.a, block.a + block.size)}
    return set(before) - stay


def _pairs(one: Mapping[str, Any], other: Mapping[str, Any], without: frozenset[str]) -> list[tuple[str, Any, Any]]:
    keys = [key for key in dict.fromkeys((*one, *other)) if key not in without]
    return [(key, one.get(key), other.get(key)) for key in keys if one.get(key) != other.get(key)]


def _changed(step: str, line: int, key: str, old: Any, new: Any) -> Change:
    kind: Kind = "added" if old is None else "removed" if new is None else "changed"
    return Change(kind, step, line, key, text(old), text(new))


# --- a step in its file ----------------------------------------------------------------------------------------------
def _at(journey: Any, path: str) -> Mapping[str, Any]:
    """The step at a place such as `steps/2/when/0/1`; an empty one where the file is not as expected."""
    parts = path.split("/")
    here: Any = journey
    try:
        while parts:
            here = _into(here, parts)
    except (LookupError, TypeError, ValueError):
        return {}
    return here if isinstance(here, Mapping) else {}


def _into(here: Any, parts: list[str]) -> Any:
    part = parts.pop(0)
    match part:
        case "when":
            cases = [case for case in here["branch"] if "when" in case]
            return cases[int(parts.pop(0))]["then"]
        case "otherwise":
            return here["branch"][-1]["otherwise"]
        case "variants":
            return here["variants"][parts.pop(0)]["then"]
        case "then" if isinstance(here["then"], Mapping):
            return here["then"][parts.pop(0)]
        case _:
            return here[int(part)] if isinstance(here, list) else here[part]


def _own(step: Mapping[str, Any]) -> dict[str, Any]:
    """What a step says itself, without the steps below it."""
    own = {key: value for key, value in step.items() if key not in _BLOCKS}
    if isinstance(own.get("branch"), list):
        own["branch"] = [case["when"] for case in own["branch"] if isinstance(case, Mapping) and "when" in case]
    if isinstance(own.get("variants"), Mapping):
        own["variants"] = {
            name: one.get("weight") for name, one in own["variants"].items() if isinstance(one, Mapping)
        }  # fmt: skip
    return own


def said(step: Mapping[str, Any]) -> str:
    """A step on one line: `wait: 1 day, at: 10:00`."""
    return ", ".join(f"{key}: {text(value)}" for key, value in _own(step).items() if key != "id")


def text(value: Any) -> str:
    """A value of a file on one line."""
    if value is None:
        return ""
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{key}: {text(one)}" for key, one in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(text, value)) + "]"
    return str(value).lower() if isinstance(value, bool) else str(value)
