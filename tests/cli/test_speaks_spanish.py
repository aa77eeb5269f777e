"""A marketer whose project says `language: es` reads Spanish: the help of her commands, and what they refuse."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
import typer.main

from postventa.cli import main
from postventa.source.language import known

HERS = ("init", "new", "validate", "simulate", "explain", "preview", "test", "diagram", "backtest", "plan", "publish",
        "migrate", "results", "why")  # fmt: skip


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "journeys").mkdir()
    (tmp_path / "postventa.yaml").write_text("shop: S\nlanguage: es  # de España\n")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def texts(command: Any) -> Iterator[str]:
    """What a command's help says of it and of its options, and of each command below it."""
    yield from (" ".join(part.split()) for part in (command.help or "").split("\n\n"))
    yield from (option.help for option in command.params if getattr(option, "help", None))
    for below in getattr(command, "commands", {}).values():
        yield from texts(below)


@pytest.mark.parametrize("name", HERS)
def test_no_help_of_hers_lacks_its_spanish(name: str) -> None:
    body = import_module(f"postventa.cli.{name}").command
    app = body if isinstance(body, typer.Typer) else typer.Typer()
    if body is not app:
        app.command()(body)
    assert [text for text in texts(typer.main.get_command(app)) if not known(text, "es")] == []


def test_every_line_of_the_list_of_commands_has_its_spanish() -> None:
    lines = {text for command in main.COMMANDS for text in (command.help, command.section)}
    assert [text for text in lines if not known(text, "es")] == []


def test_the_help_is_spanish(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main.run(["--help"]) == 0
    shown = capsys.readouterr().out
    assert shown.startswith("Uso: postventa")
    assert "Escribir recorridos:" in shown
    assert "Mira un mensaje como lo recibiría un cliente." in shown
    assert main.run(["publish", "--help"]) == 0
    shown = capsys.readouterr().out
    assert "Revisa el proyecto y lo pone en marcha." in shown
    assert "Solo lista las versiones" in shown
    assert "Enseña esta ayuda." in shown


def test_the_help_is_english_elsewhere(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (shop / "postventa.yaml").write_text("shop: S\ndetails: |\n  language: es\n")
    assert main.run(["publish", "--help"]) == 0
    assert "Usage: postventa publish" in capsys.readouterr().out


def test_what_is_refused_is_told_in_spanish(
    shop: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path_factory.mktemp("elsewhere"))
    for argv, told in (
        (["preview", "thank-you"], "no hay ningún mensaje 'thank-you'\n  dónde: templates/thank-you"),
        (["diagram", "tutorial"], "no hay ningún recorrido 'tutorial'"),
        (["backtest"], "di dónde están los eventos\n  arreglo: con --events FILE"),
    ):
        assert main.run([*argv, "--project", str(shop)]) == 2, argv
        assert told in capsys.readouterr().err
