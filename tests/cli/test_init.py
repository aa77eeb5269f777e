"""`postventa init`: the same picture as the reference project, and never on top of somebody's files."""

from __future__ import annotations

from pathlib import Path

import pytest

from postventa import starter
from postventa.cli import main

SOME = {
    "postventa.yaml": "name: shop\n",
    "brand.yaml": "name: Shop\n",
    "journeys/after-purchase.yaml": "journey: after-purchase\n",
    "templates/thank-you/es.md": "# Gracias\n",
    ".vscode/settings.json": "{}\n",
    "agents/__pycache__/orders.cpython-311.pyc": "no",
    "src/secret.py": "no",
}


@pytest.fixture
def content(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A small project that stands in for the reference project, among files that are not part of it."""
    root = tmp_path / "source"
    for name, text in SOME.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text, encoding="utf-8")
    monkeypatch.setattr(starter, "location", lambda: root)
    return root


def test_the_copy_is_the_project_and_nothing_else(content: Path, tmp_path: Path) -> None:
    shop = tmp_path / "shop"
    assert main.run(["init", str(shop)]) == 0
    made = {path.relative_to(shop).as_posix() for path in shop.rglob("*") if path.is_file()}
    expected = {name for name in SOME if "pycache" not in name and not name.startswith("src/")}
    assert made == expected | {".gitignore", "README.md"}
    assert (shop / "templates/thank-you/es.md").read_text(encoding="utf-8") == "# Gracias\n"


def test_it_says_what_to_do_next(content: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shop = tmp_path / "my shop"
    assert main.run(["init", str(shop)]) == 0
    shown = capsys.readouterr().out
    assert f"cd '{shop}'" in shown
    assert "postventa run --dev --demo" in shown
    assert "postventa validate" in shown


def test_an_empty_folder_will_do(content: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    assert main.run(["init", str(tmp_path / "empty")]) == 0


def test_a_folder_with_files_is_left_alone(content: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    mine = tmp_path / "mine"
    mine.mkdir()
    (mine / "notes.txt").write_text("mine", encoding="utf-8")
    assert main.run(["init", str(mine)]) == main.CANNOT_RUN
    assert "not empty: it holds notes.txt" in capsys.readouterr().err
    assert [path.name for path in mine.iterdir()] == ["notes.txt"]


def test_a_file_in_the_way_is_named(content: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").write_text("mine", encoding="utf-8")
    assert main.run(["init", str(tmp_path / "file")]) == main.CANNOT_RUN
    assert "this is a file" in capsys.readouterr().err


def test_a_project_that_speaks_spanish(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The real starter: what is said, what is written down, and what the commands say there from then on."""
    shop = tmp_path / "tienda"
    assert main.run(["init", str(shop), "--language", "es"]) == 0
    assert "Hecho" in capsys.readouterr().out
    assert "Qué reciben nuestros clientes" in (shop / "README.md").read_text("utf-8")
    assert "\nlanguage: es\nlocale: es\n" in (shop / "postventa.yaml").read_text("utf-8")
    assert "Espera un tiempo" in (shop / "schemas/journey.v1.json").read_text("utf-8")
    assert main.run(["validate", "--project", str(shop)]) == 0
    assert "sin errores" in capsys.readouterr().out
