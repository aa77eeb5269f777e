"""What somebody wants simulated, from the words of a command line: events, facts, what never happens, the beginning."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from postventa.core import schedule
from postventa.core.values import as_number
from postventa.errors import ConfigError
from postventa.project import Project
from postventa.schemas.registry import Field
from postventa.source.durations import NotUnderstood, parse_duration
from postventa.source.nearest import suggest
from postventa.testing.simulate import Plan
from postventa.testing.solve import SETTABLE

MONDAY = datetime(2026, 3, 2, 10, 0)  # noqa: DTZ001 - on the shop's clock, whatever that is
"""When a made-up story begins: a Monday morning, the same for everybody, so that it can be told again."""

_BOOLS = {"true": True, "yes": True, "sí": True, "si": True, "false": False, "no": False}


def usual_start(project: Project) -> datetime:
    """The beginning of a story where nobody names one."""
    return schedule.resolve(MONDAY, schedule.zone(project.settings.timezone))


def start_of(text: str, project: Project, where: str) -> datetime:
    """A moment as people write it: `2026-03-02`, `2026-03-02 22:30` (the shop's clock), or with an offset."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise ConfigError(f"'{text}' is not a time", where=where, mend='write it like "2026-03-02 22:30"') from None
    if moment.tzinfo is not None:
        return moment.astimezone(UTC)
    return schedule.resolve(moment, schedule.zone(project.settings.timezone))


def plan_of(project: Project, events: Sequence[str], told: Sequence[str], never: Sequence[str]) -> Plan:
    """The plan these words ask for. ConfigError names the word, what it could have been, and what is accepted."""
    extra = tuple(_extra(project, one) for one in events)
    facts = dict(_fact(project, one) for one in told)
    return Plan(facts, frozenset(known_event(project, one, "--never") for one in never), extra=extra)


def known_event(project: Project, name: str, where: str) -> str:
    """The name itself; ConfigError with the nearest one where there is no such event."""
    if name not in project.registry.types:
        raise ConfigError(
            f"no event is called '{name}'", where=where, mend=suggest(name, sorted(project.registry.types), "events", 8)
        )
    return name


def _extra(project: Project, text: str) -> tuple[str, timedelta | None]:
    name, _, after = text.partition("@")
    known_event(project, name.strip(), "--event")
    if not after:
        return name.strip(), None
    try:
        span = parse_duration(after.strip().removeprefix("+"))
    except NotUnderstood as error:
        raise ConfigError(str(error), where=f"--event {text}", mend=error.help) from None
    return name.strip(), timedelta(days=span.days + span.months * 30, seconds=span.seconds)


def _fact(project: Project, text: str) -> tuple[str, Any]:
    path, sign, value = text.partition("=")
    path = path.strip()
    if not sign:
        raise ConfigError(f"'{text}' sets nothing", where="--set", mend="write it like order.total=80")
    return path, value_of(project, path, value.strip(), "--set")


def value_of(project: Project, path: str, value: str, where: str) -> Any:
    """A value for the fact at `path`, of its kind. ConfigError where there is no such fact, or it cannot be that."""
    root, *parts = path.split(".")
    found = _settable(project, root, parts, path, where)
    if found.type in {"number", "whole", "money"} and as_number(value) is None:
        raise ConfigError(f"'{value}' is not a number", where=f"{where} {path}", mend=f"like {path}=80")
    if found.type == "bool" or path == "customer.consent":
        if value.lower() not in _BOOLS:
            raise ConfigError(f"'{value}' is neither yes nor no", where=f"{where} {path}", mend="yes or no")
        return _BOOLS[value.lower()]
    if found.type == "whole":
        return int(value)
    if found.type == "list":
        return [one.strip() for one in value.strip("[]").split(",") if one.strip()]
    if found.type == "number":
        return int(value) if value.lstrip("-").isdigit() else float(value)
    return value


def _settable(project: Project, root: str, parts: list[str], path: str, where: str) -> Field:
    registry = project.registry
    if registry.thing(root) is None:
        things = [name for name in registry.things if registry.known_fields(name)]
        raise ConfigError(f"'{path}' begins with nothing known", where=where, mend=suggest(root, things, "things", 12))
    found = registry.field(root, parts) if parts else None
    if found is None:
        known = [f"{root}.{name}" for name in registry.known_fields(root)]
        raise ConfigError(f"there is no fact '{path}'", where=where, mend=suggest(path, known, "facts", 12))
    if found.computed and path not in SETTABLE:
        raise ConfigError(
            f"'{path}' is worked out by postventa and cannot be told", where=where, mend="tell what it follows from"
        )
    return found
