"""Templates and journeys agree: what a message reads is there wherever a journey sends it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Protocol

from postventa.journeys.known import Known
from postventa.journeys.rules.answers import missing_at
from postventa.journeys.tree import Step, Tree
from postventa.source.nearest import suggest
from postventa.source.problem import Problem, Severity

CODES = {
    "J301": "The template reads something that a journey which sends it does not have in sight. Wrap it in "
            "`{% if … is defined %}`, or send the message where the thing is known.",
    "J302": "The template reads a fact that does not exist.",
    "J303": "The template reads a fact that may be missing; the mail would then fail. "
            "Give it a default: `{{ customer.first_name | default('') }}`.",
    "J304": "The template reads what comes only with an event, and one way to the step goes on without that event (an "
            "`on_timeout` that goes on): on that way the mail would fail.",
}  # fmt: skip

_GIVEN = {"run", "event", "survey", "answer", "links", "brand", "locale", "now"}

Lacking = Mapping[str, Mapping[int, Mapping[str, int]]]
"""By journey and `id(step)`: facts that a way there lacks, and the line of the wait that ended without them."""


class Reading(Protocol):
    """One value that a file of a message reads."""

    @property
    def message(self) -> str:
        """The message."""

    @property
    def file(self) -> str:
        """The file."""

    @property
    def line(self) -> int:
        """The line."""

    @property
    def path(self) -> str:
        """`order.total`, `lines[].name`."""

    @property
    def spot(self) -> tuple[int, int]:
        """The column where it is read, and its width."""

    @property
    def guarded(self) -> bool:
        """Behind `default` or `is defined`."""


def check_wordings(trees: Iterable[Tree], known: Known, readings: Iterable[Reading]) -> list[Problem]:
    """Every reading of every message, looked at from each step that sends it. Said once per place in a template."""
    sent: dict[str, list[tuple[Tree, Step]]] = defaultdict(list)
    for tree in trees:
        for step in tree.walk():
            for message in _messages(step, known):
                sent[message].append((tree, step))
    found: dict[tuple[str, int, str], Problem] = {}
    read = list(readings)
    lacking = {tree.id: missing_at(tree) for steps in sent.values() for tree, _ in steps}
    backed = {(one.file, one.line) for one in read if one.guarded and _usual(one, known)}
    for reading in read:
        for tree, step in sent.get(reading.message, ()):
            if (line := _lacking(reading, tree, step, lacking)) is not None:
                found.setdefault((reading.file, reading.line, reading.path), line)
            for problem in _look(reading, tree, step, known):
                if problem.code != "J303" or (reading.file, reading.line) not in backed:
                    found.setdefault((reading.file, reading.line, reading.path), problem)
    return list(found.values())


def _lacking(reading: Reading, tree: Tree, step: Step, lacking: Lacking) -> Problem | None:
    """What a wait before the step may have ended without."""
    facts = lacking[tree.id].get(id(step), {})
    line = facts.get("answer" if reading.path.startswith("answer.") else reading.path)
    if line is None or reading.guarded:
        return None
    message = (
        f"'{reading.path}' comes with what {tree.file} (line {line}) waits for, and its 'on_timeout' goes on without it"
    )
    help_ = "wrap it in '{% if … is defined %}', or put '- exit: …' into that 'on_timeout'"
    column, width = reading.spot
    return Problem(reading.file, reading.line, column, "J304", message, help_, width=width)


def _messages(step: Step, known: Known) -> list[str]:
    if step.verb == "send":
        return [step.object] if isinstance(step.object, str) else []
    survey = known.surveys.get(step.object) if step.verb == "ask" else None
    return [name for name in (survey.message, survey.reminder) if name] if survey else []


def _look(reading: Reading, tree: Tree, step: Step, known: Known) -> Iterator[Problem]:
    root, parts = _split(reading.path)
    by = f"{tree.file} (line {step.node.line})"

    def say(code: str, message: str, help_: str, severity: Severity = "error", also: str = "") -> Problem:
        column, width = reading.spot
        return Problem(reading.file, reading.line, column, code, message, help_, severity, width, also)

    if root in _GIVEN:
        return
    if root in {"with", "reward"}:
        given = set(step.values.get("with") or {}) if root == "with" else {"code", "name", "title", "expires_at"}
        absent = (parts and parts[0] not in given) or (root == "reward" and not step.values.get("reward"))
        if absent and not reading.guarded:
            key = f"with: {{{parts[0] if parts else '…'}: …}}" if root == "with" else "reward: …"
            there = f"{tree.file}:{step.node.line}:{step.node.column}"
            yield say("J301", f"'{reading.path}' is not given by {by}", f"add '{key}' beside 'send'", also=there)
        return
    thing = "order" if root == "lines" else root
    if known.registry.thing(thing) is None:
        if not reading.guarded:
            things = ["customer", "order", "lines", "with", "reward", "answer", *known.registry.things]
            yield say("J302", f"there is nothing called '{root}'", suggest(root, things, "there are"))
        return
    if not known.in_sight(thing, tree.subject, step.place.matched) and not _started_with(tree, thing, known):
        if not reading.guarded:
            yield say("J301", f"'{reading.path}' is not in sight of {by}", "wrap it in '{% if … is defined %}'")
        return
    sure = {str(use.path) for use in tree.paths if use.guarded and use.place.path == "start"}
    if not (reading.path in sure or (root == "lines" and ".".join(("line", *parts[1:])) in sure)):
        yield from _fields(reading, root, parts, known, say)


def _started_with(tree: Tree, thing: str, known: Known) -> bool:
    """The start event's own things are in sight of a template."""
    starts = tree.values.get("start_types", ())
    return bool(starts) and all(known.may_name(name, thing) for name in starts)


def _fields(
    reading: Reading, root: str, parts: tuple[str, ...], known: Known, say: Callable[..., Problem]
) -> Iterator[Problem]:
    thing, parts = _owner(root, parts)
    if not parts:
        return
    if column := known.no_column(thing, parts):
        columns = sorted({*(known.columns or ()), *known.registry.known_fields("product")})
        yield say("J302", f"products.csv has no column '{column}'", suggest(column, columns, "it has", 24))
    elif known.registry.path_kind(thing, parts) is None:
        owner = f"a {thing}" if thing != "order" else "an order"
        help_ = suggest(parts[-1], known.registry.known_fields(thing, parts[:-1]), "it has", 24)
        yield say("J302", f"{owner} has no '{'.'.join(parts)}'", help_)
    elif known.registry.can_be_missing(thing, parts) and not reading.guarded:
        help_ = "give it a '| default(…)', or wrap it in '{% if … is defined %}'"
        yield say("J303", f"'{reading.path}' may be missing", help_, "warning")


def _usual(reading: Reading, known: Known) -> bool:
    """A fact that is nearly always there: what `default(…)` falls back to behind it need not be certain."""
    thing, parts = _owner(*_split(reading.path))
    return known.registry.path_kind(thing, parts) is not None and not known.registry.can_be_missing(thing, parts)


def _owner(root: str, parts: tuple[str, ...]) -> tuple[str, tuple[str, ...]]:
    """The thing a path's last part belongs to: `lines[].name` and `order.lines[].name` are a line's."""
    if root == "lines":
        return "line", parts[1:] if parts[:1] == ("[]",) else parts
    return ("line", parts[2:]) if root == "order" and parts[:2] == ("lines", "[]") else (root, parts)


def _split(path: str) -> tuple[str, tuple[str, ...]]:
    """`order.lines[].name` -> ("order", ("lines", "[]", "name"))."""
    words = path.replace("[]", ".[]").split(".")
    return words[0], tuple(words[1:])
