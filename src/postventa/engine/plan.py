"""What a publish of these files would do to the live release and to the people inside. It only reads.

Who stands at which step is counted; what would become of them is asked of the core itself, customer by customer: each
is moved (and forgotten again) under `follow` and under `retime`, and played for a day on a virtual clock under the old
and the new files. With more than `MOST` customers every n-th is asked, and the figures are scaled.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal, cast

from postventa.core.advance import advance
from postventa.core.event import How, Move
from postventa.core.journey import Catalog, Journey
from postventa.core.migrate import LOST, meant, obstacle
from postventa.core.places import NO_NAMES, Places
from postventa.core.state import CustomerState, Run
from postventa.engine.orders import Order, ordered
from postventa.engine.release import Live, Releases
from postventa.engine.replay import onward
from postventa.engine.standing import Here, standing
from postventa.journeys.differences import Change, differences
from postventa.project import Project, release_hash

MOST = 2000
DAY = timedelta(hours=24)
_PAGE = 1000

Fate = Literal["stay", "other time", "now", "leave", "lost", "later"]
FATES: tuple[Fate, ...] = ("stay", "other time", "now", "leave", "lost", "later")
"""They stand as they stood; until another time; go on at once; end; lose their step and stay in the old version; have a
mail in hand and go over after it."""


@dataclass(frozen=True, slots=True)
class Place:
    """People at one step of an older version, and the step of the new file where they would stand (None: nowhere)."""

    version: str
    step: str
    line: int
    count: int
    to: str | None


@dataclass(slots=True)
class JourneyPlan:
    """One journey that is new, changed or removed, or has people in older versions."""

    id: str
    file: str
    state: Literal["new", "changed", "removed", "same"]
    edits: str = "finish"
    changes: list[Change] = field(default_factory=list)
    inside: int = 0
    """Unfinished runs in other versions than the new one."""
    places: list[Place] = field(default_factory=list)
    fates: dict[str, Counter[str]] = field(default_factory=dict)
    """By word (`finish`, `follow`, `retime`): how many runs meet which fate."""

    @property
    def refused(self) -> int:
        """People who would stand nowhere by the file's own word: it cannot be published so."""
        if self.edits == "finish" or self.state != "changed":
            return 0
        return sum(place.count for place in self.places if place.to is None)


@dataclass(slots=True)
class Plan:
    """The whole. `looked_at` of `people` customers were asked; figures of fates and sends are scaled to all."""

    live: str | None
    new: str
    journeys: list[JourneyPlan] = field(default_factory=list)
    files: list[tuple[str, str]] = field(default_factory=list)
    """(file, added | removed | changed) beside the journeys."""
    sends: list[tuple[str, str, int, int]] = field(default_factory=list)
    """(journey, message, before, after) in the next 24 hours, to people inside now."""
    people: int = 0
    looked_at: int = 0

    @property
    def refused(self) -> bool:
        """Whether `publish` would refuse these files."""
        return any(one.refused for one in self.journeys)


async def plan(releases: Releases, project: Project, now: datetime, most: int = MOST) -> Plan:
    """Compare a sound project with what is live. Nothing is written."""
    views = releases.store.views
    live = await releases.live_or_none()
    found = Plan(live.hash if live else None, project.hash)
    before: Mapping[str, Journey] = live.project.journeys if live else {}
    inside = await standing(views, releases)
    found.journeys = list(_journeys(project, live, before, inside))
    found.files = _files(project, live)
    if live is None:
        return found
    after = await releases.compiled(project, project.hash)
    orders = ordered(project.journeys, before, await views.versions_in_use(), "")
    everybody: dict[str, set[str]] = {}
    for here in inside:
        everybody.setdefault(here.journey.id, set()).add(here.journey.version)
    same = _rules(live.catalog) == _rules(after.catalog)
    await _ask(releases, found, live, after, orders, now, most, {} if same else everybody)
    return found


async def would_do(releases: Releases, order: Order, now: datetime, most: int = MOST) -> JourneyPlan:
    """What one order would do, as `migrate --dry-run` tells it."""
    new = await releases.know(order.journey, order.version)
    live = await releases.live()
    inside = [one for one in await standing(releases.store.views, releases) if one.journey.version in order.from_]
    one = JourneyPlan(new.id, new.file, "changed", order.how, inside=0)
    _stand(one, new, [here for here in inside if here.journey.id == new.id], order.renamed)
    customers = await _customers(releases, {new.id: set(order.from_)})
    asked = [state for name in _some(customers, most) if (state := await releases.store.views.customer(name))]
    for how in ("follow", "retime"):
        counted = Counter[str](
            fate for state in asked for fate in _fates(state, live.catalog, _with(order.move, how), now)
        )
        one.fates[how] = _scaled(counted, one.inside)
    return one


# --- files -----------------------------------------------------------------------------------------------------------
def _journeys(
    project: Project, live: Live | None, before: Mapping[str, Journey], inside: Sequence[Here]
) -> Iterable[JourneyPlan]:
    for name in sorted({*project.journeys, *before}):
        new, old = project.journeys.get(name), before.get(name)
        here = [one for one in inside if one.journey.id == name and (new is None or one.journey.version != new.version)]
        if new is None:
            assert old is not None, "it is in one of the two"
            one = JourneyPlan(name, old.file, "removed")
        elif old is None:
            one = JourneyPlan(name, new.file, "new", new.edits)
        else:
            state: Literal["same", "changed"] = "same" if old.version == new.version else "changed"
            one = JourneyPlan(name, new.file, state, new.edits)
            if live is not None and state == "changed":
                one.changes = differences(old, new, live.project.files[old.file], project.files[new.file])
        _stand(one, new, here)
        if one.state != "same" or one.inside:
            yield one


def _stand(one: JourneyPlan, new: Journey | None, here: Sequence[Here], renamed: Mapping[str, str] = NO_NAMES) -> None:
    one.inside = sum(each.count for each in here)
    one.fates = {"finish": Counter({"stay": one.inside})} if one.inside else {}
    for each in here:
        to = Places(each.journey, new, renamed).landing(each.index) if new else None
        place = Place(each.journey.version, each.step, each.line, each.count, to.id if to else None)
        one.places.append(place)


def _files(project: Project, live: Live | None) -> list[tuple[str, str]]:
    """What changed beside the journeys: templates, surveys, settings."""
    if live is None:
        return []
    old, found = live.project.files, []
    for name in sorted({*project.files, *old}):
        if name.startswith("journeys/"):
            continue
        if name not in old or name not in project.files:
            found.append((name, "removed" if name in old else "added"))
        elif release_hash({name: old[name]}) != release_hash({name: project.files[name]}):
            found.append((name, "changed"))
    return found


# --- people ----------------------------------------------------------------------------------------------------------
def _rules(catalog: Catalog) -> tuple[object, ...]:
    """What counts for everybody, in whatever journey they are."""
    return catalog.messages, catalog.surveys, catalog.products, catalog.kinds, catalog.loyalty, catalog.shop


async def _ask(
    releases: Releases, found: Plan, live: Live, after: Live, orders: Sequence[Order], now: datetime, most: int,
    others: Mapping[str, set[str]],
) -> None:  # fmt: skip
    """Ask the core what becomes of everybody in a journey that changes, and what is sent to them and to `others`: by
    journey the versions of those for whom it is other rules that change."""
    versions: dict[str, set[str]] = {}
    for one in found.journeys:
        if one.inside:
            versions[one.id] = {place.version for place in one.places}
    moving = await _customers(releases, versions)
    mailed = sorted({*moving, *await _customers(releases, others)})
    found.people, sends = len(mailed), {"before": Counter[tuple[str, str]](), "after": Counter[tuple[str, str]]()}
    fates: dict[tuple[str, str], Counter[str]] = {}
    asked, counted_mails = set(_some(moving, most)), set(_some(mailed, most))
    for customer in sorted(asked | counted_mails):
        state = await releases.store.views.customer(customer)
        if state is None:
            continue
        if customer in asked:
            _ask_one(state, after.catalog, versions, now, fates)
        if customer not in counted_mails:
            continue
        found.looked_at += 1
        sends["before"] += _sends(state, live.catalog, now)
        for order in orders:
            if meant(state, order.move):
                state = advance(state, order.move, now, after.catalog).state
        sends["after"] += _sends(state, after.catalog, now)
    for one in found.journeys:
        for how in ("follow", "retime"):
            if counted := fates.get((one.id, how)):
                one.fates[how] = _scaled(counted, one.inside)
    factor = found.people / found.looked_at if found.looked_at else 1
    found.sends = [
        (*key, round(sends["before"][key] * factor), round(sends["after"][key] * factor))
        for key in sorted(sends["before"] | sends["after"])
    ]


def _ask_one(
    state: CustomerState, catalog: Catalog, versions: Mapping[str, set[str]], now: datetime,
    fates: dict[tuple[str, str], Counter[str]],
) -> None:  # fmt: skip
    for name, older in versions.items():
        new = catalog.live.get(name)
        hows: tuple[How, ...] = ("follow", "retime") if new else ()
        for how in hows:
            assert new is not None, "else there is no word"
            asked = Move(name, new.version, tuple(sorted(older)), how)
            fates.setdefault((name, how), Counter()).update(_fates(state, catalog, asked, now))


def _with(asked: Move, how: str) -> Move:
    return Move(asked.journey, asked.version, asked.from_, cast("How", how), asked.renamed)


def _fates(state: CustomerState, catalog: Catalog, asked: Move, now: datetime) -> list[Fate]:
    """What a move would do to each of a customer's runs it speaks of."""
    runs = meant(state, asked)
    if not runs:
        return []
    after = advance(state, asked, now, catalog).state
    found: list[Fate] = []
    for run in runs:
        why = obstacle(state, catalog, run, asked)
        if why is not None:
            found.append("lost" if why == LOST else "later")
        elif (then := after.runs.get(run.run_id)) is None:
            found.append("leave")
        else:
            found.append(_moved(run, then, catalog, asked))
    return found


def _moved(run: Run, then: Run, catalog: Catalog, asked: Move) -> Fate:
    old, new = catalog.journey_of(run.journey, run.version), catalog.journey_of(run.journey, then.version)
    assert old is not None, "nothing stood in its way"
    assert new is not None, "nothing stood in its way"
    target = Places(old, new, asked.renamed).landing(run.step)
    if target is None or then.step != target.index or then.stand.kind != run.stand.kind:
        return "now"
    return "stay" if then.stand.due_at == run.stand.due_at else "other time"


def _sends(state: CustomerState, catalog: Catalog, now: datetime) -> Counter[tuple[str, str]]:
    """(journey, message) of what leaves in the next day when nothing new comes in."""
    begun = {run.run_id: run.journey for run in state.runs.values()}
    played = onward(state, catalog, now, now + DAY)
    return Counter(
        (one.journey or begun.get(one.run_id or "", ""), one.message or "")
        for one in played.trace
        if one.decision == "send"
    )


async def _customers(releases: Releases, versions: Mapping[str, set[str]]) -> list[str]:
    found: set[str] = set()
    for name, older in versions.items():
        after = ""
        while page := await releases.store.views.customers_inside(name, older, after, _PAGE):
            found.update(page)
            after = page[-1]
    return sorted(found)


def _some(customers: Sequence[str], most: int) -> list[str]:
    """At most so many of them, evenly spread over their ids."""
    if len(customers) <= most:
        return list(customers)
    return [customers[number * len(customers) // most] for number in range(most)]


def _scaled(counted: Counter[str], total: int) -> Counter[str]:
    """The same shares of `total`; what rounding leaves over goes to the largest."""
    looked = counted.total()
    if not looked or looked == total:
        return counted
    scaled = Counter({fate: count * total // looked for fate, count in counted.items()})
    scaled[counted.most_common(1)[0][0]] += total - scaled.total()
    return scaled
