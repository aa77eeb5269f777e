"""Journeys as their pages show them: the steps as a tree in words, and how many people stand at each."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from postventa.core.journey import (
    AllOf,
    AnyOf,
    AnyStep,
    Ask,
    Award,
    Branch,
    Catalog,
    Condition,
    Duration,
    Emit,
    Exit,
    Experiment,
    Fact,
    Hold,
    Journey,
    Not,
    On,
    Release,
    Repeat,
    Send,
    SetFacts,
    Test,
    Wait,
    WaitFor,
    WaitUntil,
)
from postventa.source.durations import in_words
from postventa.web.services import Services

Row = dict[str, Any]


async def journeys(services: Services) -> list[Row]:
    """Every journey of the live release, and those that people still stand in: one line each."""
    catalog = services.catalog()
    counts = (await services.views.counts(services.now()))["runs"]
    inside = Counter[str]()
    for one in counts:
        inside[one["journey"]] += one["count"]
    paused = {pause.scope.partition(":")[2] for pause in await services.views.pauses() if pause.scope[:8] == "journey:"}
    rows = []
    for name in sorted({*catalog.live, *inside}):
        found = catalog.live.get(name)
        rows.append({
            "id": name, "title": found.title if found else "", "file": found.file if found else "",
            "subject": found.subject if found else "", "start": _on(found.start.on) if found else "",
            "inside": inside[name], "live": found is not None, "paused": name in paused,
        })  # fmt: skip
    return rows


async def journey(services: Services, name: str) -> Row | None:
    """One journey: its steps with counts, its ended runs and goals. None when there is none of that name."""
    catalog, views = services.catalog(), services.views
    found = catalog.live.get(name) or _older(catalog, name)
    if found is None:
        return None
    mine = [one for one in (await views.counts(services.now()))["runs"] if one["journey"] == name]
    here = [one for one in mine if one["version"] == found.version]
    ended = await views.ended_runs(name)
    goals = await views.goals(name)
    return {
        "id": found.id, "title": found.title, "file": found.file, "version": found.version, "owner": found.owner,
        "subject": found.subject, "start": _on(found.start.on), "live": name in catalog.live,
        "exit_on": sorted({event for on in found.exit_on for event in on.types}),
        "goal": f"{_on(found.goal.on)} within {in_words(found.goal.within)}" if found.goal else "",
        "inside": sum(one["count"] for one in mine), "steps": tree(found, here),
        "older": _by_version(mine, found.version), "goals": len(goals), "last_ended": ended[:50],
        "outcomes": dict(Counter(_outcome(one) for one in ended).most_common()),
    }  # fmt: skip


def _older(catalog: Catalog, name: str) -> Journey | None:
    return next((one for (journey_id, _), one in catalog.versions.items() if journey_id == name), None)


def _by_version(counts: Iterable[Row], live: str) -> dict[str, int]:
    found = Counter[str]()
    for one in counts:
        if one["version"] != live:
            found[one["version"]] += one["count"]
    return dict(found)


def _outcome(ended: Row) -> str:
    return f"{ended['outcome']}: {ended['reason']}" if ended.get("reason") else str(ended["outcome"])


# --- the tree --------------------------------------------------------------------------------------------------------
def tree(found: Journey, counts: Iterable[Row]) -> list[Row]:
    """Steps as nested rows. `below` holds the ways out of a step: their name, and the steps on each."""
    standing: dict[int, Counter[str]] = {}
    for one in counts:
        standing.setdefault(int(one["step"]), Counter())[one["stand"]] += one["count"]
    top: list[Row] = []
    rows: dict[str, Row] = {}
    for step in found.steps:
        stands = standing.get(step.index, Counter())
        row: Row = {
            "id": step.id, "index": step.index, "line": step.line, "does": in_plain_words(step), "verb": verb(step),
            "count": stands.total(), "stands": dict(stands), "below": {},
        }  # fmt: skip
        rows[step.path] = row
        parent, way = _parent(step.path, rows)
        (top if parent is None else parent["below"].setdefault(_way(way, found, parent), [])).append(row)
    return top


def _parent(path: str, rows: Mapping[str, Row]) -> tuple[Row | None, str]:
    """The step that this one stands under, and the way from it: `on_timeout`, `when/0`, `variants/coupon`."""
    parts = path.split("/")
    for cut in range(len(parts) - 2, 1, -1):
        if (above := rows.get("/".join(parts[:cut]))) is not None:
            return above, "/".join(parts[cut:-1])
    return None, ""


def _way(way: str, found: Journey, above: Row) -> str:
    first, _, rest = way.partition("/")
    match first:
        case "when":
            branch = found.steps[above["index"]]
            cases = branch.cases if isinstance(branch, Branch) else ()
            return f"if {condition(cases[int(rest)][0])}" if rest.isdigit() and int(rest) < len(cases) else "if"
        case "on_timeout":
            return "if it does not happen"
        case "variants":
            return f"variant {rest}"
        case "then":
            return f"on {rest}" if rest else "then"
    return way.replace("_", " ")


def condition(asked: Condition) -> str:
    """A condition as the file says it, on one line: `answer.score at most 2`."""
    match asked:
        case AllOf(parts):
            return " and ".join(map(condition, parts)) or "always"
        case AnyOf(parts):
            return " or ".join(map(condition, parts))
        case Not(part):
            return f"not ({condition(part)})"
        case Test(path, op, operand):
            return f"{path} {op.replace('_', ' ')} {_operand(operand)}"


def _operand(operand: object) -> str:
    match operand:
        case Fact():
            return str(operand.path)
        case Duration():
            return in_words(operand)
        case tuple():
            return ", ".join(map(_operand, operand))
        case Test() | AllOf() | AnyOf() | Not():
            return f"({condition(operand)})"
    return str(operand)


def verb(step: AnyStep) -> str:
    """The step's verb as the file writes it."""
    name = "set" if isinstance(step, SetFacts) else type(step).__name__
    return "".join(f"_{sign.lower()}" if sign.isupper() and place else sign.lower() for place, sign in enumerate(name))


def in_plain_words(step: AnyStep) -> str:
    """What a step does, as one would say it."""
    match step:
        case Send():
            return f"send {step.message}" + (f" with {step.reward}" if step.reward else "")
        case Wait():
            clock = f", then until {step.at.hour:02}:{step.at.minute:02}" if step.at else ""
            return f"wait {in_words(step.span)}{clock}"
        case WaitUntil():
            return f"wait until {step.fact}" + "".join(f" {'+-'[sign < 0]} {in_words(by)}" for sign, by in step.shifts)
        case WaitFor():
            return f"wait for {' or '.join(_on(on) for on in step.events)}{_timeout(step)}"
        case Ask():
            return f"ask {step.survey}, for {in_words(step.timeout)}"
        case Branch():
            return "go one of these ways"
        case Experiment():
            weights = ", ".join(f"{one.name} {one.weight}" for one in step.variants)
            return f"experiment {step.name}: {weights}"
        case Award():
            return f"award {step.points} points"
        case SetFacts():
            return f"set {', '.join(step.values)}"
        case Emit():
            return f"emit {step.event}"
        case Hold():
            return f"hold {step.what}, at most {in_words(step.at_most)}"
        case Release():
            return f"release {step.what}"
        case Repeat():
            every = f" every {in_words(step.every)}" if step.every else ""
            return f"repeat{every}" + (f", {step.at_most} times at most" if step.at_most else "")
        case Exit():
            return f"exit: {step.reason}"


def _timeout(step: WaitFor) -> str:
    if step.timeout is None:
        return ""
    if isinstance(step.timeout, Fact):
        return f", until {step.timeout.path} at most"
    return f", {in_words(step.timeout)} at most"


def _on(on: On) -> str:
    return " or ".join(sorted(on.types))


def place_of(catalog: Catalog, name: str | None, version: str | None, line: int | None) -> str:
    """`journeys/after-purchase.yaml:14`, as far as it is known."""
    found = catalog.journey_of(name or "", version or "") if name else None
    file = found.file if found else ""
    return f"{file}:{line}" if file and line else file


def standing(step: AnyStep | None, kind: str) -> str:
    """How a run stands, in words for a support person."""
    at = in_plain_words(step) if step is not None else "the end"
    more = {"held": " (held back)", "outbox": " (on its way)", "parked": " (stopped by an error)"}
    return at + more.get(kind, "")
