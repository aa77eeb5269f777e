"""What a marketer sees while typing, in the program that editors really use: words offered, bubbles, red lines."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from lsp import Editor

from postventa.schemas import own, own_keys
from postventa.templates import brand, keys, message

ROOT = Path(__file__).resolve().parents[2]
HEAD = "journey: x\nsubject: order\nstart:\n  on: order.paid\nsteps:\n"
SCHEMAS = ("journey", "postventa", "brand", "loyalty", "survey", "message", "event", "test")


def starter_files() -> list[str]:
    patterns = ("*.yaml", "journeys/*.yaml", "surveys/*.yaml", "templates/*/message.yaml", "tests/*.yaml")
    return sorted(path.relative_to(ROOT).as_posix() for pattern in patterns for path in ROOT.glob(pattern))


def test_no_file_of_a_new_project_has_a_red_line(editor: Editor, project: Path) -> None:
    found = {
        file: problems
        for file in starter_files()
        if (project / file).is_file() and (problems := editor.problems(file, (project / file).read_text()))
    }
    assert found == {}


@pytest.mark.parametrize(
    ("file", "text", "line", "says"),
    [
        ("journeys/x.yaml", HEAD + "  - send: a\n    chanel: email\n", 7, "Property chanel is not allowed."),
        ("journeys/x.yaml", HEAD + "  - sned: a\n", 6, "Property sned is not allowed."),
        ("journeys/x.yaml", HEAD + "  - wait: soon\n", 6, "a duration, such as 3 days"),
        ("journeys/x.yaml", HEAD + "  - wait_for: order.delivered\n    timeout: 3 days\n", 6, '"on_timeout"'),
        ("journeys/x.yaml", HEAD + "  - send: a\n    wait: 3 days\n", 7, "Property wait is not allowed."),
        ("templates/x/message.yaml", "class: adverts\nsubject: Hello\n", 1, "transactional"),
        ("templates/x/message.yaml", "class: marketing\n", 1, 'Missing property "subject"'),
        ("surveys/x.yaml", "survey: x\nkind: nsp\nmessage: m\nquestion: {en: How?}\n", 2, '"nps"'),
        ("tests/x.yaml", "test: one\ngiven:\n  - evnt: order.paid\n", 3, "Property evnt is not allowed."),
        ("tests/x.yaml", "test: one\nstart: tomorrow\ngiven:\n  - event: order.paid\n", 2, "pattern"),
        ("schemas/events/x.yaml", "event: course\n", 1, "noun.verb"),
        ("schemas/events/x.yaml", "event: course.enrolled\nfields: {title: txt}\n", 2, '"text"'),
        ("loyalty.yaml", "rewards:\n  ten:\n    codes: printed\n", 3, '"generated"'),
        ("brand.yaml", "colours:\n  primary: green\n", 2, "a colour as '#0f5c4d'"),
        ("postventa.yaml", "shop: S\ncurency: EUR\n", 2, "Property curency is not allowed."),
    ],
)
def test_a_mistake_is_marked_in_its_line(editor: Editor, file: str, text: str, line: int, says: str) -> None:
    found = editor.problems(file, text)
    assert {where for where, _ in found} == {line}
    assert any(says in message for _, message in found)


@pytest.mark.parametrize(
    ("file", "text", "says"),
    [
        ("journeys/x.yaml", HEAD + "  - wa|it: 3 days\n", "`3 days` keeps the local clock time"),
        ("journeys/x.yaml", HEAD + "  - send: a\n    if_blo|cked: skip\n", "wait up to 3 days"),
        (
            "journeys/x.yaml",
            HEAD + "  - ask: a\n    timeout: 3 days\n    on_time|out: go_on\n",
            "When the time is over",
        ),
        ("journeys/x.yaml", HEAD + "  - branch:\n      - when: {order.total: {at_le|ast: 3}}\n", "That much or more"),
        ("journeys/x.yaml", HEAD.replace("subject", "sub|ject"), "One run per: customer, order, line"),
        ("journeys/x.yaml", HEAD.replace("order.paid", "order.pa|id"), "The money is there"),
        ("templates/x/message.yaml", "cla|ss: marketing\n", "until the customer objects"),
        ("surveys/x.yaml", "survey: x\nki|nd: nps\n", "`csat` 1 to 5"),
        ("tests/x.yaml", "test: one\nnothing_el|se: true\n", "No other message may leave"),
        ("schemas/events/x.yaml", "event: course.enrolled\non|ce: true\n", "happens once per thing"),
        ("loyalty.yaml", "exp|ire: 12 months\n", "Points lapse after this"),
        ("brand.yaml", "words_to|_avoid: [gratis]\n", "`validate` warns"),
        ("postventa.yaml", "shop: S\nca|ps: []\n", "At most so many mails per span"),
        ("postventa.yaml", "chan|nels:\n  email: {kind: mailbox}\n", "How messages leave"),
    ],
)
def test_a_bubble_teaches(editor: Editor, file: str, text: str, says: str) -> None:
    shown = editor.hover(file, text).replace("\\", "").replace("&nbsp;", " ")
    assert says.lower() in shown.lower()


def test_a_bubble_teaches_in_spanish(spanish: Editor) -> None:
    """In a project of `postventa init --language es`."""
    said = {
        HEAD + "  - wa|it: 3 days\n": "Espera un tiempo",
        HEAD.replace("order.paid", "order.pa|id"): "El dinero ha llegado",
        HEAD + "  - branch:\n      - when: {order.total: {at_le|ast: 3}}\n": "Eso o más",
    }
    for text, expected in said.items():
        assert expected.lower() in spanish.hover("journeys/x.yaml", text).lower()
    told = spanish.problems("journeys/x.yaml", HEAD + "  - wait: soon\n")
    assert any("una duración, como 3 days" in message for _, message in told)


@pytest.mark.parametrize(
    ("file", "text", "offered", "not_offered"),
    [
        (
            "journeys/x.yaml",
            HEAD + "  - |",
            {"send", "wait", "wait_for", "ask", "branch", "exit"},
            {"chanel", "timeout"},
        ),
        (
            "journeys/x.yaml",
            HEAD + "  - send: a\n    |",
            {"if_blocked", "choose_by", "reward", "id"},
            {"timeout", "at"},
        ),
        ("journeys/x.yaml", HEAD + "  - wait: 3 days\n    |", {"at", "on_days", "spread"}, {"reward"}),
        ("journeys/x.yaml", HEAD.replace("order.paid", "|"), {"order.paid", "order.delivered"}, set()),
        ("journeys/x.yaml", "journey: x\n|", {"subject", "start", "steps", "exit_on", "goal"}, {"wait"}),
        ("templates/x/message.yaml", "class: |", {"transactional", "soft_opt_in", "marketing"}, set()),
        ("surveys/x.yaml", "survey: x\n|", {"kind", "question", "follow_ups"}, {"subject"}),
        ("tests/x.yaml", "test: x\ngiven:\n  - |", {"event", "after", "at"}, {"send"}),
        ("schemas/events/x.yaml", "event: course.enrolled\n|", {"once", "ids", "fields"}, {"type"}),
        ("loyalty.yaml", "|", {"expire", "tiers", "rewards"}, set()),
        ("brand.yaml", "|", {"colours", "postal_address", "promises"}, set()),
        ("postventa.yaml", "|", {"windows", "caps", "timezone", "language"}, set()),
    ],
)
def test_words_are_offered_where_they_fit(
    editor: Editor, file: str, text: str, offered: set[str], not_offered: set[str]
) -> None:
    found = editor.complete(file, text).keys()
    assert offered <= found
    assert not not_offered & found


def test_a_file_names_its_schema_itself_for_other_editors(editor: Editor) -> None:
    """The modeline works without any setting: this one lies where no pattern reaches."""
    line = "# yaml-language-server: $schema=../schemas/journey.v1.json\n"
    assert editor.problems("drafts/x.yaml", line + HEAD + "  - sned: a\n") == [(7, "Property sned is not allowed.")]
    assert editor.problems("drafts/x.yaml", HEAD + "  - sned: a\n") == []


# --- the schemas themselves -------------------------------------------------------------------------------------------
def explained(schema: Any, path: str = "") -> Iterator[tuple[str, bool]]:
    """(where, whether it says what it means) of every key of a schema."""
    if isinstance(schema, list):
        for one in schema:
            yield from explained(one, path)
    if not isinstance(schema, dict):
        return
    for name, value in schema.items():
        if name == "properties":
            for key, one in value.items():
                yield f"{path}.{key}", bool(one.get("title") and one.get("description"))
                yield from explained(one, f"{path}.{key}")
        else:
            yield from explained(value, path)


@pytest.mark.parametrize("name", SCHEMAS)
def test_every_key_has_a_text(name: str) -> None:
    schema = json.loads((ROOT / f"schemas/{name}.v1.json").read_text())
    found = list(explained(schema))
    assert found
    assert [where for where, good in found if not good] == []


def test_the_keys_are_those_that_are_read() -> None:
    assert set(keys.MESSAGE) == set(message._KEYS)
    assert set(keys.BRAND) == set(brand.known_keys())
    assert set(own_keys.EVENT) == set(own._KEYS["event"])
    assert set(own_keys.THING) == set(own._KEYS["thing"])
    assert set(own_keys.FIELD) == set(own._FIELD_KEYS)


def test_the_reference_of_messages_has_every_key() -> None:
    page = (ROOT / "docs/messages.md").read_text()
    assert [key for key in keys.MESSAGE if f"`{key}`" not in page] == ["title"]


def test_init_brings_the_settings_for_every_file(project: Path) -> None:
    settings = json.loads((project / ".vscode/settings.json").read_text())["yaml.schemas"]
    assert sorted(settings) == sorted(f"schemas/{name}.v1.json" for name in SCHEMAS)
    assert all((project / file).is_file() for file in settings)
