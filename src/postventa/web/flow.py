"""A journey as a drawing needs it: cards one below the other, and under some of them the ways that lead on.

A way without cards goes on below. A card whose ways all go on below has none: there is nothing to show.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from postventa.core.condition import ALWAYS
from postventa.core.journey import (
    END,
    AnyStep,
    Ask,
    Award,
    Branch,
    Emit,
    Exit,
    Experiment,
    Fact,
    Hold,
    Journey,
    On,
    Release,
    Repeat,
    Send,
    SetFacts,
    Wait,
    WaitFor,
    WaitUntil,
)
from postventa.web import telling
from postventa.web.tongue import ENGLISH, Tongue


@dataclass(slots=True)
class Way:
    """One way on from a card: what it is called, and its cards; without any it goes on below."""

    label: str
    cards: list[Card] = field(default_factory=list)


@dataclass(slots=True)
class Card:
    """One step: what it is (`kicker`), of what (`title`), and how (`more`)."""

    index: int
    verb: str
    kicker: str
    title: str
    more: list[str]
    line: int
    id: str
    ways: list[Way] = field(default_factory=list)
    body: list[Card] = field(default_factory=list)
    """Of a repeat: what it repeats."""
    next: int = END
    count: int = 0
    """People who stand here now."""

    @property
    def ends(self) -> bool:
        """True when nothing goes on below it."""
        return self.verb == "exit" or (bool(self.ways) and all(ends(way.cards) for way in self.ways))


def ends(cards: list[Card]) -> bool:
    """True when cards in a row lead nowhere."""
    return bool(cards) and cards[-1].ends


@dataclass(slots=True)
class Flow:
    """A journey to draw. `start`, `exits` and `goal` are lines of text."""

    id: str
    title: str
    file: str
    subject: str
    start: str
    where: str
    exits: list[str]
    goal: str
    cards: list[Card]

    def all(self) -> Iterator[Card]:
        """Every card, from top to bottom."""
        yield from _walk(self.cards)


def _walk(cards: list[Card]) -> Iterator[Card]:
    for card in cards:
        yield card
        yield from _walk(card.body)
        for way in card.ways:
            yield from _walk(way.cards)


def flow(journey: Journey, t: Tongue = ENGLISH, counts: Iterable[Mapping[str, Any]] = ()) -> Flow:
    """The flow of a journey; `counts` are rows of `shown.counts` for this version: people per step."""
    inside: Counter[int] = Counter()
    for one in counts:
        inside[int(one["step"])] += int(one["count"])
    builder = _Builder(journey, t, inside)
    start, goal = journey.start.on, journey.goal
    return Flow(
        journey.id, journey.title, journey.file, t(journey.subject), telling.on_words(start, t), _where(start, t),
        [_with_where(on, t) for on in journey.exit_on],
        t("{event} within {span}", event=_with_where(goal.on, t), span=t.span(goal.within)) if goal else "",
        builder.cards("steps"),
    )  # fmt: skip


def _where(on: On, t: Tongue) -> str:
    return "" if on.where == ALWAYS else telling.condition(on.where, t)


def _with_where(on: On, t: Tongue) -> str:
    where = _where(on, t)
    return f"{telling.on_words(on, t)} ({where})" if where else telling.on_words(on, t)


class _Builder:
    def __init__(self, journey: Journey, t: Tongue, inside: Counter[int]) -> None:
        self.t = t
        self.journey = journey.id
        self.inside = inside
        self.below: dict[str, list[AnyStep]] = {}
        for step in journey.steps:
            self.below.setdefault(step.path.rpartition("/")[0], []).append(step)

    def cards(self, place: str) -> list[Card]:
        """The cards of one block of the file, such as `steps/1/on_timeout`."""
        return [self.card(step) for step in self.below.get(place, [])]

    def card(self, step: AnyStep) -> Card:
        kicker, title, more = face(step, self.t)
        more = [text for text in more if not (isinstance(step, Award) and text == self.journey)]
        named = "" if step.id == step.path else step.id
        if named and ":" not in named:  # its author's own name for it
            more.insert(0, named)
        card = Card(step.index, telling.verb(step), kicker, title, more, step.line, named, next=step.next)
        card.count = self.inside[step.index]
        if isinstance(step, Repeat):
            card.body = self.cards(f"{step.path}/steps")
            return card
        ways = [Way(label, self.cards(f"{step.path}/{slot}")) for slot, label in _slots(step, self.t, self.below)]
        card.ways = ways if any(way.cards for way in ways) or isinstance(step, Branch | Experiment) else []
        if ways and not card.ways and not isinstance(step, WaitFor):
            card.more.append(self.t("then on, either way"))
        return card


def _slots(step: AnyStep, t: Tongue, below: Mapping[str, object]) -> list[tuple[str, str]]:
    """The ways out of a step: where the file has them, and what they are called."""
    match step:
        case WaitFor():
            return [*_arrivals(step, t, below), *_timeout(step, t)]
        case WaitUntil(timeout=timeout) if timeout is not None:
            late = t("still not known after {span}", span=t.span(timeout))
            return [("", t("at that time")), ("on_timeout", late)]
        case Ask(timeout=timeout):
            return [("then", t("answered")), ("on_timeout", t("no answer within {span}", span=t.span(timeout)))]
        case Branch():
            cases = [(f"when/{number}", telling.condition(when, t)) for number, (when, _) in enumerate(step.cases)]
            return [*cases, ("otherwise", t("otherwise"))]
        case Experiment():
            total = sum(one.weight for one in step.variants) or 1
            return [(f"variants/{one.name}", f"{one.name} · {one.weight * 100 / total:.0f} %") for one in step.variants]
    return []


def _arrivals(step: WaitFor, t: Tongue, below: Mapping[str, object]) -> list[tuple[str, str]]:
    """One way per event that has its own, one for the rest."""
    names = list(dict.fromkeys(name for on in step.events for name in sorted(on.types)))
    own = [name for name in names if f"{step.path}/then/{name}" in below]
    rest = [name for name in names if name not in own]
    found = [(f"then/{name}", name) for name in own]
    if rest:
        found.append(("then", f" {t('or')} ".join(rest) if own else t("it comes")))
    return found


def _timeout(step: WaitFor, t: Tongue) -> list[tuple[str, str]]:
    match step.timeout:
        case None:
            return []
        case Fact():
            return [("on_timeout", t("not by {fact}", fact=telling.fact_words(step.timeout, t)))]
        case _:
            return [("on_timeout", t("not within {span}", span=t.span(step.timeout)))]


# --- what a card says ------------------------------------------------------------------------------------------------
def face(step: AnyStep, t: Tongue) -> tuple[str, str, list[str]]:
    """(kicker, title, more) of a step's card."""
    match step:
        case Send():
            return t("Send"), step.message, _send(step, t)
        case Wait():
            return t("Wait"), t.span(step.span), _wait(step, t)
        case WaitUntil():
            clock = [t("at {clock}", clock=telling.clock_of(step))] if step.at else []
            past = [t("if it has passed: exit")] if step.if_past == "exit" else []
            return t("Wait until"), telling.moved(step, t), [*clock, *past]
        case WaitFor():
            wheres = [telling.condition(on.where, t) for on in step.events if on.where != ALWAYS]
            limit = telling.timeout_words(step, t).removeprefix(", ")
            times = [t("the {count}. time", count=step.times)] if step.times > 1 else []
            return (
                t("Wait for"),
                telling.events_words(step, t),
                [*dict.fromkeys(wheres), *times, *filter(None, [limit])],
            )
        case Ask():
            remind = [t("reminder after {span}", span=t.span(step.remind_after))] if step.remind_after else []
            return t("Ask"), step.survey, [t("{span} to answer", span=t.span(step.timeout)), *remind]
        case Branch():
            return t("Branch"), t("the first that holds"), []
        case Experiment():
            return t("Experiment"), step.name, [t("measured by {what}", what=t(step.measure))]
        case Award():
            per = "" if step.per == "order" else t("per {what}", what=t(str(step.per)))
            return t("Award"), t("{points} points", points=step.points), [one for one in (step.reason, per) if one]
        case SetFacts():
            return t("Set"), ", ".join(step.values), []
        case Emit():
            return t("Emit"), step.event, []
        case Hold():
            return t("Hold"), t(step.what), [t("at most {span}", span=t.span(step.at_most))]
        case Release():
            return t("Release"), t(step.what), []
        case Repeat():
            return t("Repeat"), t("every {span}", span=t.span(step.every)) if step.every else t("round by round"), [
                *([t("{count} times at most", count=step.at_most)] if step.at_most else []),
                *([t("until {condition}", condition=telling.condition(step.until, t))] if step.until else []),
            ]  # fmt: skip
        case Exit():
            return t("Exit"), step.reason, []


def _send(step: Send, t: Tongue) -> list[str]:
    more = []
    if step.to != "customer":
        more.append(t("to {who}", who=step.to))
    if step.reward:
        more.append(t("with {reward}", reward=step.reward))
    if step.choose_by:
        more.append(t("chosen by {fact}", fact=step.choose_by))
    if step.together:
        more.append(t("one mail per {thing}", thing=t(step.together)))
    if step.if_blocked.wait is None:
        more.append(t("skipped if it may not leave at once"))
    return more


_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


def _wait(step: Wait, t: Tongue) -> list[str]:
    more = [t("then until {clock}", clock=telling.clock_of(step))] if step.at else []
    if step.on_days:
        more.append(t("on {days}", days=", ".join(t(_DAYS[day]) for day in sorted(step.on_days))))
    if step.spread:
        more.append(t("spread over {span}", span=t.span(step.spread)))
    return more
