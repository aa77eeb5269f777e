"""From a survey's form to the event `survey.answered`.

An answer's id is made from the mail, the answer given before through the same mail, and what was said: sending the same
answer twice (a double click, a reload, a retry) is one event. A changed answer is a new event. The first one moves the
journey; later ones are stored beside it and published, and move nobody who has passed the question.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from postventa.core.belonging import ids_of
from postventa.core.event import Event, Ids, Plain
from postventa.core.ids import digest
from postventa.core.turn import SOURCE
from postventa.journeys.surveys import SurveyPage
from postventa.schemas.parse import Identity, Incoming
from postventa.web.link import Link

TYPE = "survey.answered"
LONGEST_TEXT = 4000
_UNKEPT = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")

Form = Mapping[str, Sequence[str]]
"""The fields of a form: name -> values."""


@dataclass(slots=True)
class Said:
    """What a form says. `problem` is the word (see `words`) for what is missing or too much."""

    score: int | None = None
    choice: str = ""
    text: str = ""
    more: dict[str, str] = field(default_factory=dict)
    """Follow-up id -> text."""
    problem: str = ""

    def content(self) -> dict[str, Plain]:
        """The answer's part of the event's data."""
        written = [text for text in (self.text, *self.more.values()) if text]
        found: dict[str, Plain] = {"score": self.score} if self.score is not None else {}
        if self.choice:
            found["choices"] = [self.choice]
        if written:
            found["text"] = "\n\n".join(written)
        if kept := {name: text for name, text in self.more.items() if text}:
            found["follow_ups"] = kept
        return found


def read_form(form: Form, page: SurveyPage) -> Said:
    """What was said, as far as it fits the survey."""
    said = Said()
    kind = page.core.kind
    if kind == "choice":
        chosen = _one(form, "choice")
        said.choice = chosen if chosen in page.choices else ""
    elif kind == "text":
        said.text = _one(form, "text")
    else:
        said.score = score_of(_one(form, "score"), page)
    said.more = {one.id: _one(form, f"more-{one.id}") for one in page.follow_ups}
    if said.score is None and not said.choice and not said.text:
        said.problem = "missing"
    elif any(len(text) > LONGEST_TEXT for text in (said.text, *said.more.values())):
        said.problem = "too_long"
    return said


def score_of(text: str | None, page: SurveyPage) -> int | None:
    """A score within the survey's scale, else None."""
    if text is None or not re.fullmatch(r"\d{1,3}", text, re.ASCII):
        return None
    return int(text) if page.core.low <= int(text) <= page.core.high else None


def _one(form: Form, name: str) -> str:
    """A field's value, without what no record may hold."""
    value = (form.get(name) or [""])[0].replace("\r\n", "\n")
    return _UNKEPT.sub("", value).strip()


def earlier(events: Sequence[tuple[Event, datetime]], effect: str) -> Event | None:
    """The last answer that came through this mail."""
    mine = [event for event, _ in events if event.type == TYPE and event.id.startswith(f"{effect}/")]
    return mine[-1] if mine else None


def answer_event(link: Link, survey: str, said: Said, before: Event | None, now: datetime) -> Incoming:
    """The event of an answer. Equal to the one before it: that same event, so that it counts once."""
    content = said.content()
    if (
        before is not None
        and {key: before.data.get(key) for key in content} == content
        and not _dropped(before, content)
    ):
        return Incoming(before, Identity(customer_id=link.state.customer_id))
    spelled = json.dumps(content, sort_keys=True, ensure_ascii=False)
    name = f"{link.name}/{digest('answer/1', before.id if before else '', spelled, size=8)}"
    ids, subject = _about(link)
    data: dict[str, Plain] = {"survey": survey, **content, **_plain(ids)}
    if subject:
        data["subject"] = subject
    event = Event(name, SOURCE, TYPE, now, data, ids)
    return Incoming(event, Identity(customer_id=link.state.customer_id))


def _dropped(before: Event, content: Mapping[str, Plain]) -> bool:
    said = {"score", "choices", "text", "follow_ups"}
    return any(key in before.data and key not in content for key in said)


def _about(link: Link) -> tuple[Ids, str]:
    """The ids of the run that asked, and its subject as `order/1001`."""
    if link.row is None or link.row.subject is None:
        return {}, ""
    kind, name = link.row.subject
    run = next((link.state.runs[one] for one in link.row.run_ids if one in link.state.runs), None)
    ids = run.ids if run is not None else ids_of(link.state, (kind, name))
    return ids, "" if kind == "customer" else f"{kind}/{name}"


def _plain(ids: Ids) -> dict[str, Plain]:
    """The ids as fields of `data`."""
    found: dict[str, Plain] = {f"{kind}_id": value for kind, value in ids.items() if isinstance(value, str)}
    if isinstance(lines := ids.get("line"), tuple):
        found["line_ids"] = [line.rpartition("/")[2] for line in lines]
    return found
