"""`postventa new`: a journey, a message or a survey to begin from, which already works."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from postventa.cli import new_texts as texts
from postventa.cli.language import spoken
from postventa.errors import ConfigError

if TYPE_CHECKING:
    from postventa.settings import Settings

_NAME = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_WORDS = {
    "en": {"made": "Made", "next": "Next:"},
    "es": {"made": "Creado", "next": "Ahora:"},
}
Name = Annotated[str, typer.Argument(metavar="NAME", help="Small letters, digits and '-'.", show_default=False)]
Folder = Annotated[Path, typer.Option(metavar="DIR", help="The project's folder.")]

command = typer.Typer(no_args_is_help=True, help="Make a journey, a message or a survey that already works.")


@command.command()
def journey(
    name: Name,
    project: Folder = Path(),
    like: Annotated[
        str, typer.Option(metavar="EXAMPLE", help=f"What to begin from: {', '.join(texts.JOURNEYS)}.")
    ] = "after-delivery",
) -> None:
    """Make journeys/NAME.yaml, and the message it sends where there is none of that name."""
    if like not in texts.JOURNEYS:
        with spoken(project):
            mend = f"one of: {', '.join(texts.JOURNEYS)}"
            raise ConfigError(f"there is no example '{like}'", where="--like", mend=mend)
    settings = _settings(project, name)
    message = {} if (project / "templates" / name).exists() else _message(settings, name, "notice")
    text = texts.JOURNEYS[like][settings.language].format(name=name)
    _write(project, {f"journeys/{name}.yaml": text, **message}, settings)
    _next(settings, [f"postventa simulate {name} --open", "postventa validate"])


@command.command()
def message(name: Name, project: Folder = Path()) -> None:
    """Make templates/NAME/: what kind of message it is, its subject, and its text in each language of the shop."""
    settings = _settings(project, name)
    _write(project, _message(settings, name, "notice"), settings)
    _next(settings, [f"postventa preview {name} --open", f"send: {name}    (journeys/)"])


@command.command()
def survey(name: Name, project: Folder = Path()) -> None:
    """Make surveys/NAME.yaml, and the message that asks where there is none of that name."""
    settings = _settings(project, name)
    message = {} if (project / "templates" / name).exists() else _message(settings, name, "survey")
    questions = _per_locale(settings.all_locales, texts.QUESTION)
    thanks = _per_locale(settings.all_locales, texts.THANKS)
    text = texts.SURVEY[settings.language].format(name=name, questions=questions, thanks=thanks)
    _write(project, {f"surveys/{name}.yaml": text, **message}, settings)
    _next(settings, [f"ask: {name}    (journeys/)", "postventa validate"])


def _settings(project: Path, name: str) -> Settings:
    """The project's settings; ConfigError where the folder is no project or the name cannot be one."""
    from postventa.settings import FILE, read_settings

    if _NAME.fullmatch(name) is None:
        mend = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-") or "after-delivery"
        with spoken(project):
            raise ConfigError(f"'{name}' is no name", mend=f"small letters, digits and '-', such as {mend}")
    file = project / FILE
    if not file.is_file():
        raise ConfigError("this folder holds no project", where=str(project), mend="make one: postventa init DIR")
    return read_settings(file.read_bytes())[0]


def _message(settings: Settings, name: str, kind: str) -> Mapping[str, str]:
    """File -> its text, for a message of this kind."""
    locales = settings.all_locales
    subjects = _per_locale(locales, texts.SUBJECT[kind])
    preheaders = _per_locale(locales, texts.PREHEADER[kind])
    sheet = texts.MESSAGE[settings.language].format(**texts.OF_KIND[kind], subjects=subjects, preheaders=preheaders)
    folder = f"templates/{name}"
    return {
        f"{folder}/message.yaml": sheet,
        **{f"{folder}/{one}.md": _spoken(texts.BODY[kind], one) for one in locales},
    }


def _per_locale(locales: Iterable[str], table: Mapping[str, str]) -> str:
    return "\n".join(f'  {locale}: "{_spoken(table, locale)}"' for locale in locales)


def _spoken(table: Mapping[str, str], locale: str) -> str:
    """The text in the locale's language; English where we do not speak it."""
    return table.get(locale.partition("-")[0], table["en"])


def _write(project: Path, files: Mapping[str, str], settings: Settings) -> None:
    """All of them or none: what is there already is never overwritten."""
    there = [name for name in files if (project / name).exists()]
    if there:
        with spoken(project):
            raise ConfigError("this is there already", where=", ".join(there), mend="choose another name, or edit it")
    for name, text in files.items():
        path = project / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        typer.echo(f"{_WORDS[settings.language]['made']} {path}")


def _next(settings: Settings, commands: Iterable[str]) -> None:
    typer.echo(f"\n{_WORDS[settings.language]['next']}")
    for one in commands:
        typer.echo(f"  {one}")
