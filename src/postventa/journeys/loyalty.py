"""loyalty.yaml: the points programme: what is earned, how long it lasts, tiers, and rewards with their codes."""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, model_validator

from postventa.core.journey import Loyalty, Reward, Tier
from postventa.source.forms import Form, Span, problem_at, read
from postventa.source.nearest import suggest
from postventa.source.problem import Problem
from postventa.source.yaml import load

FILE = "loyalty.yaml"

CODES = {
    "L103": "A key is missing in loyalty.yaml.",
    "L104": "There is no such key in loyalty.yaml.",
    "L105": "A value that does not fit.",
    "L106": "The file with a reward's codes does not exist: no customer could be given one.",
}


def _kebab(text: str) -> str:
    if not re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", text):
        raise ValueError(f"'{text}' is not a name: small letters, digits and '-'")
    return text


RewardName = Annotated[str, AfterValidator(_kebab)]


class Earning(Form):
    """Points that are earned by themselves. Read and kept; for now points come from `award` in journeys."""

    on: str
    """The event that earns."""
    points: int = Field(ge=1)
    """How many points."""
    per: str = "order"
    """order, line, or an amount such as 10 EUR."""
    pending: Span | None = None
    """How long they wait before they count."""


class TierForm(Form):
    """A level, reached by points earned."""

    name: str
    """The level's name."""
    from_points: int = Field(alias="from", ge=0)
    """From so many points earned."""


class RewardForm(Form):
    """Something a customer is given, with a code."""

    title: str | dict[str, str] | None = None
    """What the customer reads: one text, or one per language."""
    codes: Literal["generated", "file", "webhook"] = "generated"
    """`generated`: made here. `file`: taken from a file, one a line. `webhook`: asked for at an address."""
    prefix: str = Field(default="", pattern=r"^[A-Z0-9-]{0,12}$")
    """What every code begins with: CLARA-."""
    file: str | None = None
    """The file with the codes: codes/welcome.txt."""
    url_env: str | None = None
    """The environment variable with the address that gives codes."""
    valid_for: Span | None = None
    """How long a code is good."""

    @model_validator(mode="after")
    def _source(self) -> RewardForm:
        if self.codes == "file" and not self.file:
            raise ValueError("'codes: file' needs 'file: codes/<name>.txt', one code a line")
        if self.codes == "webhook" and not self.url_env:
            raise ValueError("'codes: webhook' needs 'url_env', the environment variable with the address")
        return self


class LoyaltyForm(Form):
    """The file."""

    name: str | dict[str, str] | None = None
    """The programme's name: one text, or one per language."""
    expire: Span | None = None
    """Points lapse after this; left out: never."""
    earning: tuple[Earning, ...] = ()
    """Points that are earned by themselves."""
    tiers: tuple[TierForm, ...] = ()
    """The levels, by points earned."""
    rewards: dict[RewardName, RewardForm] = Field(default_factory=dict)
    """What points or journeys give, by name."""

    def core(self) -> Loyalty:
        """What the core decides by: tiers from the lowest."""
        tiers = sorted((Tier(tier.name, tier.from_points) for tier in self.tiers), key=lambda tier: tier.from_points)
        rewards = {name: Reward(name, form.codes, form.prefix) for name, form in self.rewards.items()}
        return Loyalty(self.expire, tuple(tiers), rewards)


def load_loyalty(
    raw: bytes | str | None, file: str = FILE, code_files: Collection[str] | None = None
) -> tuple[LoyaltyForm | None, list[Problem]]:
    """The programme; an empty one where there is no file; None, with the problems, where it is wrong.

    `code_files`: the files that are there to take codes from; None where nobody looked.
    """
    if raw is None:
        return LoyaltyForm(), []
    document = load(file, raw)
    programme, problems = read(LoyaltyForm, document, "L")
    for name, reward in programme.rewards.items() if programme and code_files is not None else ():
        if reward.codes == "file" and reward.file not in (code_files or ()):
            problems.append(problem_at(document, ("rewards", name, "file"), "L106", f"there is no file '{reward.file}'",
                                       suggest(str(reward.file), sorted(code_files or ()), "files in codes/")
                                       or "put it there, one code a line"))  # fmt: skip
    return programme, problems
