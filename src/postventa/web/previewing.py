"""A message as a customer would get it, measured: lengths, size, what is missing, and what its language lacks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from postventa.core.condition import Fact, Path
from postventa.core.journey import Journey
from postventa.project import Project
from postventa.source.language import told
from postventa.templates.message import MessageSpec
from postventa.templates.render import Rendered, RenderError
from postventa.templates.sample import sample_context
from postventa.templates.words import language_of
from postventa.web.tongue import Tongue
from postventa.web.verdicts import senders

if TYPE_CHECKING:
    from postventa.web.past import Past

GMAIL_CLIPS = 102 * 1024
"""Bytes of HTML after which Gmail hides the rest behind a link, the unsubscribe link with it."""
SUBJECT, PREHEADER = 60, 130
"""Characters that a mail program on a desktop shows; a phone shows about two thirds of that."""


@dataclass(frozen=True, slots=True)
class Finding:
    """Something to mend: what, where (`file:line`), and how."""

    text: str
    where: str
    mend: str = ""


@dataclass(slots=True)
class Preview:
    """One message in one language (and variant). `mail` None: it could not be made."""

    message: str
    locale: str
    variant: str
    mail: Rendered | None
    findings: list[Finding] = field(default_factory=list)
    about: str = ""

    @property
    def size(self) -> int:
        """Bytes of the HTML part: what Gmail measures."""
        return len(self.mail.html.encode()) if self.mail else 0

    @property
    def name(self) -> str:
        """`tutorial.coffee.es`: what its files are called."""
        return ".".join(part for part in (self.message, self.variant, self.locale) if part)

    def row(self) -> dict[str, Any]:
        """As JSON, without the parts."""
        mail = self.mail
        return {
            "message": self.message, "locale": self.locale, "variant": self.variant or None, "about": self.about,
            "subject": mail.subject if mail else None, "subject_length": len(mail.subject) if mail else 0,
            "preheader": mail.preheader if mail else None, "preheader_length": len(mail.preheader) if mail else 0,
            "bytes": self.size, "text_bytes": len(mail.text.encode()) if mail else 0,
            "findings": [{"text": one.text, "where": one.where, "mend": one.mend} for one in self.findings],
        }  # fmt: skip


def previews(project: Project, message: str, t: Tongue, *, past: Past | None = None) -> Iterator[Preview]:
    """The message in every language of the shop and every variant. PostventaError for one that does not exist."""
    for variant in ("", *project.messages.variants(message)):
        for locale in locales_of(project, message):
            yield preview(project, message, locale, variant, t, past=past)


def locales_of(project: Project, message: str) -> list[str]:
    """The shop's languages, then those that only this message has."""
    return list(dict.fromkeys((*project.settings.all_locales, *project.messages.locales(message))))


def preview(
    project: Project, message: str, locale: str, variant: str, t: Tongue, *, past: Past | None = None
) -> Preview:
    """Make it, of a sample or of something that happened, and look at it."""
    context = _context(project, message, locale, variant, past)
    made = Preview(message, locale, variant, None, about=f"{past.customer}, {past.about}" if past else "")
    try:
        chosen = variant or (past.variant if past else None)
        made.mail = project.messages.render(
            message, locale, context, variant=chosen, zone=past.zone if past else None
        )  # fmt: skip
    except RenderError as error:
        text = t("{path} is missing", path=f"'{error.variable}'") if error.variable else told(error.message, t.language)
        made.findings.append(Finding(text, error.where or "", error.mend or ""))
        made.findings += _missing(project, message, context, {(error.file, error.line)}, t)
    made.findings += _read(project, message, locale, variant, t)
    if made.mail is not None:
        made.findings += _measured(made, made.mail, project.messages.spec(message), t)
    made.findings = list(dict.fromkeys(made.findings))
    return made


def _context(project: Project, message: str, locale: str, variant: str, past: Past | None) -> dict[str, Any]:
    """What the template gets: something that happened with links that lead nowhere, or a sample with the `with` of the
    journey that sends it, about a product of the variant's category where the shop has one."""
    sample = sample_context(locale)
    if past is not None:
        return {**past.context, "links": sample["links"]}
    for sku, product in project.products.items():
        if variant and product.get("category") == variant:
            line = {**sample["line"], "sku": sku, "name": product.get("name") or sku, "category": variant}
            line["product"] = {**product}
            sample |= {"line": line, "lines": [line]}
            break
    given: dict[str, Any] = {}
    for journey in project.journeys.values():
        for sender in senders(journey, message):
            given |= {key: _given(value, sample) for key, value in sender.step.with_.items()}
    return {**sample, "with": {key: value for key, value in given.items() if value is not None}}


def _given(value: Any, sample: Mapping[str, Any]) -> Any:
    path = value.path if isinstance(value, Fact) else value
    if not isinstance(path, Path):
        return value
    found: Any = sample.get(path.root)
    for part in path.parts:
        found = found.get(part) if isinstance(found, Mapping) else None
    return found


# --- findings ---------------------------------------------------------------------------------------------------------
def _missing(
    project: Project, message: str, context: Mapping[str, Any], known: set[tuple[str, int]], t: Tongue
) -> Iterator[Finding]:
    """Every value that is read without a provision and is not there; rendering tells of the first alone."""
    for reading in project.messages.readings(message):
        if reading.guarded or (reading.file, reading.line) in known or _has(context, reading.path.split(".")):
            continue
        mend = f"{{{{ {reading.path} | default('…') }}}}"
        yield Finding(t("{path} is missing", path=f"'{reading.path}'"), f"{reading.file}:{reading.line}", mend)


def _has(value: Any, parts: Sequence[str]) -> bool:
    if not parts:
        return value is not None
    name = parts[0].removesuffix("[]")
    inner = value.get(name) if isinstance(value, Mapping) else None
    if parts[0].endswith("[]"):
        items = inner if isinstance(inner, Sequence) else []
        return all(_has(item, parts[1:]) for item in items)
    return inner is not None and _has(inner, parts[1:])


def _read(project: Project, message: str, locale: str, variant: str, t: Tongue) -> Iterator[Finding]:
    """What `validate` says of the message's own files, of this language and variant."""
    folder = f"templates/{message}/"
    for problem in project.problems:
        name = problem.file.removeprefix(folder)
        if name == problem.file:
            continue
        inside, _, file = name.rpartition("/")
        own = file == "message.yaml" or (inside == variant and language_of(file.split(".")[0]) == language_of(locale))
        if own:
            where = f"{problem.file}:{problem.line}" if problem.line else problem.file
            text = told(problem.message, t.language)
            yield Finding(f"{problem.code} {text}", where, told(problem.help, t.language))


def _measured(made: Preview, mail: Rendered, spec: MessageSpec, t: Tongue) -> Iterator[Finding]:
    file = f"templates/{made.message}/message.yaml"
    if made.size > GMAIL_CLIPS:
        text = t("the HTML has {size} kB: Gmail cuts a mail off at 102 kB", size=f"{made.size / 1024:.0f}")
        yield Finding(text, f"templates/{made.message}", t("shorten it, or show fewer lines"))
    if not mail.subject:
        yield Finding(t("the subject is empty"), _line(spec, "subject", mail.locale, file))
    elif len(mail.subject) > SUBJECT:
        text = t("the subject has {count} characters: {most} are shown", count=len(mail.subject), most=SUBJECT)
        yield Finding(text, _line(spec, "subject", mail.locale, file), t("say the important thing first"))
    if len(mail.preheader) > PREHEADER:
        text = t("the preheader has {count} characters: {most} are shown", count=len(mail.preheader), most=PREHEADER)
        yield Finding(text, _line(spec, "preheader", mail.locale, file), t("say the important thing first"))
    if language_of(mail.locale) != language_of(made.locale):
        text = t("there is no text in '{locale}': such customers get '{other}'", locale=made.locale, other=mail.locale)
        yield Finding(text, f"templates/{made.message}", f"{made.locale}.md")


def _line(spec: MessageSpec, key: str, locale: str, file: str) -> str:
    lines = spec.subject if key == "subject" else spec.preheader
    line = lines.get(locale) or lines.get(language_of(locale)) or lines.get("")
    return f"{file}:{line.line}" if line else file


def sent_by(journeys: Mapping[str, Journey], message: str) -> list[str]:
    """The journeys that send it."""
    return [name for name, journey in journeys.items() if any(senders(journey, message))]
