"""YAML by hand: what values become, and where they stand. What is refused is in tests/journeys/err."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from postventa.source.nodes import Mapping
from postventa.source.positions import key_at, locate
from postventa.source.problem import Problem, in_order, render
from postventa.source.yaml import MAX_BYTES, load


def test_words_of_yaml_1_1_are_text() -> None:
    text = "on: yes\nat: 22:00\ncountry: [NO, 010, 1.5, true, ~, 2026-01-01, '5', 1e3, 0x1f]"
    assert load("f", text).plain() == {
        "on": "yes",
        "at": "22:00",
        "country": ["NO", 10, 1.5, True, None, "2026-01-01", "5", 1000.0, "0x1f"],
    }


def test_positions_count_from_one() -> None:
    root = load("f", "a: 1\nb:\n  - c: x\n    d: ñu\n").root
    assert isinstance(root, Mapping)
    value, key = locate(root, ("b", 0, "d")), key_at(root, ("b", 0, "d"))
    assert (value.line, value.column, value.width) == (4, 8, 2)
    assert (key.line, key.column) == (4, 5)
    assert locate(root, ("b", "kind:x", 0, "c")).line == 3
    assert locate(root, ("b", 7, "c")).line == 3


def test_a_byte_order_mark_and_windows_lines_are_fine() -> None:
    assert load("f", b"\xef\xbb\xbfa: 1\r\nb: 2\r\n").plain() == {"a": 1, "b": 2}


def test_a_file_that_is_too_large_is_not_parsed() -> None:
    found = load("f", b"a: " + b"[" * MAX_BYTES).problems
    assert [problem.code for problem in found] == ["Y101"]


def test_deep_nesting_ends_early() -> None:
    for text in ("[" * 50_000, "{a: " * 40_000, "- " * 60_000 + "x"):
        assert [problem.code for problem in load("f", text).problems] == ["Y112"]


@given(st.text(alphabet=st.sampled_from("ab: -[]{}'\"#&*!|>%@\n\t\\,?x1~"), max_size=60))
@settings(max_examples=150, deadline=None)
def test_nothing_a_person_types_raises(text: str) -> None:
    document = load("f", text)
    assert (document.root is None) <= bool(document.problems)
    for problem in document.problems:
        assert render(problem, text)


def test_a_problem_is_shown_with_its_line() -> None:
    problem = Problem("f.yaml", 2, 3, "J104", "unknown key 'x'", "did you mean 'y'?", width=2)
    assert render(problem, "a\n  xx: 1") == (
        "f.yaml:2:3 error J104 unknown key 'x'\n2 |   xx: 1\n  |   ^^ did you mean 'y'?"
    )
    assert render(problem, None) == "f.yaml:2:3 error J104 unknown key 'x'\n  did you mean 'y'?"
    assert str(problem) == "f.yaml:2:3 error J104 unknown key 'x' (did you mean 'y'?)"


def test_a_very_long_line_is_cut_around_the_place() -> None:
    text = "x" * 1000 + "HERE" + "y" * 1000
    shown = render(Problem("f", 1, 1001, "C", "m", width=4), text).splitlines()
    assert max(map(len, shown)) < 200
    assert shown[1][shown[2].index("^") :].startswith("HERE")


def test_problems_come_in_the_files_order_and_once() -> None:
    one, two = Problem("a", 2, 1, "X", "m"), Problem("a", 10, 1, "X", "m")
    assert in_order([two, one, two]) == [one, two]


@pytest.mark.parametrize("raw", [b"", b"# only a comment\n", b"---\n", b"~"])
def test_an_empty_file_says_so(raw: bytes) -> None:
    assert [problem.code for problem in load("f", raw).problems] == ["Y111"]
