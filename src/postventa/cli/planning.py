"""A plan in words: for the terminal, and as Markdown for a comment beside a pull request."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from postventa.engine.plan import FATES, JourneyPlan, Plan
from postventa.journeys.differences import Change
from postventa.web.tongue import Tongue

Rows = Sequence[Sequence[str]]

_SHOWN = {"lost": "lose their step"}
_STATES = {"same": "unchanged, but people are in older versions"}


class Paper:
    """Collects lines; `heading`, `items` and `table` look as the form wants them."""

    def __init__(self, markdown: bool) -> None:
        self.markdown = markdown
        self.lines: list[str] = []

    def heading(self, text: str, level: int) -> None:
        """A heading with a blank line before it."""
        self.lines += ["", f"{'#' * (level + 1)} {text}", ""] if self.markdown else ["", text]

    def item(self, text: str) -> None:
        """One line of a list."""
        self.lines.append(f"- {text}" if self.markdown else f"  {text}")

    def table(self, head: Sequence[str], rows: Rows) -> None:
        """Columns: the first is text, numbers stand right."""
        if self.markdown:
            rule = ["---", *(["---:"] * (len(head) - 1))]
            self.lines += ["", *("| " + " | ".join(row) + " |" for row in (head, rule, *rows)), ""]
            return
        widths = [max(len(row[place]) for row in (head, *rows)) for place in range(len(head))]
        for row in (head, *rows):
            cells = [
                row[0].ljust(widths[0]),
                *(cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True)),
            ]
            self.lines.append("    " + "   ".join(cells).rstrip())


def told(plan: Plan, t: Tongue, *, markdown: bool) -> str:
    """The whole plan."""
    paper = Paper(markdown)
    if plan.live is None:
        paper.lines.append(
            t("Nothing is published yet: publish would make {count} journeys live.", count=len(plan.journeys))
        )
        return "\n".join(paper.lines)
    title = t("These files beside release {hash}, which is live", hash=plan.live[:12])
    paper.lines.append(f"## {title}" if markdown else title)
    if not plan.journeys and not plan.files:
        paper.lines += ["", t("Nothing that counts is different.")]
    for one in plan.journeys:
        _journey(paper, one, t)
    if plan.files:
        paper.heading(t("Other files"), 2)
        for name, kind in plan.files:
            paper.item(f"{name}: {t(kind)}")
    _sends(paper, plan, t)
    return "\n".join(paper.lines).strip("\n")


def told_one(one: JourneyPlan, t: Tongue) -> str:
    """What an order would do to one journey's people."""
    paper = Paper(markdown=False)
    _people(paper, one, t)
    return "\n".join(paper.lines)


def _journey(paper: Paper, one: JourneyPlan, t: Tongue) -> None:
    state = t(_STATES.get(one.state, one.state))
    name = f"`{one.id}`" if paper.markdown else one.id
    paper.heading(f"{name} · {state} · {one.file} · edits: {one.edits}", 2)
    for change in one.changes:
        paper.item(in_words(change, t))
    _people(paper, one, t)


def _people(paper: Paper, one: JourneyPlan, t: Tongue) -> None:
    if not one.inside:
        if one.state != "new":
            paper.item(t("nobody is inside"))
        return
    paper.item(t("{count} inside", count=number(one.inside, t)))
    rows = [
        (f"{place.step} ({place.version[:6]}:{place.line})", number(place.count, t), _to(place.step, place.to, t))
        for place in one.places
    ]
    paper.table((t("at"), t("people"), t("go to")), rows)
    fates = [fate for fate in FATES if any(counted[fate] for counted in one.fates.values())]
    mine = t("this file's word")
    words = [
        (how + (f" ({mine})" if how == one.edits else ""), *(number(counted[fate], t) for fate in fates))
        for how, counted in one.fates.items()
    ]  # fmt: skip
    if not paper.markdown:
        paper.lines.append("")
    paper.table((t("word"), *(t(_SHOWN.get(fate, fate)) for fate in fates)), words)
    if one.refused:
        refused = "REFUSED: {count} people stand at steps of {journey} that are gone, and every step after them too."
        paper.item(t(refused, count=number(one.refused, t), journey=one.id))
        lost = next(place.step for place in one.places if place.to is None)
        command = f"postventa migrate {one.id} --map {lost}=…"
        paper.item(
            t("Keep the step, write 'edits: finish', or publish with finish and then: {command}", command=command)
        )


def _to(step: str, to: str | None, t: Tongue) -> str:
    return t("nowhere") if to is None else t("the same") if to == step else to


def _sends(paper: Paper, plan: Plan, t: Tongue) -> None:
    if not plan.people:
        return
    paper.heading(t("Mails in the next 24 hours to people inside now"), 2)
    rows = [
        (f"{journey} / {message}", number(before, t), number(after, t))
        for journey, message, before, after in plan.sends
    ]
    paper.table((f"{t('journey')} / {t('message')}", t("before"), t("after")), rows or [(t("none"), "0", "0")])
    if plan.looked_at < plan.people:
        paper.item(t("{looked} of {people} customers were asked; the figures are scaled to all.",
                     looked=number(plan.looked_at, t), people=number(plan.people, t)))  # fmt: skip


_STEP = {
    "added": "step {step} added (line {line}): {new}", "removed": "step {step} removed: {old}",
    "moved": "step {step} stands elsewhere now (line {line})",
    "renamed": "step {old} is called {new} now (line {line})",
}  # fmt: skip
_KEY = {"changed": "{key} {old} → {new}", "added": "{key} added: {new}", "removed": "{key} removed: {old}"}
_TOP = {"changed": "{key}: {old} → {new}", "added": "{key} added: {new}", "removed": "{key} removed: {old}"}


def in_words(change: Change, t: Tongue) -> str:
    """One change as a sentence: `step pause (line 24): wait 1 day → 7 days`."""
    if not change.step:
        form = _TOP[change.kind]
    elif change.key:
        form = "step {step} (line {line}): " + _KEY[change.kind]
    else:
        form = _STEP[change.kind]
    said = t(form)
    return said.format(**asdict(change))


def number(count: int, t: Tongue) -> str:
    """`1,240`, in Spanish `1.240`."""
    return f"{count:,}".replace(",", "." if t.language == "es" else ",")


def as_json(plan: Plan) -> dict[str, Any]:
    """The plan for programs."""
    sends = [dict(zip(("journey", "message", "before", "after"), one, strict=True)) for one in plan.sends]
    files = [{"file": name, "change": kind} for name, kind in plan.files]
    journeys = [{**asdict(one), "fates": {how: dict(counted) for how, counted in one.fates.items()},
                 "refused": one.refused} for one in plan.journeys]  # fmt: skip
    return {"live": plan.live, "new": plan.new, "refused": plan.refused, "journeys": journeys, "files": files,
            "sends": sends, "people": plan.people, "looked_at": plan.looked_at}  # fmt: skip
