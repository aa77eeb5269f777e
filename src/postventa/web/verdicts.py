"""Of one message and one customer: sent, not yet, or not at all, and why. One verdict per run that could have sent it,
and per event that could have begun such a run.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from postventa.core.effect import TraceEntry
from postventa.core.journey import AnyStep, Ask, Branch, Exit, Journey, Send
from postventa.core.state import Ref, Run
from postventa.core.values import time_text
from postventa.store.base import HistoryRow, OutboxRecord, Pause
from postventa.store.shown import trace as trace_row
from postventa.web.folded import Chance, Folded
from postventa.web.telling import condition, in_plain_words
from postventa.web.tongue import Tongue
from postventa.web.ways import reaches, turned

Row = dict[str, Any]
What = Literal[
    "sent", "on_its_way", "uncertain", "skipped", "held", "waiting", "stopped", "other_way", "ended", "not_asked",
    "refused", "not_begun", "no_event", "too_early", "unknown",
]  # fmt: skip
"""`refused`: the start was; `not_begun`: a start condition did not hold; `no_event`: nothing came that begins it."""


@dataclass(frozen=True, slots=True)
class Sender:
    """A step that sends the message. `slot` "remind": as the reminder of a survey."""

    journey: Journey
    step: Send | Ask
    slot: Literal["send", "remind"] = "send"


def senders(journey: Journey, message: str) -> Iterator[Sender]:
    """Every step of a journey that sends a message."""
    for step in journey.steps:
        if isinstance(step, Send | Ask) and step.message == message:
            yield Sender(journey, step)
        elif isinstance(step, Ask) and step.reminder == message:
            yield Sender(journey, step, "remind")


@dataclass(slots=True)
class Case:
    """All that is known of the customer, and of what was live when."""

    folded: Folded
    state_runs: Mapping[str, Run]
    rows: Mapping[str, OutboxRecord]
    live: Mapping[str, Journey]
    versions: Mapping[tuple[str, str], Journey]
    release: str
    published: Mapping[str, frozenset[str]]
    """Release -> the journeys it had."""
    pauses: Sequence[Pause]
    t: Tongue

    def verdicts(self, message: str) -> list[Row]:
        """What became of the message, oldest first; a journey that never began last."""
        found: list[Row] = []
        for name in sorted({journey.id for journey in self._journeys() if any(senders(journey, message))}):
            mine = [*self._of_runs(name, message), *self._of_starts(name, message)]
            found += mine or [self._nothing_came(self.live[name])] if name in self.live else mine
        once = {(one["journey"], one["subject"], one["text"], one["at"], one["line"]): one for one in found}
        return sorted(once.values(), key=lambda one: (one["at"] or "~", one["journey"]))

    def _journeys(self) -> Iterable[Journey]:
        return [*self.live.values(), *self.versions.values()]

    def version(self, name: str, version: str | None) -> Journey | None:
        """The version of a journey, as it was published."""
        found = self.live.get(name)
        return found if found is not None and found.version == version else self.versions.get((name, version or ""))

    # --- runs that were or are
    def _of_runs(self, name: str, message: str) -> Iterator[Row]:
        begun: dict[str, list[tuple[HistoryRow, TraceEntry]]] = {}
        for row, entry in self.folded.trace:
            if entry.run_id is not None and (entry.journey == name or entry.run_id in begun):
                begun.setdefault(entry.run_id, []).append((row, entry))
        for entries in begun.values():
            now = self.state_runs.get(entries[0][1].run_id or "")
            versions = [entry.version for _, entry in entries if entry.version]
            journey = self.version(name, now.version if now else versions[-1]) if versions else None
            for sender in senders(journey, message) if journey else ():
                yield from _RunCase(self, sender, entries, message).verdicts()

    # --- runs that never began
    def _of_starts(self, name: str, message: str) -> Iterator[Row]:
        told: dict[Ref, Row] = {}
        for chance in self.folded.chances:
            if chance.journey.id == name and any(senders(chance.journey, message)):
                told[chance.subject] = self._not_begun(chance)
        for row, entry in self.folded.trace:
            journey = self.version(name, entry.version) if entry.journey == name else None
            if entry.what == "refused" and entry.run_id is None and journey and any(senders(journey, message)):
                told[entry.subject or ("", "")] = self._refused(row, entry, journey)
        begun = {entry.subject for _, entry in self.folded.trace if entry.what == "start" and entry.journey == name}
        yield from (row for subject, row in told.items() if subject not in begun)

    def _refused(self, row: HistoryRow, entry: TraceEntry, journey: Journey) -> Row:
        text = self.t("not begun: {reason}", reason=self.t.reason(entry.reason))
        return self.row("refused", text, entry.at, journey, row.release, subject=entry.subject, key=("start",))

    def _not_begun(self, chance: Chance) -> Row:
        t, journey, event = self.t, chance.journey, chance.event
        if chance.early:
            text = t("not begun: {event} happened on {at}, before the shop went live", event=event.type,
                     at=t.when(event.occurred_at))  # fmt: skip
            return self.row("too_early", text, chance.at, journey, chance.release, subject=chance.subject,
                            key=("start", "on"))  # fmt: skip
        whys = [
            t("“{condition}” ({found})", condition=condition(one.condition, t), found=self._found(one.value))
            for one in chance.failed
        ]
        text = t("not begun by {event} of {at}: it asks for {whys}", event=event.type,
                 at=t.when(event.occurred_at), whys="; ".join(whys))  # fmt: skip
        path = str(getattr(chance.failed[0].condition, "path", "where"))
        row = self.row("not_begun", text, chance.at, journey, chance.release, subject=chance.subject,
                       key=("start", "where", path))  # fmt: skip
        row["conditions"] = [
            {"condition": condition(one.condition), "found": one.value} for one in chance.failed
        ]  # fmt: skip
        return row

    def _found(self, value: Any) -> str:
        return self.t("it was {value}", value=value) if value is not None else self.t("it was not known")

    def _nothing_came(self, journey: Journey) -> Row:
        """The live version's start: none of its events came, or not while it was published, or about other things."""
        t, types = self.t, journey.start.on.types
        events = [one for one in self.folded.events.values() if one[0].type in types]
        if not events:
            text = t("not begun: no {event} has come for this customer", event=f" {t('or')} ".join(sorted(types)))
            if not self.folded.whole:
                text += t(", as far as the history is kept")
            return self.row("no_event", text, None, journey, self.release, key=("start", "on"))
        event, _, release = max(events, key=lambda one: one[0].order_key)
        known = journey.id in self.published.get(release, ())
        text = t(
            "not begun: {event} of {at} names no {subject} that is known" if known
            else "not begun: when {event} came, on {at}, this journey was not published yet",
            event=event.type, at=t.when(event.occurred_at), subject=t(journey.subject),
        )  # fmt: skip
        what: What = "no_event" if known else "too_early"
        return self.row(what, text, None, journey, self.release, key=("start", "on"))

    # --- a row
    def row(
        self, what: What, text: str, at: datetime | None, journey: Journey, release: str, *,
        subject: Ref | None = None, step: AnyStep | None = None, key: tuple[str, ...] = (),
        until: datetime | None = None,
    ) -> Row:  # fmt: skip
        """One verdict as pages, text and JSON show it. `key` is a place in the file beside its steps."""
        return {
            "what": what, "text": text, "at": time_text(at) if at else None,
            "until": time_text(until) if until else None,
            "journey": journey.id, "version": journey.version, "release": release, "file": journey.file,
            "line": step.line if step else None, "key": list(key), "step": step.id if step else None,
            "subject": "/".join(part for part in subject if part) if subject else None,
        }  # fmt: skip


class _RunCase:
    """One run, one step that sends the message."""

    def __init__(
        self, case: Case, sender: Sender, entries: Sequence[tuple[HistoryRow, TraceEntry]], message: str
    ) -> None:
        self.case, self.sender, self.message, self.t = case, sender, message, case.t
        self.entries = entries
        self.run_id = next(entry.run_id for _, entry in entries)
        self.subject = next((entry.subject for _, entry in entries if entry.subject), None)
        self.run = case.state_runs.get(self.run_id or "")

    def say(self, what: What, text: str, near: tuple[HistoryRow, TraceEntry] | None, step: AnyStep, **more: Any) -> Row:
        """A verdict at a step, told by an entry of the trace (or by how the run stands now)."""
        row, entry = near or self.entries[-1]
        at = entry.at if near else None
        return self.case.row(what, text, at, self.sender.journey, row.release, subject=self.subject, step=step, **more)

    def verdicts(self) -> Iterator[Row]:
        step = self.sender.step
        decided = [
            (row, entry) for row, entry in self.entries
            if entry.decision in {"send", "skip"} and entry.message == self.message and entry.step_id == step.id
        ]  # fmt: skip
        for near in decided:
            yield self._decided(near)
        stands_here = self.run is not None and self.run.step == step.index
        if not decided or (stands_here and self.run is not None and self.run.stand.kind in {"held", "outbox"}):
            yield self._open()

    def _decided(self, near: tuple[HistoryRow, TraceEntry]) -> Row:
        _, entry = near
        t, step = self.t, self.sender.step
        if entry.decision == "skip":
            return self.say("skipped", t("skipped: {reason}", reason=t.reason(entry.reason)), near, step)
        kept = self.case.rows.get(entry.effect_id or "")
        if kept is not None and kept.state == "uncertain":
            return self.say("uncertain", t("handed over, but nobody knows whether it arrived"), near, step)
        row = self.say("sent", t("it was sent"), near, step)
        row["effect_id"] = entry.effect_id
        return row

    # --- nothing was decided yet, or never
    def _open(self) -> Row:
        step = self.sender.step
        for near in self.entries:
            if near[1].what == "passed" and near[1].step_id == step.id:
                text = self.t("not sent again: {reason}", reason=self.t.reason(near[1].reason))
                return self.say("not_asked", text, near, step)
        if self.run is None:
            return self._over()
        run, journey, step = self.run, self.sender.journey, self.sender.step
        if run.step == step.index:
            return self._stands_here(run)
        here = journey.steps[run.step]
        if run.stand.kind == "parked":
            text = self.t("the run stopped at “{step}”: {reason}", step=in_plain_words(here, self.t),
                          reason=run.stand.reason)  # fmt: skip
            return self.say("stopped", text, None, here)
        if not reaches(journey, run.step, step.index):
            return self._other_way() or self.say("other_way", self.t("the run went another way"), None, here)
        return self.say("waiting", self._waits(run, here), None, here, until=run.stand.due_at)

    def _waits(self, run: Run, here: AnyStep) -> str:
        words = in_plain_words(here, self.t)
        if run.stand.due_at is None:
            return self.t("not yet: the run is at “{step}”", step=words)
        surely = run.stand.kind in {"timer", "round"}
        text = "not yet: the run is at “{step}”, until {at}" + ("" if surely else " at the latest")
        return self.t(text, step=words, at=self.t.when(run.stand.due_at))

    def _stands_here(self, run: Run) -> Row:
        t, step, stand = self.t, self.sender.step, run.stand
        match stand.kind:
            case "held":
                until = t(", until {at} at the latest", at=t.when(stand.due_at)) if stand.due_at else ""
                text = t("held back: {reason}", reason=t.reason(stand.reason)) + until
                return self.say("held", text, None, step, until=stand.due_at)
            case "parked":
                return self.say("stopped", t("stopped by an error: {reason}", reason=stand.reason), None, step)
            case "siblings":
                text = t("not yet: it waits for the other lines of the order, to share one mail")
                return self.say("waiting", text, None, step, until=stand.due_at)
            case "answer" if self.sender.slot == "remind":
                text = t("not yet: the reminder is due on {at}, unless an answer comes", at=t.when(stand.due_at))
                return self.say("waiting", text, None, step, until=stand.due_at)
            case "outbox":
                return self._on_its_way()
        return self.say("waiting", self._waits(run, step), None, step, until=stand.due_at)

    def _on_its_way(self) -> Row:
        t, journey = self.t, self.sender.journey
        for pause in self.case.pauses:
            if pause.scope in {"all", f"journey:{journey.id}"} or pause.scope.startswith("channel:"):
                text = t("ready, but {scope} is paused: {reason}", scope=pause.scope, reason=pause.reason)
                return self.say("held", text, None, self.sender.step)
        kept = self.case.rows.get(self.run.stand.effect_id or "") if self.run else None
        if kept is not None and kept.next_try_at is not None:
            text = t("on its way; the mail server did not take it ({detail}), next try {at}", detail=kept.detail,
                     at=t.when(kept.next_try_at))  # fmt: skip
            return self.say("on_its_way", text, None, self.sender.step, until=kept.next_try_at)
        return self.say("on_its_way", t("on its way"), None, self.sender.step)

    def _over(self) -> Row:
        """The run has ended without it."""
        t, journey, step = self.t, self.sender.journey, self.sender.step
        answered = [near for near in self.entries if near[1].what == "answered" and near[1].step_id == step.id]
        if answered:
            text = "answered before the reminder was due" if self.sender.slot == "remind" else "already answered"
            return self.say("not_asked", t(f"not needed: {text}"), answered[0], step)
        endings = [near for near in self.entries if near[1].what in {"exit", "end"}]
        if not endings:
            return self.say("unknown", t("the history that would tell is no longer kept"), self.entries[-1], step)
        last = endings[-1]
        at = next((one for one in journey.steps if one.id == last[1].step_id), None)
        other = self._other_way() if last[1].what == "end" or isinstance(at, Exit) else None
        if other is not None:
            return other
        reason = t.reason(last[1].reason)
        text = t("the run ended before: {reason}", reason=reason)
        if at is not None and not isinstance(at, Exit):
            text = t("the run ended before, at “{step}”: {reason}", step=in_plain_words(at, t), reason=reason)
        return self.say("ended", text, last, at or step)

    def _other_way(self) -> Row | None:
        rows = {id(entry): (row, entry) for row, entry in self.entries}
        plain = [(trace_row(row.seq, entry), id(entry)) for row, entry in self.entries]
        found = turned(self.sender.journey, (one for one, _ in plain), self.sender.step.index)
        if found is None:
            return None
        near = rows[next(name for one, name in plain if one is found)]
        step = next(one for one in self.sender.journey.steps if one.id == near[1].step_id)
        text = self.t("the run went another way at “{step}”: {reason}", step=in_plain_words(step, self.t),
                      reason=self._reason(step, near[1]))  # fmt: skip
        return self.say("other_way", text, near, step)

    def _reason(self, step: AnyStep, entry: TraceEntry) -> str:
        """A reason, the case of a branch spelled out."""
        number = entry.reason.removeprefix("case ").partition(" ")[0]
        if isinstance(step, Branch) and number.isdigit():
            return condition(step.cases[int(number) - 1][0], self.t)
        return self.t.reason(entry.reason)
