"""Orders are carried out: everybody whom one speaks of goes over, a batch of customers in a transaction at a time.

Each batch locks its customers, asks the core, saves and notes itself in the audit; the engine goes on in between. A
batch that was not committed was not there; whoever comes next finds the people where they stand. Who cannot go over now
(`core.migrate.obstacle`) stays, and is asked again in the next pass.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime

from postventa.core.migrate import IN_HAND, meant, obstacle
from postventa.engine.engine import Engine
from postventa.engine.orders import KEY, Order, standing_orders, text_of, with_order
from postventa.engine.work import Work
from postventa.errors import PostventaError

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
        mine = [one for one in customers if names.get(one, one) == one and engine.keys.marker("id", one) not in gone]
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


async def give(engine: Engine, order: Order, now: datetime) -> Order:
    """Put an order beside those in force, so that it is carried out to its end whatever happens to this process.

    Raises PostventaError for a version that was never published, a step that neither version has, and where an order
    of a publish is about to bring the same people elsewhere.
    """
    target = await engine.releases.know(order.journey, order.version)
    known = await engine.releases.versions({(order.journey, version) for version in order.from_})
    steps = {step.id for journey in known.values() for step in journey.steps}
    for old, new in order.renamed.items():
        for name, there in ((old, steps), (new, {step.id for step in target.steps})):
            if name not in there:
                where = f"journey {order.journey}, --map {old}={new}"
                raise PostventaError(f"no step is called {name!r}", where, f"its steps: {', '.join(sorted(there))}")
    order = replace(order, from_=tuple(one for one in order.from_ if one != order.version), named=True)
    async with engine.store.transaction() as tx:
        await tx.set_control(KEY, text_of(with_order(await standing_orders(engine.store.views), order)))
        await tx.audit(now, order.by, "migrate", order.to_plain())
    return order
