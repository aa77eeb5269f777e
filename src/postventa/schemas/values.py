"""Reading the values of a record: refused with the place and a cure, or brought into the one form the engine knows.

Money becomes a decimal string, a time an RFC 3339 string in UTC, an id a text. Places are JSON pointers (RFC 6901).
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from functools import lru_cache
from typing import Any, TypeVar

from postventa.core.event import Plain
from postventa.core.values import time_text
from postventa.errors import RecordError
from postventa.schemas.fields import Field
from postventa.source.nearest import nearest

MAX_BYTES = 256 * 1024
MAX_DEPTH = 32
MAX_ID = 200

_TIME = re.compile(
    r"([0-9]{4})-([0-9]{2})-([0-9]{2})[Tt ]([0-9]{2}):([0-9]{2}):([0-9]{2})"
    r"(?:\.([0-9]{1,12}))?(Z|z|[+-][0-9]{2}:[0-9]{2})?"
)
_TIME_MEND = "write it as 2026-03-01T10:00:00+01:00, or in UTC with a Z at the end"
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_MONEY = re.compile(r"-?[0-9]{1,15}(\.[0-9]{1,8})?")
_ATOM = r"[^\s@<>(),;:\"\\\x00-\x1f\x7f]"
_EMAIL = re.compile(rf"{_ATOM}{{1,64}}@(?!\.){_ATOM}+\.{_ATOM}+(?<!\.)")
_BAD_TEXT = re.compile("[\x00\ud800-\udfff]")
_T = TypeVar("_T")
_UNKNOWN = Field("object")
_PLAIN_TYPES = (str, int, bool, type(None))
_LISTS = (list, tuple)
_NUMBERS = (int, float, Decimal)


def pointer(base: str, key: str | int) -> str:
    """The JSON pointer one step below `base`."""
    return f"{base}/{str(key).replace('~', '~0').replace('/', '~1')}"


def read_object(data: Mapping[str, Any], known: Field) -> dict[str, Plain]:
    """`data` with every known field in its normal form and every other one kept. Raises RecordError.

    Readers know the value, not the place: the place is put together on the way up, when one refuses.
    """
    fields = known.fields
    out: dict[str, Plain] = {}
    key = ""
    try:
        for key, value in data.items():
            one = fields.get(key)
            if one is None:
                out[key] = value if type(value) in _PLAIN_TYPES else plain(value)
            elif value is None or (one.as_is and type(value) is str):
                out[key] = value
            else:
                out[key] = _READERS[one.type](value, one) if one.free else read(value, one)
    except RecordError as error:
        raise _below(key, error) from None
    for name in known.needs:
        if out.get(name) is None:
            raise _missing(name, data, fields)
    return out


def read(value: Any, known: Field) -> Plain:
    """One value of a known field in its normal form. Raises RecordError, its place relative to the value."""
    if known.computed:
        raise RecordError("", value, "nothing here", "postventa works this out itself: leave it out")
    result = _READERS[known.type](value, known)
    if known.choices and result not in known.choices:
        raise RecordError("", value, "one of " + ", ".join(known.choices))
    return result


def plain(value: Any) -> Plain:
    """A value we do not know the meaning of, as JSON; exact decimals become numbers. Raises RecordError."""
    if type(value) in _PLAIN_TYPES:
        return value
    if isinstance(value, Mapping):
        return read_object(value, _UNKNOWN)
    if isinstance(value, _LISTS):
        return _each(value, plain)
    if isinstance(value, float | Decimal):
        return _number(value)
    if isinstance(value, datetime):
        return time_text(read_time(value))
    if isinstance(value, date):
        return value.isoformat()
    raise RecordError("", value, "a JSON value", "text, a number, true, false, null, a list or an object")


def _each(values: Sequence[Any], reader: Callable[..., Plain], *known: Field) -> list[Plain]:
    out: list[Plain] = []
    try:
        for value in values:
            out.append(reader(value, *known))  # noqa: PERF401 (its length is the place of a refusal)
    except RecordError as error:
        raise _below(len(out), error) from None
    return out


def under(place: str, reader: Callable[..., _T], *values: Any) -> _T:
    """`reader(*values)`; what it refuses is told with its place below `place`."""
    try:
        return reader(*values)
    except RecordError as error:
        raise RecordError(place + error.field, error.found, error.expected, error.mend) from None


def _below(key: str | int, error: RecordError) -> RecordError:
    """The same refusal, one step further down."""
    return RecordError(pointer("", key) + error.field, error.found, error.expected, error.mend)


def _missing(name: str, data: Mapping[str, Any], fields: Mapping[str, Field]) -> RecordError:
    """A required field is not there: perhaps because its name was misspelt."""
    known = fields[name]
    near = nearest(name, [key for key in data if key not in fields])
    mend = f"'{near}' looks like it: is it {name}?" if near else f"add {name}" + (f": {known.doc}" if known.doc else "")
    return RecordError(pointer("", name), None, _EXPECTED[known.type], mend)


def read_time(value: Any) -> datetime:
    """An aware UTC datetime of an RFC 3339 text (or of an aware datetime, from an agent). Raises RecordError."""
    if isinstance(value, datetime) and value.tzinfo is not None:
        return value.astimezone(UTC)
    expected = _EXPECTED["time"]
    if isinstance(value, datetime):
        raise RecordError("", value, expected, "attach a time zone to it")
    if isinstance(value, int | Decimal | float) and not isinstance(value, bool):
        raise RecordError("", value, expected, _epoch(value))
    if not isinstance(value, str):
        raise RecordError("", value, expected, _TIME_MEND)
    return _moment(value)


@lru_cache(maxsize=4096)  # an event often tells one moment several times, and events come in bursts
def _moment(value: str) -> datetime:
    expected = _EXPECTED["time"]
    found = _TIME.fullmatch(value)
    if found is None:
        raise RecordError("", value, expected, _TIME_MEND)
    if found[8] is None:
        stamp = f"{value[:10]}T{value[11:19]}"
        raise RecordError("", value, expected, f"add the offset: {stamp}+01:00, or {stamp}Z if it is UTC")
    leap = found[6] == "60"  # a leap second is the first moment of the next minute
    fraction = "" if leap or not found[7] else f".{found[7][:6]:0<6}"
    try:
        at = f"{value[:10]}T{value[11:17]}{'59' if leap else found[6]}{fraction}{found[8].upper()}"
        local = datetime.fromisoformat(at)
        if not 1900 <= local.year <= 2999:
            raise ValueError
        return local.astimezone(UTC) + timedelta(seconds=leap)
    except (ValueError, OverflowError):
        raise RecordError("", value, expected, "there is no such moment between the years 1900 and 2999") from None


@lru_cache(maxsize=4096)
def _moment_text(value: str) -> str:
    return time_text(_moment(value))


def _time(value: Any, _: Field) -> Plain:
    return _moment_text(value) if type(value) is str else time_text(read_time(value))


def _epoch(value: float | Decimal) -> str:
    """How to mend a Unix time: the same moment as text, if it is one."""
    try:
        seconds = float(value) / (1000 if abs(float(value)) > 1e11 else 1)
        return f"write it as text: {time_text(datetime.fromtimestamp(seconds, UTC))}"
    except (ValueError, OverflowError, OSError):
        return "write it as 2026-03-01T10:00:00+01:00"


def read_id(value: Any, _: Field | None = None) -> str:
    """A short text; a whole number is taken as text. Raises RecordError."""
    if type(value) is str and value.isprintable() and 0 < len(value) <= MAX_ID and (name := value.strip()):
        return name
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) < 10**30:
        return str(value)
    if isinstance(value, str) and value.strip():
        raise RecordError("", value, f"an id of at most {MAX_ID} printable characters")
    raise RecordError("", value, _EXPECTED["id"])


def read_email(value: Any, _: Field | None = None) -> str:
    """An address, the domain in lower case; all of it when the name has other letters than ASCII's, which no database
    compares alike in both cases. Raises RecordError."""
    text = value.strip() if isinstance(value, str) else ""
    if len(text) > 254 or not _EMAIL.fullmatch(text):
        raise RecordError("", value, "an e-mail address", "one address, such as ana@example.com")
    local, domain = text.rsplit("@", 1)
    return f"{local}@{domain.lower()}" if local.isascii() else text.lower()


def _text(value: Any, _: Field) -> Plain:
    if isinstance(value, str):
        return value
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    raise RecordError("", value, "text", "put it in quotes" if isinstance(value, Decimal | float) else None)


def _money(value: Any, _: Field) -> Plain:
    written = value.strip() if isinstance(value, str) else None
    if written is None and isinstance(value, _NUMBERS) and not isinstance(value, bool):
        number = Decimal(repr(value)) if isinstance(value, float) else Decimal(value)
        if number.is_finite() and number.as_tuple().exponent >= -8 and number.adjusted() < 15:  # type: ignore[operator]
            written = format(number, "f")
    if written is None or not _MONEY.fullmatch(written):
        raise RecordError("", value, _EXPECTED["money"], "a point for decimals, no thousands, no currency sign")
    return "0" + written[2:] if written.startswith("-0") and not written.strip("-0.") else written


def _number(value: Any) -> int | float:
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    if isinstance(value, float | Decimal) and math.isfinite(number := float(value)):
        return int(number) if number.is_integer() and abs(number) < 2**53 else number
    hint = "without quotes" if isinstance(value, str) else None
    raise RecordError("", value, "a number", hint)


def _whole(value: Any, _: Field) -> Plain:
    number = _number(value)
    if isinstance(number, float) or abs(number) > 2**53:
        raise RecordError("", value, "a whole number")
    return number


def _date(value: Any, _: Field) -> Plain:
    try:
        if isinstance(value, date) and not isinstance(value, datetime):
            return value.isoformat()
        if isinstance(value, str) and _DATE.fullmatch(value):
            return date.fromisoformat(value).isoformat()
    except ValueError:
        pass
    raise RecordError("", value, "a day that exists", "write it as 1990-05-31")


def _bool(value: Any, _: Field) -> Plain:
    if isinstance(value, bool):
        return value
    raise RecordError("", value, "true or false", "without quotes" if isinstance(value, str) else None)


def _letters(count: int, expected: str) -> Callable[[Any, Field], Plain]:
    def letters(value: Any, _: Field) -> Plain:
        if isinstance(value, str) and len(value) == count and value.isascii() and value.isalpha():
            return value.upper()
        raise RecordError("", value, expected)

    return letters


def _list(value: Any, known: Field) -> Plain:
    if not isinstance(value, _LISTS):
        raise RecordError("", value, "a list", "in square brackets, even for one")
    item = known.item
    if item is None:
        return plain(value)
    return _each(value, _READERS[item.type] if item.free else read, item)


def _consent(value: Any, known: Field) -> Plain:
    """`{marketing: true}` and `{email: {marketing: false}}` are short for a list with one entry per answer."""
    if not isinstance(value, Mapping):
        return _list(value, known)
    entries: list[Plain] = []
    for name, said in value.items():
        if isinstance(said, bool):
            entries.append({"purpose": name, "given": said})
        elif isinstance(said, Mapping) and said and all(isinstance(given, bool) for given in said.values()):
            entries += [{"channel": name, "purpose": purpose, "given": given} for purpose, given in said.items()]
        else:
            raise RecordError(pointer("", name), said, "true or false", 'such as {"marketing": true}')
    return entries


def _object(value: Any, known: Field) -> Plain:
    if type(value) is not dict and not isinstance(value, Mapping):
        raise RecordError("", value, "an object", "in curly brackets: {…}")
    return read_object(value, known)


_READERS: Mapping[str, Callable[[Any, Field], Plain]] = {
    "text": _text,
    "id": read_id,
    "email": read_email,
    "country": _letters(2, "a country of two letters, such as ES"),
    "currency": _letters(3, "a currency of three letters, such as EUR"),
    "number": lambda value, _: _number(value),
    "whole": _whole,
    "money": _money,
    "time": _time,
    "date": _date,
    "bool": _bool,
    "list": _list,
    "object": _object,
    "consent": _consent,
    "any": lambda value, _: plain(value),
}

_EXPECTED: Mapping[str, str] = {
    "text": "text", "id": "an id (a text that never changes)", "email": "an e-mail address",
    "country": "a country of two letters, such as ES", "currency": "a currency of three letters, such as EUR",
    "number": "a number", "whole": "a whole number", "money": 'an amount, such as "39.90"',
    "time": "a time with its offset (RFC 3339)", "date": "a day, such as 1990-05-31", "bool": "true or false",
    "list": "a list", "object": "an object", "consent": "yes or no to being written to", "any": "a value",
}  # fmt: skip


# --- what no record may hold -----------------------------------------------------------------------------------------
def scrub(value: Any, depth: int = 0) -> int:
    """Refuse NUL, lone surrogates, keys that are not text and more than 32 levels; the approximate size in characters.

    Raises RecordError with the place.
    """
    if isinstance(value, str):
        if bad := _BAD_TEXT.search(value):
            raise RecordError("", value, "text without the sign " + _name(bad[0]), "remove it before sending")
        return len(value) + 2
    if not isinstance(value, Mapping | list | tuple):
        return 4
    if depth >= MAX_DEPTH:
        raise RecordError("", "…", f"at most {MAX_DEPTH} levels")
    size = 2
    place: str | int = 0
    try:
        for place, item in value.items() if isinstance(value, Mapping) else enumerate(value):
            size += scrub(item, depth + 1) + (_key(place) if isinstance(value, Mapping) else 2)
    except RecordError as error:
        raise _below(place, error) from None
    return size


def _key(key: Any) -> int:
    if not isinstance(key, str):
        raise RecordError("", key, "a name that is text")
    if bad := _BAD_TEXT.search(key):
        raise RecordError("", key, "a name without the sign " + _name(bad[0]), "remove it before sending")
    return len(key) + 4


def _name(sign: str) -> str:
    return "U+0000 (NUL)" if sign == "\x00" else f"U+{ord(sign):04X} (half of a surrogate pair)"
