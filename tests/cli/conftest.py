"""What several commands' tests share: a new project, and projects that are read once."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest

from postventa import starter
from postventa.project import Project


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project as `init` makes it."""
    folder = tmp_path_factory.mktemp("shop") / "shop"
    starter.copy_to(folder)
    return folder


@pytest.fixture
def read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """A project is read and compiled once for all tests."""
    monkeypatch.setattr(Project, "load", lambda path: _loaded(str(path)))


@cache
def _loaded(path: str, load: Callable[[str], Project] = Project.load) -> Project:
    return load(path)
