"""What `postventa backtest --compare` says to a marketer: the words of a comparison, and its page in one file."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from markupsafe import Markup

from postventa.engine.backtest import Report
from postventa.engine.compare import KINDS, WEEK, Change, Comparison, Kind
from postventa.engine.fates import Fate
from postventa.project import Project
from postventa.web import charts
from postventa.web.pages import environment, style
from postventa.web.tongue import ENGLISH, Tongue

PEOPLE: Mapping[Kind, str] = {
    "more": "get more mails", "fewer": "get fewer mails", "other": "get as many, but others",
    "moved": "get the same at another time", "same": "get exactly the same",
}  # fmt: skip
FATES: Mapping[str, str] = {
    "answered": "had answered by then", "exited": "had left the journey by then", "skipped": "was not allowed",
    "pending": "still to come when the events end", "ended": "went another way",
    "refused": "the journey did not begin", "not_started": "the journey did not begin",
}  # fmt: skip
HELD: Mapping[str, str] = {"window": "sending hours", "cap": "limit of mails", "hold": "another journey's hold"}
PER: Mapping[str, str] = {"day": "Mails per day", "week": "Mails per week", "month": "Mails per month"}
SHIFTS = (timedelta(days=-7), timedelta(days=-3), timedelta(days=-1), timedelta(0), timedelta(days=1),
          timedelta(days=3), timedelta(days=7))  # fmt: skip
"""Where the bars of the moves are cut."""
MOVES = (
    "more than 7 days earlier", "3 to 7 days earlier", "1 to 3 days earlier", "up to 1 day earlier",
    "up to 1 day later", "1 to 3 days later", "3 to 7 days later", "7 days later or more",
)  # fmt: skip
NAME = 16
"""Letters of a name that is shown."""
LISTED = 200
"""Mails that only one version sends, told one by one on the page."""
LONGEST = 8
"""Mails of one customer shown side by side."""


class Between(NamedTuple):
    """What was held side by side."""

    project: Project
    before: str
    after: str
    report: Report
    since: datetime | None = None


# --- words ------------------------------------------------------------------------------------------------------------
def why_words(why: Fate, t: Tongue = ENGLISH) -> str:
    """Why a mail was not sent: `had left the journey by then: order.cancelled at 2018-01-02 10:00`."""
    if why.kind not in FATES:
        return ""
    detail = t.reason(why.detail)
    return t(FATES[why.kind]) + (f": {detail}" if detail else "")


def span_words(span: timedelta, t: Tongue = ENGLISH) -> str:
    """A span: `3 days`, `1.5 days`, `4 hours`."""
    seconds = abs(span.total_seconds())
    size, unit = next((size, unit) for size, unit in ((86400, "day"), (3600, "hour"), (60, "minute"), (1, "second"))
                      if seconds >= size or size == 1)  # fmt: skip
    count = round(seconds / size, 1)
    text = f"{count:.0f}" if count == int(count) else f"{count:.1f}"
    return t.units(f"{text} {unit}{'' if count == 1 else 's'}")


def number(value: float | Decimal, t: Tongue = ENGLISH, places: int = 0) -> str:
    """`1,234.5`, in Spanish `1.234,5`."""
    text = f"{value:,.{places}f}"
    return text.translate(_SWAPPED) if t.language == "es" else text


_SWAPPED = str.maketrans(",.", ".,")


def shift_words(span: timedelta, t: Tongue = ENGLISH) -> str:
    """A move: `3 days earlier`; nothing for no move."""
    if not span:
        return ""
    return t("{span} earlier" if span < timedelta() else "{span} later", span=span_words(span, t))


def reasons(changes: Iterable[Change], t: Tongue = ENGLISH) -> list[tuple[str, str, str, int]]:
    """(message, "only before" or "only after", why not in the other, how many), most first."""
    found = Counter(
        (one.message, "only before" if one.after is None else "only after", FATES.get(one.why.kind, ""))
        for one in changes if one.before is None or one.after is None
    )  # fmt: skip
    ordered = sorted(found.items(), key=lambda pair: (pair[0][:2], -pair[1], pair[0]))
    return [(message, t(side), t(why) if why else "", count) for (message, side, why), count in ordered]


# --- the page ---------------------------------------------------------------------------------------------------------
def comparison_page(found: Comparison, between: Between, t: Tongue = ENGLISH) -> str:
    """The comparison as HTML in one file: no script, nothing loaded from elsewhere."""
    zone = ZoneInfo(between.project.settings.timezone)
    alone = [one for one in found.changes if one.before is None or one.after is None]
    before, after = found.mails
    values: dict[str, Any] = {
        "t": t, "between": between, "found": found, "brand": between.project.brand,
        "sheet": Markup(style(between.project.brand)), "zone": between.project.settings.timezone,  # noqa: S704 (ours)
        "numbers": _numbers(found, between, t), "people": _people(found, t), "kinds": PEOPLE,
        "weeks": _timeline(found.days, t), "moves": _moves(found.changes, t),
        "largest": max((max(one.before, one.after) for one in found.sums), default=1), "before": before, "after": after,
        "reasons": reasons(found.changes, t), "alone": alone[:LISTED], "more": max(len(alone) - LISTED, 0),
        "held": HELD, "longest": LONGEST, "span": lambda span: span_words(span, t),
        "shift": lambda one: shift_words(one.after - one.before, t) if one.before and one.after else "",
        "median": lambda one: shift_words(one.shift, t), "why": lambda one: why_words(one.why, t),
        "n": lambda value: number(value, t), "at": lambda moment: "" if moment is None else local(moment, zone, t),
        "about": lambda subject: about(subject, t),
    }  # fmt: skip
    return environment().get_template("side-by-side.html").render(values)


def local(moment: datetime, zone: ZoneInfo, t: Tongue) -> str:
    """`Tue 3 Mar 2026, 09:00` on the shop's clock."""
    here = moment.astimezone(zone)
    return f"{t(here.strftime('%a'))} {t.when(here.replace(tzinfo=moment.tzinfo))}"


def about(subject: str, t: Tongue) -> str:
    """`order o-1` of `order:o-1`, a long name cut; nothing where it is the customer."""
    kind, _, name = subject.partition(":")
    short = name if len(name) <= NAME else f"{name[: NAME - 1]}…"
    return "" if kind == "customer" else f"{t(kind)} {short}"


def _numbers(found: Comparison, between: Between, t: Tongue) -> list[tuple[str, str, str]]:
    """(big, what, small) of the first row."""
    before, after = found.mails
    most, now = found.most
    sign = "+" if after >= before else "−"
    moved = sign + number(abs(after - before), t)
    if before:
        moved += f" ({sign}{number(abs(after - before) * 100 / before, t, 1)} %)"
    with_mail, played = sum(found.people.values()), between.report.customers
    return [
        (f"{number(before, t)} → {number(after, t)}", t("mails"), moved),
        (number(found.customers, t), t("customers get something else"),
         t("of {count} with mail", count=number(with_mail, t))),
        (f"{most.mails} → {now.mails}", t("most for one customer"), now.customer),
        (f"{most.week} → {now.week}", t("most within 7 days"), now.week_customer),
        (number(between.report.events, t), t("events played"), t("of {count} customers", count=number(played, t))),
    ]  # fmt: skip


def _people(found: Comparison, t: Tongue) -> Markup:
    parts = [charts.Part(t(PEOPLE[kind]), found.people.get(kind, 0), kind) for kind in KINDS]
    return charts.stacked(parts, t("Customers, by what changes for them"))


def _timeline(days: Mapping[date, tuple[int, int]], t: Tongue) -> tuple[Markup, list[tuple[str, int, int]], str]:
    """(chart, table, title): mails per day, week or month, whichever gives a chart one can read."""
    if not days:
        return Markup(), [], PER["day"]
    span = max(days) - min(days)
    unit = "day" if span < timedelta(days=45) else "week" if span < timedelta(days=400) else "month"
    rows: dict[date, list[int]] = {one: [0, 0] for one in _units(min(days), max(days), unit)}
    for day, (before, after) in days.items():
        row = rows[_begin(day, unit)]
        row[0] += before
        row[1] += after
    table = [(_named(begin, unit, t), before, after) for begin, (before, after) in rows.items()]
    return charts.lines(table, (t("Before"), t("After")), t(PER[unit])), table, PER[unit]


def _begin(day: date, unit: str) -> date:
    if unit == "week":
        return day - timedelta(days=day.weekday())
    return day.replace(day=1) if unit == "month" else day


def _units(first: date, last: date, unit: str) -> Sequence[date]:
    found = [_begin(first, unit)]
    step = {"day": timedelta(days=1), "week": WEEK, "month": timedelta(days=31)}[unit]
    while (later := _begin(found[-1] + step, unit)) <= last:
        found.append(later)
    return found


def _named(begin: date, unit: str, t: Tongue) -> str:
    day = t.day(datetime(begin.year, begin.month, begin.day, 12, tzinfo=ZoneInfo("UTC")))
    short = " ".join(day.split(" ")[1:])
    return " ".join(short.split(" ")[1:]) if unit == "month" else short


def _moves(changes: Iterable[Change], t: Tongue) -> tuple[Markup, list[tuple[str, int]]]:
    """How far mails moved that both versions send: (chart, table)."""
    counts = [0] * (len(SHIFTS) + 1)
    for one in changes:
        if one.before and one.after:
            span = one.after - one.before
            counts[sum(span >= edge for edge in SHIFTS)] += 1
    table = list(zip(map(t, MOVES), counts, strict=True))
    return charts.bars(table, t("How far the mails moved that both versions send")), table
