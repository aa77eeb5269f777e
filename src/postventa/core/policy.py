"""May this message leave now? Consent, suppression, holds, caps and windows, asked at every hand-over.

Transactional messages are stopped by nothing but a dead address. The others need their consent, wait while another
run holds marketing, count toward the caps, and leave inside a window.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from postventa.core import schedule
from postventa.core.journey import Cap, Message
from postventa.core.state import Consent
from postventa.core.turn import Turn, local_text


@dataclass(frozen=True, slots=True)
class Allowed:
    """It may leave now."""


@dataclass(frozen=True, slots=True)
class Forbidden:
    """It must never leave as things stand: skipped at once."""

    reason: str


@dataclass(frozen=True, slots=True)
class Blocked:
    """It may leave later: at `until`, or, for a hold without an end in sight, when the hold is released."""

    kind: Literal["window", "cap", "hold"]
    reason: str
    until: datetime | None
    since: datetime | None = None
    """Of a hold: since when one of them lasts."""


Verdict = Allowed | Forbidden | Blocked
ALLOWED = Allowed()

DEAD_ADDRESS = frozenset({"bounced", "invalid", "erased"})
"""Suppressions that stop transactional messages too: nothing can be delivered there."""


def may_send(
    turn: Turn,
    message: Message,
    channel: str,
    address: str | None,
    run_ids: tuple[str, ...],
    effect_id: str | None = None,
    suppressed: Mapping[str, str] | None = None,
) -> Verdict:
    """Decide for one message of these runs at `turn.now`. `effect_id` does not count against itself."""
    if turn.state.erased:
        return Forbidden("the customer was erased")
    if not address:
        return Forbidden(f"no {channel} address is known")
    stop = (suppressed or {}).get(address.lower())
    if stop is not None and (message.klass != "transactional" or stop in DEAD_ADDRESS):
        return Forbidden(f"the address is suppressed: {stop}")
    if message.klass == "transactional":
        return ALLOWED
    return (
        _consent(turn, message, channel)
        or _hold(turn, run_ids)
        or _caps(turn, channel, effect_id)
        or _window(turn)
        or ALLOWED
    )


# --- consent ---------------------------------------------------------------------------------------------------------
def _covers(entry: str, wanted: str) -> bool:
    return entry in ("*", wanted)


def _matching(turn: Turn, message: Message, channel: str) -> list[tuple[str, Consent]]:
    """Consents and objections that speak of this message. A word about `marketing` speaks of every advertising mail."""
    return [
        (purpose, consent)
        for (of_channel, purpose), consent in turn.state.consents.items()
        if _covers(of_channel, channel) and purpose in ("*", "marketing", message.purpose)
    ]


def _lifted(purpose: str, objection: Consent, consents: list[tuple[str, Consent]]) -> bool:
    """An objection ends by a newer consent to the same purpose or to everything; one that spoke of all advertising also
    by a newer consent to this message's own purpose."""
    wide = purpose in ("*", "marketing")
    return any(
        consent.given and consent.at > objection.at and (wide or other in (purpose, "*")) for other, consent in consents
    )


def _consent(turn: Turn, message: Message, channel: str) -> Forbidden | None:
    spoken = _matching(turn, message, channel)
    for purpose, consent in spoken:
        if not consent.given and not _lifted(purpose, consent, spoken):
            return Forbidden(f"the customer objected: on {local_text(turn, consent.at)}, by {consent.source}")
    if any(consent.given for _, consent in spoken):
        return None
    if message.klass == "marketing":
        return Forbidden("no consent to marketing is recorded")
    orders = turn.state.facts.get("orders")
    if not (isinstance(orders, Mapping) and orders.get("count")):
        return Forbidden("no paid order, so no soft opt-in")
    return None


def objects(turn: Turn, message: Message, channel: str) -> str | None:
    """The reason why an objection or missing consent forbids this message now; None where nothing does."""
    if message.klass == "transactional":
        return None
    forbidden = _consent(turn, message, channel)
    return forbidden.reason if forbidden else None


# --- holds, caps, windows --------------------------------------------------------------------------------------------
def _hold(turn: Turn, run_ids: tuple[str, ...]) -> Blocked | None:
    others = [(hold.since, run_id, hold.what) for run_id, hold in turn.state.holds.items() if run_id not in run_ids]
    if not others:
        return None
    since, run_id, what = min(others)
    holder = turn.state.runs.get(run_id)
    return Blocked("hold", f"{holder.journey if holder else 'another journey'} holds {what}", None, since)


def cap_span(turn: Turn, cap: Cap, moment: datetime) -> datetime:
    """The start of the rolling window of a cap that ends at `moment`; what left then or before no longer counts."""
    return schedule.add(moment, cap.per, turn.tz, -1)


def _caps(turn: Turn, channel: str, effect_id: str | None) -> Blocked | None:
    for cap in turn.catalog.shop.caps:
        if cap.channel is not None and cap.channel != channel:
            continue
        since = cap_span(turn, cap, turn.now)
        counted = sorted(
            one.at
            for name, one in turn.state.counted.items()
            if name != effect_id and one.at > since and (cap.channel is None or one.channel == channel)
        )
        if len(counted) >= cap.count:
            free = _frees(turn, cap, counted[-cap.count])
            return Blocked("cap", f"the cap of {cap.count} per {span_text(cap)} is reached", free)
    return None


def _frees(turn: Turn, cap: Cap, oldest: datetime) -> datetime:
    """The first moment at which a message of `oldest` no longer counts. Calendar spans make the way back inexact over
    a clock change: looked for in steps of a minute from below."""
    moment = schedule.add(oldest, cap.per, turn.tz)
    for _ in range(181):
        if cap_span(turn, cap, moment) >= oldest:
            return moment
        moment += timedelta(minutes=1)
    return moment


def span_text(cap: Cap) -> str:
    """A cap's span in words: `7 days`."""
    span = cap.per
    parts = [(span.months, "month"), (span.days, "day"), (span.seconds // 3600, "hour")]
    found = [f"{count} {unit}{'s' if count != 1 else ''}" for count, unit in parts if count]
    return " ".join(found) or f"{span.seconds} seconds"


def _window(turn: Turn) -> Blocked | None:
    opens = schedule.next_open(turn.now, turn.catalog.shop.windows, turn.tz)
    if opens <= turn.now:
        return None
    return Blocked("window", f"outside the send window: moved to {local_text(turn, opens)}", opens)


MANY = 8
"""Below this many, counted messages are not worth looking through for old ones."""


def forget_old(turn: Turn) -> None:
    """Drop what no cap can count any more."""
    caps = turn.catalog.shop.caps
    if len(turn.state.counted) <= MANY:
        return
    since = min((cap_span(turn, cap, turn.now) for cap in caps), default=turn.now)
    for name, one in list(turn.state.counted.items()):
        if one.at <= since and name not in turn.state.outbox:
            del turn.state.counted[name]
