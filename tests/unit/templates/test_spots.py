"""A mistake in a template is told at its very words: `^` in a body stands for the column, its length for the width."""

from __future__ import annotations

import pytest
from bundle import catalog

MISTAKES = {
    "filter": ("hi {{ a.b }} {{ order.total | mony }}", "                              ^^^^", "T110"),
    "filter in a block": (
        "::: button [go]({{ order.number | mony }})",
        "                                  ^^^^",
        "T110",
    ),
    "test": ("{% if a.b is nice %}x{% endif %}", "             ^^^^", "T110"),
    "word": ("hi {% iff a %}", "      ^^^", "T110"),
    "two values": ("é {{ a.b }} {{ a b }}", "                 ^", "T110"),
    "bracket": ("{{ a }} {{ (a ] }}", "              ^", "T110"),
    "open bracket": ("{{ a }} {{ (a b }}", "              ^", "T110"),
    "sign": ("{{ a.b }} {{ c ? }}", "               ^", "T110"),
    "braces": ("hi {{ a.b ", "   ^^", "T110"),
    "comment": ("hi {{ a }} {# never ended", "           ^^", "T110"),
    "end": ("{% if a %}{% if b %}x{% endif %}", "   ^^", "T110"),
    "include": ("hi {% include 'x' %}", "      ^^^^^^^", "T114"),
    "tag": ("one <b>two</b>", "    ^^^", "T111"),
    "tag with a value": ("one <a href='{{ a.b }}'>", "    ^^^^^^^^^^^^^^^^^^^^", "T111"),
    "block": ("::: buton [a](https://b.example)", "^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^", "T112"),
    "brand": ("hi {{ brand.name }} {{ brand.motto }}", "                       ^^^^^^^^^^^", "T126"),
}


WRITTEN = [(name, suffix) for name, (_, _, code) in MISTAKES.items() for suffix in ("md", "html")
           if suffix == "md" or code not in {"T111", "T112"}]  # fmt: skip
"""HTML has no blocks, and may have HTML."""


@pytest.mark.parametrize(("name", "suffix"), WRITTEN)
@pytest.mark.parametrize("before", ["", "one\n\n", "one {# a comment\nof two lines #} two\n\n"], ids=("1", "3", "4"))
def test_a_mistake_is_told_at_its_column(name: str, before: str, suffix: str) -> None:
    body, marked, code = MISTAKES[name]
    _, problems = catalog({f"m/es.{suffix}": f"{before}{body}\n"})
    first = next(one for one in problems if one.file.endswith(suffix) and one.code == code)
    assert (first.line, first.column, first.width) == (before.count("\n") + 1, marked.index("^") + 1, marked.count("^"))


def test_a_value_is_told_where_it_is_read_without_a_guard() -> None:
    body = (
        "{% if order.number is defined %}{{ order.number }}{% endif %} {{ order.number }}\n\n"
        "{% for item in order.lines %}{{ item.name }} {{ item['price'] }}{% endfor %}\n\n::: coupon\n"
    )
    made, _ = catalog({"m/es.md": body})
    spots = {(one.path, one.guarded): (one.line, *one.spot) for one in made.readings("m")}
    assert spots == {
        ("order.number", True): (1, 36, 12),
        ("order.number", False): (1, 66, 12),
        ("order.lines", False): (3, 16, 11),
        ("order.lines[].name", False): (3, 33, 9),
        ("order.lines[].price", False): (3, 49, 13),
        ("reward.code", False): (5, 1, 10),
        ("reward.expires_at", True): (5, 1, 10),
    }


def test_a_text_of_the_authors_own_is_told_by_its_own_file() -> None:
    made, _ = catalog({"m/es.html": "<p>{{ a.b }}</p>", "m/es.txt": "\n  hi {{ c.d }}\n"})
    told = [(one.file, one.line, one.spot) for one in made.readings("m")]
    assert told == [("templates/m/es.html", 1, (7, 3)), ("templates/m/es.txt", 2, (9, 3))]


@pytest.mark.parametrize(
    ("written", "line", "column"),
    [
        ("subject: Hola {{ a.b | mony }}", 2, 24),
        ("subject: 'Hola {{ a.b | mony }}'", 2, 25),
        ("subject: {es: 'Hola {{ a.b | mony }}'}", 2, 30),
        ("subject:\n  es: Hola {{ a.b | mony }}", 3, 21),
        ("subject: >\n  Hola {{ a.b | mony }}", 2, 10),
    ],
)
def test_a_subject_is_told_in_its_file(written: str, line: int, column: int) -> None:
    _, problems = catalog({"m/message.yaml": f"class: transactional\n{written}\n", "m/es.md": "x"})
    assert [(one.line, one.column) for one in problems if one.code == "T110"] == [(line, column)]


def test_the_preheader_is_looked_at_beside_a_broken_subject() -> None:
    written = "class: transactional\nsubject: '{{ a | mony }}'\npreheader: '{{ b. }}'\n"
    _, problems = catalog({"m/message.yaml": written, "m/es.md": "x"})
    assert [one.where for one in problems if one.code == "T110"] == [
        "templates/m/message.yaml:2:18",
        "templates/m/message.yaml:3:19",
    ]
