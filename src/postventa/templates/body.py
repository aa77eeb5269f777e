"""A message body ready to be run: its two Jinja templates, what they read, and what may not stand in them.

`compile` makes it of what the author wrote, `kept` finds one that was made before.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

from jinja2 import Template, nodes

from postventa.source.nearest import suggest
from postventa.source.problem import Problem
from postventa.templates.brand import Brand
from postventa.templates.sandbox import environment, refusals
from postventa.templates.spots import Spots
from postventa.templates.tags import LineMap
from postventa.templates.uses import Use, uses_of


@dataclass
class Source:
    """A template ready to run, and where its lines were written. `html`: output is escaped. `spots`: what the author
    wrote, to the column.
    """

    file: str
    template: str
    lines: LineMap | None
    html: bool
    spots: Spots

    @cached_property
    def tree(self) -> nodes.Template:
        """Jinja's syntax tree. TemplateSyntaxError when it cannot be read."""
        return environment(self.html).parse(self.template)

    @cached_property
    def ready(self) -> Template:
        """The compiled template; made at the first rendering, which is most of the cost of a release."""
        env = environment(self.html)
        code = env.compile(self.template, name=self.file, filename=self.file)
        return Template.from_code(env, code, env.globals)

    def line(self, compiled: int) -> int:
        """The author's line."""
        return self.lines.line(compiled) if self.lines else compiled

    def uses(self) -> list[Use]:
        """The values it reads, at the author's lines."""
        return [Use(use.path, self.line(use.line), use.guarded) for use in uses_of(self.tree)]


@dataclass
class Body:
    """One message body in one language."""

    file: str
    html: Source
    text: Source
    reads: list[tuple[Source, Use]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Job:
    """What a body is compiled with. `optional`: the customer can stop such mails, so the foot says how."""

    locale: str
    brand: Brand
    optional: bool


def faults(source: Source) -> list[Problem]:
    """Names that do not exist and constructs a message may not use, as problems. TemplateSyntaxError passes through."""
    env = environment(source.html)
    found = [(line, "T114", sentence, "take it out") for line, sentence in refusals(source.tree)]
    for node in source.tree.find_all((nodes.Filter, nodes.Test)):
        kind, known = ("filter", env.filters) if isinstance(node, nodes.Filter) else ("test", env.tests)
        if node.name not in known:
            found.append(
                (node.lineno, "T110", f"unknown {kind} '{node.name}'", suggest(node.name, sorted(known), kind, 40))
            )
    told = [Problem(source.file, source.line(line), 1, code, message, help_) for line, code, message, help_ in found]
    return [source.spots.point(problem) for problem in told]


def decoded(raw: bytes) -> str:
    """A file's text as templates know it. UnicodeDecodeError when it is not UTF-8."""
    return raw.decode("utf-8-sig").replace("\r\n", "\n")
