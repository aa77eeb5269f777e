"""The compiled program: where each step goes on, what a version counts, what paths mean."""

from __future__ import annotations

from decimal import Decimal

from postventa.core.journey import (
    END,
    AllOf,
    Ask,
    Branch,
    Duration,
    Experiment,
    Fact,
    Journey,
    Message,
    Path,
    Repeat,
    Send,
    Survey,
    WaitFor,
)
from postventa.core.journey import Test as Comparison
from postventa.journeys.check import load_journeys
from postventa.journeys.known import Known
from postventa.schemas.registry import builtin
from postventa.source.problem import report

HEAD = "journey: j\nsubject: order\nstart: {on: order.paid}\n"


def compiled(text: str) -> Journey:
    names = ("a", "b", "c", "d")
    known = Known(
        builtin(), {n: Message(n, "marketing") for n in names}, {"s": Survey("s", "csat", "a", 1, 5, reminder="b")}
    )
    found = load_journeys({"journeys/j.yaml": text}, known)
    assert report(found.problems, {"journeys/j.yaml": text}) == ""
    return found.compiled["j"]


def program(text: str) -> list[tuple[str, int]]:
    return [(step.id, step.next) for step in compiled(text).steps]


def test_branches_go_on_below() -> None:
    text = HEAD + (
        "steps:\n  - branch:\n      - when: {order.total: 5}\n        then: [{send: a}, {send: b}]\n"
        "      - when: {order.total: 6}\n        then: [{exit: six}]\n      - otherwise: go_on\n  - send: c\n"
    )
    assert program(text) == [
        ("steps/0", 4),
        ("send:a", 2),
        ("send:b", 4),
        ("steps/0/when/1/0", END),
        ("send:c", END),
    ]
    branch = compiled(text).steps[0]
    assert isinstance(branch, Branch)
    assert [target for _, target in branch.cases] == [1, 3]
    assert branch.otherwise == 4


def test_a_repeat_is_where_its_body_ends() -> None:
    text = HEAD + (
        "steps:\n  - repeat: 12 months\n    at_most: 2\n    steps:\n      - send: a\n      - branch:\n"
        "          - when: {order.total: 5}\n            then: [{send: b}]\n          - otherwise: go_on\n  - send: c\n"
    )
    journey = compiled(text)
    repeat, a, branch, b, c = journey.steps
    assert isinstance(repeat, Repeat)
    assert isinstance(branch, Branch)
    assert (repeat.body, repeat.next, repeat.at_most, repeat.every) == (1, 4, 2, Duration(months=12))
    assert (a.next, b.next, branch.otherwise, branch.next) == (2, 0, 0, 0)
    assert [step.repeats for step in (repeat, a, b, c)] == [(), (0,), (0,), ()]


def test_an_empty_repeat_of_go_on_points_at_itself() -> None:
    journey = compiled(HEAD + "steps:\n  - repeat: 1 day\n    at_most: 2\n    steps: go_on\n")
    repeat = journey.steps[0]
    assert isinstance(repeat, Repeat)
    assert repeat.body == 0


def test_one_block_per_event() -> None:
    text = HEAD + (
        "steps:\n  - wait_for: [order.delivered, {event: order.cancelled, where: {event.reason: lost}}]\n"
        "    timeout: {path: order.promised_at, plus: 1 day}\n    then:\n      order.cancelled: [{send: a}]\n"
        "    on_timeout: [{send: b}]\n  - send: c\n"
    )
    wait = compiled(text).steps[0]
    assert isinstance(wait, WaitFor)
    assert [sorted(on.types) for on in wait.events] == [["order.delivered"], ["order.cancelled"]]
    assert wait.then == (3, 1)
    assert wait.on_timeout == 2
    assert wait.timeout == Fact(Path("order", ("promised_at",), "time"), ((1, Duration(days=1)),))
    assert wait.events[1].where == Comparison(Path("event", ("reason",), "text"), "is", "lost")


def test_event_is_the_one_just_matched_inside_then() -> None:
    text = HEAD + (
        "steps:\n  - wait_for: shipment.delayed\n    timeout: 3 days\n    then:\n      - branch:\n"
        "          - when: {event.eta: {exists: true}}\n            then:\n              - send: a\n"
        "                with: {eta: {path: shipment.eta}, total: {path: order.total}, at: {path: event.type}}\n"
        "          - otherwise: go_on\n    on_timeout: [{send: b, with: {at: {path: event.type}}}]\n"
    )
    journey = compiled(text)
    branch, a, b = journey.steps[1:4]
    assert isinstance(branch, Branch)
    assert isinstance(a, Send)
    assert isinstance(b, Send)
    assert branch.cases[0][0] == Comparison(
        Path("event", ("eta",), "time", "wait_for:shipment.delayed"), "exists", True
    )
    assert a.with_["eta"] == Path("shipment", ("eta",), "time", "wait_for:shipment.delayed")
    assert a.with_["total"] == Path("order", ("total",), "number")
    assert b.with_["at"] == Path("event", ("type",), "text")


def test_a_where_that_reads_the_run_looks_only_forward() -> None:
    waits = "  - wait_for: order.delivered\n    where: {run.gift: true}\n    timeout: 3 days\n    on_timeout: go_on\n"
    text = HEAD + "steps:\n" + waits
    wait = compiled(text).steps[0]
    assert isinstance(wait, WaitFor)
    assert wait.since == "here"


def test_ask_takes_message_and_reminder_from_its_survey() -> None:
    ask = compiled(HEAD + "steps:\n  - ask: s\n    timeout: 3 days\n    on_timeout: go_on\n").steps[0]
    assert isinstance(ask, Ask)
    assert (ask.message, ask.reminder, ask.then, ask.on_timeout) == ("a", "b", END, END)


def test_variants_stand_in_the_order_of_their_names() -> None:
    head = HEAD + "goal: {on: order.placed, within: 60 days}\nsteps:\n  - experiment: e\n    variants:\n"
    one, two = "      a: {weight: 1, then: go_on}\n", "      b: {weight: 2, then: [{send: b}]}\n"
    first, second = compiled(head + one + two), compiled(head + two + one)
    assert first.version == second.version
    step = second.steps[0]
    assert isinstance(step, Experiment)
    assert [(variant.name, variant.weight, variant.target) for variant in step.variants] == [("a", 1, END), ("b", 2, 1)]


def test_operands_that_are_facts_move_by_time_or_number() -> None:
    text = HEAD + (
        "steps:\n  - branch:\n      - when:\n"
        "          order.total: {less_than: {path: order.total, plus: 5, minus: 1.5}}\n"
        "          order.paid_at: {exists: true, after: {path: order.placed_at, minus: 3 years - 30 days}}\n"
        "        then: [{send: a}]\n"
        "      - otherwise: go_on\n"
    )
    branch = compiled(text).steps[0]
    assert isinstance(branch, Branch)
    condition = branch.cases[0][0]
    assert isinstance(condition, AllOf)
    number, both = condition.parts
    assert isinstance(number, Comparison)
    assert isinstance(both, AllOf)
    time = both.parts[1]
    assert isinstance(time, Comparison)
    assert isinstance(number.operand, Fact)
    assert isinstance(time.operand, Fact)
    assert number.operand.add == Decimal("3.5")
    assert time.operand.shifts == ((-1, Duration(months=36)), (1, Duration(days=30)))


def test_a_version_counts_what_it_does_and_nothing_else() -> None:
    plain = HEAD + "steps:\n  - send: a\n    if_blocked: skip\n    duplicates: avoid\n"
    same = (
        "# a comment\ntitle: Another title\nowner: somebody@example.com\nsubject: order\njourney: j\n"
        "start:\n  on: order.paid\nsteps:\n- {send: a, duplicates: avoid, if_blocked: skip}\n"
    )
    other = plain.replace("skip", "wait up to 2 days")
    assert compiled(plain).version == compiled(same).version
    assert compiled(plain).version != compiled(other).version


def test_versions_never_change_by_themselves() -> None:
    """A run keeps the version it started with: a hash that moves with our code would lose it."""
    assert compiled(HEAD + "steps:\n  - send: a\n").version == "cb63d71fe22fbcf0fa38"
