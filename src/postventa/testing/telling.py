"""A simulation as a dated timeline: each event, each decision with its reason and its line, each mail.

The engine's own trace is told; nothing is worked out again here.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from postventa.core.effect import EmitEvent, Outcome, TraceEntry
from postventa.core.event import Event, Receipt
from postventa.core.journey import AnyStep, Branch
from postventa.core.schedule import zone
from postventa.core.values import as_time, time_text
from postventa.core.view import zone_of
from postventa.testing.player import Mail, Player
from postventa.testing.simulate import Simulation
from postventa.testing.story import SOURCE
from postventa.testing.tongue import Tongue
from postventa.web.telling import condition, place_of

Kind = Literal["event", "follows", "start", "send", "skip", "defer", "wait", "step", "end"]
_QUIET = frozenset({"message.sent", "message.skipped", "message.uncertain", "points.earned", "points.expired"})
_TELLING = ("number", "total", "currency", "survey", "score", "reason", "carrier", "eta", "amount")
"""What of an event's data is worth a look, in this order."""
_MOMENT = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d")
_WHEN = "\0"
"""Where the time of a mail that was put off goes, once it leaves."""
_KINDS: Mapping[str, Kind] = {
    "start": "start", "send": "send", "skip": "skip", "defer": "defer", "wait": "wait", "end": "end", "exit": "end",
    "refused": "end",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the timeline. `text` is in the reader's language, `reason` as the engine keeps it."""

    at: datetime
    kind: Kind
    text: str
    reason: str = ""
    journey: str = ""
    step: str = ""
    place: str = ""
    message: str = ""
    mail: Mail | None = None

    def to_json(self) -> dict[str, Any]:
        """The line for machines, with what is empty left out."""
        plain = {"at": time_text(self.at), "kind": self.kind, "journey": self.journey, "step": self.step,
                 "message": self.message, "text": self.text, "reason": self.reason, "place": self.place}  # fmt: skip
        if self.mail is not None and self.mail.envelope is not None:
            plain |= {"subject": self.mail.envelope.subject, "to": self.mail.envelope.to}
        return {key: value for key, value in plain.items() if value}


@dataclass(slots=True)
class Told:
    """Makes the lines of one simulation, in one language."""

    simulation: Simulation
    t: Tongue
    _deferred: dict[tuple[str | None, str | None], str] = field(default_factory=dict)

    @property
    def player(self) -> Player:
        """Who was played."""
        return self.simulation.player

    def lines(self) -> Iterator[Line]:
        """Every line, of all journeys, in order."""
        mails = {mail.row.effect_id: mail for mail in self.player.mails}
        for now, given, outcome in self.player.outcomes:
            if isinstance(given, Event):
                yield self._event(now, given)
                yield from self._following(now, given, outcome)
            for entry in outcome.trace:
                mail = mails.get(given.effect_id) if isinstance(given, Receipt) else None
                line = self._decision(entry, mail)
                if line is not None:
                    yield line

    def _event(self, now: datetime, event: Event) -> Line:
        values = (event.data.get(name) for name in _TELLING)
        told = " ".join(self._value(value) for value in values if value not in {None, "sample"})
        reason = self.t("made up") if event.source == SOURCE else f"{event.source} {event.id}"
        return Line(now, "event", f"{event.type}  {told}".rstrip(), reason)

    def _value(self, value: Any) -> str:
        moment = as_time(value) if isinstance(value, str) and "T" in value else None
        return str(value) if moment is None else self.t.moment(self.local(moment))

    def _following(self, now: datetime, given: Event, outcome: Outcome) -> Iterator[Line]:
        types = [effect.event.type for effect in outcome.effects if isinstance(effect, EmitEvent)]
        for name, count in Counter(one for one in types if one not in _QUIET).items():
            many = f"  × {count}" if count > 1 else ""
            yield Line(now, "follows", name + many, self.t("follows from {event}", event=given.type))

    # --- decisions ----------------------------------------------------------------------------------------------------
    def _decision(self, entry: TraceEntry, mail: Mail | None) -> Line | None:
        if entry.what == "wait" and entry.reason == "over":
            return None
        kind, step = _KINDS.get(entry.what, "step"), self._step(entry)
        text = self._words(entry, step, mail)
        place = place_of(self.player.catalog, entry.journey, entry.version, entry.line)
        return Line(entry.at, kind, text, entry.reason, entry.journey or "", entry.step_id or "", place,
                    entry.message or "", mail if entry.what == "send" else None)  # fmt: skip

    def _step(self, entry: TraceEntry) -> AnyStep | None:
        journey = self.player.catalog.journey_of(entry.journey or "", entry.version or "")
        return next((one for one in journey.steps if one.id == entry.step_id), None) if journey else None

    def _words(self, entry: TraceEntry, step: AnyStep | None, mail: Mail | None) -> str:
        t, why, place = self.t, self._dated(self.t.reason(entry.reason)), (entry.run_id, entry.step_id)
        match entry.what:
            case "start":
                return t("starts: {event}", event=entry.reason.partition(" ")[0])
            case "send":
                moved = self._deferred.pop(place, "").replace(_WHEN, f"{self.local(entry.at):%H:%M}")
                subject = f"  “{mail.envelope.subject}”" if mail is not None and mail.envelope is not None else ""
                return f"{entry.message}{subject}{moved}"
            case "skip":
                self._deferred.pop(place, None)
                return t("{message} is not sent: {why}", message=entry.message, why=why)
            case "defer":
                self._deferred[place] = self._moved(entry.reason)
                return t("{message} has to wait: {why}", message=entry.message, why=why)
            case "branch" if isinstance(step, Branch):
                return self._way(entry.reason, step)
            case "wait":
                return t("waits {why}", why=why)
            case "matched":
                return t("goes on: {why}", why=t("{event} came", event=entry.reason.partition(" ")[0]))
            case "timeout":
                return t("goes on without it: {why}", why=why)
            case "end" | "exit":
                return t("ends: {why}", why=why)
            case "refused":
                return t("does not start: {why}", why=why)
            case what:
                return f"{t(what)}: {why}"

    def _way(self, reason: str, step: Branch) -> str:
        number = reason.split(" ")[1] if reason.startswith("case ") else ""
        if not number.isdigit():
            return self.t("takes the way “otherwise”")
        return self.t("takes the way “{condition}”", condition=condition(step.cases[int(number) - 1][0], self.t))

    def _moved(self, reason: str) -> str:
        """Why a mail leaves later than its turn, for the line on which it leaves."""
        why = "window" if "send window" in reason else "cap" if reason.startswith("the cap") else "hold"
        return f"  ({self.t(f'moved to {{time}}: {why}', time=_WHEN)})"

    def _dated(self, reason: str) -> str:
        """The times in a reason as people say them; they stand there on the customer's clock."""
        return _MOMENT.sub(lambda found: self.t.moment(datetime.fromisoformat(found[0])), reason)

    def local(self, moment: datetime) -> datetime:
        """A moment on the customer's clock."""
        shop = self.player.catalog.shop
        return moment.astimezone(zone_of(self.player.state, shop) if self.player.state.facts else zone(shop.timezone))
