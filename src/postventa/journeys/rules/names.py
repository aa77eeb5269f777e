"""Every name leads somewhere: events, messages, surveys, rewards, groups, the currency."""

from __future__ import annotations

from postventa.journeys.known import Known
from postventa.journeys.tree import Name, Tree
from postventa.source.nearest import did_you_mean, suggest

CODES = {
    "J201": "No such event. Built-in types are listed in docs/events.md; your own go to schemas/events/, one per file.",
    "J202": "No such message: templates/<message>/message.yaml does not exist.",
    "J203": "No such survey: surveys/<survey>.yaml does not exist.",
    "J204": "No such reward under `rewards` in loyalty.yaml.",
    "J214": "Nobody is called that: `to` takes customer, or a group listed under `groups` in postventa.yaml.",
    "J224": "Points are counted in the shop's currency (postventa.yaml); another one cannot be converted.",
}


def check(tree: Tree, known: Known) -> None:
    """Say which names lead nowhere."""
    for name in tree.names:
        match name.kind:
            case "event":
                _event(tree, name, known)
            case "measure" if name.name != "goal":
                _event(tree, name, known)
            case "message":
                _one_of(tree, name, "J202", "message", known.messages, known, "make templates/{0}/message.yaml")
            case "survey":
                _one_of(tree, name, "J203", "survey", known.surveys, known, "make surveys/{0}.yaml")
            case "reward" if known.loyalty:
                mend = "add '{0}' under 'rewards' in loyalty.yaml"
                _one_of(tree, name, "J204", "reward", known.rewards, known, mend, lacks="loyalty.yaml rewards")
            case "group" if name.name != "customer":
                _one_of(
                    tree,
                    name,
                    "J214",
                    "group",
                    ["customer", *known.groups],
                    known,
                    "add it under 'groups' in postventa.yaml",
                )
            case "currency" if name.name != known.currency:
                tree.say(name.node, "J224", f"the shop counts in {known.currency}, not in {name.name}",
                         f"did you mean '{name.node.text.split()[0]} {known.currency}'?")  # type: ignore[union-attr]  # fmt: skip


def _event(tree: Tree, name: Name, known: Known) -> None:
    if name.name in known.registry.types:
        return
    thing = name.name.split(".", maxsplit=1)[0]
    same = [one for one in known.registry.types if one.startswith(f"{thing}.")]
    hint = did_you_mean(name.name, known.registry.types)
    others = f"of {thing} there are: {', '.join(same)}" if same else "your own events go to schemas/events/"
    tree.say(name.node, "J201", f"unknown event '{name.name}'", f"{hint} ({others})" if hint else others)


def _one_of(
    tree: Tree, name: Name, code: str, what: str, there: object, known: Known, mend: str, lacks: str = ""
) -> None:
    names = sorted(there)  # type: ignore[call-overload]
    if name.name in names or name.name in known.broken.get(what, ()):
        return
    hint = suggest(name.name, names, f"{what}s") or mend.format(name.name)
    tree.say(name.node, code, f"unknown {what} '{name.name}'", hint, lacks=lacks)
