"""What every test shares: which marked tests can run on this machine."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from postventa.testing.database import Database

_BROWSERS = ("chromium", "chromium-browser", "google-chrome")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip, with the reason, what needs data or a browser this machine lacks. CI must have the browser."""
    orders = Path(os.environ.get("OLIST_DIR", "/nonexistent")).is_dir()
    browser = any(shutil.which(name) for name in _BROWSERS) or bool(os.environ.get("CI"))
    for item in items:
        if not orders and item.get_closest_marker("olist"):
            item.add_marker(pytest.mark.skip(reason="set OLIST_DIR to the folder with the real orders"))
        if not browser and item.get_closest_marker("browser"):
            item.add_marker(pytest.mark.skip(reason="no Chromium on this machine"))


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    """One PostgreSQL server for all tests, each in a schema or database of its own. CI must have one."""
    from postventa.errors import PostventaError
    from postventa.testing.database import Database

    try:
        database = Database.start(tmp_path_factory.mktemp("postgres") / "server", settings={"fsync": "off"})
        opened = database.__enter__()
    except PostventaError as error:
        if os.environ.get("CI"):
            raise
        pytest.skip(f"no PostgreSQL on this machine: {error.message}")
    try:
        yield opened
    finally:
        database.__exit__(None, None, None)
