"""What every test shares: which marked tests can run on this machine."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

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
