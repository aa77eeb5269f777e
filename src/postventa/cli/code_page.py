"""Every code with its meaning, a file that has the mistake and the file mended: docs/codes.md and docs/es/codigos.md.

The same words and examples as `postventa explain CODE`; `tools/generate_file_schemas.py` writes the pages.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import PurePath

from postventa.cli.explain import examples, meanings
from postventa.source.language import told

_KINDS = {".yaml": "yaml", ".md": "markdown", ".html": "html", ".py": "python"}
_FAMILIES: Mapping[str, Mapping[str, str]] = {
    "en": {
        "A": "Agents: agents/*.py", "B": "The brand: brand.yaml", "C": "Scenarios: tests/*.yaml",
        "E": "Own events: schemas/events/*.yaml", "J1": "Journeys: their form", "J2": "Journeys: their meaning",
        "J3": "Journeys and their templates", "L": "Points and rewards: loyalty.yaml", "P": "Products: products.csv",
        "S": "Settings: postventa.yaml", "T": "Messages: templates/", "V": "Surveys: surveys/*.yaml",
        "W": "Languages", "Y": "YAML",
    },
    "es": {
        "A": "Agentes: agents/*.py", "B": "La marca: brand.yaml", "C": "Escenarios: tests/*.yaml",
        "E": "Eventos propios: schemas/events/*.yaml", "J1": "Recorridos: la forma",
        "J2": "Recorridos: el significado", "J3": "Los recorridos y sus plantillas",
        "L": "Puntos y recompensas: loyalty.yaml", "P": "Productos: products.csv", "S": "Ajustes: postventa.yaml",
        "T": "Mensajes: templates/", "V": "Encuestas: surveys/*.yaml", "W": "Idiomas", "Y": "YAML",
    },
}  # fmt: skip
_HEADS = {
    "en": """# Every code

*[En español](es/codigos.md)*

What `postventa validate` and `postventa test` find has a code. Here is each with what it means, a file that has the
mistake, and the same file mended; `postventa explain J104` says the same on the terminal. A journey's steps stand here
without the head of their file (`journey`, `subject`, `start`, `steps`). This page is generated, every example checked.
""",
    "es": """# Todos los códigos

*[In English](../codes.md)*

Lo que encuentran `postventa validate` y `postventa test` lleva un código. Aquí está cada uno con lo que significa, un
archivo que tiene el error y el mismo archivo arreglado; `postventa explain J104` dice lo mismo en la terminal. Los
pasos de un recorrido están aquí sin la cabecera de su archivo (`journey`, `subject`, `start`, `steps`). Esta página es
generada, y cada ejemplo está comprobado.
""",
}


def page(language: str) -> str:
    """The whole page in English ("en") or Spanish ("es")."""
    return "\n".join([_HEADS[language], *_parts(language)])


def _parts(language: str) -> Iterator[str]:
    family = ""
    for code, meaning in meanings(language).items():
        own = code[:2] if code[0] == "J" else code[0]
        if own != family:
            yield f"## {_FAMILIES[language][own]}\n"
            family = own
        example = examples()[code]
        yield f"### {code}\n\n{meaning}\n"
        yield from _side(told("wrong", language), example.bad)
        yield from _side(told("mended", language), example.good)


def _side(title: str, files: Mapping[str, str]) -> Iterator[str]:
    for number, (file, text) in enumerate(files.items()):
        head = f"{title[0].upper()}{title[1:]}, `{file}`" if number == 0 else f"`{file}`"
        yield f"{head}:\n\n````{_KINDS.get(PurePath(file).suffix, 'text')}\n{text.rstrip()}\n````\n"
