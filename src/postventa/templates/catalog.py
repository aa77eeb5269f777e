"""All messages of a release: found, compiled, checked, and rendered for one customer in the nearest language."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from jinja2 import TemplateSyntaxError

from postventa.core.journey import Message
from postventa.errors import PostventaError
from postventa.source.nearest import suggest
from postventa.source.problem import Problem, in_order
from postventa.templates.body import Body, Job, Source, faults
from postventa.templates.brand import Brand, Sender, known_keys
from postventa.templates.faults import plain
from postventa.templates.filters import CURRENCY, LOCALE, ZONE
from postventa.templates.kept import body_of
from postventa.templates.links import Linker, LinkError, watched
from postventa.templates.message import Line, MessageSpec, read_message
from postventa.templates.render import Rendered, RenderError, run, run_line, tidy_html, tidy_text
from postventa.templates.spots import Spots
from postventa.templates.tags import LineMap
from postventa.templates.uses import Use
from postventa.templates.words import language_of, nearest_locale

FOLDER = "templates"
_SUFFIXES = ("md", "html", "txt")


@dataclass(frozen=True, slots=True)
class _Wording:
    """A message in one folder (its own, or a variant's) and one language."""

    locale: str
    body: Body
    subject: Source
    preheader: Source | None


@dataclass
class _Entry:
    spec: MessageSpec
    file: str
    linker: Linker
    wordings: dict[str, dict[str, _Wording]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Reading:
    """A value that a file reads, for `validate`: message, file and line, path, and whether a gap is provided for."""

    message: str
    file: str
    line: int
    path: str
    guarded: bool
    source: Source = field(repr=False, compare=False)

    @property
    def spot(self) -> tuple[int, int]:
        """The column where it is read, and its width."""
        return self.source.spots.of(Use(self.path, self.line, self.guarded))


class MessageCatalog:
    """The messages of one release. Immutable after `from_files`; rendering is safe from several tasks."""

    def __init__(self, entries: Mapping[str, _Entry], brand: Brand, default_locale: str) -> None:
        self._entries = dict(entries)
        self.brand = brand
        self.default_locale = default_locale
        self._constant = {"brand": {**brand.data, "name": brand.name, "postal_address": brand.postal_address}}

    @classmethod
    def from_files(
        cls, files: Mapping[str, bytes], brand: Brand, *, default_locale: str = "en"
    ) -> tuple[MessageCatalog, list[Problem]]:
        """Read every message of a bundle (path relative to the project -> content); other files are passed over.

        A message with problems of severity error is left out only when it cannot be used at all.
        """
        builder = _Builder(files, brand, default_locale)
        return cls(builder.entries(), brand, default_locale), in_order(builder.problems)

    def __contains__(self, message: object) -> bool:
        return message in self._entries

    def __iter__(self) -> Iterator[str]:
        return iter(sorted(self._entries))

    def spec(self, message: str) -> MessageSpec:
        """The message.yaml of a message. PostventaError, with the nearest name, when there is none."""
        return self._entry(message).spec

    def sender(self, message: str) -> Sender:
        """Who the message is from: its own sender, else the brand's."""
        return self.spec(message).sender or self.brand.sender

    def core_messages(self) -> dict[str, Message]:
        """What the contact policy needs of each message."""
        return {name: entry.spec.core() for name, entry in self._entries.items()}

    def variants(self, message: str) -> list[str]:
        """The folders that `choose_by` can choose."""
        return sorted(name for name in self._entry(message).wordings if name)

    def locales(self, message: str) -> list[str]:
        """The languages of the message's own bodies."""
        entry = self._entry(message)
        return sorted({locale for wordings in entry.wordings.values() for locale in wordings})

    def readings(self, message: str | None = None) -> list[Reading]:
        """Every value that the bodies, subjects and preheaders read."""
        names = [message] if message else list(self)
        return [reading for name in names for reading in _readings(name, self._entry(name))]

    def render(
        self,
        message: str,
        locale: str,
        context: Mapping[str, Any],
        *,
        variant: str | None = None,
        zone: str | None = None,
    ) -> Rendered:
        """One message for one customer. `locale` is the wanted one, the nearest there is is taken.

        `context` holds plain dicts (order, lines, customer, …) and `links` (unsubscribe, preferences, answer(score)).
        `zone`: the clock for dates; default the customer's, then the brand's. RenderError when a value is missing.
        """
        entry = self._entry(message)
        wording = self._choose(entry, locale, variant)
        seen: set[str] = set()
        values = self._values(context, locale if language_of(locale) == language_of(wording.locale) else wording.locale)
        values[ZONE] = zone or _customer_zone(context) or self.brand.timezone
        values["links"] = watched(context.get("links") or {}, seen)
        subject = run_line(wording.subject, values)
        preheader = run_line(wording.preheader, values) if wording.preheader else ""
        values |= {"_subject": subject, "_preheader": preheader}
        html, text = run(wording.body.html, values), run(wording.body.text, values)
        exact = frozenset(seen)
        try:
            html = entry.linker.html(tidy_html(html), exact)
            text = entry.linker.text(tidy_text(text), exact)
        except LinkError as error:
            raise RenderError(
                str(error), wording.body.file, mend="mend the address in the template or the data"
            ) from None
        return Rendered(subject, preheader, html, text, wording.locale)

    def _values(self, context: Mapping[str, Any], locale: str) -> dict[str, Any]:
        """The context with null left out (null is missing), the brand, and what the filters need."""
        known = {key: value for key, value in context.items() if value is not None}
        return {**self._constant, **known, LOCALE: locale, CURRENCY: self.brand.currency}

    def _choose(self, entry: _Entry, locale: str, variant: str | None) -> _Wording:
        """The customer's language first, then the variant: better a general tutorial than one nobody can read."""
        folders = [entry.wordings[name] for name in (variant or "", "") if name in entry.wordings]
        language = language_of(locale)
        for folder in folders:
            tag = nearest_locale(locale, list(folder), self.default_locale)
            if tag and language_of(tag) == language:
                return folder[tag]
        for folder in folders or list(entry.wordings.values()):
            if tag := nearest_locale(locale, list(folder), self.default_locale):
                return folder[tag]
        raise RenderError("the message has no body", entry.file, mend="add es.md beside message.yaml")

    def _entry(self, message: str) -> _Entry:
        try:
            return self._entries[message]
        except KeyError:
            known = suggest(message, self._entries, "messages")
            raise PostventaError(f"there is no message '{message}'", where=f"{FOLDER}/{message}", mend=known) from None


class _Builder:
    """Sorts the bundle's files into messages, variants and languages, and compiles them."""

    def __init__(self, files: Mapping[str, bytes], brand: Brand, default_locale: str) -> None:
        self.files = {path: raw for path, raw in sorted(files.items()) if path.startswith(f"{FOLDER}/")}
        self.brand = brand
        self.default_locale = default_locale
        self.problems: list[Problem] = []

    def entries(self) -> dict[str, _Entry]:
        names = sorted({path.split("/")[1] for path in self.files if path.count("/") >= 2})
        for path in self.files:
            if path.count("/") < 2:
                self._say(
                    path, 0, "T105", "a message is a folder", "put message.yaml and es.md into templates/<message>/"
                )
        return {name: entry for name in names if (entry := self._message(name))}

    def _message(self, name: str) -> _Entry | None:
        file = f"{FOLDER}/{name}/message.yaml"
        if file not in self.files:
            self._say(f"{FOLDER}/{name}", 0, "T106", "the folder has no message.yaml", "class: …, subject: {es: …}")
            return None
        spec, problems = read_message(name, self.files[file], file)
        self.problems += problems
        if spec is None:
            return None
        entry = _Entry(spec, file, Linker.for_message(self.brand.website, self.brand.utm, name))
        if spec.optional and not self.brand.postal_address:
            message, help_ = "a mail of this class needs a postal address", "postal_address: … in brand.yaml"
            lacks = "brand.yaml postal_address"
            self.problems.append(Problem(file, 1, 1, "T121", message, help_, lacks=lacks))
        for variant, bodies in self._bodies(name).items():
            entry.wordings[variant] = self._folder(spec, file, bodies)
        if not any(entry.wordings.values()):
            self._say(file, 1, "T107", f"message '{name}' has no body that can be used", f"add {FOLDER}/{name}/es.md")
            return None
        own = entry.wordings.get("") or {}
        if own and language_of(self.default_locale) not in {language_of(locale) for locale in own}:
            message = f"no body in the shop's language, {self.default_locale}"
            self._say(file, 1, "T124", message, f"add {self.default_locale}.md", "warning")
        if not own:
            self._say(
                file, 1, "T108", "only variants have a body", "add one beside message.yaml for all others", "warning"
            )
        return entry

    def _bodies(self, name: str) -> dict[str, dict[str, dict[str, str]]]:
        """Map variant -> locale -> suffix -> path."""
        found: dict[str, dict[str, dict[str, str]]] = {}
        for path in self.files:
            words = path.split("/")
            if words[1] != name or words[-1] == "message.yaml" or len(words) < 3:
                continue
            stem, _, suffix = words[-1].rpartition(".")
            if suffix not in _SUFFIXES or len(words) > 4 or not stem:
                self._say(
                    path, 0, "T105", "this file belongs to no message", "es.md, es.html or es.txt; one folder deep"
                )
                continue
            variant = words[2] if len(words) == 4 else ""
            found.setdefault(variant, {}).setdefault(stem, {})[suffix] = path
        return dict(sorted(found.items()))

    def _folder(self, spec: MessageSpec, file: str, bodies: Mapping[str, Mapping[str, str]]) -> dict[str, _Wording]:
        wordings: dict[str, _Wording] = {}
        for locale, paths in bodies.items():
            body_file = paths.get("html") or paths.get("md")
            if body_file is None:
                self._say(paths["txt"], 0, "T109", "a .txt needs a .md or .html beside it", f"add {locale}.md")
                continue
            if "html" in paths and "md" in paths:
                self._say(paths["md"], 0, "T109", f"{locale}.html is used, this file is not", "delete one", "warning")
            own_text = (paths["txt"], self.files[paths["txt"]]) if "txt" in paths else None
            job = Job(locale, self.brand, spec.optional)
            body, problems = body_of(body_file, self.files[body_file], job, own_text)
            self.problems += problems
            subject = self._line(spec.subject, locale, file, "subject")
            preheader = self._line(spec.preheader, locale, file, "preheader")
            if body and spec.kind == "survey" and not any(use.path == "links.answer" for _, use in body.reads):
                self._say(body_file, 1, "T123", "a survey mail has no way to answer", "put in ::: stars")
            if body:
                self._brand_read(body)
            if body and subject:
                wordings[locale] = _Wording(locale, body, subject, preheader)
        return wordings

    def _brand_read(self, body: Body) -> None:
        """Say what a body reads of brand.yaml that is not there."""
        for source, use in body.reads:
            root, *parts = use.path.split(".")
            level: Any = {**{key: {} for key in known_keys()}, **self.brand.data}
            for part in parts if root == "brand" and not use.guarded else ():
                if not isinstance(level, Mapping) or part not in level:
                    names = sorted(map(str, level)) if isinstance(level, Mapping) else []
                    column, width = source.spots.of(use)
                    message, help_ = f"brand.yaml has no '{'.'.join(parts)}'", suggest(part, names, "it has")
                    self.problems.append(
                        Problem(
                            source.file,
                            use.line,
                            column,
                            "T126",
                            message,
                            help_,
                            width=width,
                            lacks=f"brand.yaml {'/'.join(parts)}",
                        )
                    )
                    break
                level = level[part]

    def _line(self, lines: Mapping[str, Line], locale: str, file: str, key: str) -> Source | None:
        """The subject or preheader for a language, compiled; a language without its own is told."""
        tag = nearest_locale(locale, list(lines), self.default_locale)
        if tag is None:
            return None
        line = lines[tag]
        if tag and language_of(tag) != language_of(locale):
            message = f"'{key}' has no '{locale}', but there is a body"
            self.problems.append(Problem(file, line.line, line.column, "T122", message, f"{locale}: …"))
        spots = Spots(line.text if line.plain else "", line.line, line.column)
        source = Source(file, line.text, LineMap((1,), (line.line,)), html=False, spots=spots)
        try:
            found = faults(source)
        except TemplateSyntaxError as error:
            found = [spots.broken(Problem(file, line.line, 1, "T110", f"'{key}': {plain(str(error.message))}"))]
        self.problems += found
        if found:
            return None
        return source

    def _say(self, file: str, line: int, code: str, message: str, help_: str, severity: Any = "error") -> None:
        self.problems.append(Problem(file, line, 1 if line else 0, code, message, help_, severity))


def _readings(name: str, entry: _Entry) -> Iterator[Reading]:
    for wordings in entry.wordings.values():
        for wording in wordings.values():
            lines = [source for source in (wording.subject, wording.preheader) if source]
            uses = [*wording.body.reads, *((source, use) for source in lines for use in source.uses())]
            for source, use in uses:
                if not use.path.startswith(("links.", "brand.")) and use.path not in {"links", "brand"}:
                    yield Reading(name, source.file, use.line, use.path, use.guarded, source)


def _customer_zone(context: Mapping[str, Any]) -> str | None:
    customer = context.get("customer")
    zone = customer.get("timezone") if isinstance(customer, Mapping) else None
    return zone if isinstance(zone, str) else None
