"""House rules as tests: sizes, purposes, purity of the core, one library one place, nothing of one machine.

A failure names file and line and says what to do. The rules and their reasons are in CONTRIBUTING.md.
"""

from __future__ import annotations

import ast
import re
import subprocess
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from postventa.cli.main import COMMANDS, Command
from postventa.starter import FOLDERS

ROOT = Path(__file__).resolve().parents[1]
FUNCTION_LINES, MODULE_LINES = 70, 400
PYTHON_ROOMS = ("src/", "tests/", "examples/", "bench/", "tools/", "agents/")

# Where an outside library may be imported, as prefixes of module names inside postventa.
ONE_PLACE = {
    "aiosmtplib": ("channels",),
    "asyncpg": ("store.postgres",),
    "babel": ("templates",),
    "fastapi": ("web",),
    "faust": ("runtimes.kafka",),
    "jinja2": ("templates", "web"),
    "kafka": ("publish", "cli", "testing", "runtimes.kafka"),
    "markdown_it": ("templates",),
    "mrml": ("templates",),
    "orjson": ("store.codec",),
    "prometheus_client": ("web",),
    "rich": ("cli",),
    "ruamel": ("source",),
    "sqlite3": ("store",),
    "starlette": ("web",),
    "typer": ("cli",),
    "uvicorn": ("web", "runtimes"),
    "watchfiles": ("runtimes",),
}
IMPURE_MODULES = {"asyncio", "io", "logging", "os", "pathlib", "random", "secrets", "socket", "sqlite3", "sys", "time"}
IMPURE_CALLS = {"datetime.now", "datetime.utcnow", "datetime.today", "date.today", "uuid4", "uuid1", "open", "print"}


@cache
def tracked() -> tuple[Path, ...]:
    """The files under version control that still exist; the test needs a checkout."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True)
    if listed.returncode:
        pytest.skip("not a git checkout")
    return tuple(path for name in listed.stdout.split("\0") if name and (path := ROOT / name).is_file())


def python_files(*rooms: str) -> list[Path]:
    """The tracked Python files below the named rooms."""
    return [path for path in tracked() if path.suffix == ".py" and _name(path).startswith(rooms or PYTHON_ROOMS)]


@cache
def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), filename=str(path))


def _name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def _module(path: Path) -> str:
    """`src/postventa/store/sqlite.py` -> `store.sqlite`."""
    return _name(path).removeprefix("src/postventa/").removesuffix(".py").replace("/", ".")


def _distribution(requirement: str) -> str:
    """`ruamel.yaml>=0.18` -> `ruamel-yaml`, the name as a lock spells it."""
    return re.sub(r"[._]", "-", re.split(r"[<>=!~\[; ]", requirement)[0]).lower()


def functions(path: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    return (node for node in ast.walk(tree(path)) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))


def code_lines(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Lines from `def` to the last one, without the docstring."""
    doc = function.body[0]
    is_doc = isinstance(doc, ast.Expr) and isinstance(doc.value, ast.Constant) and isinstance(doc.value.value, str)
    docstring = (doc.end_lineno or 0) - doc.lineno + 1 if is_doc else 0
    return (function.end_lineno or 0) - function.lineno + 1 - docstring


def imports(path: Path) -> Iterator[tuple[int, str]]:
    """(line, full module name) of every absolute import in the file."""
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.lineno, node.module


def test_functions_fit_on_a_screen() -> None:
    long = [
        f"{_name(path)}:{function.lineno} {function.name}: {lines} lines"
        for path in python_files()
        for function in functions(path)
        if (lines := code_lines(function)) > FUNCTION_LINES
    ]
    assert not long, f"longer than {FUNCTION_LINES} lines, take a named piece out: {long}"


def test_modules_can_be_read_in_one_sitting() -> None:
    long = [
        f"{_name(path)}: {lines} lines"
        for path in python_files()
        if (lines := len(path.read_text(encoding="utf-8").splitlines())) > MODULE_LINES
    ]
    assert not long, f"longer than {MODULE_LINES} lines, split by what changes together: {long}"


def test_every_file_says_what_it_is_for() -> None:
    mute = [_name(path) for path in python_files() if not ast.get_docstring(tree(path))]
    assert not mute, f"no docstring at the top: {mute}"


def test_the_core_reads_no_clock_and_touches_nothing() -> None:
    found = []
    for path in python_files("src/postventa/core/"):
        found += [f"{_name(path)}:{line} imports {name}" for line, name in imports(path) if name in IMPURE_MODULES]
        for node in ast.walk(tree(path)):
            call = ast.unparse(node.func) if isinstance(node, ast.Call) else ""
            if any(call == banned or call.endswith(f".{banned}") for banned in IMPURE_CALLS):
                found.append(f"{_name(path)}:{node.lineno} calls {call}")
    assert not found, f"core decides from its arguments alone, pass it in: {found}"


def test_an_outside_library_has_one_place() -> None:
    strays = [
        f"{_name(path)}:{line} imports {name}"
        for path in python_files("src/")
        for line, name in imports(path)
        if (places := ONE_PLACE.get(name.split(".")[0])) and not _module(path).startswith(places)
    ]
    assert not strays, f"call the package that owns the library instead: {strays}"


def test_content_folders_are_no_packages() -> None:
    """A regular package named `agents` would hide, or be hidden by, somebody else's."""
    wrong = [_name(path) for path in tracked() if path.name == "__init__.py" and _name(path).startswith(FOLDERS)]
    assert not wrong, f"content folders are read by path and take no public name, remove: {wrong}"


def test_nothing_of_one_machine_or_registry() -> None:
    hosts = ("pypi" + ".org", "pythonhosted" + ".org", "registry.npmjs" + ".org", "crates" + ".io/api")
    machine = re.compile(r"(?<![\w.}:/~-])/(?:work|root|home/\w+|Users/\w+|opt/wheels)(?=/|\b)")
    found = []
    for path in tracked():
        try:
            text = path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue
        for number, line in enumerate(text.splitlines(), 1):
            if any(host in line for host in hosts) or (machine.search(line) and path != Path(__file__)):
                found.append(f"{_name(path)}:{number} {line.strip()[:80]}")
    assert not found, f"a path or host that others do not have: {found}"


@pytest.mark.parametrize("page", ["docs/commands.md", "docs/es/comandos.md"])
@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command.name)
def test_every_command_is_in_the_docs(command: Command, page: str) -> None:
    assert re.search(rf"^\| .*`postventa {command.name}\b", (ROOT / page).read_text("utf-8"), re.MULTILINE), (
        f"add a row to {page}"
    )


def test_both_pages_of_commands_name_the_same() -> None:
    """Row by row the same commands with the same options: what one language tells, the other does not leave out."""
    english, spanish = (
        [sorted(set(re.findall(r"`postventa [a-z -]+|(?<![\w-])--[a-z][a-z-]+", line))) for line in page if "|" in line]
        for page in (
            (ROOT / name).read_text("utf-8").splitlines() for name in ("docs/commands.md", "docs/es/comandos.md")
        )
    )
    assert spanish == english


def test_every_dependency_has_its_reason() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    lines = project["project"]["dependencies"] + project["dependency-groups"]["dev"]
    names = [re.split(r"[<>=!~\[; ]", line)[0] for line in lines]
    page = (ROOT / "docs" / "dependencies.md").read_text(encoding="utf-8")
    missing = [name for name in names if not re.search(rf"(?<![\w-]){re.escape(name)}(?![\w-])", page)]
    assert not missing, f"say in docs/dependencies.md why it is here: {missing}"


@pytest.mark.parametrize("lock", ["requirements.lock", "requirements-dev.lock"])
def test_the_locks_hold_every_dependency_with_hashes(lock: str) -> None:
    text = (ROOT / lock).read_text(encoding="utf-8")
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    wanted = list(project["project"]["dependencies"])
    wanted += project["dependency-groups"]["dev"] if "dev" in lock else []
    missing = [line for line in wanted if f"\n{_distribution(line)}==" not in f"\n{text}"]
    assert not missing, f"run 'make lock': {missing}"
    assert "://" not in text, "a lock names no host"
    pins = re.split(r"\n(?=\S)", text.strip())
    assert all("--hash=sha256:" in pin for pin in pins), "every pin carries its hashes"
