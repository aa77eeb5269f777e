"""A tiny project for template tests: one message, its brand, and a way to change one thing."""

from __future__ import annotations

from typing import Any

from postventa.source.problem import Problem
from postventa.templates import Brand, MessageCatalog

BRAND = """
name: Tienda Clara
sender: Tienda Clara <hola@tiendaclara.example>
postal_address: Calle del Olmo 12, Madrid
website: https://tiendaclara.example
words_to_avoid: [última oportunidad]
utm: {source: postventa, campaign: "{message}"}
""".encode()
META = "class: soft_opt_in\nsubject: {es: Hola, en: Hello}\npreheader: {es: Antes, en: Before}\n"
LINKS = {
    "unsubscribe": "https://tiendaclara.example/m/u/1",
    "answer": lambda score: f"https://tiendaclara.example/m/a/1?s={score}",
}


def catalog(
    files: dict[str, str], *, brand: bytes = BRAND, default: str = "es"
) -> tuple[MessageCatalog, list[Problem]]:
    """`files` are named below templates/; a message.yaml is added where none is given."""
    names = {path.split("/", maxsplit=1)[0] for path in files if "/" in path}
    full = {f"{name}/message.yaml": META for name in names} | files
    read, problems = Brand.from_yaml(brand)
    assert problems == []
    return MessageCatalog.from_files(
        {f"templates/{path}": text.encode() for path, text in full.items()}, read, default_locale=default
    )


def render(body: str, context: dict[str, Any] | None = None, *, file: str = "m/es.md", **options: Any) -> Any:
    """Render one body; problems fail the test."""
    made, problems = catalog({file: body})
    assert problems == [], [str(problem) for problem in problems]
    return made.render("m", options.pop("locale", "es"), {"links": LINKS, **(context or {})}, **options)
