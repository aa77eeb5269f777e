"""`postventa validate`: the three forms, the exit codes, and what a code means."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from postventa.cli import main


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "postventa.yaml").write_text("shop: S\n")
    (tmp_path / "journeys").mkdir()
    (tmp_path / "journeys/j.yaml").write_text(
        "journey: j\nsubject: order\nstart: {on: order.paid}\nsteps:\n  - wait: 5 dais\n  - exit: done\n"
    )
    return tmp_path


def test_every_problem_and_how_many(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main.run(["validate", "--project", str(project)]) == 1
    shown = capsys.readouterr().out
    assert "journeys/j.yaml:5:11 error J108 '5 dais' is not a duration" in shown
    assert "did you mean 'days'?" in shown
    assert shown.splitlines()[-1].startswith("1 error, 0 warnings")


def test_a_sound_project(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = project / "journeys/j.yaml"
    path.write_text(path.read_text().replace("dais", "days"))
    assert main.run(["validate", "--project", str(project)]) == 0
    assert capsys.readouterr().out == "1 journey, 0 messages, 0 surveys: no errors\n"


def test_for_machines(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main.run(["validate", "--project", str(project), "--json"]) == 1
    found = json.loads(capsys.readouterr().out)
    assert found["ok"] is False
    assert [(one["code"], one["line"], one["column"], one["width"]) for one in found["problems"]] == [
        ("J108", 5, 11, 6)
    ]


def test_for_github(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main.run(["validate", "--project", str(project), "--format", "github"]) == 1
    assert capsys.readouterr().out.startswith("::error file=journeys/j.yaml,line=5,col=11,title=J108::'5 dais'")


def test_warnings_stop_only_when_asked(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = project / "journeys/j.yaml"
    path.write_text(path.read_text().replace("  - wait: 5 dais\n", "  - wait_until: order.promised_at\n"))
    assert main.run(["validate", "--project", str(project)]) == 0
    assert main.run(["validate", "--project", str(project), "--strict"]) == 1
    assert "warning J220" in capsys.readouterr().out


def test_no_project(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main.run(["validate", "--project", str(tmp_path)]) == 2
    assert "holds no project" in capsys.readouterr().err


def test_explain(capsys: pytest.CaptureFixture[str]) -> None:
    assert main.run(["validate", "--explain", "j104"]) == 0
    assert capsys.readouterr().out.startswith("J104  There is no such key")
    assert main.run(["validate", "--explain", "J999"]) == 2
