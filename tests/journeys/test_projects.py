"""Whole projects: what validate says about each stands beside it in `projects/<name>.out`; a sound one is silent.

After a wording changed on purpose: `UPDATE_GOLDEN=1 pytest tests/journeys/test_projects.py`, then read the difference.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from postventa.project import Project
from postventa.source.language import known

PROJECTS = sorted(path for path in (Path(__file__).parent / "projects").iterdir() if path.is_dir())
SILENT = {"sound"}


@pytest.mark.parametrize("folder", PROJECTS, ids=lambda path: path.name)
def test_a_project_is_told_in_full(folder: Path) -> None:
    project = Project.load(folder, with_agents=True)
    expected = folder.with_suffix(".out")
    if os.environ.get("UPDATE_GOLDEN"):
        expected.write_text(project.report() + "\n", encoding="utf-8")
    assert project.report() + "\n" == expected.read_text(encoding="utf-8")
    assert (project.problems == ()) == (folder.name in SILENT)
    assert [one.message for one in project.problems if not known(one.message, "es")] == []
