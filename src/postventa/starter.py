"""The starter project: where its files are on this machine, and how they are copied for a new user.

It is the reference project at the root of the repository. In a checkout it is read there; an installed wheel carries
the same files as data beside this module. Nothing of it is importable.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from postventa.errors import ConfigError, PostventaError

MARKER = "postventa.yaml"
FOLDERS = ("journeys", "agents", "templates", "schemas", "surveys", "samples", ".vscode")
FILES = (
    MARKER, "brand.yaml", "loyalty.yaml", "products.csv", "tests/five-stars.yaml", "tests/never-delivered.yaml",
    "tests/said-no.yaml",
)  # fmt: skip
"""Single files: the checkout's tests/ holds more than the scenarios."""

_PACKAGE = Path(__file__).resolve().parent
_LEFT_BEHIND = shutil.ignore_patterns("__pycache__", "*.pyc", ".DS_Store")


def location() -> Path:
    """The folder that holds the starter project; PostventaError when this installation carries none."""
    checkout = _PACKAGE.parents[1]
    for place in (_PACKAGE / "starter", checkout):
        if (place / MARKER).is_file():
            return place
    raise PostventaError(
        "this installation carries no starter project", where=str(_PACKAGE), mend="install postventa again"
    )


def copy_to(target: Path) -> list[Path]:
    """Copy the starter project into `target` and return the files written, sorted.

    `target` is made when missing; ConfigError when it is a file, or a folder that holds anything.
    """
    _refuse_unless_empty(target)
    source = location()
    target.mkdir(parents=True, exist_ok=True)
    for folder in FOLDERS:
        if (source / folder).is_dir():
            shutil.copytree(source / folder, target / folder, ignore=_LEFT_BEHIND)
    for file in FILES:
        if (source / file).is_file():
            (target / file).parent.mkdir(exist_ok=True)
            shutil.copy(source / file, target / file)
    return sorted(path for path in target.rglob("*") if path.is_file())


def speak(project: Path, language: str) -> None:
    """Have a new project speak `language`: what the commands say, and what an editor shows over each key."""
    from postventa.source.hints import in_language

    settings = project / MARKER
    text = settings.read_text(encoding="utf-8")
    first, mark, rest = text.partition("\nlocale:")
    settings.write_text(
        f"{first}\nlanguage: {language}{mark}{rest}" if mark else f"{text}language: {language}\n", "utf-8"
    )
    for file in sorted((project / "schemas").glob("*.v1.json")):
        told = in_language(json.loads(file.read_text(encoding="utf-8")), language)
        file.write_text(json.dumps(told, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


def _refuse_unless_empty(target: Path) -> None:
    """ConfigError when copying into `target` could overwrite, or mix with, somebody's files."""
    if target.exists() and not target.is_dir():
        raise ConfigError("a project is a folder, and this is a file", where=str(target), mend="choose another name")
    found = sorted(path.name for path in target.iterdir()) if target.exists() else []
    if found:
        shown = ", ".join(found[:3]) + (", …" if len(found) > 3 else "")
        raise ConfigError(
            f"the folder is not empty: it holds {shown}", where=str(target), mend="choose a new or an empty folder"
        )
