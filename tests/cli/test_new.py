"""`postventa new`: what it writes works as it stands, in both languages, and never on top of somebody's file."""

from __future__ import annotations

from pathlib import Path

import pytest

from postventa import starter
from postventa.cli import main
from postventa.cli.new_texts import JOURNEYS
from postventa.project import Project


@pytest.fixture(params=["en", "es"])
def shop(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """The starter project, its own people speaking one of the two languages."""
    folder = tmp_path / "shop"
    starter.copy_to(folder)
    settings = folder / "postventa.yaml"
    settings.write_text(settings.read_text() + f"language: {request.param}\n")
    return folder


def test_everything_new_validates_in_silence(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = {(problem.file, problem.code) for problem in Project.load(shop).problems}
    for example in JOURNEYS:
        assert main.run(["new", "journey", f"new-{example}", "--like", example, "--project", str(shop)]) == 0
    assert main.run(["new", "message", "a-word", "--project", str(shop)]) == 0
    assert main.run(["new", "survey", "after-some-days", "--project", str(shop)]) == 0
    made = Project.load(shop)
    assert {(one.file, one.code): str(one) for one in made.problems if (one.file, one.code) not in before} == {}
    assert {f"new-{example}" for example in JOURNEYS} <= made.journeys.keys()
    assert "after-some-days" in made.surveys
    assert {"a-word", "after-some-days", "new-after-delivery"} <= set(made.messages)
    shown = capsys.readouterr().out
    assert "simulate new-regulars" in shown


def test_a_new_journey_can_be_simulated_at_once(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for example in JOURNEYS:
        main.run(["new", "journey", f"new-{example}", "--like", example, "--project", str(shop)])
        capsys.readouterr()
        assert main.run(["simulate", f"new-{example}", "--project", str(shop)]) == 0
        assert f"✉ new-{example}" in capsys.readouterr().out
        (shop / f"journeys/new-{example}.yaml").unlink()  # four mails in a week would meet the shop's limit


def test_nothing_is_overwritten(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = shop / "journeys/after-purchase.yaml"
    before = file.read_bytes()
    assert main.run(["new", "journey", "after-purchase", "--project", str(shop)]) == 2
    assert file.read_bytes() == before
    assert not (shop / "templates/after-purchase").exists()
    assert "journeys/after-purchase.yaml" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["Two Words", "../elsewhere", "ñandú", ""])
def test_a_name_that_cannot_be_one(shop: Path, name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main.run(["new", "message", name, "--project", str(shop)]) == 2
    shown = capsys.readouterr().err
    assert "is no name" in shown or "no es un nombre" in shown


def test_outside_a_project(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main.run(["new", "journey", "one", "--project", str(tmp_path)]) == 2
    assert "postventa init" in capsys.readouterr().err
