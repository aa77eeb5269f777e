"""All journeys of a project: read, checked by every rule, compiled. One bad file never stops the others."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from postventa.core.journey import Journey, Survey
from postventa.journeys import rules
from postventa.journeys.compile import compile_journey
from postventa.journeys.form import read_journey
from postventa.journeys.known import Known
from postventa.journeys.tree import Tree
from postventa.source.problem import Problem, errors, in_order
from postventa.source.yaml import Document, load


@dataclass(frozen=True, slots=True)
class Journeys:
    """What came of the journey files. One with an error is not in `compiled`; `trees` holds all that were read."""

    compiled: Mapping[str, Journey] = field(default_factory=dict)
    trees: Mapping[str, Tree] = field(default_factory=dict)
    problems: tuple[Problem, ...] = ()


Tell = Callable[[str, int, int | None], None]
"""(what is being done, how much is done, of how much): moves a bar."""


def load_journeys(files: Mapping[str, bytes | str], known: Known, tell: Tell | None = None) -> Journeys:
    """Read `{file name: content}`. Never raises for what a user can write. `tell` hears of every file."""
    documents: list[Document] = []
    for file in sorted(files):
        if tell is not None:
            tell(file, len(documents), len(files))
        documents.append(load(file, files[file]))
    trees = {doc.file: tree for doc in documents if (tree := read_journey(doc, known.registry)) is not None}
    for tree in trees.values():
        for rule in rules.EACH:
            rule(tree, known)
    for all_rule in rules.TOGETHER:
        all_rule(list(trees.values()), known)
    compiled = {
        tree.id: compile_journey(tree, known.surveys)
        for doc in documents
        if (tree := _sound(doc, trees, known.surveys)) is not None
    }
    found = [problem for doc in documents for problem in doc.problems]
    found += [problem for tree in trees.values() for problem in tree.problems]
    return Journeys(compiled, trees, tuple(in_order(found)))


def _sound(document: Document, trees: Mapping[str, Tree], surveys: Mapping[str, Survey]) -> Tree | None:
    """The tree of a file without errors, all of whose surveys could be read."""
    tree = trees.get(document.file)
    if tree is None or errors([*document.problems, *tree.problems]):
        return None
    asked = [step.object for step in tree.walk() if step.verb == "ask"]
    return tree if all(survey in surveys for survey in asked) else None
