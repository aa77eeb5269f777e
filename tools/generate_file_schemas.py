"""Write the JSON Schemas of the files people write (journeys, surveys, loyalty, settings) and docs/journeys.md.

`python tools/generate_file_schemas.py` after a change of the language; a test says when it is due.
"""

from __future__ import annotations

from pathlib import Path

from postventa.journeys import export, reference
from postventa.settings import Settings

ROOT = Path(__file__).parents[1]


def generated() -> dict[Path, str]:
    """Every generated file of the project and what must be in it."""
    schemas = {
        **export.files(),
        "postventa.v1.json": export.text(export.form_schema(Settings, "The settings of a shop")),
    }
    page = ROOT / "docs/journeys.md"
    return {
        **{ROOT / "schemas" / name: text for name, text in schemas.items()},
        page: reference.filled(page.read_text("utf-8")),
    }


def main() -> None:
    """Write the files that differ and say which."""
    for path, text in generated().items():
        if not path.exists() or path.read_text("utf-8") != text:
            path.write_text(text, "utf-8")
            print(f"wrote {path.relative_to(ROOT)}")


if __name__ == "__main__":
    main()
