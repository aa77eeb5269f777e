"""200 small mistakes in the reference project's files: each is refused where it is, or changes what customers receive.

Every slip in a key, verb, event, field, message name or unit is refused at its line, and a key that had to be there
at its parent. What leaves a valid file is listed apart, with the part of the project it changes.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest
from mutations import Mutation, chosen

from postventa.project import Project
from postventa.source.problem import Problem
from postventa.templates import catalog

ROOT = Path(__file__).parents[2]
COUNT = 200
NOT_COUNTED = {"title", "owner"}
"""Keys for people only: the language says that they change nothing."""
REPEATS_A_DEFAULT = {
    "then: go_on",
    "measure: goal",
    "codes: generated",
    "currency: EUR",
    "kind: notice",
    "channels: {'email': {'kind': 'mailbox'}}",
    "shipment.available_for_pickup: go_on",
    "scale: {'from': 1, 'to': 5}",
}
"""Keys of the reference project that say what holds without them."""


@pytest.fixture(autouse=True)
def templates_compiled_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """What stays as it is need not be compiled 200 times."""
    body, whole = catalog.body_of, catalog.MessageCatalog.from_files
    bodies: dict[Any, Any] = {}
    catalogs: dict[Any, Any] = {}

    def body_of(file: str, raw: bytes, job: Any, own_text: Any) -> Any:
        key = (file, raw, job.locale, job.optional, own_text, str(job.brand.data))
        compiled, problems = bodies.get(key) or bodies.setdefault(key, body(file, raw, job, own_text))
        return compiled, list(problems)

    def from_files(files: Any, brand: Any, *, default_locale: str) -> Any:
        mine = [(name, raw) for name, raw in sorted(files.items()) if name.startswith("templates/")]
        key = (tuple(mine), str(brand), default_locale)
        return catalogs.get(key) or catalogs.setdefault(key, whole(files, brand, default_locale=default_locale))

    monkeypatch.setattr(catalog, "body_of", body_of)
    monkeypatch.setattr(catalog.MessageCatalog, "from_files", from_files)


def meaning(project: Project) -> dict[str, Any]:
    """What a project does, part by part, without lines and without what only people read."""
    journeys = {
        name: _unlined(asdict(replace(one, title="", owner="", version=""))) for name, one in project.journeys.items()
    }
    messages = {name: _unlined(asdict(project.messages.spec(name))) for name in project.messages}
    return {
        "journeys": journeys,
        "messages": messages,
        "surveys": {name: asdict(page) for name, page in project.surveys.items()},
        "loyalty": project.loyalty.model_dump(),
        "settings": project.settings.model_dump(),
        "brand": dict(project.brand.data),
    }


def _unlined(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _unlined(one) for key, one in value.items() if key != "line"}
    return type(value)(map(_unlined, value)) if isinstance(value, list | tuple) else value


def test_every_mistake_is_refused_or_changes_something() -> None:
    project = Project.load(ROOT)
    before, told_before = meaning(project), set(project.problems)
    mutations = chosen(project, COUNT)
    assert len(mutations) == COUNT
    assert {m.kind for m in mutations} >= {
        f"slip: {one}" for one in ("key", "verb", "event", "field", "message", "unit")
    }
    refused: Counter[str] = Counter()
    changed: list[str] = []
    failures: list[str] = []
    for mutation in mutations:
        after = Project.from_files({**project.files, mutation.file: mutation.text.encode()})
        errors = [one for one in after.errors if one not in told_before]
        if errors:
            refused[mutation.kind] += 1
            if not _well_placed(mutation, errors):
                failures.append(f"{mutation}: refused elsewhere: {errors[0]}")
        elif mutation.slip:
            failures.append(f"{mutation}: accepted")
        elif parts := [part for part, value in meaning(after).items() if value != before[part]]:
            changed.append(f"{mutation}: changes the {', '.join(parts)}")
        elif not _changes_nothing_by_design(mutation):
            failures.append(f"{mutation}: accepted, and changes nothing")
    slips = sum(mutation.slip for mutation in mutations)
    print(
        f"\n{COUNT} mutations, {slips} of them slips; refused: {sum(refused.values())} {dict(sorted(refused.items()))}"
    )
    print(f"valid, but something else ({len(changed)}):", *changed, sep="\n  ")
    assert failures == []


def _well_placed(mutation: Mutation, errors: list[Problem]) -> bool:
    """A slip at its own line; a key taken out at its parent, as the place itself or as the second one that is named."""
    if mutation.slip:
        return any(one.file == mutation.file and one.line == mutation.line for one in errors)
    if mutation.kind == "a key taken out":
        parents = {f"{mutation.file}:{line}" for line in mutation.parent}
        return any({f"{one.file}:{one.line}", one.also.rpartition(":")[0]} & parents for one in errors)
    return True


def _changes_nothing_by_design(mutation: Mutation) -> bool:
    return mutation.what.partition(":")[0] in NOT_COUNTED or mutation.what in REPEATS_A_DEFAULT
