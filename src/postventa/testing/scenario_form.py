"""tests/<name>.yaml: a customer's story and what has to come of it, as its author writes it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, WithJsonSchema, model_validator

from postventa.core.journey import Experiment
from postventa.project import Project
from postventa.source.forms import Form, Span, problem_at, read
from postventa.source.hints import docs_of
from postventa.source.language import paragraphs, told
from postventa.source.nearest import suggest
from postventa.source.positions import Location, locate
from postventa.source.problem import Problem
from postventa.source.yaml import Document, load

CODES = {
    "C103": "A key is missing in a scenario.",
    "C104": "There is no such key in a scenario.",
    "C105": "A value that does not fit.",
    "C106": "There is no such event, so the scenario could never happen.",
    "C107": "There is no such journey.",
    "C108": "There is no such message, so it could never be sent.",
    "C109": "The event would be refused at the door: it does not fit its schema.",
    "C110": "There is no such experiment or variant.",
}


def _moment(value: Any) -> Any:
    if isinstance(value, datetime):
        return value
    try:
        moment = datetime.fromisoformat(str(value))
    except ValueError:
        raise ValueError(f"'{value}' is not a time (like 2026-03-02 10:05, on the customer's clock)") from None
    return moment if moment.tzinfo is None else moment.astimezone(UTC)


def _names(value: Any) -> Any:
    return (value,) if isinstance(value, str) else value


_TIME = r"^\d{4}-\d{2}-\d{2}([ T]\d{2}:\d{2}(:\d{2})?(Z|[+-]\d{2}:\d{2})?)?$"
Moment = Annotated[datetime, BeforeValidator(_moment), WithJsonSchema({"type": "string", "pattern": _TIME})]
_NAMES = {"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]}
Names = Annotated[tuple[str, ...], BeforeValidator(_names), WithJsonSchema(_NAMES)]


class Given(Form):
    """Something that happens to the customer."""

    event: str
    """The event's name, such as order.paid."""
    at: Moment | None = None
    """When it happens, on the customer's clock: 2026-03-02 10:05."""
    after: Span | None = None
    """How long after the one before it, instead of `at`: 5 minutes. Without either it happens at the same time."""
    data: dict[str, Any] = Field(default_factory=dict)
    """What it tells. Ids, the customer and whatever else the event has to have are made up where they are left out."""

    @model_validator(mode="after")
    def _one_time(self) -> Given:
        if self.at is not None and self.after is not None:
            raise ValueError("has to be 'at' or 'after', not both")
        return self


class Expected(Form):
    """Something that has to come of it: one of send, skip, exit, points."""

    send: str | None = None
    """A message that leaves."""
    skip: str | None = None
    """A message that does not leave."""
    exit: str | None = None
    """How the journey ends: the word of its `exit`, the event that ended it, or completed."""
    points: int | None = None
    """The points in the customer's account at the end."""
    at: Moment | None = None
    """When, on the customer's clock, to the minute. Any time where it is left out."""
    reason: str | None = None
    """Of a skip: a piece of its reason, as `postventa simulate` tells it in English."""
    subject: str | None = None
    """Of a send: a piece of the mail's subject."""

    @model_validator(mode="after")
    def _one_thing(self) -> Expected:
        if sum(one is not None for one in (self.send, self.skip, self.exit, self.points)) != 1:
            raise ValueError("has to be one of send, skip, exit or points")
        if self.reason is not None and self.skip is None:
            raise ValueError("has to be a skip where it has a 'reason'")
        if self.subject is not None and self.send is None:
            raise ValueError("has to be a send where it has a 'subject'")
        return self

    @property
    def kind(self) -> str:
        """send, skip, exit or points."""
        return next(name for name in ("send", "skip", "exit", "points") if getattr(self, name) is not None)

    @property
    def what(self) -> str:
        """The message, the reason of the exit, or the number of points."""
        return str(getattr(self, self.kind))


class Scenario(Form):
    """The file."""

    test: str
    """What is tested, in a sentence: it stands in the report."""
    journeys: Names = ()
    """The journeys that are looked at. All of them run, as they would; left out, all are looked at."""
    start: Moment = datetime(2026, 3, 2, 10, 0)  # noqa: DTZ001 - on the customer's clock
    """When it begins, on the customer's clock; a Monday morning where it is left out."""
    customer: dict[str, Any] = Field(default_factory=dict)
    """Who it happens to: first_name, locale, country, timezone, tags, consent: {marketing: false}, … The others are
    made up: somebody of the shop's own language and country who agreed to offers."""
    variants: dict[str, str] = Field(default_factory=dict)
    """The variant of an experiment that the customer is in: {second-order: coupon}."""
    given: tuple[Given, ...] = Field(min_length=1)
    """What happens, in order."""
    until: Span | None = None
    """How far to look from the start; until nothing more has a date where it is left out."""
    expect: tuple[Expected, ...] = ()
    """What has to come of it, in any order."""
    nothing_else: bool = False
    """true: no other message may leave, or be skipped."""


def sections(language: str = "en") -> dict[str, str]:
    """Mark in docs/testing.md (in Spanish docs/es/escenarios.md) -> the Markdown that belongs there."""
    head = f"| {told('code', language)} | {told('what it means', language)} |"
    codes = [f"| {code} | {told(text, language)} |" for code, text in sorted(CODES.items())]
    return {
        "scenario": _table(Scenario, language),
        "given": _table(Given, language),
        "expect": _table(Expected, language),
        "codes": "\n".join([head, "|---|---|", *codes]),
    }


def _table(form: type[Form], language: str) -> str:
    docs = docs_of(form)
    rows = [f"| {f'**`{name}`**' if one.is_required() else f'`{name}`'} | {paragraphs(docs[name], language)} |"
            for name, one in form.model_fields.items()]  # fmt: skip
    return "\n".join([f"| {told('key', language)} | |", "|---|---|", *rows])


@dataclass(frozen=True, slots=True)
class Sheet:
    """A scenario that was read, with its file for finding lines."""

    document: Document
    form: Scenario

    @property
    def file(self) -> str:
        """The file's name, relative to the project."""
        return self.document.file

    def line(self, *location: str | int) -> int:
        """The line of a value."""
        assert self.document.root is not None, "a file that was read has a root"
        return locate(self.document.root, location).line


def read_scenario(file: str, raw: bytes, project: Project) -> tuple[Sheet | None, list[Problem]]:
    """The scenario, or None with every problem of the file."""
    document = load(file, raw)
    form, problems = read(Scenario, document, "C")
    if form is None:
        return None, problems
    found = list(_unknown(document, form, project))
    return (Sheet(document, form) if not found else None), found


def _unknown(document: Document, form: Scenario, project: Project) -> Iterator[Problem]:
    """Names of nothing: events, journeys, messages, experiments."""
    for number, one in enumerate(form.given):
        yield from _named(document, ("given", number, "event"), one.event, project.registry.types, "C106", "event")
    for number, name in enumerate(form.journeys):
        at: Location = ("journeys", number) if len(form.journeys) > 1 else ("journeys",)
        yield from _named(document, at, name, project.journeys, "C107", "journey")
    messages = dict.fromkeys(project.messages)
    for number, expected in enumerate(form.expect):
        if expected.kind in {"send", "skip"}:
            at = ("expect", number, expected.kind)
            yield from _named(document, at, expected.what, messages, "C108", "message")
    steps = (step for journey in project.journeys.values() for step in journey.steps)
    known = {step.name: {one.name: None for one in step.variants} for step in steps if isinstance(step, Experiment)}
    for name, variant in form.variants.items():
        yield from _named(document, ("variants", name), name, known, "C110", "experiment")
        if name in known:
            yield from _named(document, ("variants", name), variant, known[name], "C110", "variant")


def _named(
    document: Document, at: Location, name: str, known: Mapping[str, object], code: str, what: str
) -> Iterator[Problem]:
    if name not in known:
        yield problem_at(document, at, code, f"unknown {what} '{name}'", suggest(name, sorted(known), f"{what}s", 12))
