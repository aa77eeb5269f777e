"""A project's own events and things: what they add, and what is said about a file that is wrong."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from postventa.errors import RecordError
from postventa.schemas.own import load_own
from postventa.schemas.parse import parse_event
from postventa.schemas.registry import Registry, builtin
from postventa.source.problem import Problem

NOW = datetime(2026, 3, 1, tzinfo=UTC)
COURSE = """\
event: course.enrolled
doc: a customer joined a course
once: true
ids: [course, order?, line?]
fields:
  title: text
  price: {type: money, required: true}
  lessons: {type: list, of: {name: text, minutes: whole}}
  level: {type: text, one_of: [easy, hard]}
"""


def own(**files: str) -> tuple[Registry, list[Problem]]:
    return load_own({f"schemas/events/{name}.yaml": text.encode() for name, text in files.items()}, builtin())


def test_an_own_event_brings_its_thing_and_is_read_like_a_built_in_one() -> None:
    registry, problems = own(enrolled=COURSE, done="event: course.finished\n")
    assert not problems
    assert registry.kinds()["course.enrolled"].once
    assert registry.path_kind("course", ["price"]) == "number"
    assert registry.path_kind("course", ["enrolled_at"]) == "time"
    assert registry.path_kind("course", ["lessons", "[]", "minutes"]) == "number"
    assert "course" in registry.subjects()
    record = {
        "id": "1", "source": "school", "type": "course.enrolled", "time": "2026-03-01T10:00:00Z",
        "data": {"course_id": 5, "order_id": "7", "line_ids": ["1"], "price": 10, "lessons": [{"minutes": 5.0}]},
    }  # fmt: skip
    event = parse_event(record, registry, now=NOW).event
    assert event.ids == {"course": "5", "order": "7", "line": ("7/1",)}
    assert event.data["price"] == "10"
    with pytest.raises(RecordError) as caught:
        parse_event({**record, "data": {**record["data"], "level": "harder"}}, registry, now=NOW)  # type: ignore[dict-item]
    assert caught.value.field == "/data/level"


def test_built_in_things_and_events_take_further_fields() -> None:
    registry, problems = own(
        size="thing: customer\nfields: {shoe_size: number}\n",
        gift="event: order.placed\nfields:\n  gift: {type: bool, doc: wrap it}\n",
        floor="thing: order\nfields: {floor: whole}\n",
    )
    assert not problems
    assert registry.path_kind("customer", ["shoe_size"]) == "number"
    assert registry.event_kind(["ticket.opened"], ["customer", "shoe_size"]) == "number"
    assert registry.event_kind(["order.placed"], ["gift"]) == "bool"
    assert registry.event_kind(["order.paid"], ["floor"]) == "number"
    assert registry.kinds()["order.placed"].once


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "E-any"),
        ("fields: {a: text}\n", "1:1 E201"),
        ("event: Course Enrolled\n", "1:8 E203"),
        ("event: course.enrolled\nfeilds: {}\n", "2:1 E202 did you mean 'fields'?"),
        ("event: course.enrolled\nfields:\n  a: texts\n", "3:6 E204 did you mean 'text'?"),
        ("event: course.enrolled\nfields:\n  a: {type: text, requird: true}\n", "3:19 E202 did you mean 'required'?"),
        ("event: course.enrolled\nonce: often\n", "2:7 E204 true or false"),
        ("event: course.left\nids: [course, ordr]\n", "2:15 E205 did you mean 'order'?"),
        ("event: course.left\nids: [course, line]\n", "2:1 E205 add order to ids"),
        ("event: order.placed\nfields: {total: text}\n", "2:1 E206 choose another name"),
        ("event: order.placed\nonce: false\n", "2:1 E206"),
        ("thing: order\nfields: {total: text}\n", "2:1 E206"),
        ("thing: run\n", "1:1 E203"),
    ],
)
def test_a_wrong_file_is_told_with_its_place_and_the_others_count(text: str, expected: str) -> None:
    registry, problems = own(good=COURSE, wrong=text)
    assert "course.enrolled" in registry.types
    said = [f"{p.line}:{p.column} {p.code} {p.help}" for p in problems if p.file.endswith("wrong.yaml")]
    assert said
    assert expected == "E-any" or any(line.startswith(expected) for line in said), said


def test_one_event_in_two_files_is_told() -> None:
    _, problems = own(a=COURSE, b=COURSE)
    assert [p.code for p in problems] == ["E207"]
