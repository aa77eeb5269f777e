"""Nothing that validate or explain says lacks its Spanish."""

from __future__ import annotations

import ast
import json
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from test_golden import BAD, load_one

from postventa.cli import main
from postventa.cli.explain import meanings
from postventa.journeys import words
from postventa.source import language
from postventa.source.hints import in_language
from postventa.source.language import known, told

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "src/postventa"
SAID_BY = (
    "journeys",
    "source",
    "templates",
    "schemas/own.py",
    "agents/loader.py",
    "settings.py",
    "project.py",
    "cli/inside.py",
)
CODE = re.compile(r"[A-Z]\d{3}")
SAME = re.compile(
    r"[-`'\"{}\[\]:,.…<>_@#0-9 ]*|(\S+: .*)|- .*|[A-Z]\w* <.*>|\{\{.*|<a href.*|\{.*\}|\[.*\]|warning|error"
)
"""What is the same in every language: an example of a file, a name, a sign."""
PUT_TOGETHER = {
    "message", "survey", "reward", "group", "no link to stop these mails", "no postal address", "unknown x1 'x1'",
    "x1 writes to the same people within the hour", "x1 x1 can be reached without a delivery", "an experiment with x1",
    "x1 at 'x1', which this file no longer has", "'x1' starts x1 again", "unknown key 'x1' x1", "the scale of x1",
    "x1 lets only some scores get the review request 'x1'", "x1 x1 can have several x1: which one?",
    "no answer has a score x1 x1", "'x1' is not given by x1", "'x1' is not in sight of x1", "x1 has no 'x1'",
}  # fmt: skip
"""Parts of sentences, or sentences of parts: the Spanish has each whole, and the corpus and the examples show them."""


def test_no_code_lacks_its_spanish_meaning() -> None:
    assert [code for code, meaning in meanings().items() if told(meaning, "es") == meaning] == []


def test_no_key_or_word_of_a_journey_lacks_its_spanish_meaning() -> None:
    tables = [getattr(words, name) for name in ("JOURNEY", "START", "GOAL", "EVENT", "CASE", "VARIANT", "FACT")]
    verbs = words.VERBS.values()
    keys = [
        key for table in [*tables, words.BESIDE_EVERY_VERB, *(verb.keys for verb in verbs)] for key in table.values()
    ]
    docs = [
        *(key.doc for key in keys),
        *(text for verb in verbs for text in (verb.doc, verb.object.doc)),
        *(word.doc for word in words.CONDITION_WORDS.values()),
        *words.JOINERS.values(),
    ]
    assert len(docs) > 80
    assert [doc for doc in docs if not known(doc, "es")] == []


SPOKEN = ("journey", "survey", "message", "loyalty", "brand", "test")
"""The files a marketer writes: what an editor says over their keys is Spanish where the project is."""


def bubbles(schema: Any) -> Iterator[str]:
    """Every text of a schema that an editor shows."""
    if isinstance(schema, list):
        for one in schema:
            yield from bubbles(one)
    elif isinstance(schema, dict):
        texts = (schema.get(key) for key in ("markdownDescription", "description", "patternErrorMessage"))
        yield from (one for one in texts if isinstance(one, str))
        yield from schema.get("markdownEnumDescriptions", ())
        for one in schema.values():
            yield from bubbles(one)


@pytest.mark.parametrize("name", SPOKEN)
def test_no_bubble_of_an_editor_lacks_its_spanish(name: str) -> None:
    schema = json.loads((ROOT / "schemas" / f"{name}.v1.json").read_text("utf-8"))
    english = {part for text in bubbles(schema) for part in text.split("\n\n")}
    spanish = {part for text in bubbles(in_language(schema, "es")) for part in text.split("\n\n")}
    assert len(english) >= 5
    assert english & spanish == set()
    words = re.compile(r"\b(the|of|what|which|is|are|where|from|how|its|it)\b(?!:)", re.IGNORECASE)
    code = re.compile(r"`[^`]*`|\{[^}]*\}")
    assert [one for one in spanish if words.search(code.sub("", one)) and "`" not in one and "Al lado" not in one] == []


def test_no_sentence_stands_twice_in_the_tables() -> None:
    english = [pair[0] for file in language._FILES["es"] for pair in language._pairs(file)]
    assert [one for one, count in Counter(english).items() if count > 1] == []


def test_no_sentence_in_the_code_lacks_its_spanish() -> None:
    """Every text beside a code, in every module that finds problems."""
    files = [
        path
        for part in SAID_BY
        for path in ([SOURCE / part] if part.endswith(".py") else (SOURCE / part).rglob("*.py"))
    ]
    said = {(path.name, text) for path in files for text in _said(ast.parse(path.read_text("utf-8")))}
    assert len(said) > 250
    lacking = [one for one in sorted(said) if not known(one[1], "es") and not SAME.fullmatch(one[1])]
    assert [one for one in lacking if one[1] not in PUT_TOGETHER] == []


def _said(module: ast.Module) -> Iterator[str]:
    for function in (node for node in ast.walk(module) if isinstance(node, ast.FunctionDef)):
        given: dict[str, list[ast.expr]] = {}
        for node in ast.walk(function):
            if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
                given.setdefault(node.targets[0].id, []).append(node.value)
        for node in ast.walk(function):
            parts = node.args if isinstance(node, ast.Call) else node.elts if isinstance(node, ast.Tuple) else []
            for number, part in enumerate(parts):
                if isinstance(part, ast.Constant) and isinstance(part.value, str) and CODE.fullmatch(part.value):
                    yield from (text for later in parts[number + 1 :] for text in _texts(later, given, 0))


def _texts(node: ast.expr, given: dict[str, list[ast.expr]], depth: int) -> Iterator[str]:
    """Every text an expression may be, with a word for what is put in."""
    if depth > 4:
        return
    match node:
        case ast.Constant(value=str(text)) if text:
            yield text
        case ast.JoinedStr(values=values):
            yield "".join(str(one.value) if isinstance(one, ast.Constant) else "x1" for one in values)
        case ast.IfExp(body=one, orelse=other):
            yield from _texts(one, given, depth + 1)
            yield from _texts(other, given, depth + 1)
        case ast.BoolOp(values=values):
            for one in values:
                yield from _texts(one, given, depth + 1)
        case ast.Name(id=name):
            for one in given.get(name, ()):
                yield from _texts(one, given, depth + 1)


@pytest.mark.parametrize("path", BAD, ids=lambda path: path.stem)
def test_every_problem_of_the_corpus_is_told_in_spanish(path: Path) -> None:
    for problem in load_one(path).problems:
        for english in (problem.message, problem.help):
            assert known(english, "es") or SAME.fullmatch(english), english
            assert told(english, "es") != english or SAME.fullmatch(english), english


def test_a_project_that_speaks_spanish(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "journeys").mkdir()
    (tmp_path / "postventa.yaml").write_text("shop: S\nlanguage: es\n")
    (tmp_path / "journeys/j.yaml").write_text(
        "journey: j\nsubject: order\nstart: {on: order.paid}\nsteps:\n"
        "  - wait: 5 dais\n  - wait_until: order.promised_at\n"
    )
    assert main.run(["validate", "--project", str(tmp_path)]) == 1
    assert capsys.readouterr().out == (
        "journeys/j.yaml:5:11 error J108 '5 dais' no es una duración: unidad desconocida 'dais'\n"
        "5 |   - wait: 5 dais\n"
        "  |           ^^^^^^ ¿querías decir 'days'?\n"
        "journeys/j.yaml:6:17 aviso J220 'order.promised_at' puede no saberse nunca: la espera no acabaría\n"
        "6 |   - wait_until: order.promised_at\n"
        "  |                 ^^^^^^^^^^^^^^^^^ añade 'timeout: 30 days' y 'on_timeout: …'\n\n"
        "1 error, 1 aviso; `postventa explain CÓDIGO` dice más\n"
    )
    assert main.run(["explain", "J104", "--project", str(tmp_path)]) == 0
    shown = capsys.readouterr().out
    assert shown.startswith("J104  Aquí no existe esa clave.")
    assert "arreglado:" in shown
    assert main.run(["explain", "J999", "--project", str(tmp_path)]) == 2
    assert "ningún código se llama 'J999'" in capsys.readouterr().err
