"""Good journey files are silent, bad ones say exactly what stands beside them in `.out`.

After a wording changed on purpose: `UPDATE_GOLDEN=1 pytest tests/journeys/test_golden.py`, then read the difference.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from postventa.core.journey import Cap, Duration, Message, Survey
from postventa.journeys import rules
from postventa.journeys.check import Journeys, load_journeys
from postventa.journeys.codes import FORM, YAML
from postventa.journeys.known import Known
from postventa.schemas.registry import builtin
from postventa.source.problem import report

HERE = Path(__file__).parent
BAD = sorted((HERE / "err").glob("*.yaml"))
GOOD = sorted((HERE / "ok").glob("*.yaml"))
SILENT_HERE = {"Y101", "Y117", "J233", "J234", "J242", "J246"}
"""Too large, of another name than files of this folder, and what two files say together: in tests of their own."""

MESSAGES = {
    "thank-you": "soft_opt_in", "tutorial": "soft_opt_in", "delay-notice": "transactional", "win-back": "marketing",
    "satisfaction": "soft_opt_in", "contract": "transactional", "review-request": "transactional",
    "review": "soft_opt_in",
}  # fmt: skip


def known() -> Known:
    return Known(
        builtin(),
        {name: Message(name, klass) for name, klass in MESSAGES.items()},  # type: ignore[arg-type]
        {
            **{name: Survey(name, "csat", name, 1, 5) for name in ("satisfaction", "contract")},
            "opinion": Survey("opinion", "text", "satisfaction", 0, 0),
        },
        rewards=frozenset({"welcome-10"}),
        groups=frozenset({"care"}),
        kinds=dict.fromkeys(MESSAGES, "notice"),
        folders={"win-back": (), "tutorial": ("coffee", "tee")},
        products={"category": frozenset({"coffee", "tea"})},
        tags=frozenset({"friend", "vip"}),
        caps=(Cap(2, Duration(days=7)),),
        brought=frozenset(name for name in builtin().types if not name.startswith("subscription.")),
    )


def load_one(path: Path) -> Journeys:
    return load_journeys({f"journeys/{path.name}": path.read_bytes()}, known())


def said(path: Path) -> str:
    text = path.read_bytes().decode("utf-8", "replace")
    return report(load_one(path).problems, {f"journeys/{path.name}": text}) + "\n"


@pytest.mark.parametrize("path", BAD, ids=lambda path: path.stem)
def test_a_bad_file_is_told_in_full(path: Path) -> None:
    expected = path.with_suffix(".out")
    if os.environ.get("UPDATE_GOLDEN"):
        expected.write_text(said(path), encoding="utf-8")
    assert said(path) == expected.read_text(encoding="utf-8")


@pytest.mark.parametrize("path", GOOD, ids=lambda path: path.stem)
def test_a_good_file_is_silent_and_compiles(path: Path) -> None:
    assert said(path) == "\n"
    assert list(load_one(path).compiled) == [path.stem]


def test_every_code_has_an_example() -> None:
    shown = {code for path in BAD for code in re.findall(r" (?:error|warning) ([YJ]\d{3}) ", said(path))}
    assert {*FORM, *YAML, *rules.CODES} - shown == SILENT_HERE


def test_every_code_that_is_shown_is_explained() -> None:
    shown = {code for path in BAD for code in re.findall(r" (?:error|warning) ([YJ]\d{3}) ", said(path))}
    assert shown <= {*FORM, *YAML, *rules.CODES}


def test_one_bad_file_never_stops_the_others() -> None:
    files = {f"journeys/{path.name}": path.read_bytes() for path in (*BAD, *GOOD)}
    assert set(load_journeys(files, known()).compiled) >= {path.stem for path in GOOD}


def test_a_problem_stands_where_it_is() -> None:
    """The sample of the design: line, column, caret and the word that was meant."""
    text = "journey: x\nsubject: order\nstart: {on: order.paid}\nsteps:\n  - send: thank-you\n    chanel: email\n"
    found = load_journeys({"journeys/x.yaml": text}, known())
    assert report(found.problems, {"journeys/x.yaml": text}) == (
        "journeys/x.yaml:6:5 error J104 unknown key 'chanel' beside 'send'\n"
        "6 |     chanel: email\n"
        "  |     ^^^^^^ did you mean 'channel'? "
        "(keys: with, choose_by, together, reward, to, channel, if_blocked, duplicates, id)"
    )


def test_two_files_of_one_name() -> None:
    text = "journey: x\nsubject: order\nstart: {on: order.paid}\nsteps:\n  - send: thank-you\n"
    found = load_journeys({"journeys/a/x.yaml": text, "journeys/b/x.yaml": text}, known())
    assert [(problem.file, problem.code) for problem in found.problems] == [("journeys/b/x.yaml", "J233")]
    assert found.compiled["x"].file == "journeys/a/x.yaml"


def test_an_experiment_of_one_name_has_the_same_variants_everywhere() -> None:
    head = "subject: order\nstart: {on: order.paid}\ngoal: {on: order.placed, within: 9 days}\nsteps:\n"
    text = "  - experiment: e\n    variants: {a: {weight: 1, then: go_on}, %s: {weight: 1, then: go_on}}\n"
    files = {f"journeys/{name}.yaml": f"journey: {name}\n{head}" + text % name for name in ("b", "c")}
    assert [(one.file, one.code) for one in load_journeys(files, known()).problems] == [("journeys/c.yaml", "J234")]
    same = {name: body.replace("c: {weight", "b: {weight") for name, body in files.items()}
    assert load_journeys(same, known()).problems == ()


def test_two_journeys_that_start_each_other() -> None:
    text = "journey: %s\nsubject: customer\nstart: {on: %s%s}\nsteps:\n  - emit: %s\n"
    files = {
        "journeys/a.yaml": text % ("a", "ticket.requested", "", "delivery.overdue"),
        "journeys/b.yaml": text % ("b", "delivery.overdue", "", "ticket.requested"),
    }
    found = load_journeys(files, known()).problems
    assert [(one.file, one.code, one.severity) for one in found] == [
        ("journeys/a.yaml", "J235", "warning"),
        ("journeys/b.yaml", "J235", "warning"),
    ]
    files["journeys/a.yaml"] = text % ("a", "ticket.requested", ", again: never", "delivery.overdue")
    assert load_journeys(files, known()).problems == ()


def test_two_journeys_that_write_to_the_same_people_within_an_hour() -> None:
    text = (
        "journey: %s\nsubject: order\nstart: {on: order.delivered%s}\nsteps:\n  - wait: 1 day\n%s  - send: thank-you\n"
    )

    def told(where: str, other: str, clock: str = "") -> list[tuple[str, str, int, str]]:
        files = {"journeys/a.yaml": text % ("a", where, ""), "journeys/b.yaml": text % ("b", other, clock)}
        return [(one.file, one.code, one.line, one.severity) for one in load_journeys(files, known()).problems]

    assert told("", "") == [("journeys/b.yaml", "J242", 6, "warning")]
    assert told(", where: {order.total: {at_least: 50}}", ", where: {order.total: {less_than: 50}}") == []
    assert told(", where: {order.currency: EUR}", ", where: {order.currency: [USD, GBP]}") == []
    assert told("", "", '    at: "10:00"\n') == []
