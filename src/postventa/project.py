"""A project: every file a shop writes, read, checked and compiled together. Immutable: one value per state of them.

`Project.load` reads a folder, `Project.from_files` a release's bundle. Neither raises for what a user can write:
`problems` has it all, and what is sound is usable.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from fnmatch import fnmatch
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import Any

from postventa.core.journey import Catalog, Journey
from postventa.errors import ConfigError, JourneyError
from postventa.journeys.check import Tell, load_journeys
from postventa.journeys.known import Known
from postventa.journeys.languages import check_languages
from postventa.journeys.loyalty import LoyaltyForm, load_loyalty
from postventa.journeys.products import Products, load_products
from postventa.journeys.surveys import SurveyPage, load_surveys
from postventa.journeys.wordings import check_wordings
from postventa.journeys.words import LANGUAGE
from postventa.schemas.own import load_own
from postventa.schemas.registry import Registry, builtin
from postventa.settings import DECIDING, FILE, Settings, read_settings
from postventa.source.lacking import placed
from postventa.source.problem import Problem, errors, in_order, report
from postventa.source.yaml import load
from postventa.templates import Brand, MessageCatalog

BELONGS = (
    "journeys/*.yaml", "surveys/*.yaml", "templates/*", "schemas/events/*.yaml", "loyalty.yaml", "products.csv",
    "brand.yaml", FILE,
)  # fmt: skip
"""The files of a release, as patterns (`*` crosses folders)."""
_NOT_COUNTED = {"journeys": ("title", "owner"), "surveys": ("title",)}
_BIGGEST = 8 * 1024 * 1024


@dataclass(frozen=True)
class Project:
    """Everything a shop wrote. A journey, survey or message with an error is left out of its mapping."""

    files: Mapping[str, bytes]
    settings: Settings
    registry: Registry
    journeys: Mapping[str, Journey]
    messages: MessageCatalog
    surveys: Mapping[str, SurveyPage]
    loyalty: LoyaltyForm
    products: Products
    brand: Brand
    problems: tuple[Problem, ...]
    root: Path | None = None
    agents: tuple[str, ...] = field(default=())
    """The files in agents/, relative to the project. They are programs, not part of a release."""

    @classmethod
    def load(cls, path: Path | str, *, with_agents: bool = False, tell: Tell | None = None) -> Project:
        """The project in a folder. ConfigError when there is no such folder, or nothing of a project in it.

        `with_agents`: run the files in agents/, too, to tell what is wrong in them and which events they bring.
        `tell`: moves a bar while many files are read.
        """
        root = Path(path)
        if not root.is_dir():
            raise ConfigError("there is no such folder", where=str(root), mend="name the folder with postventa.yaml")
        if not (root / FILE).is_file() and not (root / "journeys").is_dir():
            raise ConfigError("this folder holds no project", where=str(root), mend="make one: postventa init DIR")
        files, unreadable = read_files(root)
        agents = tuple(sorted(f"agents/{file.name}" for file in (root / "agents").glob("[!_]*.py")))
        return cls._build(files, unreadable, root, agents, with_agents=with_agents, tell=tell)

    @classmethod
    def from_files(cls, files: Mapping[str, bytes]) -> Project:
        """The project in a bundle: path (with '/') -> content. Files that belong to no project are passed over."""
        return cls._build({name: raw for name, raw in files.items() if belongs(name)}, [], None, ())

    @classmethod
    def _build(
        cls,
        files: Mapping[str, bytes],
        unreadable: list[Problem],
        root: Path | None,
        agents: tuple[str, ...],
        *,
        with_agents: bool = False,
        tell: Tell | None = None,
    ) -> Project:
        settings, told, _ = read_settings(files.get(FILE))
        registry, own = load_own(_under(files, "schemas/events/", ".yaml"), builtin())
        brought, mapped = _brought(root, registry) if with_agents and root and agents else (None, [])
        brand, branded = Brand.from_yaml(files["brand.yaml"]) if "brand.yaml" in files else (Brand(), [])
        messages, worded = MessageCatalog.from_files(files, brand, default_locale=settings.locale)
        programme, earned = load_loyalty(files.get("loyalty.yaml"), code_files=_code_files(root))
        products, sold = load_products(files.get("products.csv"))
        survey_files = _under(files, "surveys/", ".yaml")
        core_messages = messages.core_messages()
        folders = frozenset(
            name.split("/")[1] for name in files if name.startswith("templates/") and name.count("/") > 1
        )
        named = {**dict.fromkeys(folders), **core_messages}
        surveys, asked = load_surveys(survey_files, named, settings.all_locales)
        known = Known(
            registry,
            core_messages,
            {name: page.core for name, page in surveys.items()},
            frozenset(programme.rewards if programme else ()),
            frozenset(settings.groups),
            settings.currency,
            {"message": folders, "survey": frozenset(PurePosixPath(file).stem for file in survey_files)},
            programme is not None,
            kinds={name: messages.spec(name).kind for name in messages},
            folders={name: tuple(messages.variants(name)) for name in messages},
            products=_columns(products),
            columns=frozenset(column for row in products.values() for column in row) if products else None,
            tags=frozenset(settings.tags),
            caps=tuple(cap.core() for cap in settings.caps),
            brought=brought,
        )
        journeys = load_journeys(_under(files, "journeys/", ".yaml"), known, tell)
        wordings = check_wordings(journeys.trees.values(), known, messages.readings())
        written = (locale for name in messages for locale in messages.locales(name))
        languages = [] if errors(told) else check_languages(files, {*settings.all_locales, *written})
        beside = [*told, *own, *mapped, *branded, *worded, *earned, *sold, *asked, *languages]
        problems = [*unreadable, *beside, *journeys.problems, *wordings]
        return cls(
            files,
            settings,
            registry,
            journeys.compiled,
            messages,
            surveys,
            programme or LoyaltyForm(),
            products,
            brand,
            tuple(in_order(placed(problems, files))),
            root,
            agents,
        )

    @cached_property
    def hash(self) -> str:
        """What names this state of the files as a release."""
        return release_hash(self.files)

    @property
    def errors(self) -> list[Problem]:
        """The problems that stop a publish."""
        return errors(self.problems)

    def sources(self) -> dict[str, str]:
        """The text of every file, for showing a problem's line."""
        return {name: raw.decode("utf-8", "replace") for name, raw in self.files.items()}

    def report(self) -> str:
        """All problems as people read them."""
        return report(self.problems, self.sources())

    def require_sound(self) -> Project:
        """This project; JourneyError with every problem when there is an error."""
        if self.errors:
            raise JourneyError(self.problems, where=str(self.root) if self.root else None, mend="postventa validate")
        return self

    @property
    def sound_settings(self) -> Settings:
        """The settings, for whoever acts by them. JourneyError with the mistakes in their file: what cannot be read
        stands at its default, and that may be another database and another way for mail."""
        wrong = [problem for problem in self.errors if problem.file == FILE]
        if wrong:
            raise JourneyError(wrong, where=str(self.root / FILE) if self.root else FILE, mend="postventa validate")
        return self.settings

    def catalog(
        self, live_from: datetime | None = None, older: Mapping[tuple[str, str], Journey] | None = None
    ) -> Catalog:
        """What the core decides by. `older`: the versions that runs still stand in; `live_from`: the first publish."""
        mine = {(journey.id, journey.version): journey for journey in self.journeys.values()}
        return Catalog(
            release=self.hash,
            live=dict(self.journeys),
            versions={**(older or {}), **mine},
            messages=self.messages.core_messages(),
            surveys={name: page.core for name, page in self.surveys.items()},
            products=self.products,
            kinds=self.registry.kinds(),
            loyalty=self.loyalty.core(),
            shop=self.settings.core(live_from),
        )


def belongs(name: str) -> bool:
    """Whether a file is part of a release. Hidden files and folders never are."""
    if any(part.startswith((".", "~")) or part.endswith("~") for part in name.split("/")):
        return False
    return any(fnmatch(name, pattern) for pattern in BELONGS)


def read_files(root: Path) -> tuple[dict[str, bytes], list[Problem]]:
    """The files of a release in a folder, and those that could not be read."""
    files: dict[str, bytes] = {}
    problems: list[Problem] = []
    for path in _inside(root):
        name = path.relative_to(root).as_posix()
        if name.endswith(".yml") and belongs(name.removesuffix("yml") + "yaml"):
            problems.append(Problem(name, 0, 0, "Y117", "a file that ends in .yml is not read", "rename it to .yaml"))
        if not belongs(name) or not path.is_file():
            continue
        try:
            if path.stat().st_size > _BIGGEST:
                problems.append(Problem(name, 0, 0, "Y101", "the file is larger than 8 MB", "make it smaller"))
            else:
                files[name] = path.read_bytes()
        except OSError as error:
            problems.append(
                Problem(name, 0, 0, "Y102", f"the file cannot be read: {error.strerror}", "check its rights")
            )
    return files, problems


def _inside(root: Path) -> Iterator[Path]:
    """Whatever may belong to a release. A folder beside it (a history, an environment, a page's programs) may hold
    thousands of files: it is not looked into."""
    tops = {pattern.partition("/")[0] for pattern in BELONGS}
    for path in sorted(root.iterdir()):
        yield path
        if path.name in tops and path.is_dir():
            yield from sorted(path.rglob("*"))


def release_hash(files: Mapping[str, bytes]) -> str:
    """SHA-256 over what the files mean: comments, titles, owners, key order and machine settings do not count."""
    parts = {name: _meaning(name, raw) for name, raw in files.items() if belongs(name)}
    text = json.dumps([LANGUAGE, parts], sort_keys=True, ensure_ascii=False, separators=(",", ":"), default=str)
    return hashlib.sha256(text.encode()).hexdigest()


def _meaning(name: str, raw: bytes) -> Any:
    """A YAML file's values without those that do not count; any other file's bytes, hashed."""
    document = load(name, raw) if name.endswith(".yaml") else None
    if document is None or document.problems or not isinstance(plain := document.plain(), dict):
        return hashlib.sha256(raw).hexdigest()
    if name == FILE:
        return {key: value for key, value in plain.items() if key in DECIDING}
    dropped = _NOT_COUNTED.get(name.split("/", maxsplit=1)[0], ())
    return {key: value for key, value in plain.items() if key not in dropped}


def _brought(root: Path, registry: Registry) -> tuple[frozenset[str], list[Problem]]:
    """The event types that the project's agents bring, and what is wrong in their files."""
    from postventa.agents.loader import load_agents

    agents, problems = load_agents(root / "agents", registry)
    patterns = {pattern for agent in agents.values() for pattern in agent.schema}
    return frozenset(name for name in registry.types for pattern in patterns if fnmatch(name, pattern)), problems


def _code_files(root: Path | None) -> frozenset[str] | None:
    """The files in codes/, relative to the project; None for a bundle, which does not carry them."""
    if root is None:
        return None
    return frozenset(path.relative_to(root).as_posix() for path in root.glob("codes/*") if path.is_file())


def _columns(products: Products) -> dict[str, frozenset[str]]:
    """Every value of the columns that `choose_by` may read."""
    return {name: frozenset(str(row[name]) for row in products.values() if name in row) for name in ("category", "sku")}


def _under(files: Mapping[str, bytes], folder: str, ending: str) -> dict[str, bytes]:
    return {name: raw for name, raw in files.items() if name.startswith(folder) and name.endswith(ending)}
