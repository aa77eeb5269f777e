"""What became of each run that was played, so that a mail that was not sent can say why.

A fate is a kind, for programs and for every language, and the detail in the words of the trace.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Literal, NamedTuple

from postventa.core.effect import TraceEntry
from postventa.engine.replay import Played

FateKind = Literal["answered", "exited", "skipped", "pending", "ended", "refused", "not_started", ""]
"""`answered`: the survey's answer came first; `exited`: an event ended the run; `skipped`: consent, cap or hold said
no; `pending`: still under way at the end; `ended`: the run went another way; `refused`: its start was refused."""

Where = tuple[str, str, str]
"""(customer, subject, journey)."""


class Fate(NamedTuple):
    """Why a mail was not sent."""

    kind: FateKind
    detail: str = ""


class Told(NamedTuple):
    """What is known of one run: how it stands in the end, and the steps at which an answer or a skip took a mail's
    place."""

    end: Fate
    steps: Mapping[str, Fate]


NEVER = Fate("not_started")
UNKNOWN = Fate("")


def fates(played: Played) -> dict[Where, Told]:
    """The fate of every run of one customer."""
    found: dict[Where, Told] = {}
    alive = set(played.state.runs)
    for run_id, entries in _by_run(played.trace).items():
        first = entries[0]
        kind, name = first.subject or ("", "")
        where = (played.customer, f"{kind}:{name or played.customer}", first.journey or "")
        end = Fate("pending") if run_id in alive else _end(entries)
        found[where] = Told(end, {one.step_id or "": fate for one in entries if (fate := _instead(one)) is not None})
    for one in played.trace:
        if one.what == "refused" and one.journey and one.subject:
            kind, name = one.subject
            where = (played.customer, f"{kind}:{name or played.customer}", one.journey)
            found.setdefault(where, Told(Fate("refused", one.reason), {}))
    return found


def fate_of(told: Told | None, step: str) -> Fate:
    """Why the mail of this step did not leave."""
    if told is None:
        return NEVER
    return told.steps.get(step, told.end)


def _by_run(trace: Iterable[TraceEntry]) -> dict[str, list[TraceEntry]]:
    runs: dict[str, list[TraceEntry]] = {}
    for one in trace:
        if one.run_id is not None and (one.what == "start" or one.run_id in runs):
            runs.setdefault(one.run_id, []).append(one)
    return runs


def _end(entries: Iterable[TraceEntry]) -> Fate:
    for one in entries:
        if one.what in ("exit", "goal"):
            return Fate("exited", one.reason)
    return Fate("ended")


def _instead(one: TraceEntry) -> Fate | None:
    if one.what == "answered":
        return Fate("answered", one.reason)
    if one.decision == "skip":
        return Fate("skipped", one.reason)
    return None
