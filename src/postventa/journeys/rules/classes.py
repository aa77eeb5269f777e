"""A survey, review or referral request is never transactional."""

from __future__ import annotations

from postventa.journeys.known import Known
from postventa.journeys.tree import Tree

CODES = {
    "J215": "The law does not count asking for opinions or friends as part of the contract: such a message needs the "
            "class soft_opt_in or marketing.",
}  # fmt: skip

_ASKS_FOR = ("survey", "review", "referral")


def check(tree: Tree, known: Known) -> None:
    """Look at every message by what it is for."""
    for step in tree.walk():
        names = [step.object] if step.verb == "send" and _asks(step.object) else []
        if step.verb == "ask" and (survey := known.surveys.get(step.object)) is not None:
            names = [survey.message, survey.reminder]
        for name in names:
            message = known.messages.get(name or "")
            if message is not None and message.klass == "transactional":
                tree.say(step.at(step.verb), "J215", f"the message '{name}' asks for an opinion and is transactional",
                         f"write 'class: soft_opt_in' in templates/{name}/message.yaml")  # fmt: skip


def _asks(name: object) -> bool:
    return isinstance(name, str) and any(word in _ASKS_FOR for word in name.split("-"))
