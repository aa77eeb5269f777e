"""Two customers who turn out to be one person: everything of the old moves into the new."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from postventa.core.state import Consent, CustomerState


def merge(into: CustomerState, old: CustomerState, now: datetime) -> CustomerState:
    """The united customer. Facts: newest per field. Consent: any objection wins. Runs, things, lots and messages of
    both are kept; neither given state is changed."""
    one = into.fork()
    one.now = max(moment for moment in (now, into.now, old.now) if moment is not None)
    for field, value in old.facts.items():
        mine, theirs = into.stamps.get(field), old.stamps.get(field)
        if field not in one.facts or (theirs is not None and (mine is None or theirs > mine)):
            one.facts[field] = value
            if theirs is not None:
                one.stamps[field] = theirs
    for key, consent in old.consents.items():
        one.consents[key] = _strict(one.consents.get(key), consent)
    for ref, thing in old.things.items():
        one.things.setdefault(ref, thing)
    for name in (
        "events",
        "verdicts",
        "runs",
        "watches",
        "holds",
        "assignments",
        "counted",
        "lots",
        "settling",
        "outbox",
    ):
        mine_too: dict[object, object] = getattr(one, name)
        for key, value in getattr(old, name).items():
            mine_too.setdefault(key, value)
    for where, ended in old.ended.items():
        if where not in one.ended or one.ended[where].at < ended.at:
            one.ended[where] = ended
    _counters(one, into, old)
    one.erased = into.erased or old.erased
    return one


def _strict(mine: Consent | None, theirs: Consent) -> Consent:
    """Of two words about the same thing an objection wins, else the newer."""
    if mine is None:
        return theirs
    if mine.given != theirs.given:
        return theirs if mine.given else mine
    return max(mine, theirs, key=lambda consent: consent.at)


def _counters(one: CustomerState, into: CustomerState, old: CustomerState) -> None:
    """Facts that are sums: orders, points."""
    mine, theirs = into.facts.get("orders"), old.facts.get("orders")
    if isinstance(mine, dict) and isinstance(theirs, dict):
        firsts = [value for value in (mine.get("first_at"), theirs.get("first_at")) if value]
        lasts = [value for value in (mine.get("last_at"), theirs.get("last_at")) if value]
        spent = Decimal(str(mine.get("spent", 0))) + Decimal(str(theirs.get("spent", 0)))
        one.facts["orders"] = {"count": mine["count"] + theirs["count"]}
        if firsts:
            one.facts["orders"] |= {"first_at": min(firsts), "last_at": max(lasts), "spent": format(spent, "f")}
    elif isinstance(theirs, dict):
        one.facts["orders"] = theirs
    if one.lots:
        one.facts["points"] = one.balance
        earned = (int(state.facts.get("points_earned", 0)) for state in (into, old))
        one.facts["points_earned"] = sum(earned)
