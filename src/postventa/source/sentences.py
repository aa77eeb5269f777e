"""What pydantic found, in sentences: by the kind of its finding, never in its words."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

_FORMS = {
    "^[A-Z]{3}$": "three capital letters, like EUR",
    "^[A-Z0-9-]{0,12}$": "at most 12 capital letters, digits and '-'",
    "^[a-z_][a-z0-9_]{0,62}$": "small letters, digits and '_'",
}
"""Pattern -> what it asks for."""
_KINDS = {
    "a text": ("string_type", "string_sub_type", "string_unicode"),
    "a whole number": ("int_type", "int_parsing", "int_from_float", "int_parsing_size"),
    "a number": ("float_type", "float_parsing", "decimal_type", "decimal_parsing"),
    "true or false": ("bool_type", "bool_parsing"),
    "a list": ("list_type", "tuple_type", "set_type", "frozen_set_type"),
    "keys and values": ("dict_type", "model_type", "model_attributes_type", "mapping_type", "dataclass_type"),
    "a moment, like 2026-11-22T09:00:00+01:00": (
        "datetime_type", "datetime_parsing", "datetime_from_date_parsing", "datetime_object_invalid",
    ),
}  # fmt: skip
_TYPES = {kind: noun for noun, kinds in _KINDS.items() for kind in kinds}
_BY_LIMIT: Mapping[str, Callable[[Mapping[str, Any]], str]] = {
    "greater_than_equal": lambda of: f"has to be {of['ge']} or more",
    "greater_than": lambda of: f"has to be more than {of['gt']}",
    "less_than_equal": lambda of: f"has to be {of['le']} or less",
    "less_than": lambda of: f"has to be less than {of['lt']}",
    "string_too_long": lambda of: f"takes at most {of['max_length']} letters",
    "string_too_short": lambda of: f"takes at least {of['min_length']} letters",
    "too_long": lambda of: f"takes at most {of['max_length']} values",
    "too_short": lambda of: (
        "may not be empty" if of["min_length"] == 1 else f"takes at least {of['min_length']} values"
    ),
    "literal_error": lambda of: f"has to be one of: {_listed(of['expected'])}",
    "enum": lambda of: f"has to be one of: {_listed(of['expected'])}",
    "union_tag_invalid": lambda of: f"has a 'kind' that is none of: {_listed(of['expected_tags'])}",
    "union_tag_not_found": lambda _: "has no 'kind'",
    "string_pattern_mismatch": lambda of: f"has to be {_FORMS.get(of['pattern'], 'of another form')}",
}


def sentence(name: str, error: Mapping[str, Any]) -> str:
    """One finding about the key `name`, in our words."""
    kind, of = str(error["type"]), error.get("ctx") or {}
    if noun := _TYPES.get(kind):
        return f"'{name}' has to be {noun}"
    if kind in _BY_LIMIT:
        return f"'{name}' {_BY_LIMIT[kind](of)}"
    text = re.sub("^(Value error|Assertion failed), ", "", str(error["msg"]))
    text = f"{text[:1].lower()}{text[1:]}"
    return f"'{name}': {text}" if name else text


def one_of(error: Mapping[str, Any]) -> list[str]:
    """The words that a key takes, out of pydantic's "'a', 'b' or 'c'"."""
    return re.findall(r"'([^']*)'", str((error.get("ctx") or {}).get("expected", "")))


def _listed(expected: object) -> str:
    return ", ".join(re.findall(r"'([^']*)'", str(expected)))
