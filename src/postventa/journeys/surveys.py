"""surveys/<id>.yaml: a question, its scale, and its words in every language."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Literal

from pydantic import Field, model_validator

from postventa.core.journey import Survey
from postventa.source.forms import Form, problem_at, read
from postventa.source.nearest import suggest
from postventa.source.problem import Problem, errors
from postventa.source.yaml import Document, load

CODES = {
    "V101": "A survey is called like its file.",
    "V103": "A key is missing in a survey.",
    "V104": "There is no such key in a survey.",
    "V105": "A value that does not fit.",
    "V202": "The survey's message or reminder does not exist in templates/.",
    "V203": "A language of the shop has no question; customers would see another language.",
}

Kind = Literal["nps", "csat", "ces", "stars", "choice", "text"]
SCALES: Mapping[str, tuple[int, int]] = {
    "nps": (0, 10), "csat": (1, 5), "ces": (1, 7), "stars": (1, 5), "choice": (0, 0), "text": (0, 0),
}  # fmt: skip
"""The scale of each kind where the file does not give one."""


class Scale(Form):
    """From the lowest score to the highest, perhaps with words for both ends."""

    low: int = Field(alias="from", ge=0, le=100)
    """The lowest score."""
    high: int = Field(alias="to", ge=1, le=100)
    """The highest score, at most 10 more."""

    @model_validator(mode="after")
    def _in_order(self) -> Scale:
        if self.low >= self.high or self.high - self.low > 10:
            raise ValueError(f"a scale goes up, by 10 at most; found {self.low} to {self.high}")
        return self


class FollowUp(Form):
    """A second question on the answer page."""

    id: str
    """Its name in the answer."""
    question: dict[str, str]
    """The question per language."""
    at_most: int | None = None
    """Asked only after a score of at most this."""
    at_least: int | None = None
    """Asked only after a score of at least this."""


class SurveyForm(Form):
    """The file."""

    survey: str
    """The survey's name: the file's, without .yaml."""
    kind: Kind
    """`nps` 0 to 10, `csat` 1 to 5, `ces` 1 to 7, `stars` 1 to 5, `choice` of several, `text` in their own words."""
    message: str
    """The message in templates/ that asks."""
    reminder: str | None = None
    """The message that reminds; left out: the same again."""
    title: str | None = None
    """For people; not shown to customers."""
    question: dict[str, str] = Field(min_length=1)
    """The question per language: {en: "How happy are you?"}."""
    scale: Scale | None = None
    """The lowest and the highest score, where it is not the usual one of its kind."""
    labels: dict[str, tuple[str, str]] = Field(default_factory=dict)
    """Words for both ends per language: {en: [not at all, very]}."""
    choices: dict[str, dict[str, str]] = Field(default_factory=dict)
    """For `choice`: id -> its text per locale."""
    follow_ups: tuple[FollowUp, ...] = ()
    """Further questions on the answer page."""
    thanks: dict[str, str] = Field(default_factory=dict)
    """What the page says after the answer, per language."""

    @model_validator(mode="after")
    def _fits_kind(self) -> SurveyForm:
        if (self.kind == "choice") != bool(self.choices):
            raise ValueError("a 'choice' survey has 'choices', the other kinds have none")
        if self.scale and self.kind in {"nps", "choice", "text"}:
            raise ValueError(f"the scale of '{self.kind}' is fixed: remove 'scale'")
        return self


@dataclass(frozen=True, slots=True)
class SurveyPage:
    """What the answer page shows, and the core's survey. Texts by locale."""

    core: Survey
    question: Mapping[str, str]
    labels: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    choices: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    follow_ups: tuple[FollowUp, ...] = ()
    thanks: Mapping[str, str] = field(default_factory=dict)

    def text(self, texts: Mapping[str, str], locale: str) -> str:
        """The nearest language there is: `es-MX`, else `es`, else the first of the file. Empty when there is none."""
        for wanted in (locale, locale.partition("-")[0]):
            if wanted in texts:
                return texts[wanted]
        language = locale.partition("-")[0]
        near = next((text for key, text in texts.items() if key.partition("-")[0] == language), None)
        return near if near is not None else next(iter(texts.values()), "")


def load_surveys(
    files: Mapping[str, bytes | str], messages: Mapping[str, object], locales: tuple[str, ...] = ()
) -> tuple[dict[str, SurveyPage], list[Problem]]:
    """Read `{file name: content}`. A survey with an error is left out; the others are read."""
    pages: dict[str, SurveyPage] = {}
    problems: list[Problem] = []
    for file in sorted(files):
        document = load(file, files[file])
        form, found = read(SurveyForm, document, "V")
        if form is not None:
            found += _beside(document, form, messages, locales)
            if not errors(found):
                pages[form.survey] = _page(form)
        problems += found
    return pages, problems


def _beside(
    document: Document, form: SurveyForm, messages: Mapping[str, object], locales: tuple[str, ...]
) -> list[Problem]:
    """What the file says that does not fit its name, the templates or the shop's languages."""
    found: list[Problem] = []
    stem = PurePosixPath(document.file).stem
    if form.survey != stem:
        said = f"the survey is called '{form.survey}', its file '{stem}.yaml'"
        found.append(problem_at(document, ("survey",), "V101", said, f"write 'survey: {stem}'"))
    for key, name in (("message", form.message), ("reminder", form.reminder)):
        if name is not None and name not in messages:
            help_ = suggest(name, sorted(messages), "messages")
            found.append(problem_at(document, (key,), "V202", f"unknown message '{name}'", help_))
    spoken = {locale.partition("-")[0] for locale in form.question}
    for locale in locales:
        if locale.partition("-")[0] not in spoken:
            message = f"no question in '{locale}', a language of the shop"
            problem = problem_at(document, ("question",), "V203", message, f"add '{locale}: …'")
            found.append(Problem(problem.file, problem.line, problem.column, "V203", message, problem.help, "warning"))
    return found


def _page(form: SurveyForm) -> SurveyPage:
    low, high = (form.scale.low, form.scale.high) if form.scale else SCALES[form.kind]
    core = Survey(form.survey, form.kind, form.message, low, high, form.reminder)
    return SurveyPage(core, form.question, form.labels, form.choices, form.follow_ups, form.thanks)
