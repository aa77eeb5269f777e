"""The language a command speaks: `language` in the project's postventa.yaml, English where there is none."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from typing import Any

from postventa.errors import PostventaError

_SPANISH = re.compile(r"""^["']?language["']?:[ ]+["']?es["']?[ ]*(?:#.*)?\r?$""", re.MULTILINE)


@contextmanager
def spoken(project: Path) -> Iterator[None]:
    """Whatever goes wrong inside is told in the project's language."""
    try:
        yield
    except PostventaError as error:
        from postventa.source.language import told

        language = language_of(project)
        error.message, error.mend = told(error.message, language), told(error.mend or "", language) or None
        raise


def language_of(project: Path) -> str:
    """Of a project's folder. Never raises: a file that cannot be read is told by whoever needs it.

    Reads that one line only: `--help` has no time for a YAML parser.
    """
    try:
        text = (project / "postventa.yaml").read_text("utf-8", errors="replace")
    except OSError:
        return "en"
    return "es" if _SPANISH.search(text) else "en"


def asked_in(argv: Sequence[str]) -> str:
    """The language of the project that a command line is about."""
    words = [part for word in argv for part in word.split("=", 1)]
    named = [after for word, after in pairwise(words) if word == "--project"]
    return language_of(Path(named[-1] if named else "."))


def told_error(error: PostventaError, language: str) -> str:
    """An error as the terminal shows it. Its names for what is wrong, where and how to mend it are told, too."""
    from postventa.source.language import told

    error.message, error.mend = told(error.message, language), told(error.mend or "", language) or None
    block = error.block()
    for word in ("where", "mend") if language != "en" else ():
        block = re.sub(rf"\n  {word}: +", f"\n  {told(word, language)}: ", block)
    return block


def speak(command: Any, language: str) -> None:
    """Have a command, and each below it, give its help in `language`: its texts, and the words around them."""
    from postventa.source.language import told

    if language == "en":
        return
    for name in ("help", "short_help"):
        text = getattr(command, name, None) or ""
        setattr(command, name, "\n\n".join(told(" ".join(part.split()), language) for part in text.split("\n\n")))
    for option in command.params:
        option.help = told(getattr(option, "help", None) or "", language)
    for below in getattr(command, "commands", {}).values():
        speak(below, language)
    command.spoken = language
    plain = command.get_help
    command.get_help = lambda context: _framed(plain(context), language)


def _framed(text: str, language: str) -> str:
    """The words that the library puts around a help."""
    from postventa.source.language import told

    for word in ("Usage:", "Options:", "Arguments:", "Commands:", "[required]", "Show this message and exit."):
        text = text.replace(word, told(word, language))
    return text
