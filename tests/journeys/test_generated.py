"""The reference, the JSON Schemas and the code say the same; the reference project and its documents are sound."""

from __future__ import annotations

import importlib.util
import json
import re
from pathlib import Path

import pytest

from postventa.journeys.words import BESIDE_EVERY_VERB, CONDITION_WORDS, JOINERS, VERBS
from postventa.project import Project

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs/journeys.md"


def generated() -> dict[Path, str]:
    spec = importlib.util.spec_from_file_location("generate_file_schemas", ROOT / "tools/generate_file_schemas.py")
    assert spec is not None
    assert spec.loader is not None
    tool = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(tool)
    files: dict[Path, str] = tool.generated()
    return files


@pytest.mark.parametrize("path", list(generated()), ids=lambda path: path.name)
def test_generated_files_are_up_to_date(path: Path) -> None:
    assert path.read_text("utf-8") == generated()[path], "run: python tools/generate_file_schemas.py"


def test_every_key_and_word_is_in_the_reference() -> None:
    page = DOCS.read_text("utf-8")
    words = {
        *VERBS,
        *BESIDE_EVERY_VERB,
        *CONDITION_WORDS,
        *JOINERS,
        *(key for verb in VERBS.values() for key in verb.keys),
    }
    assert [word for word in sorted(words) if f"`{word}`" not in page] == []


def test_the_reference_project_is_silent() -> None:
    project = Project.load(ROOT)
    assert project.report() == ""
    assert set(project.journeys) == {path.stem for path in (ROOT / "journeys").glob("*.yaml")}


@pytest.mark.parametrize("name", ["olist", "shop"])
def test_the_examples_have_no_errors(name: str) -> None:
    assert Project.load(ROOT / "examples" / name).errors == []


def test_the_schemas_accept_the_reference_files() -> None:
    jsonschema = pytest.importorskip("jsonschema")
    from postventa.source.yaml import load

    files = [("postventa", "postventa.yaml"), ("loyalty", "loyalty.yaml"), ("brand", "brand.yaml")]
    for kind, pattern in (
        ("survey", "surveys/*.yaml"),
        ("message", "templates/*/message.yaml"),
        ("test", "tests/*.yaml"),
    ):
        files += [(kind, path.relative_to(ROOT).as_posix()) for path in ROOT.glob(pattern)]
    for name, file in files:
        schema = json.loads((ROOT / f"schemas/{name}.v1.json").read_text("utf-8"))
        plain = load(file, (ROOT / file).read_bytes()).plain()
        assert [error.message for error in jsonschema.Draft7Validator(schema).iter_errors(plain)] == [], file


def test_the_example_of_the_reference_is_sound() -> None:
    """What the page shows can be copied as it stands into the reference project."""
    example = re.findall(r"```yaml\n(.*?)```", DOCS.read_text("utf-8"), re.DOTALL)[0]
    files = {**Project.load(ROOT).files, "journeys/after-delivery.yaml": example.encode()}
    del files["journeys/after-purchase.yaml"]  # which sends the same mails at the same time
    assert Project.from_files(files).report() == ""


def test_the_schema_accepts_the_good_files_and_refuses_bad_form() -> None:
    jsonschema = pytest.importorskip("jsonschema")
    from postventa.source.yaml import load

    schema = jsonschema.Draft7Validator(json.loads((ROOT / "schemas/journey.v1.json").read_text("utf-8")))
    good = [*(ROOT / "journeys").glob("*.yaml"), *(Path(__file__).parent / "ok").glob("*.yaml")]
    for path in good:
        assert [error.message for error in schema.iter_errors(load(path.name, path.read_bytes()).plain())] == [], (
            path.name
        )
    for name in (
        "unknown-key",
        "unknown-verb",
        "two-verbs",
        "missing-keys",
        "branches",
        "words",
        "numbers",
        "lonely-keys",
    ):
        path = Path(__file__).parent / f"err/{name}.yaml"
        assert not schema.is_valid(load(path.name, path.read_bytes()).plain()), name


def test_an_own_event_can_start_a_journey() -> None:
    event = b"event: course.enrolled\nids: [course]\nfields: {title: text}\n"
    journey = (
        b"journey: course\nsubject: course\nstart:\n  on: course.enrolled\n  where: {course.title: {exists: true}}\n"
        b"steps: [{send: thank-you}]\n"
    )
    files = {**Project.load(ROOT).files, "schemas/events/course.yaml": event, "journeys/course.yaml": journey}
    project = Project.from_files(files)
    assert project.report() == ""
    assert project.journeys["course"].subject == "course"
