"""Where a key that others lean on would stand: the second place of a problem that is told where it hurts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

from postventa.source.positions import locate
from postventa.source.problem import Problem
from postventa.source.yaml import load


def placed(problems: Iterable[Problem], files: Mapping[str, bytes]) -> Iterator[Problem]:
    """The same problems; those that name the key they lack say where its parent stands, too."""
    for problem in problems:
        file, _, path = problem.lacks.rpartition(" ")
        root = load(file, files[file]).root if file in files else None
        node = locate(root, path.split("/")) if root is not None else None
        yield replace(problem, also=f"{file}:{node.line}:{node.column}") if node is not None else problem
