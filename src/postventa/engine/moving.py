"""Orders are carried out: everybody whom one speaks of goes over, a batch of customers in a transaction at a time.

Each batch locks its customers, asks the core, saves and notes itself in the audit; the engine goes on in between. A
batch that was not committed was not there; whoever comes next finds the people where they stand. Who cannot go over now
(`core.migrate.obstacle`) stays, and is asked again in the next pass.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from postventa.core.migrate import IN_HAND, meant, obstacle
from postventa.engine.engine import Engine
from postventa.engine.orders import KEY, Order, standing_orders, text_of, with_order
from postventa.engine.release import Releases
from postventa.engine.standing import runs_inside
from postventa.engine.work import Work
from postventa.errors import ConfigError, PostventaError

TOGETHER = 100
"""Customers in one batch: it holds their locks for as long as it takes."""


@dataclass(slots=True)
class Pass:
    """One look at everybody an order speaks of: how many runs went over, and why others did not."""

    moved: int = 0
    stayed: Counter[str] = field(default_factory=Counter)

    @property
    def over(self) -> bool:
        """Nothing is left that another pass could bring over soon."""
        return not self.stayed[IN_HAND]

    def add(self, other: Pass) -> None:
        """What another batch did."""
        self.moved += other.moved
        self.stayed += other.stayed


async def carry_out(
    engine: Engine, order: Order, now: Callable[[], datetime], tell: Callable[[int], None] = lambda _: None
) -> Pass:
    """One pass over everybody an order speaks of. `tell` hears how many have gone over so far."""
    await engine.releases.know(order.journey, order.version)
    done, after = Pass(), ""
    while found := await engine.store.views.customers_inside(order.journey, order.from_, after, TOGETHER):
        done.add(await _batch(engine, order, found, now()))
        after = found[-1]
        tell(done.moved)
    return done


async def _batch(engine: Engine, order: Order, customers: list[str], now: datetime) -> Pass:
    """These customers, in one transaction. Those who were erased or merged since are passed over."""

    async def body(work: Work) -> Pass:
        names = await work.tx.aliases(customers)
        gone = await work.tx.erased([engine.keys.marker("id", one) for one in customers])
        here = [one for one in customers if one in names or engine.keys.marker("id", one) not in gone]
        mine = [one for one in here if names.get(one, one) == one]
        await work.lock(mine)
        done = Pass()
        for customer in mine:
            done.add(_one(work, customer, order, now))
        await work.save()
        if done.moved:
            detail = {
                "journey": order.journey, "version": order.version, "from": list(order.from_), "how": order.how,
                "moved": done.moved, "stayed": dict(done.stayed),
            }  # fmt: skip
            await work.tx.audit(now, order.by, "move people", detail)
        return done

    return await engine.transact(body)


def _one(work: Work, customer: str, order: Order, now: datetime) -> Pass:
    state, asked, catalog = work.state(customer), order.move, work.live.catalog
    reasons = [obstacle(state, catalog, run, asked) for run in meant(state, asked)]
    done = Pass(reasons.count(None), Counter(filter(None, reasons)))
    if done.moved:
        work.advance(customer, asked, now)
    return done


async def left(engine: Engine, order: Order) -> int:
    """How many runs still stand in the versions an order speaks of."""
    return _left(await runs_inside(engine.store.views), order)


def _left(runs: Iterable[Mapping[str, Any]], order: Order) -> int:
    return sum(one["count"] for one in runs if one["journey"] == order.journey and one["version"] in order.from_)


async def progress(engine: Engine) -> list[dict[str, Any]]:
    """The orders in force as JSON, and how many runs each still speaks of (`left`)."""
    orders = await standing_orders(engine.store.views)
    runs = await runs_inside(engine.store.views) if orders else []
    return [{**one.to_plain(), "left": _left(runs, one)} for one in orders]


async def order_for(
    releases: Releases, journey: str, version: str = "", from_: str = "", how: str = "", **more: Any
) -> Order:
    """An order as an operator words it: versions by the beginning of their hash (default: the live one, and all others
    in which people stand), `how` by default as the file says, else `follow`. ConfigError for what does not exist."""
    live = (await releases.live()).catalog.live.get(journey)
    known = await releases.versions_of(journey)
    if not known or (live is None and not version):
        raise ConfigError(f"no journey {journey!r} is published", mend="name one that was: postventa status")
    target = known[_beginning(version, known, journey)] if version or live is None else live
    in_use = {one for name, one in await releases.store.views.versions_in_use() if name == journey}
    older = {_beginning(from_, known, journey)} if from_ else in_use - {target.version}
    chosen = how or (target.edits if target.edits != "finish" else "follow")
    if chosen not in ("follow", "retime"):
        raise ConfigError(f"{chosen!r} moves nobody", mend="follow or retime")
    return Order(journey, target.version, tuple(sorted(older)), chosen, **more)  # type: ignore[arg-type]


def _beginning(text: str, known: Iterable[str], journey: str) -> str:
    found = [version for version in known if version.startswith(text)]
    if len(found) != 1:
        raise ConfigError(
            f"{len(found)} versions of journey {journey!r} begin with {text!r}",
            mend="there are: " + ", ".join(version[:8] for version in known),
        )
    return found[0]


async def checked(releases: Releases, order: Order) -> Order:
    """The order, without those who are there already. Raises PostventaError for a version that was never published, and
    for a step that neither version has."""
    target = await releases.know(order.journey, order.version)
    known = await releases.versions({(order.journey, version) for version in order.from_})
    steps = {step.id for journey in known.values() for step in journey.steps}
    for old, new in order.renamed.items():
        for name, there in ((old, steps), (new, {step.id for step in target.steps})):
            if name not in there:
                where = f"journey {order.journey}, --map {old}={new}"
                raise PostventaError(f"no step is called {name!r}", where, f"its steps: {', '.join(sorted(there))}")
    return replace(order, from_=tuple(one for one in order.from_ if one != order.version), named=True)


async def give(engine: Engine, order: Order, now: datetime) -> Order:
    """Put an order beside those in force, so that it is carried out to its end whatever happens to this process.

    Raises as `checked` does.
    """
    order = await checked(engine.releases, order)
    async with engine.store.transaction() as tx:
        await tx.set_control(KEY, text_of(with_order(await standing_orders(engine.store.views), order)))
        await tx.audit(now, order.by, "migrate", order.to_plain())
    return order
