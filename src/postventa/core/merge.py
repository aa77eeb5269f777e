"""Two customers who turn out to be one person: everything of the old moves into the new."""

from __future__ import annotations

from datetime import datetime

from postventa.core.facts import merged_ids, order_counters
from postventa.core.state import Consent, CustomerState, Thing


def merge(into: CustomerState, old: CustomerState, now: datetime) -> CustomerState:
    """The united customer. Facts: newest per field. Consent: any objection wins. Runs, things, lots and messages of
    both are kept; neither given state is changed."""
    one = into.fork()
    one.heard.clear()
    one.now = max(moment for moment in (now, into.now, old.now) if moment is not None)
    for field, value in old.facts.items():
        mine, theirs = into.stamps.get(field), old.stamps.get(field)
        if field not in one.facts or (theirs is not None and (mine is None or theirs > mine)):
            one.facts[field] = value
            if theirs is not None:
                one.stamps[field] = theirs
    one.consents = _united_consents(into, old)
    for ref, thing in old.things.items():
        one.things[ref] = _united(one.things[ref], thing) if ref in one.things else thing
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
    _points(one, into, old)
    one.facts["orders"] = order_counters(one)
    one.erased = into.erased or old.erased
    return one


def _strict(mine: Consent | None, theirs: Consent) -> Consent:
    """Of two words about the same thing an objection wins, else the newer."""
    if mine is None:
        return theirs
    if mine.given != theirs.given:
        return theirs if mine.given else mine
    return max(mine, theirs, key=lambda consent: consent.at)


def _united_consents(into: CustomerState, old: CustomerState) -> dict[tuple[str, str], Consent]:
    """Of both; a consent that one gave goes where the other objects to what it speaks of, whichever was later."""
    united = dict(into.consents)
    for key, consent in old.consents.items():
        united[key] = _strict(united.get(key), consent)
    for side, other in ((into, old), (old, into)):
        objections = [key for key, consent in side.consents.items() if not consent.given and not _taken_back(side, key)]
        for key, consent in list(united.items()):
            if consent.given and other.consents.get(key) == consent and any(_meet(key, one) for one in objections):
                del united[key]
    return united


def _taken_back(side: CustomerState, key: tuple[str, str]) -> bool:
    """Whether the same customer consented again later, in other words."""
    at = side.consents[key].at
    return any(one.given and one.at > at and _meet(key, other) for other, one in side.consents.items())


def _meet(one: tuple[str, str], other: tuple[str, str]) -> bool:
    """Whether two (channel, purpose) speak of the same thing; "*" is all of them."""
    return all(a == b or "*" in (a, b) for a, b in zip(one, other, strict=True))


def _united(mine: Thing, theirs: Thing) -> Thing:
    """One thing that both knew: the newest of each field, and all its lines."""
    facts, stamps = dict(mine.facts), dict(mine.stamps)
    for field, at in theirs.stamps.items():
        if field not in stamps or stamps[field] < at:
            stamps[field] = at
            if field in theirs.facts:
                facts[field] = theirs.facts[field]
    lines = {*mine.facts.get("line_ids", ()), *theirs.facts.get("line_ids", ())}
    if lines:
        facts["line_ids"] = sorted(lines, key=lambda one: (len(one), one))
    return Thing(facts, stamps, merged_ids(mine.ids, theirs.ids))


def _points(one: CustomerState, into: CustomerState, old: CustomerState) -> None:
    """Facts that are sums of the ledger."""
    if one.lots:
        one.facts["points"] = one.balance
        earned = (int(state.facts.get("points_earned", 0)) for state in (into, old))
        one.facts["points_earned"] = sum(earned)
