"""What the docs show can be copied: every YAML file in them is sound within a project, every command in them exists."""

from __future__ import annotations

import re
import shlex
from importlib import import_module
from pathlib import Path

import pytest
import typer.main

from postventa.cli.main import COMMANDS
from postventa.project import Project
from postventa.source.yaml import load

ROOT = Path(__file__).resolve().parents[2]
PAGES = [path for path in [ROOT / "README.md", *(ROOT / "docs").glob("*.md"), *(ROOT / "docs/es").glob("*.md")]
         if path.name not in ("codes.md", "codigos.md")]  # fmt: skip
"""The pages of codes are made of `postventa explain`'s examples, which have a test of their own."""
FILES = {"journey": "journeys/{}.yaml", "event": "schemas/events/{}.yaml", "test": "tests/{}.yaml"}
"""First key -> the file such a block is; its value is the name."""
BLOCK = re.compile(r"^```yaml\n(.*?)^```", re.MULTILINE | re.DOTALL)
PART_OF_A_FILE = {"where"}
"""Blocks that begin with these are tried inside a journey."""


def blocks() -> list[tuple[str, str]]:
    return [(f"{page.relative_to(ROOT)}-{number}", body)
            for page in PAGES for number, body in enumerate(BLOCK.findall(page.read_text("utf-8")))]  # fmt: skip


@pytest.mark.parametrize(("name", "body"), blocks(), ids=lambda value: value if value.count("\n") == 0 else "")
def test_what_is_shown_is_sound_in_a_project(name: str, body: str) -> None:
    files = dict(Project.load(ROOT).files)
    before = {str(one) for one in Project.from_files(files).problems}
    root = load(name, body.encode()).plain()
    assert isinstance(root, dict), name
    first = next(iter(root))
    if first in FILES:
        files[FILES[first].format(re.sub(r"[^a-z]+", "-", str(root[first]).lower()))] = body.encode()
        if first == "journey":
            del files["journeys/after-purchase.yaml"]  # which sends the same mails at the same time
    elif first == "class":
        files["templates/tutorial/message.yaml"] = body.encode()
    elif first in PART_OF_A_FILE:
        head = "journey: shown\nsubject: order\nstart:\n  on: order.delivered\n"
        text = head + "".join(f"  {line}\n" for line in body.splitlines()) + "steps:\n  - emit: ticket.requested\n"
        files["journeys/shown.yaml"] = text.encode()
        files["postventa.yaml"] += b"tags: [vip]\n"
    else:
        files["postventa.yaml"] = b"shop: Shown\ncurrency: EUR\ntimezone: Europe/Madrid\nlocale: es\n" + body.encode()
    found = [str(one) for one in Project.from_files(files).problems if str(one) not in before]
    assert found == [], name


def commands() -> list[tuple[str, str]]:
    """Every `postventa …` in code, on one line or in a block, with the page it is on."""
    found: dict[str, str] = {}
    for page in PAGES:
        text = page.read_text("utf-8")
        inline = re.findall(r"(?<!`)`(postventa [^`]+)`(?!`)", text)
        fenced = [line for block in re.findall(r"^```(?:sh|console)?\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
                  for line in block.replace("\\\n", " ").splitlines()]  # fmt: skip
        lines = [re.sub(r"^(\$ )?(\.venv/bin/)?", "", line) for line in fenced]
        for one in [*inline, *lines]:
            if one.startswith("postventa "):
                found.setdefault(" ".join(one.split()), page.name)
    return sorted(found.items())


def test_every_command_in_the_docs_exists_with_its_options() -> None:
    """Also where a page shows an option beside others (`--to HASH`): what a command does not have is wrong."""
    known = {command.name: command for command in COMMANDS}
    wrong = []
    for line, page in commands():
        words = [word for word in shlex.split(line.replace("…", ""), comments=True) if word not in ("[", "]")][1:]
        if not words or not re.fullmatch(r"[a-z][a-z-]*", words[0]):
            continue
        if words[0] not in known:
            wrong.append(f"{page}: {line}: no such command")
            continue
        wrong += [f"{page}: {line}: no {option}" for option in _unknown(known[words[0]].module, words[1:])]
    assert wrong == []
    assert len(commands()) > 50


def _unknown(module: str, words: list[str]) -> list[str]:
    """The options among `words` that the command, or the command below it that they name, does not have."""
    body = import_module(module).command
    app = body if isinstance(body, typer.Typer) else typer.Typer()
    if body is not app:
        app.command()(body)
    here = typer.main.get_command(app)
    for word in words:
        below = getattr(here, "commands", {})
        if word not in below:
            break
        here = below[word]
    options = {option for one in here.params for option in (*one.opts, *one.secondary_opts)} | {"--help"}
    return [word for word in words if word.startswith("--") and word.strip("[]").partition("=")[0] not in options]
