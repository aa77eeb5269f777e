"""The language a command speaks: `language` in the project's postventa.yaml, English where there is none."""

from __future__ import annotations

from pathlib import Path


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
