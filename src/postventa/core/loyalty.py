"""The points ledger: earning, reversal, redemption, expiry, tiers. The balance is the sum of open lots.

Tiers follow the points ever earned (less those reversed) and only go up, so that a refund does not make them flap.
"""

from __future__ import annotations

from datetime import datetime

from postventa.core import ids, schedule
from postventa.core.belonging import order_of
from postventa.core.effect import PostPoints
from postventa.core.event import Event
from postventa.core.quick import but
from postventa.core.state import Lot, Run
from postventa.core.turn import Turn
from postventa.core.values import as_number


def earn(turn: Turn, posting: str, points: int, at: datetime, reason: str, order: str | None, run: Run | None) -> None:
    """Post points once; tell of it as `points.earned`."""
    if posting in turn.state.lots:
        return
    expire = turn.catalog.loyalty.expire
    expires = schedule.add(at, expire, turn.tz) if expire else None
    turn.state.lots[posting] = Lot(posting, points, at, expires, order)
    turn.do(PostPoints(posting, points, at, reason, order, run.run_id if run else None))
    _add_earned(turn, points)
    turn.note("award", f"{points} points: {reason}", run)
    told = {"points": points, "balance": turn.state.balance, "reason": reason}
    turn.emit("points.earned", posting, at, told, run.ids if run else {})
    _tier(turn, posting, at)


def _add_earned(turn: Turn, points: int) -> None:
    facts = turn.state.facts
    facts["points_earned"] = int(facts.get("points_earned", 0)) + points
    facts["points"] = turn.state.balance


def _tier(turn: Turn, posting: str, at: datetime) -> None:
    earned = turn.state.facts["points_earned"]
    tiers = turn.catalog.loyalty.tiers
    reached = [tier for tier in tiers if tier.from_points <= earned]
    order = [tier.name for tier in tiers]
    now = turn.state.facts.get("tier")
    if not reached or (now in order and order.index(now) >= order.index(reached[-1].name)):
        return
    turn.state.facts["tier"] = reached[-1].name
    turn.emit("tier.changed", ids.digest("tier/1", posting), at, {"tier": reached[-1].name, "from": now}, {})


def apply(turn: Turn, event: Event) -> None:
    """What an event does to the ledger: a refunded order takes its points back, a redemption uses the oldest first."""
    if event.type in ("order.refunded", "order.cancelled"):
        _reverse(turn, event)
    elif event.type == "points.redeemed":
        _redeem(turn, event)


def given_back(turn: Turn, order: str) -> bool:
    """Whether an order's points are reversed, so that none are earned by it any more."""
    thing = turn.state.things.get(("order", order))
    return thing is not None and bool(thing.facts.keys() & {"refunded_at", "cancelled_at"})


def _reverse(turn: Turn, event: Event) -> None:
    order = order_of(event.ids)
    for lot in [lot for lot in turn.state.lots.values() if order is not None and lot.order == order]:
        if lot.points > 0:
            _use(turn, lot, lot.points, ids.digest("reverse/1", lot.posting_id), event.occurred_at, event.type)
            _add_earned(turn, -lot.points)


def _use(turn: Turn, lot: Lot, points: int, posting: str, at: datetime, reason: str) -> None:
    """Take points out of a lot, which stays (empty) as the memory that it was posted."""
    expires = None if lot.points == points else lot.expires_at
    turn.state.lots[lot.posting_id] = but(lot, points=lot.points - points, expires_at=expires)
    turn.do(PostPoints(posting, -points, at, reason, lot.order))
    turn.state.facts["points"] = turn.state.balance


def _redeem(turn: Turn, event: Event) -> None:
    left = int(as_number(event.data.get("points")) or 0)
    for lot in sorted(turn.state.lots.values(), key=lambda one: (one.expires_at or one.at, one.at, one.posting_id)):
        used = min(left, lot.points)
        if used > 0:
            _use(turn, lot, used, ids.digest("redeem/1", *event.key, lot.posting_id), event.occurred_at, "redeemed")
            left -= used
    if left:
        turn.note("award", f"{left} of the redeemed points were not there")


def expire(turn: Turn, lot: Lot, at: datetime) -> None:
    """Take back what is left of a lot whose time has come."""
    points = lot.points
    _use(turn, lot, points, ids.digest("expire/1", lot.posting_id), at, "expired")
    name = ids.digest("expired/1", lot.posting_id)
    turn.emit("points.expired", name, at, {"points": points, "balance": turn.state.balance}, {})
