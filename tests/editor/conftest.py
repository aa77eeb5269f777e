"""The real language server over a new project, as `postventa init` makes it. CI installs it, a user need not."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from lsp import SERVER, Editor

from postventa import starter


@pytest.fixture(scope="session")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("editor") / "shop"
    starter.copy_to(folder)
    return folder


@pytest.fixture(scope="session")
def editor(project: Path) -> Iterator[Editor]:
    yield from _open(project)


@pytest.fixture
def spanish(tmp_path: Path) -> Iterator[Editor]:
    starter.copy_to(tmp_path / "tienda")
    starter.speak(tmp_path / "tienda", "es")
    yield from _open(tmp_path / "tienda")


def _open(project: Path) -> Iterator[Editor]:
    if not os.environ.get("CI") and (shutil.which("node") is None or not SERVER.is_file()):
        pytest.skip("the YAML language server is not here: npm ci --prefix tools/node")
    opened = Editor(project)
    yield opened
    opened.close()
