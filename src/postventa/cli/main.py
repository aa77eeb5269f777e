"""The entry point `postventa`: the table of commands, and how every error reaches a person.

Nothing heavy is imported here. Only the command that was asked for is imported; the others show their line in the
help from the table below. A command's module has a `command`: a function typer understands, or a `typer.Typer` group.

Exit codes: 0 done, 1 findings in the user's files, 2 cannot run, 130 interrupted.
"""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from typing import Any

import typer
from typer.core import TyperGroup

from postventa import __version__
from postventa.cli.language import asked_in, speak, told_error
from postventa.errors import JourneyError, PostventaError

FINDINGS, CANNOT_RUN, INTERRUPTED = 1, 2, 130

_WRITE, _RUN, _LOOK, _ACT = "Write journeys", "Run", "Look", "Step in"


@dataclass(frozen=True)
class Command:
    """One command: its name (and its module's, in this package), its section of the help and its line there."""

    name: str
    section: str
    help: str

    @property
    def module(self) -> str:
        """The full name of the module that holds `command`."""
        return f"postventa.cli.{self.name.replace('-', '_')}"

    @property
    def exists(self) -> bool:
        """True when this build carries the command."""
        return find_spec(self.module) is not None


COMMANDS = (
    Command("init", _WRITE, "Make a new project: journeys, templates and settings that already work."),
    Command("new", _WRITE, "Make a journey, a message or a survey that already works."),
    Command("validate", _WRITE, "Check every file of the project; all problems at once, each with its line."),
    Command("simulate", _WRITE, "One customer through a journey, on a virtual clock: what is sent, when, and why."),
    Command("explain", _WRITE, "What a code such as J104 means, with an example and the example mended."),
    Command("preview", _WRITE, "Look at a message as a customer would get it."),
    Command("test", _WRITE, "Play the scenarios of tests/: what has to happen, and nothing else."),
    Command("diagram", _WRITE, "A journey as a picture: a page, SVG, or Mermaid text for GitHub."),
    Command("backtest", _WRITE, "Run past events through the journeys: who would have got what, and when."),
    Command("plan", _WRITE, "What a publish would change, and what it would do to the people inside."),
    Command("publish", _WRITE, "Make this version of the project the one that runs."),
    Command("migrate", _WRITE, "Bring people inside a journey over to another version of it."),
    Command("run", _RUN, "Run the engine on this machine."),
    Command("worker", _RUN, "Run one of any number of workers: events from Kafka, state in PostgreSQL."),
    Command("web", _RUN, "Serve the pages and take events by HTTP, beside the workers."),
    Command("kafka", _RUN, "Make and check the topics; tell how far they are read."),
    Command("events", _RUN, "Send events to the engine, or import the past."),
    Command("db", _RUN, "Make or upgrade the tables in PostgreSQL."),
    Command("doctor", _RUN, "Check Python, settings, database and mail server; say how to mend each."),
    Command("status", _LOOK, "What is running, waiting, due, sent and stuck."),
    Command("why", _LOOK, "Everything that happened to one customer, with the reasons."),
    Command("results", _LOOK, "What journeys brought: entered, sent, skipped and why, goals, experiments."),
    Command("verify", _LOOK, "Replay the history and compare it with the store."),
    Command("pause", _ACT, "Hold a journey, a channel or everything: nothing leaves, nothing is lost."),
    Command("resume", _ACT, "Go on after a pause."),
    Command("dead-letters", _ACT, "Records that could not be used: look, mend, read them again."),
    Command("messages", _ACT, "Mails that may or may not have left: send them again, or leave them."),
    Command("runs", _ACT, "Runs that failed: let them try again, or end them; cancel a customer's runs."),
    Command("suppress", _ACT, "Never write to an address again."),
)


def main() -> None:
    """The console script: run the command line, leave with its exit code."""
    # A command makes many values that stay until it ends: looking for circles of garbage among them every 700 values
    # took a seventh of a short command's time. A long-running engine sets its own pace.
    gc.set_threshold(50_000, 20, 100)
    code = run(sys.argv[1:])
    gc.freeze()  # the process ends: no last look through everything that was loaded
    sys.exit(code)


def run(argv: Sequence[str]) -> int:
    """Run one command line and return its exit code; errors are printed, never raised (but see POSTVENTA_DEBUG)."""
    try:
        command = typer.main.get_command(app_for(argv))
        speak(command, asked_in(argv))
        command(args=list(argv), prog_name="postventa")
    except SystemExit as leaving:
        return leaving.code if isinstance(leaving.code, int) else int(leaving.code is not None)
    except PostventaError as error:
        _explain(told_error(error, asked_in(argv)))
        return FINDINGS if isinstance(error, JourneyError) else CANNOT_RUN
    except BrokenPipeError:
        # The reader (head, less) has seen enough; keep Python from complaining about it while it shuts down.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except OSError as error:
        _explain(_system_error(error))
        return CANNOT_RUN
    return 0


def app_for(argv: Sequence[str]) -> typer.Typer:
    """The application with the command that `argv` names imported, and every other one as a line of help."""
    wanted = next((word for word in argv if not word.startswith("-")), None)
    completing = "_POSTVENTA_COMPLETE" in os.environ
    # Without rich's mark-up the help is plain text and appears at once: importing rich takes longer than all the rest.
    app = typer.Typer(
        cls=_Sections,
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    app.callback(invoke_without_command=True)(_options)
    for command in COMMANDS:
        if command.exists:
            _add(app, command, load=completing or command.name == wanted)
    return app


def _add(app: typer.Typer, command: Command, load: bool) -> None:
    """Register `command`: for real when `load` is true, otherwise by its help line alone."""
    body: Any = import_module(command.module).command if load else _placeholder(command)
    if isinstance(body, typer.Typer):
        app.add_typer(body, name=command.name, help=command.help)
    else:
        app.command(command.name, short_help=command.help)(body)


def _placeholder(command: Command) -> Callable[[], None]:
    """A function that only carries the help line: its command is never the one that is called."""

    def named() -> None:
        raise AssertionError(f"'{command.name}' was called but not loaded")

    named.__doc__ = command.help
    return named


def _options(
    context: typer.Context,
    version: bool = typer.Option(False, "--version", help="Print the version and leave.", is_eager=True),
) -> None:
    """The time after the purchase: journeys as YAML files, one run per order, a stated delivery promise."""
    if version:
        typer.echo(f"postventa {__version__}")
        raise typer.Exit
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())


class _Sections(TyperGroup):
    """The help's list of commands, by what a person wants to do instead of one long column."""

    spoken = "en"

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """Write one section for each kind of work, in the order of the table."""
        from postventa.source.language import told

        present = [command for command in COMMANDS if command.name in self.list_commands(ctx)]
        for section in dict.fromkeys(command.section for command in present):
            rows = [(one.name, told(one.help, self.spoken)) for one in present if one.section == section]
            with formatter.section(told(section, self.spoken)):
                formatter.write_dl(rows)


def _system_error(error: OSError) -> str:
    """What the operating system refused, as a block like every other error."""
    where = f"\n  where: {error.filename}" if error.filename else ""
    return f"{error.strerror or error}{where}"


def _explain(block: str) -> None:
    """Print the error that is being handled on stderr; with POSTVENTA_DEBUG its traceback first."""
    if os.environ.get("POSTVENTA_DEBUG"):
        import traceback

        traceback.print_exc()
    typer.echo(f"error: {block}", err=True)


if __name__ == "__main__":
    main()
