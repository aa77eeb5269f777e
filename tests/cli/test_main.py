"""The entry point: help, unknown commands, and how errors reach a person."""

from __future__ import annotations

import re
import subprocess
import sys
from types import ModuleType

import pytest

from postventa import __version__
from postventa.cli import main
from postventa.errors import ConfigError, JourneyError, PostventaError


@pytest.fixture
def failing(monkeypatch: pytest.MonkeyPatch):
    """Replace `postventa init` by a command that raises what it is given."""

    def install(error: BaseException) -> None:
        module = ModuleType("postventa.cli.init")

        def command() -> None:
            raise error

        module.command = command  # type: ignore[attr-defined]
        monkeypatch.setitem(sys.modules, "postventa.cli.init", module)

    monkeypatch.setattr(main.Command, "exists", property(lambda self: self.name == "init"))
    monkeypatch.delenv("POSTVENTA_DEBUG", raising=False)
    return install


def test_help_lists_the_commands_with_their_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert main.run(["--help"]) == 0
    shown = capsys.readouterr().out
    for command in main.COMMANDS:
        assert bool(re.search(rf"^  {command.name} +{command.help[:20]}", shown, re.MULTILINE)) == command.exists


def test_no_argument_shows_the_help(capsys: pytest.CaptureFixture[str]) -> None:
    assert main.run([]) == 0
    assert "Usage: postventa" in capsys.readouterr().out


def test_help_loads_nothing_heavy() -> None:
    """The time of `--help` is the time of its imports; a second of waiting for a list of words is too long."""
    heavy = {
        "fastapi",
        "faust",
        "httpx",
        "jinja2",
        "kafka",
        "pydantic",
        "rich",
        "ruamel",
        "uvicorn",
        "babel",
        "asyncio",
    }
    program = "import sys; from postventa.cli.main import run; run(['--help']); print(*sys.modules, file=sys.stderr)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    loaded = {name.split(".")[0] for name in done.stderr.split()}
    assert "typer" in loaded
    assert not heavy & loaded


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert main.run(["--version"]) == 0
    assert capsys.readouterr().out == f"postventa {__version__}\n"


def test_a_mistyped_command_names_the_nearest(capsys: pytest.CaptureFixture[str]) -> None:
    assert main.run(["inti"]) == main.CANNOT_RUN
    assert "Did you mean 'init'" in capsys.readouterr().err


def test_an_error_is_one_clear_block_without_a_traceback(failing, capsys: pytest.CaptureFixture[str]) -> None:
    failing(ConfigError("'timezone' is not a zone: Madrid", where="postventa.yaml:4", mend="write Europe/Madrid"))
    assert main.run(["init"]) == main.CANNOT_RUN
    assert capsys.readouterr().err == (
        "error: 'timezone' is not a zone: Madrid\n  where: postventa.yaml:4\n  mend:  write Europe/Madrid\n"
    )


def test_findings_are_all_told_and_have_their_own_exit_code(failing, capsys: pytest.CaptureFixture[str]) -> None:
    failing(JourneyError(["a.yaml:3:1 first", "b.yaml:9:4 second"]))
    assert main.run(["init"]) == main.FINDINGS
    shown = capsys.readouterr().err
    assert "a.yaml:3:1 first" in shown
    assert "b.yaml:9:4 second" in shown
    assert "2 problems" in shown


def test_debug_adds_the_traceback(failing, monkeypatch, capsys: pytest.CaptureFixture[str]) -> None:
    failing(PostventaError("no"))
    monkeypatch.setenv("POSTVENTA_DEBUG", "1")
    assert main.run(["init"]) == main.CANNOT_RUN
    assert "Traceback" in capsys.readouterr().err


def test_what_the_system_refuses_names_the_file(failing, capsys: pytest.CaptureFixture[str]) -> None:
    failing(PermissionError(13, "Permission denied", "/var/shop.db"))
    assert main.run(["init"]) == main.CANNOT_RUN
    assert capsys.readouterr().err == "error: Permission denied\n  where: /var/shop.db\n"


def test_a_mistake_of_ours_is_not_dressed_up(failing) -> None:
    failing(ZeroDivisionError("division by zero"))
    with pytest.raises(ZeroDivisionError):
        main.run(["init"])
