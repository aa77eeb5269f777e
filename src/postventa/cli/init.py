"""`postventa init DIR`: a new project that already works, and the next three commands."""

from __future__ import annotations

import shlex
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from postventa import starter

_GITIGNORE = """\
# what a running engine writes beside the project
.postventa/
*.db
*.db-shm
*.db-wal
.env
__pycache__/
"""

_README = """\
# {name}

What our customers receive after they buy, and when. Made with postventa.

    postventa run --dev --demo    sample customers move through the journeys, time runs fast, no mail leaves
    postventa validate            every problem of every file, with its line
    postventa simulate after-purchase --open    one customer through a journey: what is sent, when, and why
    postventa test                the scenarios in tests/: what has to happen, and nothing else
    postventa backtest --events EVENTS.jsonl    who would have got what, and when

| folder or file | what it is | who edits it |
|---|---|---|
| `journeys/` | one timeline per file: what is sent, when, and what ends it | marketing |
| `templates/` | the mails and pages, one folder per message, one file per language | marketing |
| `surveys/` | the questions and their scales | marketing |
| `tests/` | what has to come of a customer's story: played by `postventa test` | marketing |
| `loyalty.yaml`, `brand.yaml`, `products.csv` | rewards; name and promises; the catalogue | marketing |
| `agents/` | one short file per stream: how a platform's record becomes an event | engineers |
| `schemas/` | the event contract; own event types go to `schemas/events/` | engineers |
| `postventa.yaml` | the settings: languages, time zone, sending hours, limits, mail server | operators |
"""


_LEEME = """\
# {name}

Qué reciben nuestros clientes después de comprar, y cuándo. Hecho con postventa.

    postventa run --dev --demo    clientes de muestra recorren los archivos, el tiempo corre, no sale ningún correo
    postventa validate            cada problema de cada archivo, con su línea
    postventa simulate after-purchase --open    un cliente por un recorrido: qué se envía, cuándo y por qué
    postventa test                los escenarios de tests/: lo que tiene que pasar, y nada más
    postventa backtest --events EVENTOS.jsonl   quién habría recibido qué, y cuándo

| carpeta o archivo | qué es | quién lo cambia |
|---|---|---|
| `journeys/` | un recorrido por archivo: qué se envía, cuándo, y qué lo termina | marketing |
| `templates/` | los correos y las páginas: una carpeta por mensaje, un archivo por idioma | marketing |
| `surveys/` | las preguntas y sus escalas | marketing |
| `tests/` | lo que tiene que resultar de la historia de un cliente: lo juega `postventa test` | marketing |
| `loyalty.yaml`, `brand.yaml`, `products.csv` | recompensas; nombre y promesas; el catálogo | marketing |
| `agents/` | un archivo corto por flujo: cómo el registro de una plataforma pasa a ser un evento | ingeniería |
| `schemas/` | el contrato de los eventos; los tipos propios van a `schemas/events/` | ingeniería |
| `postventa.yaml` | los ajustes: idiomas, zona horaria, horas de envío, límites, servidor de correo | operaciones |
"""
_NEXT = (
    ("postventa run --dev --demo", "sample customers, time runs fast, no mail leaves this machine"),
    ("postventa validate", "after a change: every problem, with its line"),
    ("postventa test", "and whether what has to happen still does"),
)


class Language(StrEnum):
    """What the project's commands and its editor speak."""

    en = "en"
    es = "es"


def command(
    directory: Annotated[Path, typer.Argument(metavar="DIR", help="A new or an empty folder.", show_default=False)],
    language: Annotated[Language, typer.Option(help="What its commands and the editor speak.")] = Language.en,
) -> None:
    """Make a new project: journeys, templates and settings that already work."""
    from postventa.source.language import told

    written = starter.copy_to(directory)
    if language is not Language.en:
        starter.speak(directory, language)
    about = _LEEME if language is Language.es else _README
    (directory / ".gitignore").write_text(_GITIGNORE, encoding="utf-8")
    (directory / "README.md").write_text(about.format(name=directory.resolve().name), encoding="utf-8")
    journeys = sum(path.is_relative_to(directory / "journeys") for path in written)
    made = f"Made {directory}: {journeys} journeys and {len(written) + 2} files in all. Next:"
    typer.echo(f"{told(made, language)}\n\n  cd {shlex.quote(str(directory))}")
    for words, why in _NEXT:
        typer.echo(f"  {words:<29} # {told(why, language)}")
