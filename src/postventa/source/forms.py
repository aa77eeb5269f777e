"""Small files read by pydantic models: the same problems, positions and nearest names as everywhere else.

`read` gives the model, or the problems. Their codes are a letter and 103 (missing key), 104 (unknown key) or 105
(wrong value), as in journeys.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Annotated, Any, TypeVar, get_args
from zoneinfo import ZoneInfo

from pydantic import BaseModel, BeforeValidator, ConfigDict, ValidationError, WithJsonSchema

from postventa.core.journey import Duration, LocalTime
from postventa.source.durations import NotUnderstood, parse_clock, parse_day, parse_duration
from postventa.source.nearest import did_you_mean, suggest
from postventa.source.nodes import Mapping as Group
from postventa.source.nodes import Scalar
from postventa.source.positions import Location, key_at, locate
from postventa.source.problem import Problem
from postventa.source.sentences import one_of, sentence
from postventa.source.yaml import Document

M = TypeVar("M", bound="Form")


class Form(BaseModel):
    """A group of keys in a user's file: closed, immutable, plain values only."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True, arbitrary_types_allowed=True)


def _duration(value: Any) -> Any:
    return value if isinstance(value, Duration) else _told(parse_duration, value)


def _clock(value: Any) -> Any:
    return value if isinstance(value, LocalTime) else _told(parse_clock, value)


def _days(value: Any) -> Any:
    if isinstance(value, frozenset):
        return value
    words = value if isinstance(value, list) else [value]
    return frozenset(day for word in words for day in _told(parse_day, word))


def _zone(value: Any) -> Any:
    try:
        return ZoneInfo(str(value)).key
    except (ValueError, OSError, KeyError):
        raise ValueError(f"no time zone is called '{value}' (like Europe/Madrid or America/Sao_Paulo)") from None


def _told(parse: Any, value: Any) -> Any:
    """`parse` with its help in the message."""
    try:
        return parse(str(value))
    except NotUnderstood as error:
        raise ValueError(f"{error} ({error.help})" if error.help else str(error)) from None


Span = Annotated[Duration, BeforeValidator(_duration), WithJsonSchema({"type": "string", "pattern": "^(P|[0-9])"})]
"""A duration in words."""
_CLOCK_SHAPE = {"type": "string", "pattern": "^[0-9]{1,2}:[0-9]{2}$"}
Clock = Annotated[LocalTime, BeforeValidator(_clock), WithJsonSchema(_CLOCK_SHAPE)]
"""A time of day."""
Days = Annotated[frozenset[int], BeforeValidator(_days), WithJsonSchema({"type": ["string", "array"]})]
"""Days of the week."""
Zone = Annotated[str, BeforeValidator(_zone)]
"""The name of a time zone."""


def read(model: type[M], document: Document, letter: str) -> tuple[M | None, list[Problem]]:
    """The file as `model`, or None with the problems (those of its YAML first)."""
    problems = list(document.problems)
    root = document.root
    if root is None:
        return None, problems
    if not isinstance(root, Group):
        message = f"expected keys and values, found {root.says}"
        return None, [*problems, Problem(document.file, root.line, root.column, f"{letter}105", message)]
    try:
        form = model.model_validate(root.plain())
    except ValidationError as error:
        found = error.errors(include_url=False, include_context=True, include_input=False)
        problems += [_problem(document.file, root, one, letter, model) for one in found]
        return None, problems
    return (form if not problems else None), problems


def problem_at(document: Document, location: Location, code: str, message: str, help_: str = "") -> Problem:
    """A finding of our own about the value at `location`."""
    assert document.root is not None, "a file that was read has a root"
    node = locate(document.root, location)
    width = node.width if isinstance(node, Scalar) else 1
    return Problem(document.file, node.line, node.column, code, message, help_, width=width)


_UNION = re.compile(r"kind:.*|\[key\]|str|int|(dict|list|tuple)\[.*\]|function-.*")
"""What pydantic puts into a place beside the file's own keys: which side of a choice it tried."""


def _problem(file: str, root: Group, error: Mapping[str, Any], letter: str, model: type[Form]) -> Problem:
    location: Location = [part for part in error["loc"] if not _UNION.fullmatch(str(part))]
    name, kind = str(location[-1]) if location else "", error["type"]
    if kind == "extra_forbidden":
        node, code = key_at(root, location), "104"
        message, help_ = (
            f"unknown key '{name}'",
            _secret(name) or suggest(name, _keys(model, location[:-1]), "keys", 30),
        )
    elif kind == "missing":
        node, code = locate(root, location[:-1]), "103"
        message, help_ = f"the key '{name}' is missing", f"add '{name}: …'"
        if isinstance(location[-1], int):
            message, help_ = f"'{location[-2]}' takes at least {location[-1] + 1} values", ""
    else:
        node, code, help_ = locate(root, location), "105", ""
        message = sentence(name, error)
        if isinstance(node, Scalar) and kind == "literal_error":
            help_ = did_you_mean(node.text, one_of(error))
    width = node.width if isinstance(node, Scalar) else 1
    return Problem(file, node.line, node.column, f"{letter}{code}", message, help_, width=width)


def _secret(name: str) -> str:
    """A secret has no place in a file that everybody reads."""
    secret = {"password", "secret", "token", "key", "keys", "dsn"} & set(name.split("_"))
    return f"secrets stay out of files: put it in the environment and write '{name}_env: NAME'" if secret else ""


def _keys(model: type[BaseModel], location: Iterable[str | int]) -> list[str]:
    """The keys that are accepted at a place of the model."""
    models = [model]
    for part in location:
        inner = [field for one in models for name, field in one.model_fields.items() if (field.alias or name) == part]
        below = [found for field in inner for found in _models(field.annotation)]
        models = below or ([] if inner else models)
    return list(dict.fromkeys(field.alias or name for one in models for name, field in one.model_fields.items()))


def _models(annotation: Any) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [found for inner in get_args(annotation) for found in _models(inner)]
