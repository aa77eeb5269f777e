"""`postventa explain CODE`: what a code means, a file that has the mistake, and the same file mended.

The examples are in `explained/*.txt`: `=== CODE`, `--- bad`, `--- good`, and `@ path` where another file begins. A
journey's steps stand there without the head of their file. A test runs every one of them through `validate`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Annotated

import typer

HEAD = "journey: example\nsubject: order\nstart: {on: order.paid}\nsteps:\n"
"""What stands above steps that are shown alone."""
_FILES = {
    "J": "journeys/example.yaml", "Y": "journeys/example.yaml", "V": "surveys/happy.yaml", "L": "loyalty.yaml",
    "P": "products.csv", "S": "postventa.yaml", "W": "surveys/happy.yaml", "T": "templates/hello/es.md",
    "B": "brand.yaml", "E": "schemas/events/course.yaml", "A": "agents/mine.py", "C": "tests/example.yaml",
}  # fmt: skip
"""By a code's letter: the file an example is in where it does not say."""


@dataclass(frozen=True, slots=True)
class Example:
    """The files (path -> text) with the mistake and without it, as they are shown."""

    bad: Mapping[str, str]
    good: Mapping[str, str]


def command(
    code: Annotated[str, typer.Argument(help="Such as J104; without one, all codes are listed.")] = "",
    project: Annotated[Path, typer.Option(help="The project's folder; its 'language' is spoken.")] = Path(),
    as_json: Annotated[bool, typer.Option("--json", help="For machines.")] = False,
) -> None:
    """Say what a code means, with an example and how to mend it."""
    from postventa.cli.language import language_of

    language = language_of(project)
    if not code:
        typer.echo("\n".join(f"{name}  {meaning}" for name, meaning in meanings(language).items()))
    elif as_json:
        typer.echo(json.dumps(_for_machines(code, language), ensure_ascii=False, indent=2))
    else:
        typer.echo(explained(code, language))


def meanings(language: str = "en") -> dict[str, str]:
    """Every code, in order, with what it means."""
    from postventa import settings
    from postventa.agents import loader
    from postventa.journeys.codes import CODES
    from postventa.schemas import own
    from postventa.source.language import told
    from postventa.templates import brand
    from postventa.templates import codes as templates
    from postventa.testing import scenario_form

    rooms = (settings, templates, brand, own, loader, scenario_form)
    known = {**CODES, **{code: text for room in rooms for code, text in room.CODES.items()}}
    return {code: told(known[code], language) for code in sorted(known)}


def explained(code: str, language: str = "en") -> str:
    """What a code means, its example and the example mended. ConfigError for one that does not exist."""
    from postventa.source.language import told

    name, meaning = _found(code, language)
    example = examples()[name]
    parts = [f"{name}  {meaning}", f"{told('wrong', language)}:", _shown(example.bad), f"{told('mended', language)}:"]
    return "\n\n".join([*parts, _shown(example.good)])


def _found(code: str, language: str) -> tuple[str, str]:
    from postventa.errors import ConfigError
    from postventa.source.language import told
    from postventa.source.nearest import suggest

    known, name = meanings(language), code.strip().upper()
    if name not in known:
        help_ = told(suggest(name, known, "codes", 60), language)
        raise ConfigError(told(f"no code is called '{code}'", language), mend=help_)
    return name, known[name]


def _for_machines(code: str, language: str) -> dict[str, object]:
    name, meaning = _found(code, language)
    example = examples()[name]
    return {"code": name, "means": meaning, "bad": dict(example.bad), "good": dict(example.good)}


def _shown(parts: Mapping[str, str]) -> str:
    """The files of an example, indented, each under its name."""
    blocks = []
    for file, text in parts.items():
        lines = "\n".join(f"    {line}".rstrip() for line in text.rstrip("\n").split("\n"))
        blocks.append(f"  {file}\n{lines}")
    return "\n\n".join(blocks)


@cache
def examples() -> Mapping[str, Example]:
    """By code: its example."""
    found: dict[str, Example] = {}
    for path in sorted(files("postventa.cli").joinpath("explained").iterdir(), key=str):
        for entry in path.read_text("utf-8").split("=== ")[1:]:
            code, _, rest = entry.partition("\n")
            bad, _, good = rest.removeprefix("--- bad\n").partition("--- good\n")
            found[code] = Example(_files_of(bad, code), _files_of(good, code))
    return found


def _files_of(text: str, code: str) -> dict[str, str]:
    """The files of one side of an example."""
    first, *others = f"\n{text}".split("\n@ ")
    parts = dict([other.partition("\n")[::2] for other in others])
    own = first.removeprefix("\n")
    return {_FILES[code[0]]: own, **parts} if own.strip() else parts
