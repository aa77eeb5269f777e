"""Loads the agents of a project: each file under a private name, so that no folder of a project becomes a package.

A file that does not load is a Problem with its line; the agents of the other files are there all the same.
"""

from __future__ import annotations

import sys
import traceback
from collections.abc import Mapping
from fnmatch import filter as matching
from hashlib import blake2b
from pathlib import Path
from types import ModuleType

from postventa.agents.declare import Agent
from postventa.schemas.registry import Registry
from postventa.source.nearest import suggest
from postventa.source.problem import Problem

CODES = {
    "A101": "The file is not Python; no record of its topic would be read.",
    "A102": "The file stops with an error while it is loaded; no record of its topic would be read.",
    "A103": "A file in agents/ declares how the records of a topic become events, with `@agent` above a function. This "
    "one declares nothing.",
    "A104": "Two agents for one topic: each record is read by one function only.",
    "A105": "The agent names an event that does not exist, so what it brings would be refused.",
}


def load_agents(folder: Path, registry: Registry) -> tuple[dict[str, Agent], list[Problem]]:
    """The agents of `folder/*.py` by topic, and every problem. Names that begin with `_` are left out."""
    paths = (path for path in folder.glob("*.py") if not path.name.startswith("_"))
    files = {f"{folder.name}/{path.name}": path.read_bytes() for path in paths}
    return load_sources(files, registry)


def load_sources(files: Mapping[str, bytes], registry: Registry) -> tuple[dict[str, Agent], list[Problem]]:
    """The same from texts (file name -> content), as a release holds them."""
    agents: dict[str, Agent] = {}
    problems: list[Problem] = []
    for file in sorted(files):
        found = _load(file, files[file])
        if isinstance(found, Problem):
            problems.append(found)
            continue
        for one in found:
            problem = _wrong(one, agents, registry)
            if problem is None:
                agents[one.topic] = one
            else:
                problems.append(problem)
    return agents, problems


def _load(file: str, source: bytes) -> list[Agent] | Problem:
    """The agents a file declares. Its code runs: these are the project's own files, as trusted as its journeys."""
    name = f"_postventa_agent_{blake2b(file.encode() + source, digest_size=8).hexdigest()}"
    module = ModuleType(name)
    module.__file__ = file
    sys.modules[name] = module  # dataclasses and pickling in the file look their module up here
    try:
        exec(compile(source, file, "exec", dont_inherit=True), module.__dict__)  # noqa: S102 (the project's own code)
    except SyntaxError as error:
        return Problem(file, error.lineno or 0, error.offset or 0, "A101", f"this is not Python: {error.msg}", "")
    except Exception as error:  # noqa: BLE001 (whatever a project's file raises is told, and the others go on)
        frames = [one for one in traceback.extract_tb(error.__traceback__) if one.filename == file]
        line = frames[-1].lineno or 0 if frames else 0
        return Problem(file, line, 1 if line else 0, "A102", f"it stops with {type(error).__name__}: {error}", "")
    agents = [value for value in vars(module).values() if isinstance(value, Agent) and value.file == file]
    return agents or Problem(
        file, 0, 0, "A103", "no agent is declared here", "put @agent(topic=…, schema=…) above a function", "warning"
    )


def _wrong(one: Agent, agents: Mapping[str, Agent], registry: Registry) -> Problem | None:
    """What is wrong with a declaration, beside the others."""
    if one.topic in agents:
        first = agents[one.topic]
        help_ = f"the first is {first.name} in {first.file}:{first.line}; one function reads a topic"
        return Problem(one.file, one.line, 1, "A104", f"a second agent for topic '{one.topic}'", help_)
    for pattern in one.schema:
        if not matching(registry.types, pattern):
            help_ = suggest(pattern, registry.types, "event types", limit=6)
            return Problem(one.file, one.line, 1, "A105", f"no event type is called '{pattern}'", help_)
    return None
