"""Steps, conditions and ways of a journey in plain words, in the language of whoever reads."""

from __future__ import annotations

from postventa.core.condition import Test
from postventa.core.journey import (
    AllOf,
    AnyOf,
    AnyStep,
    Ask,
    Award,
    Branch,
    Catalog,
    Condition,
    Duration,
    Emit,
    Exit,
    Experiment,
    Fact,
    Hold,
    Not,
    On,
    Release,
    Repeat,
    Send,
    SetFacts,
    Wait,
    WaitFor,
    WaitUntil,
)
from postventa.web.tongue import ENGLISH, Tongue


def verb(step: AnyStep) -> str:
    """The step's verb as the file writes it."""
    name = "set" if isinstance(step, SetFacts) else type(step).__name__
    return "".join(f"_{sign.lower()}" if sign.isupper() and place else sign.lower() for place, sign in enumerate(name))


def on_words(on: On, t: Tongue = ENGLISH) -> str:
    """`order.paid or order.confirmed`, without its condition."""
    return f" {t('or')} ".join(sorted(on.types))


def events_words(step: WaitFor, t: Tongue = ENGLISH) -> str:
    """Every event a step waits for, each named once."""
    return f" {t('or')} ".join(dict.fromkeys(name for on in step.events for name in sorted(on.types)))


def in_plain_words(step: AnyStep, t: Tongue = ENGLISH) -> str:
    """What a step does, as one would say it: `wait for order.delivered, 30 days at most`."""
    match step:
        case Send(message=message, reward=reward):
            return t("send {message} with {reward}" if reward else "send {message}", message=message, reward=reward)
        case Wait():
            clock = t(", then until {clock}", clock=clock_of(step)) if step.at else ""
            return t("wait {span}", span=t.span(step.span)) + clock
        case WaitUntil():
            return t("wait until {fact}", fact=moved(step, t))
        case WaitFor():
            return t("wait for {events}", events=events_words(step, t)) + timeout_words(step, t)
        case Ask(survey=survey):
            return t("ask {survey}, for {span}", survey=survey, span=t.span(step.timeout))
        case Branch():
            return t("go one of these ways")
        case Experiment():
            weights = ", ".join(f"{one.name} {one.weight}" for one in step.variants)
            return t("experiment {name}: {weights}", name=step.name, weights=weights)
        case Award():
            return t("award {points} points", points=step.points)
        case SetFacts():
            return t("set {facts}", facts=", ".join(step.values))
        case Emit():
            return t("emit {event}", event=step.event)
        case Hold():
            return t("hold {what}, at most {span}", what=t(step.what), span=t.span(step.at_most))
        case Release():
            return t("release {what}", what=t(step.what))
        case Repeat():
            every = t("repeat every {span}", span=t.span(step.every)) if step.every else t("repeat")
            return every + (t(", {count} times at most", count=step.at_most) if step.at_most else "")
        case Exit():
            return t("exit: {reason}", reason=step.reason)


def clock_of(step: Wait | WaitUntil) -> str:
    """`10:00`; empty without a clock time."""
    return f"{step.at.hour:02}:{step.at.minute:02}" if step.at else ""


def moved(step: WaitUntil, t: Tongue = ENGLISH) -> str:
    """`order.promised_at + 2 days`."""
    return str(step.fact) + "".join(f" {'+-'[sign < 0]} {t.span(by)}" for sign, by in step.shifts)


def timeout_words(step: WaitFor, t: Tongue = ENGLISH) -> str:
    """`, 30 days at most`; empty where it waits for ever."""
    if step.timeout is None:
        return ""
    if isinstance(step.timeout, Fact):
        return t(", until {fact} at most", fact=fact_words(step.timeout, t))
    return t(", {span} at most", span=t.span(step.timeout))


def fact_words(fact: Fact, t: Tongue = ENGLISH) -> str:
    """`order.promised_at + 2 hours`."""
    spans = "".join(f" {'+-'[sign < 0]} {t.span(by)}" for sign, by in fact.shifts)
    return str(fact.path) + spans + (f" + {fact.add}" if fact.add else "")


def condition(asked: Condition, t: Tongue = ENGLISH) -> str:
    """A condition on one line: `answer.score at most 2`."""
    match asked:
        case AllOf(parts):
            return f" {t('and')} ".join(condition(part, t) for part in parts) or t("always")
        case AnyOf(parts):
            return f" {t('or')} ".join(condition(part, t) for part in parts)
        case Not(part):
            return t("not ({condition})", condition=condition(part, t))
        case Test(path, "exists", operand):
            return t("{fact} is known" if operand else "{fact} is not known", fact=path)
        case Test(path, op, operand):
            return f"{path} {t(op.replace('_', ' '))} {operand_words(operand, t)}"


def operand_words(operand: object, t: Tongue = ENGLISH) -> str:
    """What a condition compares with."""
    match operand:
        case Fact():
            return fact_words(operand, t)
        case Duration():
            return t.span(operand)
        case bool():
            return t("yes" if operand else "no")
        case tuple():
            return ", ".join(operand_words(one, t) for one in operand)
        case Test() | AllOf() | AnyOf() | Not():
            return f"({condition(operand, t)})"
    return str(operand)


def standing(step: AnyStep | None, kind: str, t: Tongue = ENGLISH) -> str:
    """How a run stands, in words for a support person."""
    at = in_plain_words(step, t) if step is not None else t("the end")
    more = {"held": " (held back)", "outbox": " (on its way)", "parked": " (stopped by an error)"}
    return at + (t(more[kind]) if kind in more else "")


def place_of(catalog: Catalog, name: str | None, version: str | None, line: int | None) -> str:
    """`journeys/after-purchase.yaml:14`, as far as it is known."""
    found = catalog.journey_of(name or "", version or "") if name else None
    file = found.file if found else ""
    return f"{file}:{line}" if file and line else file
