"""The filters of a message: money, dates and numbers as the customer writes them. One place for Babel.

Facts are plain JSON (money a decimal string, times RFC 3339); the customer's language and zone come from the
rendering, so an author writes `{{ order.total | money }}` and `{{ order.promised_at | date }}` and nothing else.

Babel is loaded by the first number or date that is written: most commands check templates and write none.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Literal
from zoneinfo import ZoneInfo

from jinja2 import pass_context
from jinja2.runtime import Context, Undefined

if TYPE_CHECKING:
    from babel import Locale

LOCALE = "_locale"
ZONE = "_zone"
CURRENCY = "_currency"

_LENGTHS: Mapping[str, Literal["short", "medium", "long"]] = {"short": "short", "medium": "medium", "long": "long"}


class ValueProblem(ValueError):
    """A value that a filter cannot read: not a number, not a time."""


@lru_cache(maxsize=64)
def locale_of(tag: str) -> Locale:
    """The Babel locale of a language tag such as `es`, `pt-BR`; an unknown region falls back to the language."""
    from babel import Locale, UnknownLocaleError

    parts = tag.replace("_", "-").split("-")
    for length in range(len(parts), 0, -1):
        try:
            return Locale.parse("-".join(parts[:length]), sep="-")
        except (UnknownLocaleError, ValueError):
            continue
    return Locale("en")


@lru_cache(maxsize=256)
def zone_of(name: str) -> ZoneInfo:
    """The time zone of an IANA name; an unknown name is UTC (the engine has already put the shop's zone in)."""
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        return ZoneInfo("UTC")


@pass_context
def money(context: Context, value: Any, currency: str | None = None) -> str:
    """`"39.90"` as `39,90 €`. Currency: the argument, else the order's, else the shop's."""
    from babel.numbers import format_currency

    order = context.get("order")
    known = order.get("currency") if isinstance(order, Mapping) else None
    code = currency or known or context.get(CURRENCY) or "EUR"
    return format_currency(_decimal(value), code, locale=_locale(context))


@pass_context
def number(context: Context, value: Any, digits: int | None = None) -> str:
    """`1250` as `1.250`; `digits` fixes the decimals."""
    from babel.numbers import format_decimal

    pattern = None if digits is None else "#,##0" + ("." + "0" * digits if digits else "")
    return format_decimal(_decimal(value), format=pattern, locale=_locale(context))


@pass_context
def percent(context: Context, value: Any) -> str:
    """`0.1` as `10 %`."""
    from babel.numbers import format_percent

    return format_percent(_decimal(value), locale=_locale(context))


@pass_context
def date_(context: Context, value: Any, style: str = "day") -> str:
    """`2026-03-14T09:00:00Z` as `sábado, 14 de marzo`. Styles: day, short, medium, long (with the year), month."""
    from babel.dates import format_datetime, get_date_format

    locale, moment = _locale(context), _moment(value, context)
    if style in _LENGTHS:
        pattern = get_date_format(_LENGTHS[style], locale=locale).pattern
    elif style in {"day", "month"}:
        pattern = _without_year(locale, style)
    else:
        raise ValueProblem(f"'{style}' is no date style: day, short, medium, long or month")
    return format_datetime(moment, pattern, tzinfo=moment.tzinfo, locale=locale)


@pass_context
def time_(context: Context, value: Any) -> str:
    """`2026-03-14T09:00:00Z` as `10:00`, on the customer's clock."""
    from babel.dates import format_time

    moment = _moment(value, context)
    return format_time(moment, "short", tzinfo=moment.tzinfo, locale=_locale(context))


@lru_cache(maxsize=128)
def _without_year(locale: Locale, style: str) -> str:
    """The language's own long form minus the year: `EEEE, d 'de' MMMM`."""
    from babel.dates import get_date_format

    pattern = get_date_format("full" if style == "day" else "long", locale=locale).pattern
    pattern = re.sub(r"^y+(年|년)?\s*", "", pattern)
    return re.sub(r"(,)?\s*('[^']*'\s*)?,?\s*\by+\b\s*('[^']*'|\.)?", "", pattern).strip()


def _locale(context: Context) -> Locale:
    return locale_of(str(context.get(LOCALE) or "en"))


def _decimal(value: Any) -> Decimal:
    if isinstance(value, Undefined):
        str(value)  # raises, naming what is missing
    try:
        result = Decimal(str(value))
    except InvalidOperation:
        raise ValueProblem(f"{value!r} is not a number") from None
    if not result.is_finite():
        raise ValueProblem(f"{value!r} is not a number")
    return result


def _moment(value: Any, context: Context) -> datetime:
    if isinstance(value, Undefined):
        str(value)
    zone = zone_of(str(context.get(ZONE) or "UTC"))
    text = str(value)
    try:
        if len(text) == 10:  # a calendar day, the same everywhere
            day = date.fromisoformat(text)
            return datetime(day.year, day.month, day.day, tzinfo=zone)
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise ValueProblem(f"{value!r} is not a time (RFC 3339, as in 2026-03-14T09:00:00Z)") from None
    if moment.tzinfo is None:
        raise ValueProblem(f"{value!r} has no time zone: write 2026-03-14T09:00:00Z")
    return moment.astimezone(zone)


FILTERS: dict[str, Callable[..., Any]] = {
    "money": money,
    "number": number,
    "percent": percent,
    "date": date_,
    "time": time_,
}
