"""What Jinja says about a template it cannot read, in sentences."""

from __future__ import annotations

import re

_PLAIN = (
    (r"Encountered unknown tag '(\w+)'.*innermost block that needs to be closed is '(\w+)'",
     "'{0}' is no word here; the open '{1}' ends with 'end{1}'"),
    (r"Encountered unknown tag '(\w+)'", "'{0}' is no word that may begin a {% … %}"),
    (r"Unexpected end of template.*innermost block that needs to be closed is '(\w+)'",
     "'{0}' is opened and never ended"),
    (r"[Uu]nexpected end of template|unexpected 'end of template'", "the file ends inside a {{ … }} or {% … %}"),
    (r"expected token 'end of (?:print statement|statement block)', got '(.*)'",
     "'{0}' stands where the braces should close"),
    (r"unexpected '(.*)'", "'{0}' does not belong here"),
    (r"unexpected char '?(.+?)'? at \d+", "'{0}' does not belong here"),
    (r"expected token '(.*)', got '(.*)'", "'{1}' stands where '{0}' is expected"),
    (r"expected name or number", "a name is missing behind the dot"),
    (r"Expected an expression, got '(.*)'", "a value is missing between the braces"),
    (r"No (filter|test) named '(.*)'", "unknown {0} '{1}'"),
    (r"Missing end of (\w+)", "a comment is opened and never ended"),
)  # fmt: skip


def plain(said: str) -> str:
    """Jinja's message as a sentence; what is not known here is told as a template that cannot be read."""
    for pattern, sentence in _PLAIN:
        if found := re.search(pattern, said, re.DOTALL):
            return re.sub(r"\{(\d)\}", lambda hole: found[int(hole[1]) + 1], sentence)
    return "this template cannot be read here"
