"""The language a command speaks: `language` in the project's postventa.yaml, English where there is none."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from postventa.errors import PostventaError


@contextmanager
def spoken(project: Path) -> Iterator[None]:
    """Whatever goes wrong inside is told in the project's language."""
    try:
        yield
    except PostventaError as error:
        from postventa.source.language import told

        language = language_of(project)
        error.message, error.mend = told(error.message, language), told(error.mend or "", language) or None
        raise


def language_of(project: Path) -> str:
    """Of a project's folder. Never raises: a file that cannot be read is told by whoever needs it."""
    from postventa.settings import FILE
    from postventa.source.nodes import Mapping
    from postventa.source.yaml import load

    try:
        root = load(FILE, (project / FILE).read_bytes()).root
    except OSError:
        return "en"
    said = root.get("language") if isinstance(root, Mapping) else None
    return "es" if said is not None and said.plain() == "es" else "en"
