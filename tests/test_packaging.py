"""The wheel: one import name, the starter project as data, and a command that works where nothing else is installed."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from postventa import starter

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of this checkout, built as a release is, without reaching for the network."""
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder), str(ROOT)]
    done = subprocess.run(build, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return next(folder.glob("*.whl"))


@pytest.fixture(scope="module")
def names(wheel: Path) -> set[str]:
    with zipfile.ZipFile(wheel) as archive:
        return set(archive.namelist())


def test_the_only_top_level_name_is_ours(names: set[str]) -> None:
    tops = {name.split("/")[0] for name in names}
    assert {top for top in tops if not top.endswith(".dist-info")} == {"postventa"}


def test_types_and_licence_travel_along(names: set[str]) -> None:
    assert "postventa/py.typed" in names
    assert any(name.endswith("licenses/LICENSE") for name in names)


def test_the_starter_is_the_reference_project(wheel: Path, names: set[str]) -> None:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True)
    if listed.returncode:
        pytest.skip("not a git checkout")
    inside = tuple(f"{folder}/" for folder in starter.FOLDERS)
    content = [name for name in listed.stdout.split("\0") if name.startswith(inside) or name in starter.FILES]
    assert starter.MARKER in content
    with zipfile.ZipFile(wheel) as archive:
        for name in content:
            assert archive.read(f"postventa/starter/{name}") == (ROOT / name).read_bytes(), name


def test_init_and_validate_from_the_wheel(wheel: Path, tmp_path: Path) -> None:
    site, shop = tmp_path / "site", tmp_path / "shop"
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(site)
    environment = {**os.environ, "PYTHONPATH": str(site)}

    def postventa(*words: str) -> str:
        command = [sys.executable, "-m", "postventa.cli.main", *words]
        done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    question = [sys.executable, "-c", "import postventa; print(postventa.__file__)"]
    where = subprocess.run(question, cwd=tmp_path, env=environment, capture_output=True, text=True, check=True)
    assert where.stdout.startswith(str(site)), "the checkout must not answer for the wheel"
    postventa("init", str(shop))
    assert (shop / starter.MARKER).is_file()
    postventa("validate", "--project", str(shop))
