"""Write the JSON Schemas of every file people write, and the references of keys, words and codes in docs.

docs/journeys.md, docs/testing.md and docs/codes.md; in Spanish docs/es/recorridos.md, escenarios.md and codigos.md.

`python tools/generate_file_schemas.py` after a change of the language; a test says when it is due.
"""

from __future__ import annotations

from pathlib import Path

from postventa.cli import code_page
from postventa.journeys import export, reference
from postventa.schemas import own_keys
from postventa.settings import Settings
from postventa.source.hints import of_model
from postventa.templates import keys
from postventa.testing import scenario_form

ROOT = Path(__file__).parents[1]


def generated() -> dict[Path, str]:
    """Every generated file of the project and what must be in it."""
    schemas = {
        **export.files(),
        **{name: export.text(schema) for name, schema in {**keys.files(), **own_keys.files()}.items()},
        "postventa.v1.json": export.text(of_model(Settings, "The settings of a shop")),
        "test.v1.json": export.text(of_model(scenario_form.Scenario, "A scenario for postventa test")),
    }
    page, testing, spanish = (ROOT / "docs" / name for name in ("journeys.md", "testing.md", "es/recorridos.md"))
    escenarios = ROOT / "docs/es/escenarios.md"
    in_spanish = {name: text for name, text in reference.sections("es").items() if name != "codes"}
    return {
        **{ROOT / "schemas" / name: text for name, text in schemas.items()},
        page: reference.filled(page.read_text("utf-8")),
        testing: reference.filled(testing.read_text("utf-8"), scenario_form.sections(), testing.name),
        escenarios: reference.filled(
            escenarios.read_text("utf-8"), scenario_form.sections("es"), f"es/{escenarios.name}"
        ),
        spanish: reference.filled(spanish.read_text("utf-8"), in_spanish, "es/recorridos.md"),
        ROOT / "docs/codes.md": code_page.page("en"),
        ROOT / "docs/es/codigos.md": code_page.page("es"),
    }


def main() -> None:
    """Write the files that differ and say which."""
    for path, text in generated().items():
        if not path.exists() or path.read_text("utf-8") != text:
            path.write_text(text, "utf-8")
            print(f"wrote {path.relative_to(ROOT)}")


if __name__ == "__main__":
    main()
